"""The chart, installed with Helm: the image runs as pods under Pod Security `restricted` and patches Rucio's pods, and
everybody has the rights of the chart and no others."""
import json
import subprocess
import threading
import types
import unittest

import api_corpus
from api_support import configuration, policy
from chart_support import needs_helm
from cluster import kubectl, wait_until
from install_support import (AUTHORITY, COMPONENT, NAME, RESTRICTED, TLS, InstalledCase, Release, make_home,
                             needs_image, other_pod, rucio_pod, wait_until_called)
from running import pod_of
from running_rucio import PACKAGE, USED, current


class FollowedLogs:
    """The log lines of all replicas, as they are written."""

    def __init__(self, namespace):
        self.lines = []
        self.process = subprocess.Popen(
            ["kubectl", "-n", namespace, "logs", "--follow", "--selector", f"{COMPONENT}=webhook"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


@needs_helm
@needs_image
class CorpusThroughTheChart(api_corpus.RucioChartPods):
    """The pods of Rucio's charts again, through the Service of a webhook that runs as pods."""

    @classmethod
    def make_webhook(cls, text, label, **_):
        home = make_home(cls)
        release = Release(cls.api, home)
        cls.addClassCleanup(release.uninstall)
        release.install(text, **{"webhook.namespaceSelector": {"matchLabels": {"rpw-e2e": label}}})
        wait_until_called(cls.api, cls.namespace)
        logs = FollowedLogs(home)
        cls.addClassCleanup(logs.close)
        wait_until(lambda: sum("listening" in line for line in list(logs.lines)) >= 2, "the replicas' logs are read")
        return types.SimpleNamespace(server=logs)


class InstalledWithHelm(InstalledCase):
    @classmethod
    def install(cls):
        # `audit` sees the whole cluster, and pods of other classes have never met this webhook.
        match = {"namespaces": [cls.namespace]}
        text = configuration(
            policy("real", package=PACKAGE, match={**match, "podSelector": {"matchLabels": {"policy": "real"}}},
                   source={"copy": {"image": "localhost/rpw-policy:1", "path": "/policy"}}),
            policy(match=match))
        return cls.install_chart(text, **{"audit.enabled": True})

    def test_pods_of_others_are_left_alone(self):
        self.assert_others_are_untouched()
        before = {line for pod in self.installed.pods() for line in self.requests_in(pod)}
        self.api.create(other_pod("not-asked-about"), self.namespace, dry_run=True)
        self.assert_patched()
        wait_until(lambda: {line for pod in self.installed.pods() for line in self.requests_in(pod)} - before,
                   "the Rucio pod is in a log")
        self.assertFalse([pod for pod in self.installed.pods() if "not-asked-about" in self.log_of(pod)])

    def log_of(self, pod):
        return kubectl("-n", self.home, "logs", pod["metadata"]["name"]).stdout

    def requests_in(self, pod):
        return [line for line in self.log_of(pod).splitlines() if '"message":"request"' in line]

    def test_it_runs_as_two_ready_pods_under_pod_security_restricted(self):
        labels = self.api.get("Namespace", self.home)["metadata"]["labels"]
        self.assertEqual({key: labels.get(key) for key in RESTRICTED}, RESTRICTED)
        self.assertEqual(len(self.installed.ready_pods()), 2)
        # It is in force.
        refused = kubectl("-n", self.home, "run", "probe", "--image=none", "--dry-run=server", check=False)
        self.assertIn("violates PodSecurity", refused.stderr)

    def test_a_real_rucio_runs_and_uses_the_package(self):
        self.api.create(pod_of("real", [current()], labels={"policy": "real"}, restartPolicy="Never"), self.namespace)
        self.addCleanup(self.api.delete, "Pod", "real", self.namespace)
        self.wait_for_pod("real", "Succeeded")
        log = self.logs("real", "rucio-server")
        answers = json.JSONDecoder().raw_decode(log[log.index("{"):])[0]
        self.assertEqual({key: answers[key] for key in USED}, USED, answers["errors"])

    def test_audit_tells_what_lacks_its_policy_and_that_nothing_does(self):
        self.assertEqual(self.installed.run_job(f"{NAME}-audit")[0], True)
        # Without the annotation that kept the webhook from it, it is a pod that the webhook has never seen.
        pod = rucio_pod("lacking", restartPolicy="Never")
        pod["metadata"]["annotations"] = {"policy.rucio.cern.ch/inject": "false"}
        self.api.create(pod, self.namespace)
        self.addCleanup(self.api.delete, "Pod", "lacking", self.namespace)
        kubectl("-n", self.namespace, "annotate", "pod", "lacking", "policy.rucio.cern.ch/inject-")
        succeeded, log = self.installed.run_job(f"{NAME}-audit")
        self.assertEqual(succeeded, False)
        self.assertRegex(log, rf"(?m)^{self.namespace}\s.*\blacking\b.*\blacking\b")

    def test_certs_ensure_ran_as_a_job_and_finds_nothing_to_do_as_a_cron_job(self):
        before = self.installed.certificates()
        log = self.installed.ensure_certificates()
        self.assertEqual(self.installed.certificates(), before)
        self.assertNotIn("new", log)
        self.assertEqual(sorted(before[TLS]), ["ca.crt", "tls.crt", "tls.key"])


class Rights(InstalledCase):
    """What each of the ServiceAccounts may do, compared with one that nobody has given anything."""

    # Resources, URLs, names, verbs: as `kubectl auth can-i --list` prints them.
    SECRETS = [f"secrets [] [{name}] [get patch]" for name in (AUTHORITY, TLS)]
    REGISTRATION = [f"mutatingwebhookconfigurations.admissionregistration.k8s.io [] [{NAME}] [get patch]"]
    PODS = ["pods [] [] [list]"]

    @classmethod
    def install(cls):
        return cls.install_chart(**{"audit.enabled": True})

    def rights_of(self, account, namespace=None):
        lines = {}
        for name in (account, "default"):
            done = kubectl("-n", namespace or self.home, "auth", "can-i", "--list",
                           f"--as=system:serviceaccount:{self.home}:{name}")
            lines[name] = {" ".join(line.split()) for line in done.stdout.splitlines()}
        return sorted(lines[account] - lines["default"])

    def test_the_server_has_no_rights_and_no_token(self):
        self.assertEqual(self.rights_of(NAME), [])
        for pod in self.installed.pods():
            spec = pod["spec"]
            self.assertEqual((spec["serviceAccountName"], spec["automountServiceAccountToken"]), (NAME, False))
            self.assertEqual(sorted(volume["name"] for volume in spec["volumes"]), ["policy", "tls"])

    def test_the_server_is_given_the_certificate_and_not_the_key_of_the_authority(self):
        for pod in self.installed.pods():
            secret = next(volume["secret"] for volume in pod["spec"]["volumes"] if "secret" in volume)
            self.assertEqual((secret["secretName"], [item["key"] for item in secret["items"]]),
                             (TLS, ["tls.crt", "tls.key"]))

    def test_certs_ensure_may_use_its_two_secrets_and_its_registration(self):
        self.assertEqual(self.rights_of(f"{NAME}-certs"), self.REGISTRATION + self.SECRETS)
        self.assertEqual(self.rights_of(f"{NAME}-certs", self.namespace), self.REGISTRATION)

    def test_audit_may_list_pods(self):
        for namespace in (self.home, self.namespace):
            self.assertEqual(self.rights_of(f"{NAME}-audit", namespace), self.PODS)

    def test_bindings_are_those_of_the_chart(self):
        found = sorted((binding["kind"], binding["metadata"]["name"])
                       for kind in ("RoleBinding", "ClusterRoleBinding")
                       for binding in ({**item, "kind": kind} for item in self.api.list(kind))
                       if any(subject.get("namespace") == self.home for subject in binding.get("subjects") or []))
        self.assertEqual(found, [("ClusterRoleBinding", f"{NAME}-audit"), ("ClusterRoleBinding", f"{NAME}-certs"),
                                 ("RoleBinding", f"{NAME}-certs")])


if __name__ == "__main__":
    unittest.main()
