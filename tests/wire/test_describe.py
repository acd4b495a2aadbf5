"""describe of the kinds that have no chapter's test of their own."""

import pytest
from conftest import masked, said

MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: v1
kind: LimitRange
metadata: {name: limits}
spec: {limits: [{type: Container, default: {cpu: 500m}, max: {cpu: "1"}}]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota}
spec: {hard: {services: "20"}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", volumeName: nosuch, resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {nodeSelector: {"no": where}, containers: [{name: c, image: "busybox:1.36", env: [{name: A, value: b}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: policy}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {a: b}}}], ports: [{port: 80}]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: User, name: jane}]
"""
SHOWN = {
    "configmap/settings": """
        Data
        ====
        color:
        ----
        blue


        BinaryData
        ====

        Events: <none>""",
    "limitrange/limits": """
        Type Resource Min Max Default Request Default Limit Max Limit/Request Ratio
        ---- -------- --- --- --------------- ------------- -----------------------
        Container cpu - 1 500m 500m -""",
    "resourcequota/quota": """
        Resource Used Hard
        -------- ---- ----
        services 0 20""",
    "daemonset/agent": """
        Selector: app=agent
        Node-Selector: no=where
        Labels: <none>
        Annotations: deprecated.daemonset.template.generation: 1
        Desired Number of Nodes Scheduled: 0
        Current Number of Nodes Scheduled: 0
        Number of Nodes Scheduled with Up-to-date Pods: 0
        Number of Nodes Scheduled with Available Pods: 0
        Number of Nodes Misscheduled: 0
        Pods Status: 0 Running / 0 Waiting / 0 Succeeded / 0 Failed
        Pod Template:
        Labels: app=agent
        Containers:
        c:
        Image: busybox:1.36
        Port: <none>
        Host Port: <none>
        Environment:
        A: b
        Mounts: <none>
        Volumes: <none>
        Node-Selectors: no=where
        Tolerations: <none>
        Events: <none>""",
    "networkpolicy/policy": """
        Spec:
        PodSelector: <none> (Allowing the specific traffic to all pods in this namespace)
        Allowing ingress traffic:
        To Port: 80/TCP
        From:
        PodSelector: a=b
        Not affecting egress traffic
        Policy Types: Ingress""",
    "rolebinding/viewers": """
        Role:
        Kind: ClusterRole
        Name: view
        Subjects:
        Kind Name Namespace
        ---- ---- ---------
        User jane""",
}


@pytest.fixture
def made(kubectl):
    kubectl.file("all.yaml", MANIFEST)
    kubectl("create -f all.yaml")
    kubectl("wait daemonset/agent --for=jsonpath={.status.observedGeneration}=1 --timeout=30s")
    kubectl("wait resourcequota/quota --for=jsonpath={.status.used.services}=0 --timeout=30s")
    return kubectl


def test_describe(made):
    for name, expected in SHOWN.items():
        shown = masked(made(f"describe {name}"))
        assert shown.startswith(f"Name: {name.partition('/')[2]}\n")
        assert shown.endswith("\n" + said(expected)), shown
    claim = masked(made("describe pvc claim"))
    assert "\nStatus: Pending\nVolume: nosuch\n" in claim and "\nUsed By: <none>\n" in claim


def test_describe_several_and_none(made):
    both = made("describe configmap settings kube-root-ca.crt")
    assert both.count("\nData\n====\n") == 2
    assert made("describe configmap -l no=such") == ""
    assert made.fails("describe configmap nosuch") == 'Error from server (NotFound): configmaps "nosuch" not found'
    by_prefix = made("describe configmap sett")
    assert by_prefix.startswith("Name:         settings\n")


def test_describe_cluster_scoped(kubectl):
    namespace = masked(kubectl(f"describe namespace {kubectl.namespace}"))
    assert namespace.startswith(f"Name: {kubectl.namespace}\nLabels: ")
    assert namespace.endswith("Status: Active\n\nNo resource quota.\n\nNo LimitRange resource.")
    assert "\nIsDefaultClass: Yes\n" in masked(kubectl("describe storageclass standard"))
    role = masked(kubectl("describe clusterrole view"))
    assert "\npods/log [] [] [get list watch]\n" in role
    binding = masked(kubectl("describe clusterrolebinding cluster-admin"))
    assert binding.endswith("Kind Name Namespace\n---- ---- ---------\nGroup system:masters")
    assert "\nValue: 2000000000\nGlobalDefault: false\n" in masked(kubectl("describe priorityclass system-cluster-critical"))
