"""Generated pods meet generated policies in the running server, and judges look at every answer.

    RPW_PROPERTY_PODS   how many pods are judged, 10000 unless it says otherwise
    RPW_PROPERTY_SEED   which ones, 1 unless it says otherwise: the same seed makes the same pods

A pod that fails is made smaller as long as it fails, and printed with its policy so that `mutate` shows the same.
"""
import collections
import json
import os
import pathlib
import sys
import tempfile
import unittest

import hypothesis

import changes
import cluster
import judges
import pods
import policies
import rules
from case import equal, is_our_variable, require
from webhook import Webhook

POD_COUNT = int(os.environ.get("RPW_PROPERTY_PODS", "10000"))
SEED = int(os.environ.get("RPW_PROPERTY_SEED", "1"))
POLICY_COUNT = 400
BATCH = 200  # stories between two looks at how many pods have been judged


def require_no_patch(webhook, pod, number, after):
    response = json.loads(webhook.ask(pod, number).body)["response"]
    require(response["allowed"] and "patch" not in response, f"no patch for the patched pod {after}", response,
                   pod)


def judge_again(webhook, case, number):
    """The patched pod sent again, also after what others have done to it."""
    pod = case.after
    if has_null_elements(pod):
        require_no_patch(webhook, pod, number, "sent again")
        return
    others = [cluster.defaulted, cluster.with_service_account, cluster.with_limit_range, cluster.with_mirror]
    if "*" not in case.policy["match"].get("containers", []):
        others.append(cluster.with_mesh)
    for other in others:
        pod = other(pod)
    require_no_patch(webhook, case.after, number, "sent again")
    require_no_patch(webhook, pod, number, "after defaulting and others")


def has_null_elements(value):
    """Go turns them into empty structs, and the apiserver then refuses the pod."""
    if isinstance(value, dict):
        return any(has_null_elements(item) for key, item in value.items() if key != "x-unknown")
    return isinstance(value, list) and any(item is None or has_null_elements(item) for item in value)


# --- an older injection is brought up to date ------------------------------------------------------------------------

def leaves_no_doubt(pod, earlier, later):
    """Whether nothing of the pod's own could be taken for the earlier policy's, or be a reason for the later one to
    differ: what the earlier one did can then be told apart, and the outcome does not depend on it."""
    if earlier.answer.get("warnings") or {rules.OURS + "revision", rules.OURS + "policy"} & set(rules.annotations(pod)):
        return False
    if not policies.has_volume(earlier.policy) and policies.python_path_mode(earlier.policy) == "entrypoint":
        return False
    if len({policy.get("imagePythonPath") for policy in (earlier.policy, later)}) > 1:
        return False
    if "imagePythonPath" in earlier.policy and policies.python_path_mode(later) == "entrypoint":
        return False  # what the image has stays in the pod, which comes to the same
    if not earlier.policy.get("configEnv", True) or earlier.rules.is_chart_managed:
        return False
    if set(earlier.rules.targets) != set(rules.Pod(pod, later).targets) or has_null_elements(pod):
        return False
    volumes = cluster.elements(pod["spec"].get("volumes"))
    if any(item["name"].startswith(("rucio-policy", rules.CHART_VOLUME)) for item in volumes):
        return False
    return all(container["name"] not in policies.OWN_CONTAINERS and not has_words_of_ours(container)
               for container in cluster.containers(pod))


def has_words_of_ours(container):
    return (any(mount["mountPath"].startswith(("/opt", "/")) and mount["mountPath"] != "/data"
                for mount in cluster.elements(container.get("volumeMounts"))) or
            any(is_our_variable(entry) and (entry["name"] != "PYTHONPATH" or "/opt" in (entry.get("value") or "") or
                                                   "$(" in (entry.get("value") or ""))
                for entry in cluster.elements(container.get("env"))))


def outline(pod):
    """What matters of a pod, whatever its volume is called and in which order what is ours stands."""
    spec, sources = pod["spec"], {}
    for volume in cluster.elements(spec.get("volumes")):
        sources[volume["name"]] = {key: value for key, value in volume.items() if key != "name"}
    result = {"volumes": sorted(json.dumps(source, sort_keys=True) for source in sources.values())}
    for container in cluster.containers(pod):
        shown = {key: value for key, value in container.items() if key not in ("env", "volumeMounts")}
        environment = cluster.environment(container)
        environment = {key: value for key, value in environment.items() if key != "RUCIO_POLICY_BASE_PYTHONPATH" and
                       (key, value) != ("PYTHONPATH", "")}
        mounts = [json.dumps({**mount, "name": sources[mount["name"]]}, sort_keys=True)
                  for mount in cluster.elements(container.get("volumeMounts"))]
        shown.update(environment=environment, mounts=sorted(mounts))
        result[container["name"]] = shown
    result["annotations"] = {key: value for key, value in rules.annotations(pod).items() if key != rules.EVICTABLE}
    return result


def judge_convergence(webhook, pod, number, after):
    """The later policy after earlier ones gives what the later one alone gives."""
    alone = webhook.case(pod, number)
    equal(after.outcome == "rejected", alone.outcome == "rejected", "refused after other policies as alone")
    if alone.outcome != "rejected":
        equal(outline(after.after), outline(alone.after), "after other policies as alone")


# --- the stories -----------------------------------------------------------------------------------------------------

class Stories:
    def __init__(self, webhook):
        self.webhook = webhook
        self.counts = collections.Counter()
        self.told = None  # last: a pod, and the numbers of the policies that it met one after the other

    def judge_pod(self, pod, number):
        case = self.webhook.case(pod, number)
        judges.judge(case)
        equal(self.webhook.ask(pod, number).body, case.body, "the same answer twice")
        if case.patch:
            judge_again(self.webhook, case, number)
        self.counts[case.outcome] += 1
        return case

    def tell(self, story):
        pod, meetings = story
        origin, earlier = pod, []
        for number, happened in meetings:
            for change in happened if not has_null_elements(pod) else []:
                pod = changes.apply(pod, *change)
                origin, earlier = pod, []
            self.told = (pod, [number])
            case = self.judge_pod(pod, number)
            if (earlier and judges.is_selected(case) and
                    all(leaves_no_doubt(origin, other, case.policy) for other in earlier)):
                self.told = (origin, [*(other.number for other in earlier), number])
                judge_convergence(self.webhook, origin, number, case)
                self.counts["brought up to date"] += 1
            case.number = number
            if case.patch:
                earlier.append(case)
            pod = case.after

    def judged(self):
        return sum(self.counts[outcome] for outcome in ("patched", "unchanged", "rejected"))


def run_batch(stories, seed):
    """Tells BATCH stories; raises the Violation of the smallest one that fails."""
    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=BATCH, database=None, deadline=None, derandomize=False, print_blob=False,
                         report_multiple_bugs=False, verbosity=hypothesis.Verbosity.quiet,
                         suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(pods.stories(len(stories.webhook.policies)))
    def tell(story):
        stories.tell(story)
    tell()


def report(stories, violation):
    """Where the pod and its policy lie, and how to see the same again."""
    pod, numbers = stories.told
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rpw-property-"))
    met = [stories.webhook.policies[number] for number in dict.fromkeys(numbers)]
    (folder / "policy.yaml").write_text(json.dumps({"policies": met}, indent=2))
    (folder / "pod.json").write_text(json.dumps(pod, indent=2))
    command = f"rucio-policy-webhook mutate --config {folder}/policy.yaml"
    commands = " |\n".join(f"{command} -n ns-{number} -o json" + f" -f {folder}/pod.json" * (index == 0)
                           for index, number in enumerate(numbers))
    return "\n".join([repr(violation), "", (folder / "policy.yaml").read_text(), (folder / "pod.json").read_text(), "",
                      commands])


class GeneratedPods(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.webhook = Webhook(cls, policies.make(SEED, POLICY_COUNT))

    def test_every_answer_is_what_the_reference_says(self):
        stories, batch = Stories(self.webhook), 0
        while stories.judged() < POD_COUNT:
            try:
                run_batch(stories, SEED * 100000 + batch)
            except Exception as violation:
                raise AssertionError(report(stories, violation)) from violation
            batch += 1
        counts = ", ".join(f"{count} {outcome}" for outcome, count in stories.counts.most_common())
        print(f"judged {stories.judged()} pods: {counts}", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
