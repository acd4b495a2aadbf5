"""Why an object is as it is: `kubeschool.explain("pod/web")`, and what a wait says when its time is up.

`situations/` holds tables, a file a topic: what the cluster shows → what is wrong, what that means, which command shows it, what to try.
`evidence.py` reads an object and its surroundings from the API, `signs.py` are the questions a table may ask of it.
"""

from kubeschool.diagnosis.evidence import Evidence
from kubeschool.diagnosis.explanation import Explanation, Finding
from kubeschool.diagnosis.healthy import in_a_word
from kubeschool.diagnosis.situation import findings
from kubeschool.diagnosis.situations import TABLES
from kubeschool.diagnosis.situations.anything import ANYTHING
from kubeschool.target import Target

SHOWN = 5
"""Of many objects that a selector picks, and of many pods behind one, so many are explained."""


def explain(cluster, target) -> Explanation:
    """`target` is "pod/web", "pods -l app=web" (with or without `-n NAMESPACE`), or an object of the Python client.

    Raises CourseError for what names no type of the cluster, ApiException for what may not be read.
    """
    find = Target.parse if isinstance(target, str) else Target.of
    return diagnose(cluster.api, find(target, cluster.namespace, cluster.api))


def diagnose(api, target: Target) -> Explanation:
    """Look at the objects of `target` as they are now."""
    objects = api.get(target.path, **target.query)["items"]
    if not objects:
        return Explanation([_missing(api, target)])
    found: list[Finding] = []
    for obj in objects[:SHOWN]:
        found += _findings(Evidence(api, target.resource, obj))
    if more := len(objects) - SHOWN:
        found += [Finding("", "waiting", f"and {more} more {target.resource.name}")] if more > 0 else []
    return Explanation(found)


def _findings(evidence: Evidence) -> list[Finding]:
    """What is wrong with one object and with the pods it stands on; one line when nothing is."""
    found = findings(TABLES.get(evidence.kind, ()), evidence)
    seen = set()
    for pod in evidence.troubled_pods[:SHOWN]:
        for finding in findings(TABLES["Pod"], pod):
            if (finding.id, finding.subject) not in seen:
                found.append(finding)
            seen.add((finding.id, finding.subject))
    return found or findings(ANYTHING, evidence) or [in_a_word(evidence)]


def _missing(api, target: Target) -> Finding:
    where = f" in the namespace {target.namespace}" if target.resource.namespaced else ""
    there = [obj["metadata"]["name"] for obj in api.get(target.path)["items"]]
    flag = f" -n {target.namespace}" if target.resource.namespaced else ""
    return Finding(
        str(target),
        "gone",
        f"there {'is' if target.name else 'are'} no {target}{where}",
        said=f"its {target.resource.name}: {', '.join(there[:10]) or 'none'}{' …' if there[10:] else ''}",
        see=f"kubectl get {target.resource.name}{flag} --show-labels",
    )
