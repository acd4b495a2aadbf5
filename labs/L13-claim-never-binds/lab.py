"""L13: a PersistentVolumeClaim for a class that does not exist."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="Books without a shelf",
    level=2,
    minutes=10,
    story="""
The library waits for its shelf: a volume that was ordered and never came. "We always order fast-ssd", says the manifest, copied
from another cluster.

Open the library, with a volume that outlives its Pods.
""",
    broken='"fast-ssd" not found',
    hints=(
        "The Pod is Pending because of a volume. What is the state of its claim?",
        "`kubectl describe pvc books` names the class it waits for; `kubectl get storageclasses` lists those that exist.",
        "A claim's class cannot be changed. `kubectl get pvc books -o yaml > books.yaml`, take `storageClassName` out, and make it "
        "again: `kubectl replace --force -f books.yaml`. The default class serves it.",
    ),
    wrong={
        """
%kubectl --fails patch pvc books -p '{"spec": {"storageClassName": "standard"}}'
""": '"fast-ssd" not found',
        """
%kubectl patch deploy/library --type=json -p '[{"op": "replace", "path": "/spec/template/spec/volumes/0", \\
  "value": {"name": "books", "emptyDir": {}}}]'
""": "no claim",
        "%kubectl delete pvc books": 'persistentvolumeclaim "books" not found',
    },
    repairs={
        "order again, from the default class": """
%kubectl delete pvc books
%kubectl apply -f labs/L13-claim-never-binds/default-class.yaml
""",
        "order another shelf, and use that": """
import pathlib
other = pathlib.Path("labs/L13-claim-never-binds/default-class.yaml").read_text().replace("books", "shelf")
get_ipython().run_cell_magic("kubectl", "apply -f -", other)
%kubectl patch deploy/library --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/volumes/0/persistentVolumeClaim/claimName", "value": "shelf"}]'
""",
    },
    explanation="""
A claim asks a StorageClass for a volume, and there is no class `fast-ssd` here, so nobody will ever serve it; the Pod waits for the
claim. Most of a claim cannot be changed once it is there: delete it (it is empty, nothing is lost) and create it again. Without
`storageClassName` the cluster's default class is taken. An emptyDir would start the Pod, and lose the books with it.
""",
)


@LAB.goal("The library is Ready and stays so")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/library", 1)


@LAB.goal("The Service library answers")
def page(cluster) -> Verdict:
    return look.answers(cluster, "library:80")


@LAB.goal("Its books lie on a volume that outlives the Pod")
def kept(cluster) -> Verdict:
    library = look.find(cluster, "deploy/library")
    volumes = library["spec"]["template"]["spec"].get("volumes") or () if library else ()
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume]
    if not claims:
        return not_yet("the library uses no claim", next="%kubectl get deploy library -o yaml")
    claim = look.find(cluster, f"pvc/{claims[0]}")
    if not claim or claim.get("status", {}).get("phase") != "Bound":
        why = look.trouble(cluster, f"pvc/{claims[0]}") if claim else f'persistentvolumeclaim "{claims[0]}" not found'
        return not_yet(f"the claim {claims[0]} is not bound", why=why, next="%kubectl describe pvc")
    return done(f"the claim {claims[0]} is bound to {claim['spec']['volumeName']}")
