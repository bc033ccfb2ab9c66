"""Reviews of several sizes, made from a real one: examples/server.json."""
import copy
import json

NOT_IN_A_SMALL_POD = ("livenessProbe", "readinessProbe", "ports", "resources")


def encode(review):
    return json.dumps(review, separators=(",", ":")).encode()


def small(review):
    """About 2 KB: one container, no managedFields."""
    review = copy.deepcopy(review)
    pod = review["request"]["object"]
    del pod["metadata"]["managedFields"]
    spec = pod["spec"]
    spec["containers"] = [{key: value for key, value in container.items() if key not in NOT_IN_A_SMALL_POD}
                          for container in spec["containers"] if container["name"] == "rucio-server"]
    spec["volumes"] = spec["volumes"][:2]
    spec["containers"][0]["volumeMounts"] = spec["containers"][0]["volumeMounts"][:2]
    spec["containers"][0]["env"] = spec["containers"][0]["env"][:2]
    return encode(review)


def large(review, size, name):
    """At least size bytes: more containers as the one of Rucio's, with their part of managedFields. name: of the n-th."""
    review = copy.deepcopy(review)
    pod = review["request"]["object"]
    containers = pod["spec"]["containers"]
    managed = pod["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:containers"]
    model, model_managed = containers[1], managed['k:{"name":"rucio-server"}']
    each = len(encode(model)) + len(encode(model_managed)) + 40
    for n in range((size - len(encode(review))) // each + 1):
        containers.append(model | {"name": name.format(n)})
        managed[f'k:{{"name":"{name.format(n)}"}}'] = model_managed
    return encode(review)


def make(folder, review_path):
    """Writes the files; returns {label: path}, from small to large."""
    review = json.loads(review_path.read_text())
    texts = {
        "2 KB": small(review),
        "9 KB": review_path.read_bytes(),
        "100 KB": large(review, 100_000, "other-{}"),
        "2 MB": large(review, 2_000_000, "other-{}"),
    }
    paths = {}
    for label, text in texts.items():
        paths[label] = folder / f"{label.replace(' ', '-')}.json"
        paths[label].write_bytes(text)
    return paths
