"""create deployment, expose, scale, set image, rollout: chapter 07."""
import re

import pytest
from conftest import masked, said


@pytest.fixture
def web(kubectl):
    """A deployment `web` of two nginx pods, rolled out."""
    assert kubectl("create deployment web --image=nginx:1.25 --replicas=2") == "deployment.apps/web created\n"
    assert kubectl("rollout status deployment/web").endswith('deployment "web" successfully rolled out\n')
    return kubectl


def test_create_and_get(web):
    assert masked(web("get deployments")) == said("""
        NAME   READY   UP-TO-DATE   AVAILABLE   AGE
        web    2/2     2            2           2s""")
    deployments, replicasets = masked(web("get deploy,rs -o wide")).split("\n\n")
    assert deployments == said("""
        NAME                  READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES       SELECTOR
        deployment.apps/web   2/2     2            2           2s    nginx        nginx:1.25   app=web""")
    assert replicasets == said("""
        NAME                             DESIRED  CURRENT  READY  AGE  CONTAINERS  IMAGES      SELECTOR
        replicaset.apps/web-6c959dc85d   2        2        2      2s   nginx       nginx:1.25  app=web,pod-template-hash=6c959dc85d""")
    assert masked(web("get pods --show-labels --no-headers")).splitlines() == [
        "web-<hash> 1/1 Running 0 <age> app=web,pod-template-hash=<hash>"
    ] * 2
    assert web.fails("create deployment web --image=nginx") == 'error: failed to create deployment: deployments.apps "web" already exists'


def test_a_deleted_pod_is_replaced(web):
    first = web("get pods -o jsonpath={.items[0].metadata.name}")
    web(f"delete pod {first}")
    web("rollout status deployment/web")
    names = web("get pods -o name").split()
    assert len(names) == 2 and f"pod/{first}" not in names


def test_expose(web, current):
    assert web("expose deployment web --port=80 --type=NodePort") == "service/web exposed\n"
    assert re.sub(r":\d+/", ":<port>/", masked(web("get service web"))) == said("""
        NAME   TYPE       CLUSTER-IP     EXTERNAL-IP   PORT(S)          AGE
        web    NodePort   10.96.66.113   <none>        80:<port>/TCP    0s""")
    web("wait --for=jsonpath={.endpoints[1].conditions.ready}=true endpointslice -l kubernetes.io/service-name=web --timeout=30s")
    assert re.sub(r"\d{5}/", "<port>/", masked(web("describe service web"))) == said(f"""
        Name:                     web
        Namespace:                {web.namespace}
        Labels:                   app=web
        Annotations:              <none>
        Selector:                 app=web
        Type:                     NodePort
        IP Family Policy:         SingleStack
        IP Families:              IPv4
        IP:                       10.96.66.113
        IPs:                      10.96.66.113
        Port:                     <unset>  80/TCP
        TargetPort:               80/TCP
        NodePort:                 <unset>  <port>/TCP
        Endpoints:                10.244.0.8:80,10.244.0.9:80
        Session Affinity:         None
        External Traffic Policy:  Cluster
        Internal Traffic Policy:  Cluster
        Events:                   <none>""")
    assert web("run ask --image=busybox:1.36 --restart=Never --rm -i -- wget -q -O- http://web").startswith("<!DOCTYPE html>")


def test_scale(web):
    assert web("scale deployment web --replicas=3") == "deployment.apps/web scaled\n"
    assert web("rollout status deployment/web").endswith('deployment "web" successfully rolled out\n')
    assert masked(web("get deployment web --no-headers")) == "web 3/3 3 3 <age>"
    assert web("scale deployment web --replicas=1 --current-replicas=3") == "deployment.apps/web scaled\n"
    assert web.fails("scale deployment web --replicas=2 --current-replicas=3") == "error: Expected replicas to be 3, was 1"
    assert web.fails("scale deployment nope --replicas=2") == 'Error from server (NotFound): deployments.apps "nope" not found'


def test_rollout(web):
    assert web("set image deployment/web nginx=nginx:1.26") == "deployment.apps/web image updated\n"
    status = web("rollout status deployment/web").splitlines()
    assert status[-1] == 'deployment "web" successfully rolled out'
    assert {re.sub(r"\d", "N", line) for line in status[:-1]} <= {
        'Waiting for deployment "web" rollout to finish: N out of N new replicas have been updated...',
        'Waiting for deployment "web" rollout to finish: N old replicas are pending termination...',
        'Waiting for deployment "web" rollout to finish: N of N updated replicas are available...',
    }
    assert web("rollout history deployment/web") == (
        "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n"
    )
    assert masked(web("rollout history deployment/web --revision=2")) == said("""
        deployment.apps/web with revision #2
        Pod Template:
          Labels:       app=web
          \tpod-template-hash=76fd4c767
          Containers:
           nginx:
            Image:      nginx:1.26
            Port:       <none>
            Host Port:  <none>
            Environment: <none>
            Mounts:      <none>
          Volumes:       <none>
          Node-Selectors: <none>
          Tolerations:   <none>""")
    assert web("rollout undo deployment/web") == "deployment.apps/web rolled back\n"
    assert web("rollout status deployment/web").endswith('deployment "web" successfully rolled out\n')
    assert web("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}") == "nginx:1.25"
    assert [line.split()[0] for line in web("rollout history deployment/web").splitlines()[2:-1]] == ["2", "3"]
    assert web.fails("rollout undo deployment/web --to-revision=9") == "error: unable to find specified revision 9 in history"
    assert web.fails("rollout undo deployment/nope") == 'Error from server (NotFound): deployments.apps "nope" not found'
    assert web("get replicasets --no-headers -o custom-columns=WANTED:.spec.replicas").split() in (["2", "0"], ["0", "2"])


def test_pause_resume_and_restart(web):
    assert web("rollout pause deployment/web") == "deployment.apps/web paused\n"
    assert web.fails("rollout pause deployment/web") == 'error: deployments.apps "web" is already paused'
    assert web.fails("rollout restart deployment/web") == (
        "error: deployments.apps \"web\" can't restart paused deployment (run rollout resume first)"
    )
    assert web("rollout resume deployment/web") == "deployment.apps/web resumed\n"
    assert web("rollout restart deployment/web") == "deployment.apps/web restarted\n"
    assert web("rollout status deployment/web").endswith('deployment "web" successfully rolled out\n')
    assert web("get deployment web -o jsonpath={.metadata.annotations}") == '{"deployment.kubernetes.io/revision":"2"}'


def test_a_bad_image_never_gets_ready(web):
    web("set image deployment/web nginx=nosuch:1")
    stuck = web.fails("rollout status deployment/web --timeout=1s")
    assert stuck == "error: timed out waiting for the condition"
    (stuck,) = web("get pods --field-selector=status.phase=Pending -o name").split()
    web(f"wait {stuck} --for=jsonpath={{.status.containerStatuses[0].state.waiting.reason}}=ErrImagePull --timeout=60s")
    assert masked(web("get deployment web --no-headers")) == "web 2/2 1 2 <age>"
    assert web("rollout undo deployment/web") == "deployment.apps/web rolled back\n"
    assert web("rollout status deployment/web").endswith('deployment "web" successfully rolled out\n')


def test_describe(web):
    web("scale deployment web --replicas=3")
    web("rollout status deployment/web")
    text = masked(web("describe deployment web"))
    assert text.partition("\nEvents:")[0] == said(f"""
        Name:                   web
        Namespace:              {web.namespace}
        CreationTimestamp:      Mon, 23 Nov 2026 14:09:11 +0000
        Labels:                 app=web
        Annotations:            deployment.kubernetes.io/revision: 1
        Selector:               app=web
        Replicas:               3 desired | 3 updated | 3 total | 3 available | 0 unavailable
        StrategyType:           RollingUpdate
        MinReadySeconds:        0
        RollingUpdateStrategy:  25% max unavailable, 25% max surge
        Pod Template:
          Labels:  app=web
          Containers:
           nginx:
            Image:         nginx:1.25
            Port:          <none>
            Host Port:     <none>
            Environment:   <none>
            Mounts:        <none>
          Volumes:         <none>
          Node-Selectors:  <none>
          Tolerations:     <none>
        Conditions:
          Type           Status  Reason
          ----           ------  ------
          Progressing    True    NewReplicaSetAvailable
          Available      True    MinimumReplicasAvailable
        OldReplicaSets:  <none>
        NewReplicaSet:   web-6c959dc85d (3/3 replicas created)""")


def test_describe_events(web, current):
    web("scale deployment web --replicas=3")
    web("rollout status deployment/web")
    assert masked(web("describe deployment web")).partition("\nEvents:")[2].strip() == said("""
        Type    Reason             Age   From                   Message
        ----    ------             ----  ----                   -------
        Normal  ScalingReplicaSet  10s   deployment-controller  Scaled up replica set web-76fd4c767 from 0 to 2
        Normal  ScalingReplicaSet  9s    deployment-controller  Scaled up replica set web-6c959dc85d from 2 to 3""")


def test_delete_takes_its_pods_along(web):
    assert web("delete deployment web") == f'deployment.apps "web" deleted from {web.namespace} namespace\n'
    web("wait --for=delete pod -l app=web --timeout=60s")
    assert web("get replicasets,pods -o name") == ""


def test_orphaned_pods_stay(web):
    web("delete deployment web --cascade=orphan")
    assert masked(web("get replicaset --no-headers")) == "web-<hash> 2 2 2 <age>"
    web("delete replicaset --all --cascade=orphan")
    assert len(web("get pods -o name").split()) == 2


def test_replica_count_is_validated(kubectl):
    assert kubectl.fails("create deployment web --image=nginx --replicas=-1") == (
        'error: failed to create deployment: Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: '
        "must be greater than or equal to 0"
    )
