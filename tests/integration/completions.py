"""`completion`: each shell takes its script, and bash completes with it what the tables say; `help` and kubectl's name."""
import os
import shutil
import subprocess
import tempfile
import unittest

from offline import Offline
from support import PROGRAM, environment


def run(*arguments, **variables):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, env=environment(**variables))


class Completion(unittest.TestCase):
    def complete(self, *words):
        """What bash offers for the last of words."""
        script = ('source <("$0" completion bash); COMP_WORDS=(rucio-policy-webhook "$@"); COMP_CWORD=$#;'
                  '_rucio_policy_webhook; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, PROGRAM, *words], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes_verbs(self):
        self.assertEqual(self.complete("mu"), ["mutate"])
        self.assertIn("certs", self.complete(""))

    def test_bash_completes_the_second_word_of_a_verb(self):
        self.assertEqual(self.complete("certs", "e"), ["ensure"])

    def test_bash_completes_flags(self):
        self.assertEqual(self.complete("serve", "--tls-"), ["--tls-cert", "--tls-key"])
        self.assertEqual(self.complete("certs", "generate", "--fo"), ["--force"])

    def test_bash_completes_the_words_of_a_choice(self):
        self.assertEqual(self.complete("serve", "--log-format", ""), ["json", "text"])
        self.assertEqual(self.complete("mutate", "-o", "ex"), ["explain"])
        self.assertEqual(self.complete("completion", "z"), ["zsh"])

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not there")
    def test_zsh_completes_as_bash_does(self):
        script = ('autoload -U +X compinit && compinit -u -D; source <("$0" completion zsh); emulate sh\n'
                  'COMP_WORDS=(rucio-policy-webhook serve --log-format ""); COMP_CWORD=3; _rucio_policy_webhook\n'
                  'echo "${COMPREPLY[@]}"')
        done = subprocess.run(["zsh", "-f", "-c", script, PROGRAM], capture_output=True, text=True, check=True)
        self.assertEqual((done.stdout, done.stderr), ("json text\n", ""))

    def test_bash_leaves_files_to_its_default(self):
        self.assertEqual(self.complete("serve", "--config", ""), [])

    def check_syntax(self, shell):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not there")
        done = subprocess.run([shell, "-n"], input=run("completion", shell).stdout, capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("fish"), "fish is not there")
    def test_fish_completes_as_bash_does(self):
        script = run("completion", "fish").stdout
        home = tempfile.TemporaryDirectory(prefix="rpw-fish-")
        self.addCleanup(home.cleanup)
        for line, expected in (("mu", "mutate"), ("certs e", "ensure"), ("serve --log-format ", "json\ntext"),
                               ("certs generate --fo", "--force"), ("completion z", "zsh")):
            asked = script + f"complete -C 'rucio-policy-webhook {line}'\n"
            done = subprocess.run(["fish", "--no-config", "-c", asked], capture_output=True, text=True, check=True,
                                  env=environment(HOME=home.name))
            self.assertEqual(done.stdout.strip(), expected, line)

    def test_bash_reads_the_script(self):
        self.check_syntax("bash")

    def test_zsh_reads_the_script(self):
        self.check_syntax("zsh")

    def test_fish_reads_the_script(self):
        self.check_syntax("fish")

    def test_each_shell_is_told_every_flag(self):
        flags = set(run("serve", "--help").stdout.split()) & {"--config", "--tls-cert", "--body-budget", "--listen"}
        self.assertEqual(len(flags), 4)
        for shell in ("bash", "zsh", "fish"):
            script = run("completion", shell).stdout
            for flag in flags:
                self.assertIn(flag, script)

    def test_other_shells_are_named_as_unknown(self):
        done = run("completion", "ksh")
        self.assertEqual(done.returncode, 2)
        self.assertIn("found 'ksh', expected bash, zsh or fish", done.stderr)


class Help(unittest.TestCase):
    def test_help_of_a_verb_is_its_help(self):
        for verb in (["serve"], ["certs", "ensure"], ["help"]):
            self.assertEqual(run("help", *verb).stdout, run(*verb, "--help").stdout)

    def test_help_alone_names_the_verbs(self):
        self.assertEqual(run("help").stdout, run("--help").stdout)

    def test_half_of_a_name_names_those_that_begin_so(self):
        done = run("help", "certs")
        self.assertEqual(done.returncode, 0)
        self.assertIn("certs generate", done.stdout)
        self.assertNotIn("mutate", done.stdout)

    def test_unknown_verb_is_suggested(self):
        for arguments in (["help", "srve"], ["srve"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("there is no verb 'srve'; did you mean serve?", done.stderr)

    def test_usage_error_is_one_line(self):
        for arguments in (["serve", "--nonsense"], ["check"], ["certs", "nonsense"], ["nonsense"], ["audit", "-o", "x"]):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1))
            self.assertIn("(see --help)", done.stderr)

    def test_each_verb_reads_its_configuration_from_the_environment(self):
        for verb in ("check", "mutate", "audit"):
            done = run(verb, RPW_CONFIG="/nowhere/policy.yaml")
            self.assertEqual(done.returncode, 3)
            self.assertIn("/nowhere/policy.yaml", done.stderr)


class Kubectl(Offline):
    def test_program_is_a_plugin_of_kubectl_when_it_is_called_so(self):
        """kubectl runs kubectl-rucio_policy for `kubectl rucio-policy`, with the arguments that follow."""
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(os.path.abspath(PROGRAM), f"{folder}/kubectl-rucio_policy")
            command = [f"{folder}/kubectl-rucio_policy"]
            if shutil.which("kubectl"):
                command = ["kubectl", "rucio-policy"]
            done = subprocess.run([*command, "check", "--help"], capture_output=True, text=True, check=False,
                                  env={**environment(), "PATH": f"{folder}:{os.environ['PATH']}"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("Usage: kubectl rucio-policy check", done.stdout)


if __name__ == "__main__":
    unittest.main()
