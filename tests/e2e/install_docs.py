"""docs/install.md as a new administrator follows it: its commands, as printed, in a copy of the repository; what it
shows of their output; its examples of values; and the errors that it explains, produced one by one.

Blocks of language `sh` are run, `text` right behind them is what they print. `console` needs what is not here: docker,
kind, a registry. Of the other pages those blocks are run that say so (tests/integration/pages.py).
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

from api_support import annotations_of
from chart_support import CONFIGURATION, find, helm, needs_helm, render, render_text
from cluster import ROOT, ClusterCase, Refused, kubectl, wait_until
from install_support import (NAME, Installation, inventory, needs_image, rucio_pod, say, wait_for_inventory,
                             wait_until_called)

from pages import PAGES, read_blocks

PAGE = ROOT / "docs" / "install.md"
BLOCKS = read_blocks(PAGE)
EXPERIMENT = "rucio-atlas"
IMAGES = pathlib.Path(os.environ.get("RPW_E2E_DIR", str(ROOT / "build" / "e2e"))) / "images"
# What every failed call begins with, and what the page leaves out.
CALL_FAILED = (f'failed calling webhook "pods.policy.rucio.cern.ch": failed to call webhook: '
               f'Post "https://{NAME}.{NAME}.svc:443/mutate?timeout=5s": ')


def commands_of(section):
    found = [block.text for block in BLOCKS if (block.section, block.language) == (section, "sh")]
    assert found, f"{PAGE} has no commands in its section {section!r}"
    return found


def prose():
    """The page without its line ends."""
    return " ".join(PAGE.read_text(encoding="utf-8").split())


def make_image(folder, name):
    """A root file system with Python, under the name of Rucio's image in the page."""
    archive = pathlib.Path(folder) / "rucio.tar"
    maker = ROOT / "tests" / "e2e" / "images" / "docker_archive.py"
    subprocess.run([sys.executable, str(maker), str(archive), name,
                    '{"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}',
                    str(IMAGES / "layers" / "debian.tar")], check=True)
    return archive


@needs_helm
@needs_image
class AsPrinted(ClusterCase):
    """A copy of the repository, in which the experiment of the page has been prepared."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_image()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.copy = pathlib.Path(folder.name) / "rucio-policy-webhook"
        shutil.copytree(ROOT, cls.copy, symlinks=True, ignore=shutil.ignore_patterns("build", ".git"))
        cls.installed = Installation(cls.api, NAME)
        cls.clean = inventory(cls.api)
        cls.addClassCleanup(cls.remove_all)
        for commands in commands_of("The configuration"):
            cls.run_commands(commands)
        # These come with a namespace, some time after it.
        for kind, name in (("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")):
            wait_until(lambda kind=kind, name=name: cls.exists(kind, name, EXPERIMENT), f"{EXPERIMENT} has its {name}")
        cls.prepared = inventory(cls.api)

    @classmethod
    def load_image(cls):
        """That of the page's pod; any other cluster pulls it."""
        if "RPW_E2E_KUBECONFIG" in os.environ:
            return
        commands = "".join(block.text for block in BLOCKS if block.language == "sh")
        names = set(re.findall(r"--image=(\S+)", commands))
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                subprocess.run([ROOT / "scripts" / "cluster.sh", "load", make_image(folder, name)], check=True,
                               stdout=subprocess.DEVNULL)

    @classmethod
    def remove_all(cls):
        helm("uninstall", NAME, "--namespace", NAME, "--ignore-not-found")
        kubectl("delete", "--ignore-not-found", "--filename", str(ROOT / "manifests" / "install.yaml"), check=False)
        kubectl("delete", "namespace", EXPERIMENT, "--ignore-not-found")
        wait_for_inventory(cls.api, cls.clean)

    @classmethod
    def run_commands(cls, commands):
        """Returns what they print to standard output."""
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", commands], cwd=cls.copy, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=400, check=False)
        assert done.returncode == 0, f"{commands}{done.stdout}{done.stderr}\n{cls.installed.describe()}"
        return done.stdout

    def new_pod(self):
        return self.api.create(rucio_pod(), EXPERIMENT, dry_run=True)

    def assert_patched(self):
        self.assertEqual(annotations_of(self.new_pod()).get("status"), "injected")

    def follow(self, section):
        """Runs a section's commands in order, and compares what the page shows of their output."""
        printed, installations = "", 0
        for block in BLOCKS:
            if block.section != section:
                continue
            if block.language == "text":
                self.assertTrue(printed.endswith(block.text), f"the page shows\n{block.text}but it was\n{printed}")
            elif block.language == "sh":
                printed = self.run_commands(block.text)
                if re.search(r"helm upgrade|rollout status", block.text):
                    wait_until_called(self.api, EXPERIMENT)
                    installations += 1
                elif re.search(r"helm uninstall|kubectl delete --ignore-not-found -[fk]", block.text):
                    wait_for_inventory(self.api, self.prepared)
        self.assertGreater(installations, 1)
        say(f"{section}: {installations} installations and upgrades, and nothing is left")


class WithHelm(AsPrinted):
    def test_commands_work_as_printed(self):
        self.follow("With Helm")


class WithKubectl(AsPrinted):
    def test_commands_work_as_printed(self):
        self.follow("With kubectl")

    def test_events_of_pods_that_do_not_start(self):
        path = str(self.copy / "manifests" / "install.yaml")
        self.addCleanup(kubectl, "delete", "--filename", path)
        kubectl("apply", "--filename", path)

        def messages():
            return {event["message"] for event in self.api.list("Event", NAME)}

        for words in (f'MountVolume.SetUp failed for volume "policy" : configmap "{NAME}-policy" not found',
                      'MountVolume.SetUp failed for volume "tls" : references non-existent secret key: tls.crt'):
            wait_until(lambda words=words: words in messages(), words)
            self.assertIn(f"`{words}`", prose())


class OtherPages(AsPrinted):
    def test_commands_work_as_printed(self):
        blocks = [block for page in PAGES for block in read_blocks(page) if block.mark == "in a cluster"]
        for block in blocks:
            with self.subTest(str(block)):
                pod = kubectl("-n", NAME, "get", "pods", "-l", "app.kubernetes.io/component=webhook", "-o",
                              "jsonpath={.items[0].metadata.name}", check=False).stdout
                self.run_commands(block.text.replace("/POD:", f"/{pod}:"))
                if "helm upgrade" in block.text:
                    helm("upgrade", NAME, str(self.copy / "manifests" / "chart"), "--namespace", NAME, "--reuse-values",
                         "--set", "audit.enabled=true", "--wait")
        self.assertEqual(len(blocks), 4)


class Troubles(AsPrinted):
    """One after the other in one installation, which each of them begins with as the page makes it."""

    def setUp(self):
        for commands in commands_of("The configuration"):
            if "policy.yaml" in commands:
                self.run_commands(commands)

    def install(self):
        self.run_commands(commands_of("With Helm")[0])
        wait_until_called(self.api, EXPERIMENT)

    def refusal(self):
        """Why a new pod is refused; none while it is created."""
        try:
            self.new_pod()
        except Refused as refused:
            return refused.message
        return None

    def assert_explained(self, words):
        self.assertIn(f"`{words}`", prose())

    def assert_refusal_is_explained(self, *kinds):
        """Pods are refused for one of these reasons (replicas that are going may answer before), and the page has its
        words."""
        def reason():
            message = self.refusal() or ""
            return message if any(kind in message for kind in kinds) else None

        message = wait_until(reason, f"the pod is refused: {' or '.join(kinds)}")
        words = message.removeprefix("Internal error occurred: ").removeprefix(CALL_FAILED)
        self.assert_explained(re.sub(r"dial tcp [0-9.]+:", "dial tcp 10.96.41.7:", words))

    def test_certificates_that_were_replaced_are_repaired(self):
        self.install()
        forced = helm("upgrade", NAME, str(self.copy / "manifests" / "chart"), "--namespace", NAME, "--force",
                      "--set-file", f"configuration={self.copy / 'policy.yaml'}")
        self.assertRegex(forced.stderr, f'failed to replace object: Job.batch "{NAME}-certs-[0-9a-f]+" is invalid')
        self.assertEqual(self.installed.bundles(), [None])
        self.assert_refusal_is_explained("unknown authority")
        for commands in commands_of("With Flux or Argo CD"):
            self.run_commands(commands)
        wait_until(lambda: not self.refusal(), "pods are created again")
        self.install()

    def test_errors_of_a_webhook_that_cannot_be_called(self):
        self.install()
        self.installed.scale(0)
        # The latter where apiservers do not go through the Service's address.
        self.assert_refusal_is_explained("connection refused", "no endpoints")
        self.installed.scale(2)
        self.installed.wait_for_rollout()

        kubectl("-n", NAME, "delete", "service", NAME)
        self.assert_refusal_is_explained("not found")
        self.install()

        certificates = self.copy / "certificates"
        subprocess.run([os.environ["RPW_PROGRAM"], "certs", "generate", "--dns", "webhook.example.org", "--out",
                        str(certificates)], check=True, stdout=subprocess.DEVNULL)
        kubectl("-n", NAME, "create", "secret", "tls", "own", f"--cert={certificates / 'tls.crt'}",
                f"--key={certificates / 'tls.key'}")
        values = ("--set", "certificates.issuer=provided", "--set", "certificates.secretName=own",
                  "--set-file", f"certificates.caBundle={certificates / 'ca.crt'}")
        helm("upgrade", NAME, str(self.copy / "manifests" / "chart"), "--namespace", NAME, "--wait", "--set-file",
             f"configuration={self.copy / 'policy.yaml'}", *values)
        self.assert_refusal_is_explained("is valid for")

    def test_refusal_by_the_policy(self):
        policy = self.copy / "policy.yaml"
        policy.write_text(policy.read_text(encoding="utf-8").replace("unmatched: warn", "unmatched: reject")
                          .replace(EXPERIMENT, "elsewhere"), encoding="utf-8")
        self.run_commands(commands_of("With Helm")[0])
        self.assert_refusal_is_explained("denied the request")

    def test_wrong_configuration_ends_helm_with_the_reason(self):
        policy = self.copy / "policy.yaml"
        right = policy.read_text(encoding="utf-8")
        policy.write_text(right.replace("package: atlas_rucio", "package: atlas-rucio"), encoding="utf-8")
        arguments = ("upgrade", "--install", NAME, str(self.copy / "manifests" / "chart"), "--namespace", NAME,
                     "--create-namespace", "--set-file", f"configuration={policy}", "--wait")
        helm("uninstall", NAME, "--namespace", NAME, "--ignore-not-found")
        for verb in ("pre-install", "pre-upgrade"):
            done = helm(*arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("policy.yaml:5:14: error: package: found 'atlas-rucio_policy_package'",
                          done.stdout + done.stderr)
            self.assertRegex(done.stderr, rf"{verb} hooks failed|failed {verb}")
            self.assertIn(f"job {NAME}-check failed: BackoffLimitExceeded", done.stderr)
            reason = kubectl("-n", NAME, "logs", f"job/{NAME}-check").stdout
            self.assertIn("policy.yaml:5:14: error: package: found", reason)
            policy.write_text(right, encoding="utf-8")
            self.install()
            policy.write_text(right.replace("package: atlas_rucio", "package: atlas-rucio"), encoding="utf-8")
        self.assert_patched()  # by what was there before
        self.assert_explained(f"job {NAME}-check failed: BackoffLimitExceeded")


@needs_helm
class Values(unittest.TestCase):
    """What the page says of the chart without a cluster."""

    def examples(self, kind):
        texts = [block.text for block in BLOCKS if block.language == "yaml"]
        found = [thing for text in texts for thing in yaml.safe_load_all(text) if thing.get("kind") == kind]
        self.assertEqual(len(found), 1)
        return found[0]["spec"]

    def assert_rendered(self, values):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(values, file)
            done = helm("template", NAME, str(ROOT / "manifests" / "chart"), "--namespace", NAME, "--values", file.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("image: \"registry.example.org/rucio/rucio-policy-webhook:", done.stdout)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(values["configuration"])
            file.flush()
            subprocess.run([os.environ["RPW_PROGRAM"], "check", file.name], check=True, stdout=subprocess.DEVNULL)

    def test_the_page_says_what_failed_calls_begin_with(self):
        self.assertIn(f"`{CALL_FAILED.strip()}`", prose())

    def test_values_of_the_helm_release_are_rendered_and_its_configuration_is_right(self):
        self.assert_rendered(self.examples("HelmRelease")["values"])

    def test_values_of_the_application_are_rendered_and_its_configuration_is_right(self):
        self.assert_rendered(self.examples("Application")["source"]["helm"]["valuesObject"])

    def test_every_choice_is_a_value_of_the_chart(self):
        text = PAGE.read_text(encoding="utf-8").partition("## Choices")[2].partition("\n## ")[0]
        choices = [shlex.split(found) for found in re.findall(r"`(--set[^`]+)`", text)]
        self.assertGreater(len(choices), 10)
        for flags in choices:
            with self.subTest(flags=flags), tempfile.TemporaryDirectory() as folder:
                authority = pathlib.Path(folder) / "ca.crt"
                authority.write_text("authority", encoding="utf-8")
                render(*[flag.replace("=ca.crt", f"={authority}") for flag in flags])

    def test_values_for_client_authorities_mount_what_the_flag_names(self):
        text = next(block.text for block in BLOCKS if "extraVolumeMounts" in block.text)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            pod = find(render("--no-hooks", "--values", file.name), "Deployment")["spec"]["template"]["spec"]
        container, values = pod["containers"][0], yaml.safe_load(text)
        self.assertIn(values["extraVolumes"][0], pod["volumes"])
        self.assertIn(values["extraVolumeMounts"][0], container["volumeMounts"])
        self.assertIn(f"--client-ca={values['extraVolumeMounts'][0]['mountPath']}/ca.crt", container["args"])

    def in_a_folder(self, command, configuration):
        """The command, run where the manifests are, with this policy.yaml: the completed process."""
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "manifests").symlink_to(ROOT / "manifests")
            (pathlib.Path(folder) / "policy.yaml").write_text(configuration, encoding="utf-8")
            return subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], cwd=folder, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=100, check=False)

    def configuration(self):
        return re.search(r"cat >policy.yaml <<'END'\n(.*?)END\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]

    def test_manifests_of_other_containers_are_rendered_as_the_page_says(self):
        other = self.configuration().replace("    match:\n", "    match:\n      containers: [rucio-probes]\n")
        check = f"{os.environ['RPW_PROGRAM']} check --registration %s policy.yaml"
        done = self.in_a_folder(check % "manifests/install.yaml", other)
        self.assertEqual(done.returncode, 1)
        self.assertIn("install.yaml: /webhooks/0/matchConditions", done.stderr)
        command = next(block.text for block in BLOCKS if block.text.startswith("helm template"))
        done = self.in_a_folder(command + check % "install.yaml", other)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_pod_that_no_policy_selects_is_explained_as_the_page_shows(self):
        blocks = BLOCKS
        place = next(n for n, block in enumerate(blocks) if block.language == "console" and "-o explain" in block.text)
        found = re.search(r"kubectl -n (\S+) get pod (\S+)", blocks[place].text)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": found[2], "namespace": found[1]},
               "spec": {"containers": [{"name": found[2], "image": "none"}]}}
        command = f"{os.environ['RPW_PROGRAM']} mutate --config policy.yaml -f - -o explain"
        done = self.in_a_folder(f"{command} <<<{shlex.quote(json.dumps(pod))}", self.configuration())
        self.assertEqual(done.stdout, blocks[place + 1].text)

    def test_errors_of_rendering_are_those_of_the_page(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(CONFIGURATION)
            file.flush()
            for flags, words in (
                    ((), "configuration: the text of the webhook's configuration is missing "
                         "(--set-file configuration=policy.yaml)"),
                    (("--kube-version", "1.29.0", "--set-file", f"configuration={file.name}"),
                     "chart requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v1.29.0"),
                    (("--set", "replica=3"), "additional properties 'replica' not allowed")):
                with self.subTest(words=words):
                    done = helm("template", NAME, str(ROOT / "manifests" / "chart"), *flags)
                    self.assertIn(words, done.stderr)
                    self.assertIn(f"`{words}`", prose())

    def test_clusters_from_1_30_on_are_those_of_the_chart(self):
        for version in ("1.30.0", "1.30.0-gke.1"):
            self.assertEqual(render_text("--kube-version", version).returncode, 0)


if __name__ == "__main__":
    unittest.main()
