"""L17: a NetworkPolicy that shuts out those it was to let in."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="The bouncer does not know the customers",
    level=3,
    minutes=12,
    story="""
Since the security team put a bouncer at the shop's door, no customer comes in. Strangers do not come in either, which is what he is
for.

Let the Pods of the Deployment customer reach the shop. The Deployment stranger must stay outside.
""",
    broken="the customer gets no page",
    needs=("network-policy",),
    hints=(
        "No answer at all, not even a refusal: packets are dropped. What drops packets between Pods?",
        "`kubectl describe networkpolicy shop` beside `kubectl get pods --show-labels`: whom does the policy let in?",
        "It lets in `role=customer`, and the customers are labelled `app=customer`. Change the policy, or label the Deployment's template.",
    ),
    wrong={
        "%kubectl delete networkpolicy shop": "the stranger gets in",
        "%kubectl label deploy customer role=customer": "the customer gets no page",
        """
%kubectl patch networkpolicy shop --type=json -p '[{"op": "replace", "path": "/spec/ingress", "value": [{}]}]'
""": "the stranger gets in",
    },
    repairs={
        "let in the label customers have": """
%kubectl patch networkpolicy shop --type=json -p \\
  '[{"op": "replace", "path": "/spec/ingress/0/from/0/podSelector/matchLabels", "value": {"app": "customer"}}]'
""",
        "give customers the label": """
%kubectl patch deploy customer -p '{"spec": {"template": {"metadata": {"labels": {"role": "customer"}}}}}'
""",
    },
    explanation="""
As soon as a NetworkPolicy selects a Pod, whatever it does not allow is dropped, without an answer. It looks at labels of **Pods**:
a label on the Deployment object changes nothing, one in its template makes new Pods that carry it. Deleting the policy lets
everybody in.
""",
)


@LAB.goal("The customer gets the page")
def customer(cluster) -> Verdict:
    answered, said = look.ask(cluster, "deploy/customer", "http://shop")
    if not answered:
        return not_yet("the customer gets no page", why=said, next="%kubectl exec deploy/customer -- timeout 3 wget -qO- http://shop")
    return done("it does")


@LAB.goal("The stranger does not")
def stranger(cluster) -> Verdict:
    if look.ask(cluster, "deploy/stranger", "http://shop", seconds=2)[0]:
        return not_yet("the stranger gets in", next="%kubectl get networkpolicies")
    return done("it stays outside")


@LAB.goal("The shop stays Ready")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/shop", 1)
