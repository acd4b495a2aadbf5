"""L04: a key that a Secret does not have."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="The till does not know its password",
    level=1,
    minutes=8,
    story="""
The till needs a password from a Secret to log in at the bank, and it does not start. "The Secret is there, I can see it!"

Start the till with the password the Secret holds. Nobody may read a password in a Deployment.
""",
    broken="couldn't find key pasword in Secret",
    hints=(
        "A Secret is there. Which of its keys does the till want?",
        "`kubectl describe secret till-credentials` lists its keys without the values. Which one do the Pod's Events name?",
        "It is spelled `pasword` in the Deployment. `kubectl edit deploy/till`, or a patch of `secretKeyRef.key`.",
    ),
    wrong={
        "%kubectl delete pods -l app=till --wait=false": "couldn't find key pasword",
        "%kubectl set env deploy/till PASSWORD-\n%kubectl set env deploy/till PASSWORD=rosebud": "a password stands in the Deployment",
        """
%kubectl patch secret till-credentials -p '{"stringData": {"pasword": "open sesame"}}'
""": "is not the Secret's password",
    },
    repairs={
        "name the key that is there": """
%kubectl patch deploy/till --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/valueFrom/secretKeyRef/key", "value": "password"}]'
""",
        "set the variable from the Secret anew": """
%kubectl set env deploy/till PASSWORD-
%kubectl set env deploy/till --from=secret/till-credentials --keys=password
""",
    },
    explanation="""
The Secret was there, the key was not: `pasword` for `password`. Until every key that is asked for is found, the container is not
made. A password written into the Deployment itself would start the till, and everybody who may read Deployments would read the
password too.
""",
)


@LAB.goal("The till is Ready and stays so")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/till", 1)


@LAB.goal("It has the Secret's password")
def password(cluster) -> Verdict:
    secret = cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/secrets/till-credentials").get("data", {})
    answered, said = look.run(cluster, "deploy/till", "sh", "-c", 'echo "$PASSWORD"')
    if not answered or not said:
        return not_yet("it has no PASSWORD in its environment", why=look.trouble(cluster, "deploy/till"), next="%kubectl get pods")
    if said != look.decoded(secret.get("password", "")):
        return not_yet("the PASSWORD it has is not the Secret's password", next="%kubectl describe secret till-credentials")
    return done("it can log in")


@LAB.goal("No password can be read in the Deployment")
def hidden(cluster) -> Verdict:
    till = look.find(cluster, "deploy/till")
    variables = look.container(till["spec"]["template"]).get("env") or () if till else ()
    if any("value" in each for each in variables if each["name"] == "PASSWORD"):
        return not_yet("a password stands in the Deployment itself, for everybody to read", next="%kubectl get deploy till -o yaml")
    return done("it comes from the Secret")
