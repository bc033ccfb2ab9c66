"""A story that fails is made smaller as long as the same judge finds something."""
import cluster


def _is_possible(pod):
    """Whether the parts that everything hangs on are there."""
    spec = pod.get("spec") or {}
    volumes = [volume.get("name") for volume in cluster.elements(spec.get("volumes"))]
    return bool(spec.get("containers")) and all(
        container.get("name") and all(entry.get("name") for entry in cluster.elements(container.get("env"))) and
        all(mount.get("mountPath") and mount.get("name") in volumes
            for mount in cluster.elements(container.get("volumeMounts")))
        for container in cluster.containers(pod))


def _without_one(value):
    """Copies of a value that lack one member or element of it or of what is in it, the outer ones first."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        less = value.copy()
        del less[key]
        yield less
    for key in keys:
        for inner in _without_one(value[key]):
            less = value.copy()
            less[key] = inner
            yield less


def _candidates(pod, meetings):
    for index, (number, happened) in enumerate(meetings):
        before, after = meetings[:index], meetings[index + 1:]
        yield pod, before + after
        yield from ((pod, [*before, (number, less), *after]) for less in _without_one(happened))
    yield from ((less, meetings) for less in _without_one(pod) if _is_possible(less))


def story(tell, found, violation):
    """(the smallest story, its violation)"""
    def fails(candidate):
        nonlocal found, violation
        try:
            tell(candidate)
        except Exception as other:
            if type(other) is type(violation) and str(other).split(":")[0] == str(violation).split(":")[0]:
                found, violation = candidate, other
                return True
        return False

    while any(map(fails, _candidates(*found))):
        pass
    return found, violation
