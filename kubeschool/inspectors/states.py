"""An object's state in a word, and whether that is good (near to kubectl's STATUS column, `printPod`)."""

BAD = ("Failed", "Error", "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "OOMKilled", "Evicted", "Unknown", "Lost")


def state(obj: dict) -> tuple[str, str]:
    """(word, mark): "Running", "good"."""
    word = _word(obj)
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating", "gone"
    if word in BAD or word.endswith(("Error", "BackOff", "InvalidImageName")):
        return word, "bad"
    return word, "good" if _is_good(obj, word) else "waiting"


def _word(obj: dict) -> str:
    spec, status = obj.get("spec", {}), obj.get("status", {})
    if obj["kind"] == "Pod":
        return _pod_word(status)
    if "replicas" in spec:
        return f"{status.get('readyReplicas', 0)}/{spec['replicas']} ready"
    if obj["kind"] == "Job":
        return f"{status.get('succeeded', 0)}/{spec.get('completions', 1)} succeeded"
    return status.get("phase", "")


def _pod_word(status: dict) -> str:
    word = status.get("reason") or status.get("phase", "Pending")
    for container in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
        current = container.get("state", {})
        reason = (current.get("waiting") or current.get("terminated") or {}).get("reason")
        if reason and not (reason == "Completed" and word == "Running"):
            word = reason
    return word


def _is_good(obj: dict, word: str) -> bool:
    status = obj.get("status", {})
    if obj["kind"] == "Pod":
        conditions = {c["type"]: c["status"] for c in status.get("conditions", ())}
        return conditions.get("Ready") == "True" or status.get("phase") == "Succeeded"
    if "/" in word:
        have, _, wanted = word.split()[0].partition("/")
        return have == wanted
    return word in ("", "Active", "Bound", "Complete")


def container_state(status: dict) -> tuple[str, str]:
    """(word, mark) of a container's status: "Running", "good"."""
    (kind, details), *_ = [*status.get("state", {}).items(), ("waiting", {})]
    if kind == "running":
        return ("Running", "good") if status.get("ready", True) else ("Running, not ready", "waiting")
    word = details.get("reason", kind.capitalize())
    if kind == "terminated":
        return word, "good" if details.get("exitCode") == 0 else "bad"
    return word, "bad" if word.endswith(("Error", "BackOff")) else "waiting"
