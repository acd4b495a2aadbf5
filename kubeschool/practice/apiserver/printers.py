"""Table cells that several kinds share (`pkg/printers/internalversion/printers.go`)."""

from .resource import Column
from .tables import translate_timestamp_since

NAME, AGE = Column("Name", format="name"), Column("Age")
CONTAINERS, IMAGES, SELECTOR = Column("Containers", priority=1), Column("Images", priority=1), Column("Selector", priority=1)

_ACCESS_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def integer(name: str, priority: int = 0) -> Column:
    return Column(name, type="integer", priority=priority)


def container_cells(template: dict) -> list[str]:
    """Names and images of a pod template's containers."""
    containers = template.get("spec", {}).get("containers") or []
    return [",".join(c.get("name", "") for c in containers), ",".join(c.get("image", "") for c in containers)]


def format_labels(labels: dict | None) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted((labels or {}).items())) or "<none>"


def format_label_selector(selector: dict | None) -> str:
    """metav1.FormatLabelSelector."""
    terms = [(k, f"{k}={v}") for k, v in ((selector or {}).get("matchLabels") or {}).items()]
    for e in (selector or {}).get("matchExpressions") or []:
        values = f"({','.join(sorted(e.get('values') or []))})"
        key = e["key"]
        shown = {"In": f"{key} in {values}", "NotIn": f"{key} notin {values}", "Exists": key, "DoesNotExist": f"!{key}"}
        terms.append((key, shown.get(e["operator"], "<error>")))
    return ",".join(term for _, term in sorted(terms)) or "<none>"


def access_modes(modes: list[str] | None) -> str:
    return ",".join(short for mode, short in _ACCESS_MODES.items() if mode in (modes or []))


def load_balancer_addresses(status: dict) -> str:
    ingress = status.get("loadBalancer", {}).get("ingress") or []
    return ",".join(sorted({i.get("ip") or i.get("hostname") or "" for i in ingress} - {""}))


def since(timestamp: str | None, absent: str = "<unknown>") -> str:
    return translate_timestamp_since(timestamp) if timestamp else absent


def format_bool(value: bool | None, unset: str = "<unset>") -> str:
    """A *bool as upstream prints it: True, False, <unset>."""
    return unset if value is None else str(value)
