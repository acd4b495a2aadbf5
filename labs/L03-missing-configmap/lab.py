"""L03: a ConfigMap that is not there."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="A menu without prices",
    level=1,
    minutes=8,
    story="""
The restaurant's menu is printed by a container that learns the currency from a ConfigMap. Last night the configuration was "cleaned
up", and since then no menu is printed at all.

Guests want to read `Soup 4 EUR` again, with a currency that stands in a ConfigMap, where the accountant may change it.
""",
    broken='configmap "menu-settings" not found',
    hints=(
        "STATUS says `CreateContainerConfigError`: the container was not even made. Who says why?",
        "Compare the ConfigMap that the Events of the Pod name with `kubectl get configmaps`.",
        "The Deployment looks for `menu-settings`, and the ConfigMap is called `menu-config`. Make the one, or name the other.",
    ),
    wrong={
        "%kubectl rollout restart deploy/menu": 'configmap "menu-settings" not found',
        "%kubectl create configmap menu-settings --from-literal=money=EUR": "couldn't find key currency",
        """
%kubectl patch deploy/menu --type=json -p \\
  '[{"op": "add", "path": "/spec/template/spec/containers/0/env/0/valueFrom/configMapKeyRef/optional", "value": true}]'
""": 'does not say "Soup 4 EUR"',
        "%kubectl set env deploy/menu CURRENCY=EUR": "stands in the Deployment itself",
    },
    repairs={
        "name the ConfigMap that is there": """
%kubectl patch deploy/menu --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/valueFrom/configMapKeyRef/name", "value": "menu-config"}]'
""",
        "make the ConfigMap that is named": "%kubectl create configmap menu-settings --from-literal=currency=EUR",
    },
    explanation="""
A container's environment is put together when the container is made. If a ConfigMap or a key is missing, the kubelet cannot make
it: `CreateContainerConfigError`. The kubelet goes on trying, so creating the ConfigMap heals the Pods that are there. Marking the
reference `optional` lets the container start without the value, which only moves the trouble: a menu without a currency.
""",
)


@LAB.goal("The menu says: Soup 4 EUR")
def page(cluster) -> Verdict:
    return look.answers(cluster, "menu:80", contains="Soup 4 EUR")


@LAB.goal("Two Pods print it, and stay Ready")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/menu", 2)


@LAB.goal("The currency comes from a ConfigMap")
def configured(cluster) -> Verdict:
    menu = look.find(cluster, "deploy/menu")
    if menu and "EUR" in str(look.container(menu["spec"]["template"])):
        return not_yet("the currency stands in the Deployment itself", next="%kubectl get deploy menu -o yaml")
    return done("the Deployment names none")
