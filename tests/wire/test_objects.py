"""Writing objects of any kind: apply, patch, replace, diff, label, annotate, set, create, delete, wait; and get in every output format."""
import json
import re

import pytest
import yaml
from conftest import masked, said

SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  color: blue
"""


@pytest.fixture
def settings(kubectl):
    """A ConfigMap `settings`, applied from settings.yaml."""
    kubectl.file("settings.yaml", SETTINGS)
    kubectl("apply -f settings.yaml")
    return kubectl


def test_patch(settings, minor):
    assert settings("""patch configmap settings --type=merge -p '{"data":{"color":"red"}}'""") == "configmap/settings patched\n"
    again = settings("""patch configmap settings --type=merge -p '{"data":{"color":"red"}}'""")
    assert again == "configmap/settings patched (no change)\n" or minor < 37  # which wrote managedFields' time anew each second
    assert settings("""patch configmap settings -p '{"data":{"size":"1"}}'""") == "configmap/settings patched\n"
    add = """[{"op":"add","path":"/data/shape","value":"round"},{"op":"remove","path":"/data/size"}]"""
    assert settings(f"patch configmap settings --type=json -p '{add}'") == "configmap/settings patched\n"
    assert json.loads(settings("get configmap settings -o jsonpath={.data}")) == {"color": "red", "shape": "round"}
    missing = settings.fails("""patch configmap settings --type=json -p '[{"op":"remove","path":"/data/nope"}]'""")
    assert missing == 'The request is invalid: the server rejected our request due to an error in our request'
    assert settings.fails("""patch configmap nope -p '{}'""") == 'Error from server (NotFound): configmaps "nope" not found'


def test_server_side_apply(kubectl):
    kubectl.file("settings.yaml", SETTINGS)
    assert kubectl("apply --server-side -f settings.yaml") == "configmap/settings serverside-applied\n"
    assert kubectl("apply --server-side -f settings.yaml") == "configmap/settings serverside-applied\n"
    kubectl("""patch configmap settings --type=merge -p '{"data":{"color":"red"}}'""")
    conflict = kubectl.fails("apply --server-side -f settings.yaml")
    assert conflict.splitlines()[0] == 'error: Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .data.color'
    assert conflict.splitlines()[-1] == "See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"
    assert kubectl("apply --server-side --force-conflicts -f settings.yaml") == "configmap/settings serverside-applied\n"
    assert kubectl("get configmap settings -o jsonpath={.data.color}") == "blue"
    owners = json.loads(kubectl("get configmap settings -o jsonpath={.metadata.managedFields} --show-managed-fields"))
    assert [(o["manager"], o["operation"]) for o in owners] == [("kubectl", "Apply")]
    assert owners[0]["fieldsV1"] == {"f:data": {"f:color": {}}}
    kubectl.file("settings.yaml", SETTINGS.replace("color: blue", "size: small"))
    kubectl("apply --server-side -f settings.yaml")
    assert json.loads(kubectl("get configmap settings -o jsonpath={.data}")) == {"size": "small"}


def test_apply_removes_what_the_file_no_longer_says(settings):
    settings("""patch configmap settings --type=merge -p '{"data":{"mine":"kept"}}'""")
    settings.file("settings.yaml", SETTINGS.replace("color: blue", "size: small"))
    assert settings("apply -f settings.yaml") == "configmap/settings configured\n"
    assert json.loads(settings("get configmap settings -o jsonpath={.data}")) == {"size": "small", "mine": "kept"}
    view = yaml.safe_load(settings("apply view-last-applied configmap settings"))
    assert view["data"] == {"size": "small"}


def test_prune(kubectl):
    for name in ("one", "two"):
        kubectl.file(f"{name}.yaml", SETTINGS.replace("name: settings", f"name: {name}\n  labels: {{set: a}}"))
    assert kubectl("apply -f one.yaml -f two.yaml") == "configmap/one created\nconfigmap/two created\n"
    pruned = kubectl("apply -f one.yaml --prune -l set=a --prune-allowlist=core/v1/ConfigMap")
    assert pruned == "configmap/one unchanged\nconfigmap/two pruned\n"


def test_last_applied(settings):
    settings.file("settings.yaml", SETTINGS.replace("blue", "green"))
    assert settings("apply set-last-applied -f settings.yaml") == "configmap/settings configured\n"
    assert yaml.safe_load(settings("apply view-last-applied configmap/settings"))["data"] == {"color": "green"}
    edited = settings("apply edit-last-applied configmap/settings", KUBE_EDITOR="sed -i s/green/red/")
    assert edited == "configmap/settings edited\n"
    assert yaml.safe_load(settings("apply view-last-applied configmap/settings"))["data"] == {"color": "red"}
    assert settings("get configmap settings -o jsonpath={.data.color}") == "blue"


def test_patch_of_a_subresource(kubectl, current):
    kubectl("create deployment web --image=nginx:1.25 --replicas=0")
    scaled = kubectl("""patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'""")
    assert scaled == "scale.autoscaling/web patched\n"
    assert kubectl("get deployment web --subresource=scale -o jsonpath={.spec.replicas}") == "2"
    kubectl("""patch deployment web --subresource=status --type=merge -p '{"spec":{"replicas":5}}'""")
    assert kubectl("get deployment web -o jsonpath={.spec.replicas}") == "2"


def test_edit_what_is_wrong(settings):
    """The editor opens again; when nothing changes then, kubectl gives up and keeps a copy."""
    editor = {"KUBE_EDITOR": "sed -i s/color:.blue/Nope/", "TMPDIR": str(settings.folder)}
    first, copy, last = settings.fails("edit configmap settings", **editor).splitlines()
    assert (first, last) == ('error: configmaps "settings" is invalid', "error: Edit cancelled, no valid changes were saved.")
    assert re.fullmatch(r'A copy of your changes has been stored to ".*/kubectl-edit-\d+\.yaml"', copy)
    assert settings("get configmap settings -o jsonpath={.data.color}") == "blue"


def test_wait_for_a_value(settings):
    assert settings("wait configmap/settings --for=jsonpath={.data.color}=blue --timeout=5s") == "configmap/settings condition met\n"
    assert settings("wait configmap/settings --for=create --timeout=5s") == "configmap/settings condition met\n"
    late = settings.fails("wait configmap/settings --for=jsonpath={.data.color}=red --timeout=0.1s")
    assert late == "error: timed out waiting for the condition on configmaps/settings"
    assert settings.fails("wait configmap/nope --for=condition=Ready --timeout=5s") == (
        'Error from server (NotFound): configmaps "nope" not found'
    )


def test_create_secret_tls(kubectl):
    import trustme

    pair = trustme.CA().issue_cert("a.example")
    pair.private_key_pem.write_to_path(kubectl.folder / "tls.key")
    pair.cert_chain_pems[0].write_to_path(kubectl.folder / "tls.crt")
    assert kubectl("create secret tls pair --cert=tls.crt --key=tls.key") == "secret/pair created\n"
    assert masked(kubectl("get secret pair --no-headers")) == "pair kubernetes.io/tls 2 <age>"


def test_diff(settings):
    assert settings("diff -f settings.yaml") == ""
    settings.file("settings.yaml", SETTINGS.replace("blue", "green"))
    done = settings.run("diff -f settings.yaml")
    assert done.returncode == 1
    changed = [line for line in done.stdout.splitlines() if re.match(r"[+-] ", line)]
    assert "-  color: blue" in changed and "+  color: green" in changed
    assert settings("get configmap settings -o jsonpath={.data.color}") == "blue"


def test_dry_run(kubectl):
    kubectl.file("settings.yaml", SETTINGS)
    assert kubectl("apply -f settings.yaml --dry-run=server") == "configmap/settings created (server dry run)\n"
    assert kubectl("apply -f settings.yaml --dry-run=client") == "configmap/settings created (dry run)\n"
    assert kubectl.fails("get configmap settings") == 'Error from server (NotFound): configmaps "settings" not found'
    generated = yaml.safe_load(kubectl("create deployment web --image=nginx --dry-run=client -o yaml"))
    assert generated["spec"]["template"]["spec"]["containers"] == [{"image": "nginx", "name": "nginx", "resources": {}}]


def test_replace(settings):
    settings.file("settings.yaml", SETTINGS.replace("blue", "green"))
    assert settings("replace -f settings.yaml") == "configmap/settings replaced\n"
    settings.file("other.yaml", SETTINGS.replace("settings", "other"))
    assert settings.fails("replace -f other.yaml") == (
        'Error from server (NotFound): error when replacing "other.yaml": configmaps "other" not found'
    )
    old = settings("get configmap settings -o yaml")
    settings("label configmap settings a=b")
    settings.file("old.yaml", old)
    assert settings.fails("replace -f old.yaml") == (
        'Error from server (Conflict): error when replacing "old.yaml": Operation cannot be fulfilled on configmaps "settings": '
        "the object has been modified; please apply your changes to the latest version and try again"
    )
    deleted = f'configmap "settings" deleted from {settings.namespace} namespace\n'
    assert settings("replace --force -f settings.yaml") == deleted + "configmap/settings replaced\n"


def test_label_and_annotate(settings):
    assert settings("label configmap settings a=b") == "configmap/settings labeled\n"
    assert settings.fails("label configmap settings a=c") == "error: 'a' already has a value (b), and --overwrite is false"
    assert settings("label configmap settings a=c --overwrite") == "configmap/settings labeled\n"
    assert settings("get configmap -l a=c -L a --no-headers").split()[3] == "c"
    assert settings("label configmap settings a-") == "configmap/settings unlabeled\n"
    assert settings.run("label configmap settings a-").stdout == 'label "a" not found.\nconfigmap/settings not labeled\n'
    assert settings("annotate configmap settings note='hello there'") == "configmap/settings annotated\n"
    assert settings("get configmap settings -o jsonpath={.metadata.annotations.note}") == "hello there"
    assert settings("annotate configmap settings note-") == "configmap/settings annotated\n"


def test_output_formats(settings):
    assert settings("get configmap settings -o name") == "configmap/settings\n"
    got = yaml.safe_load(settings("get configmap settings -o yaml"))
    assert list(got) == ["apiVersion", "data", "kind", "metadata"]
    assert sorted(got["metadata"]) == ["annotations", "creationTimestamp", "name", "namespace", "resourceVersion", "uid"]
    assert json.loads(settings("get configmaps -o json"))["kind"] == "List"
    assert settings("get configmap settings -o custom-columns=N:.metadata.name,C:.data.color") == "N          C\nsettings   blue\n"
    template = '{{range .items}}{{.metadata.name}} {{end}}'
    assert "settings" in settings(f"get configmaps -o go-template='{template}'").split()
    assert settings("get configmap settings -o jsonpath-as-json={.data.color}") == '[\n    "blue"\n]\n'
    assert 'color: "blue"' in settings("get configmap settings -o kyaml")
    assert settings("get configmaps --sort-by=.metadata.name -o name").split()[-1] == "configmap/settings"
    assert settings.fails("get configmap settings -o nope").startswith(
        'error: unable to match a printer suitable for the output format "nope", allowed formats are: '
    )
    assert masked(settings("get configmap settings --show-kind --no-headers")) == "configmap/settings 1 <age>"


def test_wrong_selectors(kubectl):
    assert kubectl.fails("get pods --field-selector=nope=1") == (
        'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "nope=1": '
        "field label not supported: nope"
    )
    assert kubectl.fails("get pods -l 'a in (b'") == (
        'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "a in (b", field selector "": '
        "unable to parse requirement: found '', expected: ',' or ')'"
    )


def test_get_several(settings):
    several = settings.run("get configmap settings nope")
    assert (several.returncode, several.stderr) == (1, 'Error from server (NotFound): configmaps "nope" not found\n')
    assert masked(several.stdout) == "NAME DATA AGE\nsettings 1 <age>"


def test_create_generators(kubectl):
    made = {
        "create configmap c1 --from-literal=a=1": "configmap/c1",
        "create deployment d1 --image=nginx:1.25 --replicas=0": "deployment.apps/d1",
        "create secret generic s1 --from-literal=p=secret": "secret/s1",
        "create secret docker-registry s2 --docker-server=x --docker-username=u --docker-password=p": "secret/s2",
        "create serviceaccount bob": "serviceaccount/bob",
        "create role reader --verb=get,list --resource=pods": "role.rbac.authorization.k8s.io/reader",
        f"create rolebinding rb --role=reader --serviceaccount={kubectl.namespace}:bob": "rolebinding.rbac.authorization.k8s.io/rb",
        "create quota q --hard=pods=2": "resourcequota/q",
        "create ingress ing --rule=a.example/*=web:80": "ingress.networking.k8s.io/ing",
        "create service clusterip cs --tcp=80:8080": "service/cs",
        "create service nodeport np --tcp=80": "service/np",
        "create service loadbalancer lb --tcp=80": "service/lb",
        "create service externalname en --external-name=example.org": "service/en",
        "create job j --image=busybox:1.36 -- true": "job.batch/j",
    }
    for command, name in made.items():
        assert kubectl(command) == f"{name} created\n"
    for command, name in made.items():
        if command.split()[1] not in ("job", "service"):
            taken = kubectl.fails(command)
            assert taken.endswith(f'"{name.split("/")[1]}" already exists'), taken
    listed = re.sub(r":\d{5}/", ":<port>/", masked(kubectl("get role,rolebinding,ingress,service")))
    listed = re.sub(r"/ing \S+ a\.example( localhost)? 80", "/ing <class> a.example 80", listed)  # with an ingress controller or without
    assert re.sub(r"(lb LoadBalancer <ip>) \S+", r"\1 <pending>", listed) == said("""
        NAME                                    CREATED AT
        role.rbac.authorization.k8s.io/reader   2026-11-23T14:18:32Z

        NAME                                       ROLE          AGE
        rolebinding.rbac.authorization.k8s.io/rb   Role/reader   1s

        NAME                            CLASS    HOSTS       ADDRESS   PORTS   AGE
        ingress.networking.k8s.io/ing   <class>  a.example             80      1s

        NAME         TYPE           CLUSTER-IP     EXTERNAL-IP   PORT(S)        AGE
        service/cs   ClusterIP      10.96.18.166   <none>        80/TCP         0s
        service/en   ExternalName   <none>         example.org   <none>         0s
        service/lb   LoadBalancer   10.96.159.77   <pending>     80:<port>/TCP  0s
        service/np   NodePort       10.96.5.242    <none>        80:<port>/TCP  0s""")
    assert masked(kubectl("describe secret s1")) == said(f"""
        Name:         s1
        Namespace:    {kubectl.namespace}
        Labels:       <none>
        Annotations:  <none>

        Type:  Opaque

        Data
        ====
        p:  6 bytes""")
    assert masked(kubectl("describe role reader")) == said("""
        Name:         reader
        Labels:       <none>
        Annotations:  <none>
        PolicyRule:
          Resources  Non-Resource URLs  Resource Names  Verbs
          ---------  -----------------  --------------  -----
          pods       []                 []              [get list]""")
    kubectl("wait job/j --for=condition=Complete --timeout=60s")
    assert masked(kubectl("get job j --no-headers")).split()[-3:] == ["1/1", "<age>", "<age>"]


def test_create_newer_generators(kubectl, current):
    made = {
        "create cronjob cj --image=busybox:1.36 --schedule='0 0 1 1 *' -- date": "cronjob.batch/cj",
        "create job from --from=cronjob/cj": "job.batch/from",
        "create poddisruptionbudget pdb --selector=app=web --min-available=1": "poddisruptionbudget.policy/pdb",
    }
    for command, name in made.items():
        assert kubectl(command) == f"{name} created\n"
    assert masked(kubectl("get cronjob cj")) == said("""
        NAME   SCHEDULE      TIMEZONE   SUSPEND   ACTIVE   LAST SCHEDULE   AGE
        cj     0 0 1 1 *   <none>     False     0        <none>          1s""")
    assert masked(kubectl("get poddisruptionbudget pdb")) == said("""
        NAME   MIN AVAILABLE   MAX UNAVAILABLE   ALLOWED DISRUPTIONS   AGE
        pdb    1               N/A               0                     1s""")


def test_cluster_scoped_generators(kubectl):
    made = {
        "create clusterrole wire-role --verb=get --resource=nodes": "clusterrole.rbac.authorization.k8s.io/wire-role",
        "create clusterrolebinding wire-b --clusterrole=wire-role --user=j": "clusterrolebinding.rbac.authorization.k8s.io/wire-b",
        "create priorityclass wire-class --value=1000": "priorityclass.scheduling.k8s.io/wire-class",
    }
    try:
        for command, name in made.items():
            assert kubectl(command) == f"{name} created\n"
        assert masked(kubectl("get priorityclass wire-class --no-headers")).startswith("wire-class 1000 false <age>")
    finally:
        for name in made.values():
            kubectl(f"delete {name} --ignore-not-found")


def test_set(kubectl):
    kubectl("create deployment web --image=nginx:1.25")
    kubectl("expose deployment web --port=80")
    kubectl("create role reader --verb=get --resource=pods")
    kubectl("create rolebinding rb --role=reader --user=joe")
    assert kubectl("set env deployment/web A=1") == "deployment.apps/web env updated\n"
    assert kubectl("set env deployment/web --list") == "# Deployment web, container nginx\nA=1\n"
    resources = kubectl("set resources deployment/web --limits=cpu=100m,memory=64Mi")
    assert resources == "deployment.apps/web resource requirements updated\n"
    assert kubectl("set serviceaccount deployment/web default") == "deployment.apps/web serviceaccount updated\n"
    assert kubectl("set selector service web app=other") == "service/web selector updated\n"
    assert kubectl("set subject rolebinding rb --user=jane") == "rolebinding.rbac.authorization.k8s.io/rb subjects updated\n"
    assert kubectl.fails("set image deployment/web nosuch=nginx") == 'error: unable to find container named "nosuch"'
    spec = json.loads(kubectl("get deployment web -o jsonpath={.spec.template.spec}"))
    assert spec["containers"][0]["resources"] == {"limits": {"cpu": "100m", "memory": "64Mi"}}
    assert spec["serviceAccountName"] == "default"


def test_autoscale(kubectl, current):
    kubectl("create deployment web --image=nginx:1.25")
    assert kubectl("autoscale deployment web --min=1 --max=3 --cpu=50%") == "horizontalpodautoscaler.autoscaling/web autoscaled\n"
    assert masked(kubectl("get hpa")).splitlines() == [
        "NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE", "web Deployment/web cpu: <unknown>/50% 1 3 0 <age>"
    ]


def test_events(kubectl):
    kubectl("run web --image=nginx:1.25")
    kubectl("wait pod/web --for=condition=Ready --timeout=60s")
    table = masked(kubectl("get events --field-selector=reason=Scheduled")).splitlines()
    assert table[0] == "LAST SEEN TYPE REASON OBJECT MESSAGE"
    assert table[1].startswith(f"<age> Normal Scheduled pod/web Successfully assigned {kubectl.namespace}/web to ")
    reasons = [line.split()[2] for line in kubectl("events --for pod/web --no-headers").splitlines()]
    assert sorted(set(reasons) - {"FailedMount", "Pulling"}) == ["Created", "Pulled", "Scheduled", "Started"]


def test_wait(settings):
    assert settings("wait configmap/settings --for=jsonpath={.data.color}=blue") == "configmap/settings condition met\n"
    assert settings.fails("wait pod/nosuch --for=condition=Ready") == 'Error from server (NotFound): pods "nosuch" not found'
    never = settings.fails("wait configmap/settings --for=jsonpath={.data.color}=red --timeout=1s")
    assert never == "error: timed out waiting for the condition on configmaps/settings"
    assert settings("wait --for=delete pod/nosuch") == ""


def test_delete(kubectl):
    for name in ("one", "two", "three"):
        kubectl(f"create configmap {name} --from-literal=a=1")
    kubectl("label configmap one two set=a")
    gone = f"deleted from {kubectl.namespace} namespace"
    assert kubectl("delete configmap three --dry-run=server") == f'configmap "three" {gone} (server dry run)\n'
    assert kubectl("delete configmap -l set=a") == f'configmap "one" {gone}\nconfigmap "two" {gone}\n'
    assert kubectl.run("delete configmap -l set=a").stdout == "No resources found\n"
    assert f'configmap "three" {gone}\n' in kubectl("delete configmap --all")


def test_finalizers_hold_an_object(settings):
    settings("""patch configmap settings --type=merge -p '{"metadata":{"finalizers":["kubeschool.dev/hold"]}}'""")
    settings("delete configmap settings --wait=false")
    assert settings("get configmap settings -o jsonpath={.metadata.deletionTimestamp}")
    settings("""patch configmap settings --type=merge -p '{"metadata":{"finalizers":null}}'""")
    assert settings.fails("get configmap settings") == 'Error from server (NotFound): configmaps "settings" not found'


def test_namespaces(kubectl):
    name = f"{kubectl.namespace}-more"
    assert kubectl(f"create namespace {name}") == f"namespace/{name} created\n"
    assert kubectl.fails(f"create namespace {name}") == f'Error from server (AlreadyExists): namespaces "{name}" already exists'
    assert masked(kubectl(f"get namespace {name}")) == f"NAME STATUS AGE\n{name} Active <age>"
    kubectl(f"create configmap inside -n {name}")
    assert kubectl(f"delete namespace {name}") == f'namespace "{name}" deleted\n'
    assert kubectl.fails(f"get namespace {name}") == f'Error from server (NotFound): namespaces "{name}" not found'
    refused = kubectl.fails("create configmap x -n nosuch")
    assert refused == 'error: failed to create configmap: namespaces "nosuch" not found'


def test_kustomize(kubectl):
    kubectl.file("settings.yaml", SETTINGS)
    kubectl.file("kustomization.yaml", "resources: [settings.yaml]\nnamePrefix: my-\n")
    assert "name: my-settings" in kubectl("kustomize .")
    assert kubectl("apply -k .") == "configmap/my-settings created\n"
    assert kubectl("delete -k .") == f'configmap "my-settings" deleted from {kubectl.namespace} namespace\n'
