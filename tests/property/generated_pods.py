"""Generated pods go through chains of generated policies in the running server, as if each were the next revision of
one policy, and judges look at every answer.

    RPW_PROPERTY_PODS   how many pods are generated, 10000 unless it says otherwise
    RPW_PROPERTY_SEED   which ones, 1 unless it says otherwise: the same seed makes the same pods

Processes with other seeds are shards of a longer run. A story that fails is made smaller as long as it fails, and
printed with its policies.
"""
import collections
import json
import os
import pathlib
import random
import sys
import tempfile
import unittest

import changes
import cluster
import judges
import pods
import policies
import rules
import smaller
from case import equal, is_our_name, is_own, require
from webhook import Webhook

POD_COUNT = int(os.environ.get("RPW_PROPERTY_PODS", "10000"))
SEED = int(os.environ.get("RPW_PROPERTY_SEED", "1"))
POLICY_COUNT = 400


def has_null_elements(value):
    """Go turns them into empty structs, and the apiserver then refuses the pod."""
    if isinstance(value, dict):
        return any(has_null_elements(item) for key, item in value.items() if key not in ("x-unknown", "x-other"))
    return isinstance(value, list) and any(item is None or has_null_elements(item) for item in value)


def judge_again(webhook, case, number):
    """The patched pod sent again, also after what others have done to it."""
    pods_again = [case.after]
    if not has_null_elements(case.after):
        others = [cluster.defaulted, cluster.with_service_account, cluster.with_limit_range, cluster.with_mirror]
        if "*" not in case.policy["match"].get("containers", []):
            others.append(cluster.with_mesh)
        pod = case.after
        for other in others:
            pod = other(pod)
        pods_again.append(pod)
    for pod, response in zip(pods_again, webhook.ask(number, *pods_again)):
        answer = json.loads(response.body)["response"]
        require(answer["allowed"] and "patch" not in answer,
                "sent again" if pod is case.after else "sent again after defaulting and others", answer, pod)


# --- a chain ends where its last policy alone would ------------------------------------------------------------------

def leaves_no_doubt(pod):
    """Whether the pod has nothing with a name of ours, nothing that an injection cannot give back (an empty variable,
    which is set, and a PYTHONPATH that may not be there), and nothing that depends on where PYTHONPATH stands."""
    containers = cluster.containers(pod)
    names = [*rules.annotations(pod), *(volume["name"] for volume in cluster.elements(pod["spec"].get("volumes")))]
    entries = [entry for container in containers for entry in cluster.elements(container.get("env"))]
    return not (any(map(is_own, containers)) or
                any(name.startswith((rules.OURS, rules.EVICTABLE, "rucio-policy-")) for name in names) or
                any(rules.literal(entry) == "" or "optional" in json.dumps(entry) if is_our_name(entry["name"]) else
                    "$(PYTHONPATH)" in (entry.get("value") or "") for entry in entries))


def outline(pod):
    """What matters of a pod, in whatever order what is ours stands."""
    lists = ("initContainers", "containers", "volumes")
    result = {key: value for key, value in pod["spec"].items() if key not in lists}
    result["volumes"] = sorted(json.dumps(cluster.default_volume(dict(volume)), sort_keys=True)
                               for volume in cluster.elements(pod["spec"].get("volumes")))
    result["initContainers"] = {item["name"] for item in cluster.containers(pod, ["initContainers"])}
    for container in cluster.containers(pod):
        if not is_own(container):  # those are left alone when they are there: see judge_init_containers()
            mounts = (json.dumps(mount, sort_keys=True) for mount in container.get("volumeMounts") or [])
            env = cluster.environment(container)
            env.pop("RUCIO_POLICY_BASE_PYTHONPATH", None)
            result[container["name"]] = {**container, "env": env, "volumeMounts": sorted(mounts)}
    result["annotations"] = dict(rules.annotations(pod))
    return result


def renamed(pod, name):
    """The pod as if the policy that was written into it had this name."""
    written = rules.annotations(pod)
    if rules.OURS + "injected" in written and rules.OURS + "policy" in written:
        pod = {**pod, "metadata": {**pod["metadata"], "annotations": {**written, rules.OURS + "policy": name}}}
    return pod


class Stories:
    def __init__(self, webhook):
        self.webhook = webhook
        self.counts = collections.Counter()

    def judge_pod(self, pod, number):
        case = self.webhook.case(pod, number)
        judges.judge(case)
        if case.patch:
            judge_again(self.webhook, case, number)
        self.counts[case.outcome] += 1
        return case

    def tell(self, story):
        """Raises the Violation of the first judge that finds something."""
        pod, meetings = story
        origin = None if has_null_elements(pod) else pod  # what the pod would be without us
        for index, (number, happened) in enumerate(meetings):
            for change in happened if not has_null_elements(pod) else []:
                pod = changes.apply(pod, *change)
                origin = changes.apply_to_both(origin, *change)
            if index and number % 4:  # the chain's one policy; else it has been renamed
                pod = renamed(pod, self.webhook.policies[number]["name"])
            case = self.judge_pod(pod, number)
            is_update = index > 0 and not case.rules.is_current and judges.is_selected(case)
            if is_update and origin and leaves_no_doubt(origin):
                self.judge_convergence(origin, number, case)
            if case.rules.fields("overridden"):
                origin = None
            pod = case.after

    def judge_convergence(self, origin, number, case):
        alone = self.webhook.case(origin, number)
        equal(case.outcome == "rejected", alone.outcome == "rejected", "refused after other policies as alone")
        if alone.outcome != "rejected":
            equal(outline(case.after), outline(alone.after), "after other policies as alone")
            self.counts["as alone"] += 1


def report(stories, story, violation):
    """Where the pod and its policies lie, what happened, and how to see the first answer again."""
    pod, meetings = story
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rpw-property-"))
    met = [stories.webhook.policies[number] for number in dict.fromkeys(number for number, _ in meetings)]
    (folder / "policy.yaml").write_text(json.dumps({"policies": met}, indent=2))
    (folder / "pod.json").write_text(json.dumps(pod, indent=2))
    command = f"rucio-policy-webhook mutate --config {folder}/policy.yaml -n ns-{meetings[0][0]} -f {folder}/pod.json"
    return "\n".join([repr(violation), "", *map(json.dumps, met), "", json.dumps(pod, indent=2), "",
                      f"(policy, [(change before it, seed)]): {meetings}", "", command])


class GeneratedPods(unittest.TestCase):
    def test_every_answer_is_what_the_reference_says(self):
        stories = Stories(Webhook(type(self), policies.make(SEED, POLICY_COUNT)))
        for number in range(POD_COUNT):
            story = pods.story(random.Random(f"{SEED}-{number}"), stories.webhook.policies, changes.ALL)
            try:
                stories.tell(story)
            except Exception as violation:
                raise AssertionError(report(stories, *smaller.story(stories.tell, story, violation))) from violation
        counts = ", ".join(f"{count} {outcome}" for outcome, count in stories.counts.most_common())
        print(f"judged {POD_COUNT} pods: {counts}", file=sys.stderr)

    def test_what_exceeds_a_record_is_not_on_it(self):
        pod = {"spec": {"containers": [{"name": f"rucio-{number}"} for number in range(300)]}}
        brief = {"name": "brief", "match": {"namespaces": ["ns-0"], "containers": ["*"]}, "package": "p", "path": "/p",
                 "pythonPath": "entrypoint", "source": {"preinstalled": {}}}
        long = {**brief, "name": "long", "match": {"namespaces": ["ns-1"], "containers": ["*"]}, "path": "/p" * 100}
        webhook = Webhook(type(self), [brief, long])
        for number, counts in enumerate(([128], range(50, 128))):
            case = webhook.case(pod, number)
            judge_again(webhook, case, number)
            self.assertIn(len(rules.read_record(case.after)["containers"]), counts)


if __name__ == "__main__":
    unittest.main()
