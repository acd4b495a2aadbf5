"""What one kind is: names, columns, defaults, rules. A subclass a kind, a file a subclass, in `resources/`.

The hooks carry the names of upstream's REST strategies (`k8s.io/apiserver/pkg/registry/rest`).
"""
from collections.abc import Callable
from dataclasses import dataclass

from .errors import FieldError
from .names import validate_dns_subdomain

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`. `priority` above 0 is shown with `-o wide` only."""

    name: str
    type: str = "string"
    priority: int = 0
    format: str = ""
    description: str = ""


@dataclass(frozen=True)
class Subresource:
    """`…/name/<subresource>`. `group_version_kind` names what it speaks when not the parent's kind, e.g. Scale."""

    verbs: tuple[str, ...] = ("get", "patch", "update")
    group_version_kind: tuple[str, str, str] | None = None


STATUS = {"status": Subresource()}
SCALE = {"scale": Subresource(group_version_kind=("autoscaling", "v1", "Scale"))}


@dataclass
class DeleteOptions:
    """metav1.DeleteOptions as the registry uses them. `grace` in seconds."""

    grace: int | None = None
    propagation: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


class Resource:
    """Subclass, set the class attributes, override the hooks that differ. Hooks change `obj` in place."""

    group = ""
    version = "v1"
    kind: str
    plural: str
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced = True
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: dict[str, Subresource] = {}
    model: str = ""
    """Class of the Python client that describes the kind, default V1<Kind>."""
    columns: tuple[Column, ...] = (Column("Name", format="name"), Column("Age"))
    has_generation = False
    """Whether metadata.generation counts the changes of the spec."""
    default_propagation = "Background"
    returns_deleted = False
    """Whether DELETE answers with the object instead of a Status (`Store.ReturnDeletedObject`)."""
    converts = False
    """True where the stored form is another version's; then `from_storage` and `to_storage` are called."""
    stored = True
    """False for kinds that are answered and forgotten (reviews)."""
    served_by = ""
    """The extension API server, a Service in kube-system, that serves the kind (`kube-aggregator`)."""
    initial_status: dict = {}
    """What the status of a new object is, whatever the client sent."""
    custom = False
    """True for custom resources: JSON and YAML only, no strategic merge patches."""
    deletion_finalizers: tuple[str, ...] = ()
    """Finalizers that asking for a deletion sets."""
    trigger = ""
    """A field by whose value changes find those who watch only some objects (`TriggerPublisherFuncs`)."""
    allow_create_on_update = False
    allow_unconditional_update = True

    def __init_subclass__(cls) -> None:
        cls.singular = cls.__dict__.get("singular", cls.kind.lower())
        cls.model = cls.__dict__.get("model", f"V1{cls.kind}")

    @property
    def name(self) -> str:
        """The resource as RBAC and messages name it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def storage(self) -> str:
        """Under which resource the store keeps the objects; differs where two groups or versions share one."""
        return self.name

    @property
    def qualified_kind(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    # -- what the registry asks on a write, in this order --------------------------------------------------

    def default(self, obj: dict) -> None:
        """Fill in what the schema table cannot say (`pkg/apis/<group>/<version>/defaults.go`)."""

    def prepare_for_create(self, obj: dict) -> None:
        if "status" in self.subresources:
            obj["status"] = dict(self.initial_status)

    def prepare_for_update(self, obj: dict, old: dict) -> None:
        if "status" in self.subresources:
            _carry_over(obj, old, "status")

    def prepare_for_status_update(self, obj: dict, old: dict) -> None:
        _carry_over(obj, old, "spec")

    def begin_create(self, registry, request, obj: dict) -> None:
        """Last step before validation, with the other objects in reach: allocation of addresses (`Store.BeginCreate`)."""

    def begin_update(self, registry, request, obj: dict, old: dict) -> None:
        """As begin_create, for an update (`Store.BeginUpdate`)."""

    def desired(self, obj: dict) -> object:
        """The part of an object whose changes metadata.generation counts."""
        return obj.get("spec")

    def validate_name(self, name: str) -> list[str]:
        return validate_dns_subdomain(name)

    # An update through a subresource calls `prepare_for_<subresource>_update` and `validate_<subresource>_update` where
    # the subclass has them, else those of the parent.

    def validate(self, obj: dict) -> list[FieldError]:
        return []

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate(obj)

    def validate_status_update(self, obj: dict, old: dict) -> list[FieldError]:
        return []

    def warnings(self, obj: dict, old: dict | None) -> list[str]:
        """Texts for `Warning:` headers; `old` is None on create."""
        return []

    def read_warnings(self) -> list[str]:
        """Texts for `Warning:` headers of every request, reads included (deprecated versions)."""
        return []

    # -- kinds stored in another version's form ---------------------------------------------------------------

    def from_storage(self, obj: dict) -> dict:
        return obj

    def to_storage(self, obj: dict) -> dict:
        return obj

    # -- kinds that are made when asked for (ComponentStatus, PodMetrics)

    def made(self, registry) -> list[dict] | None:
        """The objects there are, for kinds the store does not keep."""
        return None

    # -- deletion ------------------------------------------------------------------------------------------

    def grace_period(self, obj: dict, options: DeleteOptions) -> int:
        """Seconds until the object may go; 0 removes it at once (`rest.RESTGracefulDeleteStrategy`)."""
        return 0

    def prepare_for_delete(self, obj: dict) -> None:
        """What else changes when a deletion is only marked, not done."""

    def deletable(self, obj: dict) -> bool:
        """Whether an object without metadata.finalizers may go (a Namespace has finalizers of its own)."""
        return True

    # -- reading -------------------------------------------------------------------------------------------

    def fields(self, obj: dict) -> dict[str, str]:
        """Values for field selectors besides metadata.name and metadata.namespace."""
        return {}

    def row(self, obj: dict) -> list:
        """Cells of the table, one a column (`pkg/printers/internalversion/printers.go`)."""
        return [obj["metadata"]["name"], age(obj)]

    # -- subresources whose object is not the parent itself (scale, binding, eviction, token …) ---------------
    # A method `get_scale(registry, request)`, `create_eviction(registry, request, body)`, `update_scale(registry, request,
    # body)` in the subclass serves the subresource; without one, the subresource reads and writes the parent. A kind with
    # `stored = False` answers `review(registry, request, obj)`.

    def handler(self, verb: str, subresource: str) -> Callable | None:
        return getattr(self, f"{verb}_{subresource}", None)


def _carry_over(obj: dict, old: dict, key: str) -> None:
    if key in old:
        obj[key] = old[key]
    else:
        obj.pop(key, None)


def age(obj: dict) -> str:
    from .tables import translate_timestamp_since

    return translate_timestamp_since(obj["metadata"].get("creationTimestamp"))
