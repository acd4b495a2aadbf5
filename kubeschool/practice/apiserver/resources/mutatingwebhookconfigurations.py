"""MutatingWebhookConfiguration. Stored; practice calls no webhooks."""

from .validatingwebhookconfigurations import ValidatingWebhookConfiguration


class MutatingWebhookConfiguration(ValidatingWebhookConfiguration):
    kind, plural = "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"

    def default(self, obj: dict) -> None:
        super().default(obj)
        for webhook in obj.get("webhooks") or []:
            webhook["reinvocationPolicy"] = webhook.get("reinvocationPolicy") or "Never"
