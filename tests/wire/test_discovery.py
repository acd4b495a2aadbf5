"""explain, api-resources, api-versions, version, cluster-info: what the cluster says about itself."""
import json

from conftest import masked, said


def test_explain(kubectl, current):
    text = kubectl("explain pod.spec")
    assert text.startswith("KIND:       Pod\nVERSION:    v1\n\nFIELD: spec <PodSpec>\n\n\nDESCRIPTION:\n")
    assert "  containers\t<[]Container> -required-\n" in text
    assert kubectl("explain deployment").startswith("GROUP:      apps\nKIND:       Deployment\nVERSION:    v1\n\nDESCRIPTION:\n")
    assert kubectl.fails("explain pod.nosuch") == 'error: field "nosuch" does not exist'
    assert kubectl.fails("explain nosuch") == "the server doesn't have a resource type \"nosuch\""
    tree = kubectl("explain pod.spec.containers.livenessProbe --recursive")
    assert "  httpGet\t<HTTPGetAction>\n" in tree and "    port\t<IntOrString> -required-\n" in tree


def test_explain_names_the_choices(kubectl, current):
    assert "  restartPolicy\t<string>\n  enum: Always, Never, OnFailure\n" in kubectl("explain pod.spec")


def test_explain_by_the_older_document(kubectl, current):
    """kubectl reads /openapi/v2 in its protobuf form."""
    text = masked(kubectl("explain pod.spec.containers --output=plaintext-openapiv2"))
    assert text.startswith("KIND: Pod\nVERSION: v1\n\nRESOURCE: containers <[]Object>\n")
    assert "\nname <string> -required-\n" in text and "\nenvFrom <[]Object>\n" in text


def test_api_resources(kubectl):
    assert masked(kubectl("api-resources --api-group=apps")) == said("""
        NAME                  SHORTNAMES   APIVERSION   NAMESPACED   KIND
        controllerrevisions                apps/v1      true         ControllerRevision
        daemonsets            ds           apps/v1      true         DaemonSet
        deployments           deploy       apps/v1      true         Deployment
        replicasets           rs           apps/v1      true         ReplicaSet
        statefulsets          sts          apps/v1      true         StatefulSet""")
    assert masked(kubectl("api-resources --api-group=''")) == said("""
        NAME                     SHORTNAMES   APIVERSION   NAMESPACED   KIND
        bindings                              v1           true         Binding
        componentstatuses        cs           v1           false        ComponentStatus
        configmaps               cm           v1           true         ConfigMap
        endpoints                ep           v1           true         Endpoints
        events                   ev           v1           true         Event
        limitranges              limits       v1           true         LimitRange
        namespaces               ns           v1           false        Namespace
        nodes                    no           v1           false        Node
        persistentvolumeclaims   pvc          v1           true         PersistentVolumeClaim
        persistentvolumes        pv           v1           false        PersistentVolume
        pods                     po           v1           true         Pod
        podtemplates                          v1           true         PodTemplate
        replicationcontrollers   rc           v1           true         ReplicationController
        resourcequotas           quota        v1           true         ResourceQuota
        secrets                               v1           true         Secret
        serviceaccounts          sa           v1           true         ServiceAccount
        services                 svc          v1           true         Service""")
    assert kubectl("api-resources --namespaced=false -o name --api-group=''").split() == [
        "componentstatuses", "namespaces", "nodes", "persistentvolumes"
    ]
    assert "pods\n" in kubectl("api-resources --verbs=list,watch -o name")


def test_api_versions(kubectl, current):
    versions = kubectl("api-versions").split()
    expected = {
        "admissionregistration.k8s.io/v1", "apiextensions.k8s.io/v1", "apps/v1", "authentication.k8s.io/v1", "authorization.k8s.io/v1",
        "autoscaling/v1", "autoscaling/v2", "batch/v1", "certificates.k8s.io/v1", "coordination.k8s.io/v1", "discovery.k8s.io/v1",
        "events.k8s.io/v1", "networking.k8s.io/v1", "node.k8s.io/v1", "policy/v1", "rbac.authorization.k8s.io/v1",
        "scheduling.k8s.io/v1", "storage.k8s.io/v1", "v1",
    }
    assert versions == sorted(versions)
    assert sorted(expected - set(versions)) == []


def test_version(kubectl, current):
    version = json.loads(kubectl("version -o json"))
    assert version["serverVersion"]["major"] == "1"
    done = kubectl.run("version")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["Client Version", "Kustomize Version", "Server Version"]


def test_cluster_info(kubectl):
    info = kubectl("cluster-info")
    assert "Kubernetes control plane\x1b[0m is running at" in info or "Kubernetes control plane is running at https://127.0.0.1:" in info
    assert info.rstrip().endswith("To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.")
    dump = kubectl("cluster-info dump --namespaces=default -o json")
    assert '"kind": "NodeList"' in dump


def test_health_and_raw(kubectl):
    assert kubectl("get --raw /healthz") == kubectl("get --raw /livez") == kubectl("get --raw /readyz") == "ok"
    assert kubectl("get --raw /readyz?verbose").endswith("readyz check passed\n")
    assert kubectl.fails("get --raw /nosuch") == "Error from server (NotFound): the server could not find the requested resource"
