"""docs/gallery.ipynb in JupyterLab: every view is clicked, filtered, followed and dragged, and shows what the API says.

With KUBESCHOOL_PICTURES=docs/pictures the pictures of the README are taken again.
"""

import os
import re
from pathlib import Path

import pytest
from kubernetes import client, config
from playwright.sync_api import Locator, Page, expect
from test_lab import open_notebook, run_cell

from kubeschool.api import Api

SECONDS = 60
NAMESPACE = "gallery"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
PICTURED = ("tree", "map", "journey", "yaml", "rollout", "timeline", "service", "logs", "watch_all", "history")


class Gallery:
    """The open notebook; `cell("tree")` is the output of the first cell that calls cluster.tree."""

    def __init__(self, page: Page, kubeconfig: Path):
        self.page = page
        connection = config.new_client_from_config(str(kubeconfig))
        self.api, self.core, self.apps = Api(connection), client.CoreV1Api(connection), client.AppsV1Api(connection)

    def cell(self, view: str) -> Locator:
        cells = self.page.locator(".jp-CodeCell").filter(has=self.page.locator(".jp-InputArea", has_text=f"cluster.{view}("))
        return cells.first.locator(".jp-OutputArea-output").last

    def pods(self) -> set[str]:
        return {pod.metadata.name for pod in self.core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items}


@pytest.fixture(scope="module")
def gallery(browser, lab: str, home: Path):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    open_notebook(page, lab, "gallery.ipynb")
    page.evaluate(
        """() => {
            const cells = jupyterapp.shell.currentWidget.content;
            cells.activeCellIndex = cells.widgets.length - 1;
            return jupyterapp.commands.execute('notebook:run-all-above');
        }"""
    )
    yield Gallery(page, home / "practice" / "kubeconfig")
    page.close()


def test_pictures_in_both_themes(gallery, tmp_path):
    """The notebook as it is after a run; the last cell, which cleans up, has not run."""
    folder = Path(os.environ.get("KUBESCHOOL_PICTURES") or tmp_path).resolve()
    assert not [o for o in gallery.page.locator(".jp-RenderedText[data-mime-type*=stderr]").all_text_contents() if "Error" in o]
    for theme, name in THEMES.items():
        gallery.page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}})")
        gallery.page.wait_for_function(f"document.body.dataset.jpThemeName === '{name}'")
        for view in PICTURED:
            cell = gallery.cell(view)
            cell.scroll_into_view_if_needed()
            picture = folder / f"view-{view.replace('_', '-')}-{theme}.png"
            cell.screenshot(path=str(picture), animations="disabled")
            assert picture.stat().st_size > 2000
        ink, paper = gallery.cell("tree").locator("pre").evaluate(
            "e => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor]"
        )
        assert contrast(ink, paper) > 4.5, (theme, ink, paper)


def contrast(*colours: str) -> float:
    """WCAG 2's contrast ratio of two CSS colours."""

    def luminance(colour: str) -> float:
        parts = [int(float(part)) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
        red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted(map(luminance, colours))
    return (light + 0.05) / (dark + 0.05)


def test_the_tree_expands_and_follows(gallery):
    tree = gallery.cell("tree")
    for name in gallery.pods():
        expect(tree).to_contain_text(name)
    tree.get_by_role("button", name="containers").click()
    expect(tree).to_contain_text("container nginx")
    gallery.apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 4}})
    expect(tree).to_contain_text("/4 ready")
    for name in gallery.pods():
        expect(tree).to_contain_text(name)


def test_the_map_is_filtered_by_keyboard(gallery):
    view = gallery.cell("map")
    name = sorted(gallery.pods())[0]
    view.get_by_role("textbox").focus()
    gallery.page.keyboard.type(name)
    expect(view.locator("li")).to_have_count(1)
    expect(view.locator("li")).to_contain_text(name)
    node = gallery.core.read_namespaced_pod(name, NAMESPACE).spec.node_name
    expect(view.locator("section", has=gallery.page.locator("li"))).to_contain_text(node)


def test_yaml_shows_another_side(gallery):
    view = gallery.cell("yaml")
    view.get_by_role("button", name="actual").click()
    expect(view).to_contain_text("observedGeneration: ")
    view.get_by_role("button", name="managers").click()
    expect(view).to_contain_text("← kubectl-client-side-apply")


def test_the_journey_is_stepped_by_keyboard_and_played(gallery):
    view = gallery.cell("journey")
    caption = view.locator("[aria-live=polite]")
    slider = view.get_by_role("slider")
    slider.focus()
    gallery.page.keyboard.press("Home")
    expect(caption).to_contain_text(re.compile(r"^1 of \d+: kubectl-run · create"))
    gallery.page.keyboard.press("ArrowRight")
    expect(caption).to_contain_text(re.compile(r"^2 of \d+: kube-scheduler · create binding"))
    gallery.page.keyboard.press("Home")
    view.locator("button").first.click()
    expect(caption).to_contain_text(re.compile(r"^3 of \d+: kubelet"))


def test_a_service_says_who_answered_and_the_log_shows_it(gallery):
    service, logs = gallery.cell("service"), gallery.cell("logs")
    service.get_by_role("button", name="send a request").click()
    expect(service).to_contain_text(re.compile("answered by web-"))
    who = re.search(r"answered by (\S+)", service.inner_text())[1]
    assert who in gallery.pods()
    expect(logs).to_contain_text("kubeschool=")
    assert any(who in line for line in logs.inner_text().splitlines() if "kubeschool=" in line)
    logs.get_by_role("button", name="follow").click()
    service.get_by_role("button", name="send a request").click()
    expect(service).to_contain_text(re.compile(r"answered 2|answered 1(.|\n)*answered 1"))
    logs.get_by_role("button", name="follow").click()
    gallery.page.wait_for_function("e => (e.innerText.match(/kubeschool=/g) || []).length === 2", arg=logs.element_handle())
    logs.get_by_role("textbox").fill("kubeschool=")
    gallery.page.wait_for_function(
        "e => e.querySelector('[role=log]').innerText.trim().split('\\n').length === 2", arg=logs.element_handle()
    )


def test_the_slider_is_dragged_into_the_past(gallery):
    view = gallery.cell("history")
    changes = gallery.api.get(f"/kubeschool/namespaces/{NAMESPACE}/history")["items"]
    expect(view).to_contain_text(re.compile(r"revision \d+"))
    handle, track = view.locator(".noUi-handle").bounding_box(), view.locator(".noUi-base").bounding_box()
    mouse = gallery.page.mouse
    view.locator(".noUi-handle").hover()
    mouse.down()
    mouse.move(track["x"] + track["width"] / 2, handle["y"] + 5, steps=4)
    mouse.up()
    step = int(float(view.locator(".noUi-handle").get_attribute("aria-valuenow")))
    expect(view).to_contain_text(f"write {step + 1} of")
    seen = int(re.search(r"revision (\d+)", view.inner_text())[1])
    assert seen in [change["revision"] for change in changes] and seen < changes[-1]["revision"]
    then = gallery.api.get(f"/kubeschool/namespaces/{NAMESPACE}/history/{seen}")["items"]
    for obj in then:
        if obj["kind"] == "Pod":
            expect(view).to_contain_text(obj["metadata"]["name"])
    view.get_by_role("slider").focus()
    gallery.page.keyboard.press("Home")
    expect(view).to_contain_text("write 1 of")
    expect(view).to_contain_text("Deployment web")
    expect(view).to_contain_text("◀ created")


def test_a_cell_that_runs_again_ends_its_view(gallery):
    def widgets() -> int:
        return int(gallery.page.evaluate(
            """() => new Promise(resolve => {
                const code = 'from ipywidgets.widgets.widget import _instances; print(len(_instances))';
                const running = jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code });
                running.onIOPub = message => message.header.msg_type === 'stream' && resolve(message.content.text);
            })"""
        ))  # fmt: skip

    before = widgets()
    run_cell(gallery.page, "cluster.tree(")
    expect(gallery.cell("tree").locator("pre")).to_have_count(1)
    assert widgets() == before


def test_a_deleted_object_is_said_to_be(gallery):
    gallery.apps.delete_namespaced_deployment("web", NAMESPACE)
    expect(gallery.cell("tree")).to_contain_text("Deployment web was deleted")
    expect(gallery.cell("rollout")).to_contain_text("was deleted")
    expect(gallery.cell("service")).to_contain_text("no endpoints")
    expect(gallery.cell("history")).to_contain_text("◀ created")  # it stays where it was moved
