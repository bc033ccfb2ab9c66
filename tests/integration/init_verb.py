"""`init`: a first policy.yaml, from nothing or from a rendered release. What it prints is what `check` takes."""
import base64
import json
import unittest

import yaml

from offline import ROOT, Offline

CORPUS = ROOT.parent / "shared" / "corpus"


def deployment(env=(), containers=("rucio-server",), namespace="rucio-atlas", **spec):
    metadata = {"name": "server", **({"namespace": namespace} if namespace else {})}
    pod = {"containers": [{"name": name, "image": "rucio:38", "env": [{"name": k, "value": v} for k, v in env]}
                          for name in containers], **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {"template": {"metadata": {}, "spec": pod}}}


class Init(Offline):
    def init(self, *flags, release=None, code=0):
        if release is not None:
            text = release if isinstance(release, str) else "---\n".join(json.dumps(thing) + "\n" for thing in release)
            flags = ("-f", "-", *flags)
        done = self.run_program("init", *flags, stdin=text if release is not None else "")
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def policy(self, *flags, **options):
        """The policy that is printed, without comments; `check` has nothing against it."""
        text = self.init(*flags, **options).stdout
        checked = self.run_program("check", "--strict", "-", stdin=text)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        configuration = yaml.safe_load(text)
        self.assertEqual(configuration["unmatched"], "warn")
        (policy,) = configuration["policies"]
        return policy

    def test_from_nothing_it_is_right_for_every_source(self):
        self.assertEqual(list(self.policy()["source"]), ["volume"])
        for source in ("volume", "pip", "preinstalled"):
            policy = self.policy("--source", source, "--package", "atlas_policy", "--namespace", "atlas")
            self.assertEqual((policy["name"], policy["package"], policy["match"], list(policy["source"])),
                             ("atlas-policy", "atlas_policy", {"namespaces": ["atlas"]}, [source]))

    def test_image_to_copy_from_is_a_placeholder(self):
        self.assertEqual(list(self.policy("--source", "copy")["source"]["copy"]), ["image", "path"])

    def test_package_that_is_none_is_refused_with_its_place(self):
        error = self.init("--package", "a b", code=1).stderr
        self.assertIn("makes no configuration", error)
        self.assertIn("package: found 'a b'", error)

    def test_variables_of_a_release_name_the_package(self):
        release = [deployment({"RUCIO_CFG_POLICY_PACKAGE": "atlas_pkg", "PYTHONPATH": "/opt/pkg:/opt/x"}.items())]
        policy = self.policy(release=release)
        self.assertEqual((policy["package"], policy["match"]["namespaces"], policy["source"], policy["path"]),
                         ("atlas_pkg", ["rucio-atlas"], {"preinstalled": {}}, "/opt/pkg"))
        text = self.init(release=release).stdout
        for line in ("#   Deployment rucio-atlas/server: container rucio-server (rucio:38)\n",
                     "#   Deployment rucio-atlas/server: container rucio-server: RUCIO_CFG_POLICY_PACKAGE=atlas_pkg\n",
                     "#   optional_config.rucio_cfg_policy_package\n"):
            self.assertIn(line, text)

    def test_configuration_in_a_secret_names_the_package(self):
        config = base64.b64encode(json.dumps({"policy": {"package": "cms_pkg", "schema": "cms"}}).encode()).decode()
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x.config.common"},
                  "data": {"common.json": config, "other": "!"}}
        for release in ([secret, deployment()], [{"kind": "List", "apiVersion": "v1", "items": [secret, deployment()]}]):
            self.assertEqual(self.policy(release=release)["package"], "cms_pkg")
            text = self.init(release=release).stdout
            self.assertIn("#   Secret x.config.common: common.json: [policy] package = cms_pkg\n", text)
            self.assertIn("#   config.policy.package\n", text)

    def test_packages_of_several_vos_are_kept_apart(self):
        env = {"RUCIO_POLICY_PACKAGE": "all_pkg", "RUCIO_POLICY_PACKAGE_ATL": "atl_pkg", "RUCIO_CFG_POLICY_PACKAGE-cms": "cms_pkg"}
        policy = self.policy(release=[deployment(env.items())])
        self.assertEqual((policy["package"], policy["packages"]), ("all_pkg", {"atl": "atl_pkg", "cms": "cms_pkg"}))

    def test_flags_win_over_what_is_found(self):
        policy = self.policy("--package", "mine", "--source", "volume", "-n", "x",
                             release=[deployment({"RUCIO_POLICY_PACKAGE": "other"}.items(), namespace=None)])
        self.assertEqual((policy["package"], list(policy["source"]), policy["match"]["namespaces"]),
                         ("mine", ["volume"], ["x"]))

    def test_texts_of_others_stay_in_their_comment(self):
        text = self.init(release=[deployment({"RUCIO_CFG_POLICY_X": "a\nunmatched: allow\x1b[2J"}.items())]).stdout
        self.assertEqual(yaml.safe_load(text)["unmatched"], "warn")
        self.assertNotIn("\x1b", text)

    def test_release_without_rucio_is_nothing_to_look_at(self):
        for release in ("", [deployment(containers=("web",))], "kind: Service\n"):
            self.assertIn("found no container called rucio-server", self.init(release=release, code=3).stderr)

    def test_what_is_no_yaml_is_an_error(self):
        self.assertIn("<stdin>:1:", self.init(release="a: [", code=3).stderr)

    def test_workload_that_cannot_be_read_is_an_error(self):
        error = self.init(release=[deployment(), {**deployment(), "metadata": {"name": 5}}], code=3).stderr
        self.assertIn("<stdin>:3:", error)
        self.assertIn("metadata.name: expected a string", error)

    def test_sample_chart_is_read(self):
        text = self.init("-f", str(ROOT / "examples" / "chart" / "rendered.yaml")).stdout
        self.assertIn("CronJob rucio-atlas/atlas-hermes: container rucio-daemons", text)

    @unittest.skipUnless(CORPUS.exists(), "the shared corpus is not here")
    def test_packages_that_the_chart_installs_are_taken_over(self):
        policy = self.policy("-n", "rucio", "-f", str(CORPUS / "daemon-hermes-chart-policy-packages.pod.json"))
        self.assertEqual((policy["package"], policy["source"]), ("vo_1", {"pip": {"requirements": ["vo_1==1.4.0"]}}))


if __name__ == "__main__":
    unittest.main()
