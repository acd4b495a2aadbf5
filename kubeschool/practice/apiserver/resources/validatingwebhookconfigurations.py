"""ValidatingWebhookConfiguration. Stored; practice calls no webhooks."""

from ..errors import FieldError
from ..printers import AGE, NAME, integer, since
from ..resource import Resource
from ..webhooks import default_webhook, validate_webhooks


class ValidatingWebhookConfiguration(Resource):
    group, kind, plural = "admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"
    allow_unconditional_update = False
    categories = ("api-extensions",)
    namespaced = False
    has_generation = True
    columns = (NAME, integer("Webhooks"), AGE)

    def default(self, obj: dict) -> None:
        for webhook in obj.get("webhooks") or []:
            default_webhook(webhook)

    def validate(self, obj: dict) -> list[FieldError]:
        return validate_webhooks(obj)

    def row(self, obj: dict) -> list:
        return [obj["metadata"]["name"], len(obj.get("webhooks") or []), since(obj["metadata"].get("creationTimestamp"))]
