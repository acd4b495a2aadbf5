"""MutatingAdmissionPolicyBinding. Stored; practice evaluates no policies."""

from .validatingadmissionpolicybindings import ValidatingAdmissionPolicyBinding


class MutatingAdmissionPolicyBinding(ValidatingAdmissionPolicyBinding):
    kind, plural = "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"
    needed = ("policyName",)
