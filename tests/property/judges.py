"""What must be true of every answer, whatever the pod and the policy: each judge raises Violation."""
import rules
from case import Case, Violation, equal, require
from judges_always import (judge_admission, judge_not_on_record, judge_package_is_found, judge_references,
                           judge_rest_of_pod)
from judges_exact import (judge_annotations, judge_env_entries, judge_environment, judge_mounts, judge_volume,
                          judge_warnings)
from judges_init import judge_init_containers

__all__ = ["Case", "Violation", "equal", "judge"]

JUDGES = [judge_rest_of_pod, judge_not_on_record, judge_references, judge_admission, judge_package_is_found,
          judge_env_entries, judge_mounts, judge_volume, judge_annotations, judge_warnings, judge_environment,
          judge_init_containers]


def judge_answer(case):
    answer = case.answer
    warnings = answer.get("warnings", [])
    require(all(len(warning) < 120 for warning in warnings), "warnings are short", warnings)
    equal("patchType" in answer, "patch" in answer, "a patch has a type")
    if case.outcome == "rejected":
        require("patch" not in answer, "a refused pod has no patch")
        equal(answer["status"]["code"], 403, "a refused pod has code 403")
        require(len(answer["status"]["message"]) > 20, "a refused pod is told why")
    else:
        require("status" not in answer, "an allowed pod has no status")
    if case.outcome == "patched":
        require(case.patch, "a patch is not empty")
    audit = set(answer.get("auditAnnotations", {}))
    expected = {"patched": ["outcome", "policy"], "rejected": ["rejected"], "unchanged": []}[case.outcome]
    equal(sorted(audit - {"policy"} if case.outcome == "rejected" else audit), expected, "audit annotations")


def is_skipped(case):
    annotations, spec = rules.annotations(case.before), case.before["spec"]
    return (annotations.get(rules.OURS + "inject") == "false" or "kubernetes.io/config.mirror" in annotations or
            (spec.get("os") or {}).get("name") == "windows")


def is_wrong_choice(case):
    annotations = rules.annotations(case.before)
    chosen = annotations.get(rules.OURS + "policy")
    return bool(chosen) and chosen != case.policy["name"] and rules.OURS + "injected" not in annotations


def is_selected(case):
    labels = (case.before.get("metadata") or {}).get("labels") or {}
    return bool(case.rules.targets) and ("podSelector" not in case.policy["match"] or labels.get("app") == "rucio")


def judge(case):
    judge_answer(case)
    if is_skipped(case):
        equal(case.outcome, "unchanged", "a pod that is skipped")
        return
    if is_wrong_choice(case):
        equal(case.outcome, "rejected", "a pod that asks for another policy")
        return
    if not is_selected(case):
        require(case.outcome == "unchanged" or rules.annotations(case.before).get(rules.OURS + "policy"),
                "a pod that no policy selects", case.outcome)
        return
    judge_refusal(case)
    if case.outcome != "rejected":
        for judge_one in JUDGES:
            judge_one(case)


def judge_refusal(case):
    message = case.answer.get("status", {}).get("message", "")
    refusals = case.rules.fields("refusals")
    if refusals:
        equal(case.outcome, "rejected", f"a pod with {refusals}")
        for refusal in sorted(refusals):
            container, field = refusal.split("/", 1)
            require(container in message and field in message, "a refusal names container and field", message)
    elif not case.rules.has_different_images():
        require(case.outcome != "rejected", "a pod without conflicts is not refused", message)
    elif not case.rules.is_left_alone(case.rules.installer, case.before):
        equal(case.outcome, "rejected", "pip for several images")
