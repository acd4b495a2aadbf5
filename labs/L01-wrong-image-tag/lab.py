"""L01: an image tag that does not exist."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="The café never opened",
    level=1,
    minutes=5,
    story="""
The café's new page was to go online this morning. Everybody says that they deployed it, and nobody can open it.

Make the Service cafe answer, with the two Pods its Deployment promises, on nginx 1.27 as it was agreed.
""",
    broken="nginx:1.72",
    hints=(
        "A Deployment makes Pods. What state are they in?",
        "STATUS says that an image cannot be pulled. `kubectl describe pods -l app=cafe` has the registry's answer under Events.",
        "There is no nginx 1.72: two digits changed places. `kubectl set image deploy/cafe cafe=nginx:1.27`",
    ),
    wrong={
        "%kubectl delete pods -l app=cafe --wait=false": "nginx:1.72",
        "%kubectl scale deploy/cafe --replicas=1\n%kubectl set image deploy/cafe cafe=nginx:1.27": "1 of 2 Pods",
        "%kubectl set image deploy/cafe cafe=nginx:1.26": "the template says nginx:1.26",
    },
    repairs={
        "name the right image": "%kubectl set image deploy/cafe cafe=nginx:1.27",
        "patch the template": """
%kubectl patch deploy/cafe --type=json -p '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "nginx:1.27"}]'
""",
    },
    explanation="""
The template named `nginx:1.72`, a tag the registry does not have. The kubelet cannot know that it is a typing mistake, so it tries
again, ever more slowly: `ErrImagePull`, then `ImagePullBackOff`. Deleting the Pods changes nothing, for the ReplicaSet makes new
ones from the same template. The template is what must change.
""",
)


@LAB.goal("The café's page answers")
def page(cluster) -> Verdict:
    return look.answers(cluster, "cafe:80")


@LAB.goal("Two Pods of the café are Ready and stay so")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/cafe", 2)


@LAB.goal("They run nginx:1.27")
def image(cluster) -> Verdict:
    cafe = look.find(cluster, "deploy/cafe")
    if not cafe:
        return not_yet("there is no Deployment cafe any more", next="%kubectl get deployments")
    if (seen := look.image(cafe)) != "nginx:1.27":
        return not_yet(f"the template says {seen}", next="%kubectl set image --help")
    return done("as agreed")
