"""The running server, and one connection to it that is kept."""
import collections
import json
import pathlib
import sys

import judges

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import support  # noqa: E402

UID = "0bd6b2c8-1d1c-4d36-a2fb-0b1f2f0c1a11"


def review_of(pod, namespace):
    request = {"uid": UID, "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": namespace,
               "operation": "CREATE", "object": pod}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


class Webhook:
    """`serve` with policies of which number i is for namespace ns-i. Ends with the test class."""

    def __init__(self, test, made):
        self.policies = made
        folder = support.Folder()
        test.addClassCleanup(folder.remove)
        folder.write("config.yaml", json.dumps({"policies": made}))
        server = support.Server(folder, "--threads", "1", "--max-requests-per-connection", "0")
        test.addClassCleanup(server.__exit__)
        server.lines = collections.deque(maxlen=100)  # of the log, one for each pod
        self.client = server.connect()
        test.addClassCleanup(self.client.close)

    def ask(self, number, *pods):
        """The responses for some pods, which are sent without waiting for each."""
        self.client.send(b"".join(support.post(json.dumps(review_of(pod, f"ns-{number}")).encode()) for pod in pods))
        return [self.client.read_response() for _ in pods]

    def case(self, pod, number):
        first, second = self.ask(number, pod, pod)
        judges.equal(second.body, first.body, "the same answer twice")
        return judges.Case(self.policies[number], pod, first, UID)
