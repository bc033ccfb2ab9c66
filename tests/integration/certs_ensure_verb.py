"""`certs ensure` against a stand-in for kube-apiserver: installation, renewal, rotation, damage, races, and being ended."""

import contextlib
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from kube_api import TOKEN, WEBHOOKS, KubeApi, can_be_a_pod, clock, decode, encode, run, secrets, status
from support import PROGRAM, environment

DNS = "rucio-policy-webhook.rucio-system.svc"
AUTHORITY = secrets("rucio-system") + "/rpw-ca"
SERVING = secrets("rucio-system") + "/rpw-tls"
CONFIGURATION = WEBHOOKS + "/rpw"
FLAGS = ["--secret", "rucio-system/rpw-tls", "--ca-secret", "rucio-system/rpw-ca", "--webhook", "rpw", "--dns", DNS]


def configuration(bundle=None):
    """Two webhooks, with fields that nobody here knows."""
    client = {"service": {"name": "rucio-policy-webhook", "namespace": "rucio-system", "path": "/mutate"}}
    return {"kind": "MutatingWebhookConfiguration", "apiVersion": "admissionregistration.k8s.io/v1",
            "metadata": {"name": "rpw", "labels": {"a": "b"}},
            "webhooks": [{"name": name, "clientConfig": {**client, **({"caBundle": bundle} if bundle else {})},
                          "sideEffects": "None", "admissionReviewVersions": ["v1"], "newField": {"x": 0.1}} for name in ("a.policy.rucio.cern.ch", "b.policy.rucio.cern.ch")]}


def openssl(*arguments, stdin=None, minutes=0):
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, text=True, check=True,
                          env={**os.environ, **(clock(minutes, shutil.which("openssl")) if minutes else {})}).stdout


class Pair:
    """A certificate and its key, as PEM text."""

    def __init__(self, certificate, key):
        self.certificate = certificate
        self.key = key


class Authorities:
    """Makes what the program would not make: authorities near their end, other names."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rpw-ca-"))

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def key(self, *algorithm):
        return openssl("genpkey", *(algorithm or ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")))

    def authority(self, days, name="old authority", key=None):
        key = key or self.key()
        (self.folder / "ca.key").write_text(key)
        certificate = openssl("req", "-x509", "-new", "-key", str(self.folder / "ca.key"), "-subj", f"/CN={name}",
                              "-days", str(days), "-addext", "keyUsage=critical,keyCertSign")
        return Pair(certificate, key)

    def intermediate(self, root, days):
        return self.serving(root, days, extensions="basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n",
                            subject="/CN=intermediate")

    def self_signed(self, days):
        key = self.key()
        (self.folder / "self.key").write_text(key)
        return Pair(openssl("req", "-x509", "-new", "-key", str(self.folder / "self.key"), "-subj", "/CN=self", "-days",
                            str(days), "-addext", f"subjectAltName=DNS:{DNS}", "-addext",
                            "basicConstraints=critical,CA:FALSE"), key)

    def serving(self, authority, days, names=f"DNS:{DNS}", extensions=None, subject="/CN=x", minutes=0):
        key = self.key()
        for name, text in (("ca.crt", authority.certificate), ("ca.key", authority.key), ("tls.key", key),
                           ("ext", extensions or f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")):
            (self.folder / name).write_text(text)
        request = openssl("req", "-new", "-key", str(self.folder / "tls.key"), "-subj", subject)
        certificate = openssl("x509", "-req", "-CA", str(self.folder / "ca.crt"), "-CAkey", str(self.folder / "ca.key"),
                              "-CAcreateserial", "-days", str(days), "-extfile", str(self.folder / "ext"), stdin=request,
                              minutes=minutes)
        return Pair(certificate, key)


OWNED = "policy.rucio.cern.ch/certs-ensure"


def secret(**data):
    """One that is ours, since an earlier run made it."""
    return {"kind": "Secret", "apiVersion": "v1",
            "metadata": {"name": "x", "annotations": {"keep": "me", OWNED: "true"}},
            "type": "Opaque", "data": {key.replace("__", "-").replace("_", "."): encode(text) for key, text in data.items()}}


class Ensure(unittest.TestCase):
    make_api = KubeApi

    def setUp(self):
        self.api = self.make_api()
        self.addCleanup(self.api.close)
        self.make = Authorities()
        self.addCleanup(self.make.remove)
        self.minutes = 0  # that the program's clock is ahead of ours

    def ensure(self, *flags, code=0):
        done = run("certs", "ensure", *FLAGS, *self.api.flags, *flags, **self.clock())
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def clock(self):
        return clock(self.minutes) if self.minutes else {}

    def finish(self):
        """Runs until nothing is left to wait for, two hours later each time. Returns what was printed."""
        printed = last = self.ensure().stdout
        for _ in range(3):
            if "run this again after" not in last:
                break
            self.minutes += 120
            last = self.ensure().stdout
            printed += last
        return printed

    # --- what is in the cluster

    def data(self, path, key):
        value = self.api.objects[path]["data"].get(key)
        return value and decode(value)

    def bundles(self):
        return {webhook["clientConfig"].get("caBundle") for webhook in self.api.objects[CONFIGURATION]["webhooks"]}

    def bundle(self):
        """The PEM texts of the one caBundle that all webhooks have."""
        bundles = self.bundles()
        self.assertEqual(len(bundles), 1)
        return re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", decode(bundles.pop()), re.S)

    def is_trusted(self):
        """Whether an apiserver that knows the caBundle would accept the serving certificate."""
        (self.make.folder / "bundle").write_text("".join(self.bundle()))
        (self.make.folder / "leaf").write_text(self.data(SERVING, "tls.crt"))
        now = str(int(time.time()) + 60 * self.minutes)
        return subprocess.run(["openssl", "verify", "-attime", now, "-purpose", "sslserver", "-verify_hostname", DNS, "-CAfile",
                               self.make.folder / "bundle", "-untrusted", self.make.folder / "leaf",
                               self.make.folder / "leaf"], capture_output=True,
                              check=False).returncode == 0

    def assert_in_order(self):
        """One authority, published alone; a serving certificate that it signed, with its key."""
        authority = self.data(AUTHORITY, "ca.crt")
        self.assertIsNone(self.data(AUTHORITY, "ca-previous.crt"))
        self.assertEqual(self.bundle(), [authority])
        self.assertTrue(self.is_trusted())
        self.assertEqual(openssl("x509", "-noout", "-pubkey", stdin=self.data(SERVING, "tls.crt")),
                         openssl("pkey", "-pubout", stdin=self.data(SERVING, "tls.key")))

    def snapshot(self):
        return {path: thing["metadata"]["resourceVersion"] for path, thing in self.api.objects.items()}

    def plant(self, authority, serving, published=True):
        """What an earlier run would have left."""
        self.api.put(AUTHORITY, secret(ca_crt=authority.certificate, ca_key=authority.key))
        self.api.put(SERVING, secret(tls_crt=serving.certificate, tls_key=serving.key, ca_crt=authority.certificate))
        self.api.put(CONFIGURATION, configuration(encode(authority.certificate) if published else None))


class Installation(Ensure):
    def test_makes_everything(self):
        self.api.put(CONFIGURATION, configuration())
        done = self.ensure()
        self.assert_in_order()
        self.assertIn("in order: the serving certificate is valid until", done.stdout)
        self.assertEqual(self.api.objects[SERVING]["type"], "kubernetes.io/tls")
        self.assertNotIn("key", self.api.objects[CONFIGURATION]["metadata"])
        self.assertEqual(set(self.api.tokens), {f"Bearer {TOKEN}"})

    def test_leaves_fields_of_others(self):
        self.api.put(CONFIGURATION, configuration())
        self.ensure()
        found = self.api.objects[CONFIGURATION]
        self.assertEqual(found["metadata"]["labels"], {"a": "b"})
        self.assertEqual([webhook["newField"] for webhook in found["webhooks"]], [{"x": 0.1}] * 2)

    def test_second_run_writes_nothing(self):
        self.api.put(CONFIGURATION, configuration())
        self.ensure()
        before = self.snapshot()
        self.ensure()
        self.assertEqual(self.snapshot(), before)

    def test_secrets_are_made_without_a_configuration_but_that_is_no_success(self):
        done = self.ensure(code=1)
        self.assertIn("found no MutatingWebhookConfiguration 'rpw'", done.stderr)
        self.assertIn("tls.key", self.api.objects[SERVING]["data"])
        self.api.put(CONFIGURATION, configuration())
        self.ensure()
        self.assert_in_order()

    def test_configuration_without_webhooks_is_an_error(self):
        self.api.put(CONFIGURATION, {**configuration(), "webhooks": []})
        self.assertIn("webhooks: found none", self.ensure(code=1).stderr)

    def test_several_at_once(self):
        self.api.put(CONFIGURATION, configuration())
        results = []
        threads = [threading.Thread(target=lambda: results.append(self.ensure().returncode)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [0] * 4)
        self.assert_in_order()

    def test_certificates_that_others_made_are_replaced_without_a_gap(self):
        authority = self.make.authority(300)
        self.plant(authority, self.make.serving(authority, 200))
        del self.api.objects[AUTHORITY]
        self.api.after_write = lambda: self.assertTrue(self.is_trusted())
        done = self.ensure()
        self.assertIn("run this again after", done.stdout)
        self.assertIn(authority.certificate, self.bundle())
        self.finish()
        self.assert_in_order()


class Chains(Ensure):
    """What is served works in a way that is not ours: it must go on working until everybody has the new certificate."""

    def plant_chain(self, *others):
        """As cert-manager leaves it: leaf and intermediate in tls.crt, the root in caBundle; no authority of ours."""
        root = self.make.authority(1000, "root")
        intermediate = self.make.intermediate(root, 500)
        leaf = self.make.serving(intermediate, 80)
        self.api.put(SERVING, secret(tls_crt=leaf.certificate + intermediate.certificate, tls_key=leaf.key))
        self.api.put(CONFIGURATION, configuration(encode("".join((root.certificate, *others)))))
        return root, leaf

    def test_intermediate_authority(self):
        root, leaf = self.plant_chain()
        self.assertTrue(self.is_trusted())
        self.api.after_write = lambda: self.assertTrue(self.is_trusted())
        self.assertIn("run this again after", self.ensure().stdout)
        self.assertIn(leaf.certificate, self.data(SERVING, "tls.crt"))
        self.assertIn(root.certificate, self.bundle())
        self.finish()
        self.assert_in_order()

    def test_certificate_that_is_its_own_trust(self):
        """CA:FALSE, signed by itself, and in the caBundle."""
        leaf = self.make.self_signed(300)
        self.api.put(SERVING, secret(tls_crt=leaf.certificate, tls_key=leaf.key))
        self.api.put(CONFIGURATION, configuration(encode(leaf.certificate)))
        self.assertIn("run this again after", self.ensure().stdout)
        self.assertEqual(self.data(SERVING, "tls.crt"), leaf.certificate)
        self.assertIn(leaf.certificate, self.bundle())
        self.finish()
        self.assert_in_order()

    def test_bundle_stays_when_no_chain_is_found(self):
        """The intermediate authority is not served; an apiserver might know it all the same."""
        other = self.make.authority(700, "other").certificate
        for has_authority in (False, True):
            with self.subTest(has_authority=has_authority):
                self.api.objects.clear()
                root, leaf = self.plant_chain(other)
                self.api.put(SERVING, secret(tls_crt=leaf.certificate, tls_key=leaf.key))
                if has_authority:
                    ours = self.make.authority(1000, "ours")
                    self.api.put(AUTHORITY, secret(ca_crt=ours.certificate, ca_key=ours.key))
                self.assertIn("run this again after", self.ensure().stdout)
                self.assertEqual(self.bundle()[1:], [root.certificate, other])
                self.assertTrue(self.is_trusted())
                before = self.snapshot()
                self.ensure()
                self.assertEqual(self.snapshot(), before)
                self.finish()
                self.assert_in_order()


class NearTheEnd(Ensure):
    """The authority must go, and what is served has little time left."""

    def test_overlap_does_not_outlast_what_is_served(self):
        authority = self.make.authority(60)
        for days, flags in ((1, ()), (1, ("--overlap", "29d"))):
            with self.subTest(flags=flags):
                self.plant(authority, self.make.serving(authority, days))
                self.api.after_write = lambda: self.assertTrue(self.is_trusted())
                self.assertIn("made a new serving certificate", self.ensure(*flags).stdout)
                self.api.after_write = lambda: None

    def test_wait_ends_before_what_is_served_expires(self):
        authority = self.make.authority(60)
        self.plant(authority, self.make.serving(authority, 10))
        done = self.ensure("--overlap", "29d")
        until = re.search("run this again after (\\S+)", done.stdout).group(1)
        end = re.search("valid until (\\S+),", done.stdout).group(1)
        self.assertLess(until, end)


class Foreign(Ensure):
    """Secrets that nothing says are ours: a typo must not destroy somebody's key."""

    def plant_foreign(self, path, **data):
        thing = secret(**data)
        thing["metadata"]["annotations"] = {}
        self.api.put(path, thing)
        self.api.put(CONFIGURATION, configuration())

    def refuse(self, words):
        before = self.snapshot()
        error = self.ensure(code=1).stderr
        self.assertIn(words, error)
        self.assertEqual(self.snapshot(), before)
        return error

    def test_serving_secret_for_other_names(self):
        other = self.make.serving(self.make.authority(1000), 80, "DNS:shop.example.org")
        self.plant_foreign(SERVING, tls_crt=other.certificate, tls_key=other.key)
        error = self.refuse("Secret rucio-system/rpw-tls: found no certificate for any of the names")
        self.assertIn(f"kubectl -n rucio-system annotate secret rpw-tls {OWNED}=true", error)
        self.api.objects[SERVING]["metadata"]["annotations"] = {OWNED: "true"}
        self.ensure()
        self.assert_in_order()

    def test_serving_secret_without_a_certificate(self):
        self.plant_foreign(SERVING, password="x")
        self.refuse("found no certificate for any of the names")

    def test_authority_secret_without_an_authority(self):
        other = self.make.serving(self.make.authority(1000), 80)
        self.plant_foreign(AUTHORITY, tls_crt=other.certificate, tls_key=other.key, ca_crt=other.certificate)
        self.refuse("Secret rucio-system/rpw-ca: found something else than an authority")

    def test_serving_secret_for_one_of_the_names_is_taken_over(self):
        other = self.make.serving(self.make.authority(1000), 80, f"DNS:{DNS},DNS:x.svc")
        self.plant_foreign(SERVING, tls_crt=other.certificate, tls_key=other.key)
        self.ensure()
        self.assert_in_order()
        self.assertEqual(self.api.objects[SERVING]["metadata"]["annotations"], {OWNED: "true"})

    def test_empty_secrets_are_taken(self):
        self.plant_foreign(SERVING, tls_crt="", tls_key="")
        self.plant_foreign(AUTHORITY)
        self.ensure()
        self.assert_in_order()

    def test_what_was_made_is_ours(self):
        self.api.put(CONFIGURATION, configuration())
        self.ensure()
        for path in (SERVING, AUTHORITY):
            self.assertEqual(self.api.objects[path]["metadata"]["annotations"], {OWNED: "true"})
        self.ensure("--dns", "more.svc")
        self.assertIn("more.svc", openssl("x509", "-noout", "-text", stdin=self.data(SERVING, "tls.crt")))


class Renewal(Ensure):
    def serving_is_renewed(self, authority, serving, reason, trusted_before=True):
        self.plant(authority, serving)
        self.assertEqual(self.is_trusted(), trusted_before)
        done = self.ensure()
        self.assertIn(f"Secret rucio-system/rpw-tls: made a new serving certificate, because {reason}", done.stdout)
        self.assertEqual(self.data(AUTHORITY, "ca.crt"), authority.certificate)
        self.assert_in_order()
        self.assertEqual(self.api.objects[SERVING]["metadata"]["annotations"], {"keep": "me", OWNED: "true"})

    def test_near_its_end(self):
        authority = self.make.authority(1000)
        self.serving_is_renewed(authority, self.make.serving(authority, 29), "the one in the Secret is near its end")

    def test_not_near_its_end(self):
        authority = self.make.authority(1000)
        self.plant(authority, self.make.serving(authority, 31))
        before = self.data(SERVING, "tls.crt")
        self.ensure()
        self.assertEqual(self.data(SERVING, "tls.crt"), before)
        self.ensure("--renew-before", "32d")
        self.assertNotEqual(self.data(SERVING, "tls.crt"), before)

    def test_other_names(self):
        authority = self.make.authority(1000)
        self.serving_is_renewed(authority, self.make.serving(authority, 80, "DNS:other.svc"),
                                "the one in the Secret is for other names", False)

    def test_more_names(self):
        authority = self.make.authority(1000)
        self.serving_is_renewed(authority, self.make.serving(authority, 80, f"DNS:{DNS},DNS:other.svc"),
                                "the one in the Secret is for other names")

    def test_key_of_another_certificate(self):
        authority = self.make.authority(1000)
        serving = self.make.serving(authority, 80)
        self.serving_is_renewed(authority, Pair(serving.certificate, self.make.key()),
                                "what the Secret holds is no certificate with its key")

    def test_signed_by_an_unknown_authority(self):
        authority = self.make.authority(1000)
        serving = self.make.serving(self.make.authority(1000), 80)
        self.serving_is_renewed(authority, serving, "the one in the Secret is not signed by the authority", False)

    def test_authorities_with_other_keys_sign_too(self):
        for algorithm in (("-algorithm", "RSA"), ("-algorithm", "ED25519")):
            with self.subTest(algorithm=algorithm[1]):
                authority = self.make.authority(1000, key=self.make.key(*algorithm))
                self.serving_is_renewed(authority, self.make.serving(authority, 29),
                                        "the one in the Secret is near its end")

    def test_bundle_of_others_is_replaced(self):
        authority = self.make.authority(1000)
        self.plant(authority, self.make.serving(authority, 80), published=False)
        self.ensure()
        self.assert_in_order()


class Damage(Ensure):
    def test_serving_secret(self):
        authority = self.make.authority(1000)
        serving = self.make.serving(authority, 80)
        for certificate, key in (("", ""), ("nonsense", serving.key), (serving.certificate, "nonsense"),
                                 (serving.certificate[:300], serving.key), (serving.key, serving.certificate)):
            with self.subTest(certificate=certificate[:40], key=key[:40]):
                self.plant(authority, Pair(certificate, key))
                self.ensure()
                self.assert_in_order()

    def test_serving_secret_is_no_base64(self):
        authority = self.make.authority(1000)
        self.plant(authority, self.make.serving(authority, 80))
        self.api.objects[SERVING]["data"] = {"tls.crt": "***", "tls.key": 7}
        self.ensure()
        self.assert_in_order()

    def test_authority_secret(self):
        authority = self.make.authority(1000)
        serving = self.make.serving(authority, 80)
        for certificate, key in (("", ""), ("nonsense", authority.key), (authority.certificate, "nonsense"),
                                 (authority.certificate, self.make.key()), (serving.certificate, serving.key)):
            with self.subTest(certificate=certificate[:40], key=key[:40]):
                self.plant(authority, serving)
                self.api.objects[AUTHORITY]["data"].update({"ca.crt": encode(certificate), "ca.key": encode(key)})
                self.api.after_write = lambda: self.assertTrue(self.is_trusted())
                self.assertIn("made a new authority, because", self.finish())
                self.assert_in_order()

    def test_both_secrets(self):
        authority = self.make.authority(1000)
        self.plant(authority, Pair("nonsense", "nonsense"))
        self.api.objects[AUTHORITY]["data"].update({"ca.crt": encode("x"), "ca-previous.crt": encode("y")})
        self.ensure()
        self.assert_in_order()

    def test_authority_secret_is_gone(self):
        authority = self.make.authority(1000)
        self.plant(authority, self.make.serving(authority, 80))
        del self.api.objects[AUTHORITY]
        self.api.after_write = lambda: self.assertTrue(self.is_trusted())
        self.ensure()
        self.assertEqual(len(self.bundle()), 2)
        self.finish()
        self.assert_in_order()

    def test_authority_was_exchanged_by_hand(self):
        """The old one is in the caBundle alone."""
        authority = self.make.authority(1000)
        self.plant(authority, self.make.serving(authority, 80))
        other = self.make.authority(1000, "other")
        self.api.put(AUTHORITY, secret(ca_crt=other.certificate, ca_key=other.key))
        self.api.after_write = lambda: self.assertTrue(self.is_trusted())
        self.assertIn("kept another authority beside ours", self.ensure().stdout)
        self.finish()
        self.assertEqual(self.data(AUTHORITY, "ca.crt"), other.certificate)
        self.assert_in_order()

    def test_previous_authority_that_cannot_be_read_is_dropped(self):
        authority = self.make.authority(1000)
        self.plant(authority, self.make.serving(authority, 80))
        self.api.objects[AUTHORITY]["data"]["ca-previous.crt"] = encode("nonsense")
        self.ensure()
        self.assert_in_order()


class Rotation(Ensure):
    """The authority is near its end."""

    def setUp(self):
        super().setUp()
        self.old = self.make.authority(100)
        self.plant(self.old, self.make.serving(self.old, 80))
        self.leaf = self.data(SERVING, "tls.crt")

    def test_both_are_published_before_anything_else_changes(self):
        done = self.ensure()
        self.assertEqual(self.bundle(), [self.data(AUTHORITY, "ca.crt"), self.old.certificate])
        self.assertEqual(self.data(AUTHORITY, "ca-previous.crt"), self.old.certificate)
        self.assertEqual(self.data(SERVING, "tls.crt"), self.leaf)
        self.assertRegex(done.stdout, r"run this again after \d{4}-")

    def test_serving_certificate_changes_after_the_overlap_and_the_old_authority_stays(self):
        self.ensure()
        self.minutes += 120
        self.ensure()
        self.assertNotEqual(self.data(SERVING, "tls.crt"), self.leaf)
        self.assertEqual(len(self.bundle()), 2)
        self.assertTrue(self.is_trusted())

    def test_overlap_is_settable(self):
        self.ensure("--overlap", "3h")
        self.minutes += 120
        self.ensure("--overlap", "3h")
        self.assertEqual(self.data(SERVING, "tls.crt"), self.leaf)
        self.ensure("--overlap", "2h")
        self.assertNotEqual(self.data(SERVING, "tls.crt"), self.leaf)

    def test_old_authority_is_dropped_in_the_end(self):
        self.finish()
        self.assert_in_order()
        self.assertNotEqual(self.data(AUTHORITY, "ca.crt"), self.old.certificate)

    def test_publication_that_was_undone_starts_the_wait_anew(self):
        self.ensure()
        self.minutes += 120
        self.api.objects[CONFIGURATION]["webhooks"] = configuration()["webhooks"]
        self.ensure()
        self.assertEqual(self.data(SERVING, "tls.crt"), self.leaf)
        self.assertEqual(len(self.bundle()), 2)

    def test_nothing_is_signed_anew_while_the_configuration_is_gone(self):
        self.ensure()
        del self.api.objects[CONFIGURATION]
        self.ensure(code=1)
        self.assertEqual(self.data(SERVING, "tls.crt"), self.leaf)


class Conflicts(Ensure):
    def test_change_in_between_is_read_again(self):
        self.api.put(CONFIGURATION, configuration())
        changed = []

        def change_once(_, method, path):
            if method == "PATCH" and not changed:
                changed.append(path)
                self.api.objects[CONFIGURATION]["metadata"]["labels"]["of"] = "somebody else"
                self.api.touch(CONFIGURATION)

        self.api.on_request = change_once
        self.ensure()
        self.assert_in_order()
        self.assertEqual(self.api.objects[CONFIGURATION]["metadata"]["labels"]["of"], "somebody else")

    def test_object_that_is_deleted_in_between_is_read_again(self):
        authority = self.make.authority(1000)
        for path in (SERVING, AUTHORITY):
            with self.subTest(path=path):
                self.plant(authority if path == SERVING else self.make.authority(50), self.make.serving(authority, 5))

                def delete_once(_, method, asked, path=path):
                    if method == "PATCH" and asked.partition("?")[0] == path:
                        self.api.objects.pop(path, None)

                self.api.on_request = delete_once
                self.ensure()
                self.api.on_request = lambda *_: None
                self.finish()
                self.assert_in_order()

    def test_endless_changes_are_an_error(self):
        self.api.put(CONFIGURATION, configuration())

        def change_always(_, method, __):
            if method == "PATCH":
                self.api.touch(CONFIGURATION)

        self.api.on_request = change_always
        error = self.ensure(code=1).stderr
        self.assertIn("the objects change again and again", error)
        self.assertNotIn("all is read again", error)
        terminal, other_end = pty.openpty()
        with open(terminal, "rb", buffering=0) as shown:
            subprocess.run([PROGRAM, "certs", "ensure", *FLAGS, *self.api.flags], stdout=subprocess.DEVNULL, stderr=other_end,
                           check=False, timeout=60)
            os.close(other_end)
            self.assertIn(b"an object has changed meanwhile, all is read again", shown.read(4096))


class Ended(Ensure):
    """Ended by SIGKILL at the n-th request, before the apiserver has carried it out and after; then run once more."""

    def run_until(self, number, moment):
        process = subprocess.Popen([PROGRAM, "certs", "ensure", *FLAGS, *self.api.flags],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=environment(**self.clock()))

        def end():
            process.kill()
            process.wait()

        first = len(self.api.requests)
        self.api.on_break = end
        self.api.on_request = lambda n, *_: moment if n - first == number else None
        code = process.wait(120)
        self.api.on_request = lambda *_: None
        return code == -signal.SIGKILL

    def sweep(self, prepare):
        for moment in ("before", "after"):
            number = 1
            while True:
                with self.subTest(request=number, moment=moment):
                    prepare()
                    was_ended = self.run_until(number, moment)
                    self.finish()
                    self.assert_in_order()
                number += 1
                if not was_ended:
                    break
            self.assertGreater(number, 6)

    def test_at_each_request_of_an_installation(self):
        def prepare():
            self.api.objects.clear()
            self.api.put(CONFIGURATION, configuration())

        self.sweep(prepare)

    def test_at_each_request_of_a_rotation(self):
        old = self.make.authority(100)
        serving = self.make.serving(old, 80)

        def prepare():
            self.api.after_write = lambda: None
            self.minutes = 0
            self.plant(old, serving)
            self.api.after_write = lambda: self.assertTrue(self.is_trusted())
            for _ in range(runs):
                self.ensure()
                self.minutes += 120

        for runs in range(3):
            self.sweep(prepare)


class Clock(Ensure):
    def test_clock_that_is_behind_is_said_and_changes_nothing(self):
        self.api.put(CONFIGURATION, configuration())
        self.ensure()
        before = self.snapshot()
        self.minutes = -10
        error = self.ensure(code=1).stderr
        self.assertRegex(error, r"the clock says \S+Z, and the authority is valid from \S+Z: is the clock behind\? Nothing "
                                r"was changed\.")
        self.assertEqual(self.snapshot(), before)
        self.minutes = 0
        self.ensure()
        self.assertEqual(self.snapshot(), before)

    def test_serving_certificate_from_the_future_is_said_too(self):
        self.api.put(CONFIGURATION, configuration())
        self.ensure()
        self.minutes = 60
        del self.api.objects[SERVING]
        self.ensure()
        self.minutes = 0
        self.assertIn("and the serving certificate is valid from", self.ensure(code=1).stderr)


class Busy(Ensure):
    """The apiserver asks for patience, as its priority and fairness does."""

    def setUp(self):
        super().setUp()
        self.api.put(CONFIGURATION, configuration())

    def be_busy(self, code, times, wait="1"):
        self.times = times

        def answer(_, method, path):
            if method != "POST" or self.times == 0:
                return None
            self.times -= 1
            return (*status(code, "try later"), {"Retry-After": wait})

        self.api.on_request = answer

    def test_a_request_is_tried_again_when_it_is_refused_for_now(self):
        for code in 429, 503:
            with self.subTest(code=code):
                self.api.objects.pop(AUTHORITY, None)
                self.be_busy(code, 2)
                self.finish()
                self.assert_in_order()

    def test_tries_have_an_end(self):
        self.be_busy(429, 100)
        self.assertIn("the apiserver does not create secrets 'rpw-ca' in namespace rucio-system: 429: try later",
                      self.ensure(code=3).stderr)
        self.assertEqual(100 - self.times, 5)

    def test_the_wait_is_as_long_as_the_apiserver_asks(self):
        self.be_busy(429, 1, "3")
        begin = time.monotonic()
        self.ensure()
        self.assertGreaterEqual(time.monotonic() - begin, 3)

    def test_a_connection_that_is_cut_cannot_end_the_process_by_a_signal(self):
        signals = []

        def look(*_):
            for folder in pathlib.Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if b"rucio-system/rpw-ca\0" in (folder / "cmdline").read_bytes() and (folder / "exe").samefile(PROGRAM):
                        signals.append(re.search(r"SigIgn:\t(\w+)", (folder / "status").read_text()).group(1))

        self.api.on_request = look
        self.ensure()
        self.assertTrue(signals)
        for ignored in signals:
            self.assertTrue(int(ignored, 16) >> (signal.SIGPIPE - 1) & 1)


class Refused(Ensure):
    def refuse(self, method, path_part, answer):
        self.api.put(CONFIGURATION, configuration())
        self.api.on_request = lambda _, m, path: answer if m == method and path_part in path else None
        return self.ensure(code=3).stderr

    def test_forbidden_read_names_the_missing_rule(self):
        error = self.refuse("GET", "/secrets/rpw-ca", status(403, 'secrets "rpw-ca" is forbidden: User "x" cannot get'))
        self.assertIn("the apiserver does not get secrets 'rpw-ca' in namespace rucio-system: 403: secrets \"rpw-ca\" is "
                      "forbidden", error)
        self.assertIn("Role in namespace rucio-system:\n\n- apiGroups: [\"\"]\n  resources: [secrets]\n"
                      "  resourceNames: [rpw-ca]\n  verbs: [get]\n", error)

    def test_forbidden_creation_names_the_missing_rule(self):
        error = self.refuse("POST", "/secrets", status(403, "no"))
        self.assertIn("create secrets 'rpw-ca' in namespace rucio-system", error)
        self.assertIn("resources: [secrets]\n  verbs: [create]\n", error)

    def test_forbidden_patch_names_the_missing_rule(self):
        error = self.refuse("PATCH", WEBHOOKS, status(403, "no"))
        self.assertIn("ClusterRole:\n\n- apiGroups: [\"admissionregistration.k8s.io\"]\n"
                      "  resources: [mutatingwebhookconfigurations]\n  resourceNames: [rpw]\n  verbs: [patch]\n", error)

    def test_unauthorized(self):
        self.assertIn("does not accept the token", self.refuse("GET", "", status(401, "Unauthorized")))

    def test_namespace_that_is_not_there(self):
        self.assertIn('namespaces "rucio-system" not found',
                      self.refuse("POST", "/secrets", status(404, 'namespaces "rucio-system" not found')))

    def test_words_of_the_apiserver_are_kept_on_one_line(self):
        self.assertIn("422: not this", self.refuse("POST", "", status(422, "not\nthis")))

    def test_redirect_is_not_followed(self):
        self.assertIn("302", self.refuse("GET", "", (302, {})))

    def test_answer_that_is_no_json(self):
        self.assertIn("is this an apiserver?", self.refuse("GET", "", (200, b"<html>")))

    def test_answer_without_an_end(self):
        self.assertIn("found an answer of more than 64 MiB", self.refuse("GET", "", (200, b" " * (2**26 + 1))))

    def test_answer_without_a_status_object(self):
        self.assertIn("500: (without a message)", self.refuse("GET", "", (500, b"oh")))

    def test_connection_that_ends(self):
        self.assertIn("cannot be asked", self.refuse("GET", "", "before"))


class Access(Ensure):
    """Outside of a pod the command line says where the API is, and in a pod the kubelet."""

    def setUp(self):
        super().setUp()
        self.api.put(CONFIGURATION, configuration())
        self.token = self.api.folder / "token"

    def refuse(self, *flags):
        return self.ensure(*flags, code=3).stderr

    def test_token_file_is_read_each_time(self):
        self.token.write_text("first\n")

        def change(number, *_):
            if number == 3:
                self.token.write_text("second\n")

        self.api.on_request = change
        self.ensure()
        self.assertEqual(self.api.tokens[:4], ["Bearer first"] * 3 + ["Bearer second"])

    def test_token_file_that_holds_no_token(self):
        for text, words in (("\n", "token: found nothing, expected a token"), ("a\nb: c", "a byte that no token has"),
                            (2**20 * "x", "found 1 MiB or more")):
            with self.subTest(words=words):
                self.token.write_text(text)
                self.assertIn(words, self.refuse())

    def test_files_that_are_not_there(self):
        for flag in "--token-file", "--certificate-authority":
            self.assertIn("nowhere: cannot be read: No such file", self.refuse(flag, "nowhere"))

    def test_files_that_would_wait_for_a_writer(self):
        os.mkfifo(self.api.folder / "pipe")
        self.assertIn("/pipe: is no regular file", self.refuse("--token-file", str(self.api.folder / "pipe")))

    def test_authority_of_another(self):
        (self.api.folder / "other.crt").write_text(self.make.authority(10).certificate)
        self.assertIn("certificate", self.refuse("--certificate-authority", str(self.api.folder / "other.crt")))
        self.assertEqual(self.api.requests, [])

    def test_authorities_of_the_system_do_not_know_the_server(self):
        done = run("certs", "ensure", *FLAGS, *self.api.flags[:4])
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot be asked", done.stderr)

    def test_name_that_the_certificate_is_not_for(self):
        self.assertIn("cannot be asked", self.refuse("--server", self.api.url.replace("localhost", "127.0.0.2")))

    def test_server_that_is_none(self):
        for server in "https://", "https:///x", "https://:6443", "http://x", "https://a b", "https://me@x":
            with self.subTest(server=server):
                self.assertIn(f"found the server '{server}', expected https://HOST:PORT", self.refuse("--server", server))

    def test_server_that_is_not_there(self):
        self.assertIn("cannot be asked", self.refuse("--server", "https://127.0.0.1:1"))

    def test_nothing_at_all(self):
        done = run("certs", "ensure", *FLAGS)
        self.assertEqual(done.returncode, 3)
        self.assertIn("this is no pod, so give --server and --token-file", done.stderr)

    def test_pod_without_a_service_account(self):
        done = run("certs", "ensure", *FLAGS, KUBERNETES_SERVICE_HOST="127.0.0.1")
        self.assertEqual(done.returncode, 3)
        self.assertIn("its ServiceAccount cannot be used: /var/run/secrets/", done.stderr)

    @unittest.skipUnless(can_be_a_pod(), "no mount namespace can be made here")
    def test_pod(self):
        done = self.api.run_in_pod("certs", "ensure", *FLAGS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(self.api.tokens), {"Bearer " + TOKEN})


class Usage(unittest.TestCase):
    def test_errors(self):
        kept = dict(zip(FLAGS[::2], FLAGS[1::2]))
        for changes, words in (
                ({"--secret": None}, "--secret: NS/NAME is required"),
                ({"--secret": "x"}, "--secret: found 'x'"), ({"--secret": "x/Y"}, "--secret: found 'x/Y'"),
                ({"--ca-secret": None}, "--ca-secret: NS/NAME is required"), ({"--ca-secret": kept["--secret"]}, "another Secret"),
                ({"--webhook": None}, "--webhook: NAME is required"), ({"--webhook": "../x"}, "--webhook: found '../x'"),
                ({"--dns": None}, "--dns: NAME is required"), ({"--dns": "*.x"}, "without wildcards"),
                ({"--renew-before": "61d"}, "from 0s to 60d"), ({"--overlap": "1"}, "a duration from 5m to 30d"), ({"--overlap": "0s"}, "a duration from 5m to 30d"),
                ({"--overlap": "30d"}, "--overlap: found 2592000 seconds, expected less than --renew-before"),
                ({"--renew-before": "1h"}, "--overlap: found 3600 seconds"),
                ({"--server": "https://x"}, "expected --server and --token-file, or neither"),
                ({"--token-file": "x"}, "expected --server and --token-file, or neither")):
            with self.subTest(changes=changes):
                flags = [item for pair in {**kept, **changes}.items() if pair[1] is not None for item in pair]
                done = run("certs", "ensure", *flags)
                self.assertEqual(done.returncode, 2)
                self.assertIn(words, done.stderr)

    def test_argument(self):
        self.assertEqual(run("certs", "ensure", *FLAGS, "more").returncode, 2)

    def test_unknown_flag(self):
        self.assertEqual(run("certs", "ensure", *FLAGS, "--more").returncode, 2)

    def test_help(self):
        done = run("certs", "ensure", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
