#!/usr/bin/python3
"""show-answer.py REVIEW ANSWER OUTCOME [NAME=VALUE | NAME= | -NAME]... - shows what an admission answer does to its pod.

Prints the warnings and the pod before and after as a diff; the patch is applied by python3-jsonpatch. Exits 1 unless the
answer is OUTCOME (patched, allowed or refused) and the first Rucio container then has the variables: with that value, with
any (NAME=), or not at all (-NAME).
"""

import base64
import difflib
import json
import sys

import jsonpatch

GREEN, RED, DIM, PLAIN = "\033[32m", "\033[31m", "\033[2m", "\033[0m"


def outcome_of(response):
    if not response["allowed"]:
        return "refused"
    return "patched" if "patch" in response else "allowed"


def patched(pod, response):
    if "patch" not in response:
        return pod
    return jsonpatch.apply_patch(pod, json.loads(base64.b64decode(response["patch"], validate=True)))


def lines_of(pod):
    return json.dumps(pod, indent=2, ensure_ascii=False).splitlines()


def print_diff(before, after):
    diff = difflib.unified_diff(lines_of(before), lines_of(after), "before", "after", n=2, lineterm="")
    colours = {"+": GREEN, "-": RED, "@": DIM} if sys.stdout.isatty() else {}
    for line in diff:
        colour = colours.get(line[0])
        print(f"{colour}{line}{PLAIN}" if colour else line)


def problem_with(variables, expectation):
    if expectation.startswith("-"):
        return f"it has {expectation[1:]}" if expectation[1:] in variables else None
    name, value = expectation.split("=", 1)
    if name not in variables:
        return f"it has no {name}"
    if value and variables[name] != value:
        return f"{name} is {variables[name]!r}, not {value!r}"
    return None


def main():
    review_file, answer_file, outcome, *expectations = sys.argv[1:]
    with open(review_file, encoding="utf-8") as file:
        request = json.load(file)["request"]
    with open(answer_file, encoding="utf-8") as file:
        response = json.load(file)["response"]
    pod = request["object"]
    after = patched(pod, response)

    for warning in response.get("warnings", []):
        print(f"Warning: {warning}")
    if not response["allowed"]:
        print(f"Refused: {response['status']['message']}")
    print_diff(pod, after)
    if after == pod:
        print("(the pod stays as it is)")

    containers = after["spec"]["containers"]
    target = next((c for c in containers if c["name"].startswith("rucio-")), containers[0])
    variables = {entry["name"]: entry.get("value") for entry in target.get("env", [])}
    problems = [problem_with(variables, expectation) for expectation in expectations]
    if response["uid"] != request["uid"]:
        problems.append("the answer has another uid")
    if outcome_of(response) != outcome:
        problems.append(f"the answer is {outcome_of(response)}, not {outcome}")
    problems = [problem for problem in problems if problem]
    for problem in problems:
        print(f"NOT AS SAID: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
