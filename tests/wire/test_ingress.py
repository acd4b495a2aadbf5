"""An Ingress, from this machine's side."""
import json
import urllib.error
import urllib.request

import pytest
from conftest import REAL, masked, said

pytestmark = pytest.mark.skipif(bool(REAL), reason="a fresh kind cluster has no ingress controller")


def test_an_ingress_is_reached_from_this_machine(kubectl, until):
    kubectl("create deployment web --image=nginx:1.25")
    kubectl("expose deployment web --port=80")
    kubectl("create ingress web --rule=shop.localhost/*=web:80 --rule=shop.localhost/gone*=gone:80")
    kubectl("rollout status deployment/web")
    until(lambda: "localhost" in kubectl("get ingress web -o jsonpath={.status}"))
    assert masked(kubectl("get ingress")) == said("""
        NAME   CLASS   HOSTS            ADDRESS     PORTS   AGE
        web    nginx   shop.localhost   localhost   80      5s""")
    described = masked(kubectl("describe ingress web"))
    assert "Ingress Class: nginx" in described and "Normal Sync <age> nginx-ingress-controller Scheduled for sync" in described
    ports = json.loads(kubectl("get service ingress-nginx-controller -n ingress-nginx -o json"))["spec"]["ports"]

    def ask(path: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{ports[0]['nodePort']}{path}", headers={"Host": "shop.localhost"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    until(lambda: "Welcome to nginx!" in ask("/")[1])
    status, page = ask("/gone")
    assert status == 503 and "503 Service Temporarily Unavailable" in page
    logged = kubectl("logs -n ingress-nginx deployment/ingress-nginx-controller --tail=1")
    assert '"GET /gone HTTP/1.1" 503 190 "-" "Python-urllib' in logged and f"[{kubectl.namespace}-gone-80] []" in logged
