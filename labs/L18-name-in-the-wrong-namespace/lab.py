"""L18: a name that is looked up in the wrong namespace."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

BANK = "lab-l18-bank"

LAB = Lab(
    title="A neighbour called by the first name",
    level=3,
    minutes=12,
    story="""
The checkout asks the payments service for every purchase, at the address in its variable PAYMENTS. Last week payments moved in with
the bank, to the namespace lab-l18-bank. Since then no purchase goes through.

Let the checkout reach payments where it is now. Payments stays with the bank.
""",
    broken="gets no page",
    hints=(
        "The name cannot be resolved. In which namespace is a short name like `payments` looked for?",
        "`kubectl get services -A`: where is it? A Service's whole name is NAME.NAMESPACE.svc.cluster.local.",
        "`kubectl set env deploy/checkout PAYMENTS=http://payments.lab-l18-bank`",
    ),
    wrong={
        "%kubectl set env deploy/checkout PAYMENTS=http://payments.lab-l18": "payments.lab-l18",
        "%kubectl create service clusterip payments --tcp=80:80": "gets no page",
        """
%kubectl create deployment payments --image=nginx:1.27
%kubectl expose deployment payments --port=80
""": "somebody answers, but the bank has not heard of it",
        """
%kubectl create deployment till --image=nginx:1.27
%kubectl expose deployment till --port=80
%kubectl set env deploy/checkout PAYMENTS=http://till
""": "somebody answers, but the bank has not heard of it",
    },
    repairs={
        "use the name with its namespace": "%kubectl set env deploy/checkout PAYMENTS=http://payments.lab-l18-bank",
        "use the whole name": "%kubectl set env deploy/checkout PAYMENTS=http://payments.lab-l18-bank.svc.cluster.local",
    },
    explanation="""
A container's `/etc/resolv.conf` searches its own namespace first, so `payments` means `payments.lab-l18.svc.cluster.local` here. A
Service in another namespace is called by two names, `payments.lab-l18-bank`, or by the whole one. Starting a second payments in
this namespace would answer, and book no purchase at the bank.
""",
)


@LAB.goal("The checkout reaches payments")
def reached(cluster) -> Verdict:
    answered, said = _purchase(cluster)
    if not answered:
        see = "%kubectl exec deploy/checkout -- sh -c 'echo $PAYMENTS; cat /etc/resolv.conf'"
        return not_yet("the checkout gets no page from payments", why=said, next=see)
    return done("it does")


@LAB.goal("Its purchase is booked at the bank")
def booked(cluster) -> Verdict:
    """By the log of the bank's payments, in which the checkout's Pod leaves its name."""
    booked = look.kubectl(cluster, "logs", f"--namespace={BANK}", "--selector=app=payments", "--tail=-1")[1]
    if any(f"for={pod['metadata']['name']} " in booked for pod in look.pods(cluster, "app=checkout")):
        return done("it is in the log of payments")
    if not _purchase(cluster)[0]:
        return not_yet("no purchase goes through")
    return not_yet("somebody answers, but the bank has not heard of it", next=f"%kubectl logs -n {BANK} deploy/payments")


@LAB.goal("The checkout stays Ready")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/checkout", 1)


def _purchase(cluster) -> tuple[bool, str]:
    return look.run(cluster, "deploy/checkout", "sh", "-c", 'timeout 3 wget -qO- "$PAYMENTS/?for=$HOSTNAME"')
