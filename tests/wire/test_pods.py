"""create, apply, get, describe, edit, delete of a pod: chapter 04."""
import re

import pytest
from conftest import masked, said

NGINX = """\
apiVersion: v1
kind: Pod
metadata:
  name: nginx
  labels:
    app: nginx
spec:
  containers:
  - name: nginx
    image: nginx:1.25
    ports:
    - containerPort: 80
"""


@pytest.fixture
def nginx(kubectl):
    """A running pod `nginx`, from the file nginx.yaml."""
    kubectl.file("nginx.yaml", NGINX)
    assert kubectl("apply -f nginx.yaml") == "pod/nginx created\n"
    assert kubectl("wait pod/nginx --for=condition=Ready --timeout=60s") == "pod/nginx condition met\n"
    return kubectl


def test_create_and_apply(kubectl):
    kubectl.file("nginx.yaml", NGINX)
    assert kubectl("create -f nginx.yaml") == "pod/nginx created\n"
    taken = 'Error from server (AlreadyExists): error when creating "nginx.yaml": pods "nginx" already exists'
    assert kubectl.fails("create -f nginx.yaml") == taken
    adopted = kubectl.run("apply -f nginx.yaml")
    assert adopted.stdout == "pod/nginx configured\n"
    warning = "Warning: resource pods/nginx is missing the kubectl.kubernetes.io/last-applied-configuration annotation"
    assert adopted.stderr.startswith(warning)
    assert kubectl("apply -f nginx.yaml") == "pod/nginx unchanged\n"
    kubectl.file("nginx.yaml", NGINX.replace("1.25", "1.26"))
    assert kubectl("apply -f nginx.yaml") == "pod/nginx configured\n"
    assert kubectl("get pod nginx -o jsonpath={.spec.containers[0].image}") == "nginx:1.26"


def test_wrong_manifests(kubectl):
    assert kubectl.fails("create -f missing.yaml") == 'error: the path "missing.yaml" does not exist'
    kubectl.file("kind.yaml", NGINX.replace("kind: Pod", "kind: Pud"))
    assert kubectl.fails("create -f kind.yaml") == (
        'error: resource mapping not found for name: "nginx" namespace: "" from "kind.yaml": no matches for kind "Pud" in version "v1"\n'
        "ensure CRDs are installed first"
    )
    kubectl.file("name.yaml", NGINX.replace("name: nginx\n  labels", "name: Nginx_1\n  labels"))
    assert kubectl.fails("create -f name.yaml") == (
        'The Pod "Nginx_1" is invalid: metadata.name: Invalid value: "Nginx_1": a lowercase RFC 1123 subdomain must consist of lower case '
        "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
        r"validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    )


def test_unknown_and_missing_fields(kubectl, current):
    kubectl.file("typo.yaml", NGINX.replace("image:", "imagee:"))
    assert kubectl.fails("apply -f typo.yaml") == (
        'Error from server (BadRequest): error when creating "typo.yaml": Pod in version "v1" cannot be handled as a Pod: '
        'strict decoding error: unknown field "spec.containers[0].imagee"'
    )
    kubectl.file("image.yaml", NGINX.replace("    image: nginx:1.25\n", ""))
    assert kubectl.fails("apply -f image.yaml") == 'The Pod "nginx" is invalid: spec.containers[0].image: Required value'


def test_get(nginx):
    assert masked(nginx("get pods")) == said("""
        NAME    READY   STATUS    RESTARTS   AGE
        nginx   1/1     Running   0          3s""")
    assert masked(nginx("get pods -o wide")) == said("""
        NAME    READY   STATUS    RESTARTS   AGE   IP           NODE              NOMINATED NODE   READINESS GATES
        nginx   1/1     Running   0          3s    10.244.1.6   practice-worker   <none>           <none>""")
    assert masked(nginx("get pods --show-labels -l app=nginx --no-headers")) == "nginx 1/1 Running 0 <age> app=nginx"
    assert nginx("get pods -o name") == "pod/nginx\n"
    listed = masked(nginx("get pods -A")).splitlines()
    assert listed[0] == "NAMESPACE NAME READY STATUS RESTARTS AGE"
    assert f"{nginx.namespace} nginx 1/1 Running 0 <age>" in listed


def test_the_clusters_own_pods_are_there(kubectl):
    names = " ".join(kubectl("get pods -n kube-system -o name").split())
    assert all(f"pod/{name}" in names for name in ("coredns-", "etcd-", "kube-apiserver-", "kube-controller-manager-", "kube-scheduler-"))


def test_nothing_found(kubectl):
    nothing = kubectl.run("get pods")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", f"No resources found in {kubectl.namespace} namespace.\n")
    assert kubectl.fails("get pod nginx") == 'Error from server (NotFound): pods "nginx" not found'
    assert kubectl.fails("delete pod nginx") == 'Error from server (NotFound): pods "nginx" not found'
    assert kubectl.fails("describe pod nginx") == 'Error from server (NotFound): pods "nginx" not found'
    assert kubectl.fails("get nosuch") == 'error: the server doesn\'t have a resource type "nosuch"'
    assert kubectl("delete pod nginx --ignore-not-found") == ""


def test_describe(nginx, current):
    text, pulls = re.subn(r"Normal Pull.*\n", "", masked(nginx("describe pod nginx")))
    assert pulls in (1, 2)
    assert text == said(f"""
        Name:             nginx
        Namespace:        {nginx.namespace}
        Priority:         0
        Service Account:  default
        Node:             practice-worker/172.18.0.2
        Start Time:       Mon, 23 Nov 2026 14:08:26 +0000
        Labels:           app=nginx
        Annotations:      <none>
        Status:           Running
        IP:               10.244.0.6
        IPs:
          IP:  10.244.0.6
        Containers:
          nginx:
            Container ID:   containerd://e9cc8ecae128be13292eb65ead31dba25d29ad4fa7bc903cad2a39aa759b12c8
            Image:          nginx:1.25
            Image ID:       docker.io/library/nginx@sha256:1b923380b3cd779b91e1699a73328f2eb48357286adfce487ee8860c196af6ad
            Port:           80/TCP
            Host Port:      0/TCP
            State:          Running
              Started:      Mon, 23 Nov 2026 14:08:28 +0000
            Ready:          True
            Restart Count:  0
            Environment:    <none>
            Mounts:
              /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-x6pcd (ro)
        Conditions:
          Type                        Status
          PodReadyToStartContainers   True
          Initialized                 True
          Ready                       True
          ContainersReady             True
          PodScheduled                True
        Volumes:
          kube-api-access-x6pcd:
            Type:                    Projected (a volume that contains injected data from multiple sources)
            TokenExpirationSeconds:  3607
            ConfigMapName:           kube-root-ca.crt
            Optional:                false
            DownwardAPI:             true
        QoS Class:                   BestEffort
        Node-Selectors:              <none>
        Tolerations:                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                                     node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
        Events:
          Type    Reason     Age   From               Message
          ----    ------     ----  ----               -------
          Normal  Scheduled  3s    default-scheduler  Successfully assigned {nginx.namespace}/nginx to practice-worker
          Normal  Created    1s    kubelet            spec.containers{{nginx}}: Container created
          Normal  Started    1s    kubelet            spec.containers{{nginx}}: Container started""")


def test_edit(nginx):
    assert nginx("edit pod nginx", KUBE_EDITOR="sed -i s/nginx:1.25/nginx:1.26/") == "pod/nginx edited\n"
    assert nginx("get pod nginx -o jsonpath={.spec.containers[0].image}") == "nginx:1.26"
    unchanged = nginx.run("edit pod nginx", KUBE_EDITOR="true")
    assert (unchanged.returncode, unchanged.stdout + unchanged.stderr) == (0, "Edit cancelled, no changes made.\n")


def test_a_pods_containers_cannot_be_changed(nginx):
    change = '{"spec":{"containers":[{"name":"nginx","env":[{"name":"A","value":"1"}]}]}}'
    refused = nginx.fails(f"patch pod nginx -p '{change}'")
    assert refused.startswith('The Pod "nginx" is invalid: spec: Forbidden: pod updates may not change fields other than')
    assert "`spec.containers[*].image`" in refused


def test_delete(nginx):
    assert nginx("delete pod nginx") == f'pod "nginx" deleted from {nginx.namespace} namespace\n'
    assert nginx.fails("get pod nginx") == 'Error from server (NotFound): pods "nginx" not found'


def test_watch_sees_a_pod_come_and_go(kubectl):
    kubectl("""run nowhere --image=nginx:1.25 --overrides='{"spec":{"nodeSelector":{"no":"where"}}}'""")
    with kubectl.start("get pods -o wide -w") as watching:
        assert watching.stdout.readline().startswith("NAME ")
        assert watching.stdout.readline().split()[:3] == ["nowhere", "0/1", "Pending"]
        kubectl("run web --image=nginx:1.25")
        seen = []
        while seen[-1:] != ["Running"]:
            seen += watching.stdout.readline().split()[2:3]
        assert seen[0] == "Pending" and "ContainerCreating" in seen
        kubectl("delete pod web")
        assert watching.stdout.readline().split()[:3] == ["web", "1/1", "Terminating"]


def test_run_to_completion(kubectl):
    kubectl("run job --image=busybox:1.36 --restart=Never -- sh -c 'echo done'")
    kubectl("wait pod/job --for=jsonpath={.status.phase}=Succeeded --timeout=60s")
    assert masked(kubectl("get pod job --no-headers")) == "job 0/1 Completed 0 <age>"
    assert kubectl("logs job") == "done\n"
    assert kubectl.fails("exec job -- ls") == (
        "error: cannot exec into a container in a completed pod; current phase is Succeeded"
    )
