"""Record what kubectl's typed writes send: `python tests/tools/capture_kubectl_protobuf.py > tests/unit/data/kubectl_protobuf.json`.

Runs the real kubectl against a recording HTTP server on 127.0.0.1.
`want` is kubectl's own `--dry-run=client -o json`, null for commands without it.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from kubeschool.practice.apiserver import protobuf

METADATA = {"name": "web", "namespace": "default", "uid": "u"}
POD_SPEC = {"containers": [{"name": "web", "image": "nginx:1.29", "ports": [{"containerPort": 80, "protocol": "TCP"}],
                            "resources": {"limits": {"memory": "64Mi"}}, "env": [{"name": "A", "value": ""}]}], "securityContext": {}}
OBJECTS = {
    "/api/v1/namespaces/default/pods/web": {"kind": "Pod", "apiVersion": "v1", "metadata": METADATA, "spec": POD_SPEC},
    "/api/v1/nodes/n1": {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n1"}},
    "/apis/apps/v1/namespaces/default/deployments/web": {
        "kind": "Deployment", "apiVersion": "apps/v1", "metadata": METADATA,
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {}, "spec": POD_SPEC}}},
    "/apis/certificates.k8s.io/v1/certificatesigningrequests/ann": {
        "kind": "CertificateSigningRequest", "apiVersion": "certificates.k8s.io/v1", "metadata": {"name": "ann"},
        "spec": {"request": "QQ==", "signerName": "example.com/s", "usages": ["client auth"], "extra": {"k": ["a", "b"]}}, "status": {}},
}
KINDS = [("", "v1", "Pod", "pods", "Namespaced"), ("", "v1", "Node", "nodes", "Cluster"),
         ("apps", "v1", "Deployment", "deployments", "Namespaced"),
         ("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", "Cluster")]
COMMANDS = """
create deployment web --image=nginx:1.29 --replicas=0 --port=80 -- nginx -g daemon
create configmap c --from-literal=a=1 --from-literal=b=
create namespace n
create job j --image=busybox -- sh -c date
create cronjob cj --image=busybox --schedule=*/5_*_*_*_*
create secret generic s --from-literal=user=ann
create secret docker-registry d --docker-server=r --docker-username=u --docker-password=p --docker-email=e
create serviceaccount sa
create token sa --duration=10m --audience=a
create quota q --hard=pods=3,requests.cpu=1500m
create role r --verb=get,list --resource=pods
create clusterrole cr --verb=* --resource=deployments.apps
create rolebinding rb --role=r --serviceaccount=default:sa --user=ann
create clusterrolebinding crb --clusterrole=view --group=dev
create ingress i --rule=a.example/x*=web:80,tls=cert --class=nginx
create service nodeport np --tcp=80:8080 --node-port=30080
create service externalname en --external-name=a.example
create service clusterip cip --clusterip=None
create service loadbalancer lb --tcp=5678:http
create poddisruptionbudget p --selector=app=web --min-available=50%
create priorityclass pc --value=1000 --global-default=false --description=x --preemption-policy=Never
autoscale deployment web --min=1 --max=5 --cpu=80%
debug node/n1 --image=busybox
debug web --copy-to=web2 --set-image=*=busybox
auth can-i get pods
auth can-i --list
auth whoami
certificate approve ann
""".strip().splitlines()
NO_DRY_RUN = ("create token", "debug", "auth", "certificate")


def discovery(core: bool) -> dict:
    groups: dict[str, list] = {}
    for group, version, kind, plural, scope in KINDS:
        if core == (group == ""):
            groups.setdefault(group, []).append({
                "resource": plural, "responseKind": {"group": group, "version": version, "kind": kind}, "scope": scope,
                "singularResource": kind.lower(), "verbs": ["create", "get", "list", "patch", "update", "watch"],
                "subresources": [{"subresource": "scale", "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
                                  "verbs": ["get", "patch", "update"]}]})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": [
        {"metadata": {"name": group} if group else {}, "versions": [{"version": "v1", "freshness": "Current", "resources": resources}]}
        for group, resources in groups.items()]}


class Recorder(BaseHTTPRequestHandler):
    bodies: ClassVar[list[bytes]] = []
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path in ("/api", "/apis"):
            return self.answer(200, discovery(core=path == "/api"), ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
        if path in OBJECTS:
            return self.answer(200, OBJECTS[path])
        return self.answer(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] != protobuf.MEDIA_TYPE:
            return self.answer(415, {})
        self.bodies.append(body)
        answer = protobuf.decode(body)
        if answer["kind"] == "TokenRequest":
            answer["status"] = {"token": "t", "expirationTimestamp": None}
        return self.answer(201, answer)

    do_PUT = do_POST

    def answer(self, code, document, media_type=""):
        body = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", f"application/json{media_type}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubectl = Path(sys.executable).with_name("kubectl")
    records = []
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "KUBECONFIG": "/dev/null"}
        for command in COMMANDS:
            argv = [str(kubectl), f"--server=http://127.0.0.1:{server.server_port}", *(a.replace("_", " ") for a in command.split())]
            Recorder.bodies.clear()
            done = subprocess.run(argv, check=False, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
            if not Recorder.bodies:
                sys.exit(f"{command}: no protobuf body was sent\n{done.stdout}{done.stderr}")
            want = None
            if not command.startswith(NO_DRY_RUN):
                at = argv.index("--") if "--" in argv else len(argv)
                dry_run = [*argv[:at], "--dry-run=client", "-o", "json", *argv[at:]]
                dry = subprocess.run(dry_run, check=True, env=environment, capture_output=True, text=True, timeout=30)
                want = json.loads(dry.stdout)
            records.append({"command": command, "body": base64.b64encode(Recorder.bodies[0]).decode(), "want": want})
    print("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]")


if __name__ == "__main__":
    main()
