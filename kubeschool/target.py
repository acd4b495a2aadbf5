"""What is meant by `pod/web` or `pods -l app=web`: objects of one type, by name or by label."""

from dataclasses import dataclass

from kubeschool.api import Api, Resource
from kubeschool.errors import CourseError


@dataclass(frozen=True)
class Target:
    """The object called `name`, or all that `selector` picks."""

    resource: Resource
    namespace: str
    name: str = ""
    selector: str = ""

    @classmethod
    def parse(cls, text: str, namespace: str, api: Api) -> "Target":
        """`pod/web`, `deploy web`, `pods -l app=web`, each with or without `-n NAMESPACE`, as kubectl takes them. Raises CourseError."""
        words, options = text.split(), {"-n": namespace, "-l": ""}
        for option in options:
            if option in words[:-1]:
                at = words.index(option)
                options[option] = words[at + 1]
                del words[at : at + 2]
        parts = " ".join(words).replace("/", " ", 1).split()
        if len(parts) != (1 if options["-l"] else 2):
            raise CourseError(f'what is meant is written as "pod/web" or "pods -l app=web", not {text!r}')
        return cls(api.resource(parts[0]), options["-n"], "".join(parts[1:]), options["-l"])

    @classmethod
    def of(cls, model, namespace: str, api: Api) -> "Target":
        """The object that a model of the official client (`V1Pod`, …) is a copy of. Raises CourseError."""
        try:
            kind = model.kind or type(model).__name__.removeprefix("V1")
            return cls(api.resource(kind), model.metadata.namespace or namespace, model.metadata.name)
        except AttributeError:
            raise CourseError(f'what is meant is "pod/web", "pods -l app=web" or an object of the Python client, not {model!r}') from None

    def __str__(self) -> str:
        return f"{self.resource.singular}/{self.name}" if self.name else f"{self.resource.name} with {self.selector}"

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace)

    @property
    def query(self) -> dict[str, str]:
        return {"fieldSelector": f"metadata.name={self.name}"} if self.name else {"labelSelector": self.selector}
