"""A lab from story to repair in a terminal of JupyterLab, typed: kubectl finds the cluster and the lab's namespace by itself."""
import time
from pathlib import Path

from kubernetes import client, config
from playwright.sync_api import Page

SECONDS = 60
TYPED = """
kubeschool start L01
kubectl get pods
kubectl set image deploy/cafe cafe=nginx:1.27
kubectl rollout status deploy/cafe
until kubeschool check L01 > checked; grep Repaired checked; do sleep 1; done
"""


def test_a_lab_is_repaired_in_a_terminal(page: Page, lab: str, home: Path, tmp_path: Path):
    page.set_default_timeout(SECONDS * 1000)
    page.goto(lab)
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('terminal:create-new')")
    page.evaluate("jupyterapp.commands.execute('terminal:create-new')")
    page.wait_for_function("jupyterapp.shell.currentWidget.content.session?.connectionStatus === 'connected'")
    page.locator(".xterm-helper-textarea").focus()
    for line in f"cd {tmp_path}{TYPED}touch done".splitlines():
        page.keyboard.type(line)
        page.keyboard.press("Enter")
    deadline = time.monotonic() + SECONDS
    while not (tmp_path / "done").exists():
        page.wait_for_timeout(200)
        page.screenshot(path=str(tmp_path / "terminal.png"))
        assert time.monotonic() < deadline, "see terminal.png"
    said = (tmp_path / "checked").read_text()
    assert "Repaired, in 0 min" in said and "✖" not in said
    with config.new_client_from_config(str(home / "practice" / "kubeconfig")) as api:
        cafe = client.AppsV1Api(api).read_namespaced_deployment("cafe", "lab-l01")
    assert cafe.spec.template.spec.containers[0].image == "nginx:1.27" and cafe.status.ready_replicas == 2
