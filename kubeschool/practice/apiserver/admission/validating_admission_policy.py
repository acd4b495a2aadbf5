"""What ValidatingAdmissionPolicies say of a write (`k8s.io/apiserver/pkg/admission/plugin/policy/{generic,validating,matching}`)."""

from collections.abc import Iterator

from .. import errors, expressions, selectors
from ..errors import ApiError
from ..expressions import ExpressionError

GROUP = "admissionregistration.k8s.io"
POLICIES, BINDINGS = f"validatingadmissionpolicies.{GROUP}", f"validatingadmissionpolicybindings.{GROUP}"
EXEMPT = {POLICIES, BINDINGS, f"validatingwebhookconfigurations.{GROUP}", f"mutatingwebhookconfigurations.{GROUP}"}
CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413, "Invalid": 422}


def validate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    bindings = client.list(BINDINGS)
    if not bindings or request.resource.name in EXEMPT:
        return
    policies = {policy["metadata"]["name"]: policy for policy in client.list(POLICIES)}
    for binding in bindings:
        policy = policies.get(binding["spec"].get("policyName", ""))
        if policy and _matches(client, request, operation, obj, old, policy["spec"], binding["spec"]):
            for reason, message in _denials(client, request, operation, obj, old, policy, binding):
                _act(request, policy, binding, reason, message)


def _act(request, policy: dict, binding: dict, reason: str, message: str) -> None:
    who = f"ValidatingAdmissionPolicy '{policy['metadata']['name']}' with binding '{binding['metadata']['name']}'"
    actions = binding["spec"].get("validationActions") or ()
    if "Warn" in actions:
        request.warnings.append(f"Validation failed for {who}: {message}")
    if "Deny" in actions:
        refusal = errors.forbidden(request.resource.name, request.name, f"{who} denied request: {message}")
        details = {**refusal.status["details"], "causes": [{"message": f"{who} denied request: {message}"}]}
        raise ApiError(CODES.get(reason, 422), reason, refusal.message, details)


# -- which requests (`matching.go`, `predicates/rules/rules.go`) -----------------------------------------------------


def _matches(client, request, operation: str, obj: dict | None, old: dict | None, policy: dict, binding: dict) -> bool:
    return all(_selects(client, request, operation, obj, old, match)
               for match in (policy.get("matchConstraints"), binding.get("matchResources")) if match is not None)


def _selects(client, request, operation: str, obj: dict | None, old: dict | None, match: dict) -> bool:
    wanted, namespace = selectors.from_label_selector(match.get("namespaceSelector") or {}), _namespace(client, request, obj or old)
    if namespace and not selectors.matches(wanted, namespace["metadata"].get("labels")):
        return False
    wanted = selectors.from_label_selector(match.get("objectSelector") or {})
    if not any(selectors.matches(wanted, o["metadata"].get("labels")) for o in (obj, old) if o):
        return False
    if any(_covers(rule, request, operation) for rule in match.get("excludeResourceRules") or ()):
        return False
    rules = match.get("resourceRules") or ()
    return not rules or any(_covers(rule, request, operation) for rule in rules)


def _covers(rule: dict, request, operation: str) -> bool:
    resource = request.resource
    name = f"{resource.plural}/{request.subresource}" if request.subresource else resource.plural
    names = {name, "*/*", f"{resource.plural}/*"} | ({f"*/{request.subresource}"} if request.subresource else {"*"})
    scope = "Namespaced" if resource.namespaced else "Cluster"
    return (
        _has(rule, "apiGroups", resource.group)
        and _has(rule, "apiVersions", resource.version)
        and _has(rule, "operations", operation)
        and not names.isdisjoint(rule.get("resources") or ())
        and rule.get("scope", "*") in ("*", scope)
        and (not rule.get("resourceNames") or request.name in rule["resourceNames"])
    )


def _has(rule: dict, field: str, value: str) -> bool:
    return not {"*", value}.isdisjoint(rule.get(field) or ())


def _namespace(client, request, obj: dict | None) -> dict | None:
    """The namespace a request is in; a Namespace is in itself."""
    if request.resource.name == "namespaces":
        return obj
    return client.get("namespaces", "", request.namespace) if request.resource.namespaced and request.namespace else None


# -- what is said of them (`validating/{dispatcher,validator}.go`) ------------------------------------------------------


def _denials(client, request, operation: str, obj: dict | None, old: dict | None, policy: dict, binding: dict) -> Iterator[tuple[str, str]]:
    """(reason, message) of every validation that does not hold."""
    spec, ref = policy["spec"], binding["spec"].get("paramRef")
    strict = spec.get("failurePolicy", "Fail") == "Fail"
    resource = request.resource
    variables = {
        "object": obj,
        "oldObject": old,
        "namespaceObject": _namespace(client, request, obj or old),
        "request": {
            "kind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
            "resource": {"group": resource.group, "version": resource.version, "resource": resource.plural},
            "subResource": request.subresource, "name": request.name, "namespace": request.namespace, "operation": operation,
            "userInfo": {"username": request.user.name, "uid": request.user.uid, "groups": list(request.user.groups)},
            "dryRun": request.dry_run,
        },
    }
    if spec.get("paramKind"):
        found = _params(client, request, spec["paramKind"], ref or {})
        if not found:
            if (ref or {}).get("parameterNotFoundAction") != "Allow" and strict:
                yield "Invalid", "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
            return
    else:
        found = [None]
    for params in found:
        yield from _of_params(spec, {**variables, "params": params}, strict)


def _of_params(spec: dict, variables: dict, strict: bool) -> Iterator[tuple[str, str]]:
    try:
        if not all(expressions.evaluate(condition["expression"], variables) is True for condition in spec.get("matchConditions") or ()):
            return
    except ExpressionError as error:
        if strict:
            yield "Invalid", str(error)
        return
    variables["variables"] = named = {}
    for variable in spec.get("variables") or ():
        try:
            named[variable["name"]] = expressions.evaluate(variable["expression"], variables)
        except ExpressionError:
            continue  # what uses it fails for want of it
    for validation in spec.get("validations") or ():
        expression = validation["expression"]
        try:
            if expressions.evaluate(expression, variables) is not True:
                yield validation.get("reason") or "Invalid", _said(validation, variables)
        except ExpressionError as error:
            if strict:
                yield "Invalid", f"expression '{expression}' resulted in error: {error}"


def _said(validation: dict, variables: dict) -> str:
    if text := validation.get("messageExpression"):
        try:
            if isinstance(message := expressions.evaluate(text, variables), str) and message.strip():
                return message
        except ExpressionError:
            pass
    return validation.get("message") or f"failed expression: {validation['expression'].strip()}"


def _params(client, request, kind: dict, ref: dict) -> list[dict]:
    resource = next((r for r in client.resources() if (r.api_version, r.kind) == (kind.get("apiVersion"), kind.get("kind"))), None)
    if resource is None:
        return []
    namespace = (ref.get("namespace") or request.namespace) if resource.namespaced else None
    found = client.list(resource.name, namespace)
    if name := ref.get("name"):
        return [o for o in found if o["metadata"]["name"] == name]
    wanted = selectors.from_label_selector(ref.get("selector"))
    return [o for o in found if selectors.matches(wanted, o["metadata"].get("labels"))]
