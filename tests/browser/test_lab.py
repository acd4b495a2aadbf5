"""Chapters run from top to bottom in JupyterLab: once, again in the same kernel, and again after an interrupted run."""
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = [ROOT / "notebooks" / f"{name}.ipynb" for name in ("00-start-here", "04-pods", "07-nginx-demo")]
"""A browser is slow; the lane `again` does the same with all of them in a kernel alone."""
RUN_SECONDS = 180


def open_notebook(page: Page, lab: str, name: str) -> None:
    address, _, token = lab.partition("?")
    page.goto(f"{address}/tree/notebooks/{name}?{token}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_function("window.jupyterapp !== undefined")
    page.wait_for_function(
        "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'", timeout=60_000
    )


def run_all(page: Page) -> None:
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")


def run_cell(page: Page, start: str) -> None:
    """Run the first cell whose source begins so."""
    page.evaluate(
        """start => {
            const cells = jupyterapp.shell.currentWidget.content;
            cells.activeCellIndex = cells.widgets.findIndex(cell => cell.model.sharedModel.getSource().startsWith(start));
            return jupyterapp.commands.execute('notebook:run-cell');
        }""",
        start,
    )


def outputs(page: Page) -> list[dict]:
    """Of every code cell: its source, whether it ran, and the text of its errors."""
    return page.evaluate(
        """() => jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code').map(c => ({
             source: c.model.sharedModel.getSource(),
             count: c.model.executionCount,
             errors: c.model.outputs.toJSON().filter(o => o.output_type === 'error').map(o => o.traceback.join('\\n')),
           }))"""
    )


def assert_all_ran(page: Page) -> None:
    cells = outputs(page)
    failed = [(c["source"], re.sub(r"\x1b\[[\d;]*m", "", "\n".join(c["errors"]))) for c in cells if c["errors"]]
    assert not failed, failed
    assert [c["source"] for c in cells if c["source"].strip() and c["count"] is None] == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_again_and_again(page: Page, lab: str, chapter: Path):
    open_notebook(page, lab, chapter.name)
    page.set_default_timeout(RUN_SECONDS * 1000)
    run_all(page)
    assert_all_ran(page)
    run_all(page)
    assert_all_ran(page)

    half = """async () => {
        const running = jupyterapp.commands.execute('notebook:run-all-cells');
        const cells = jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code');
        const middle = cells[Math.floor(cells.length / 2)];
        const before = middle.model.executionCount;
        while (middle.model.executionCount === before) await new Promise(wake => setTimeout(wake, 20));
        await jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt();
        await running;
    }"""
    page.evaluate(half)
    run_all(page)
    assert_all_ran(page)


def test_a_view_is_shown_and_follows_the_cluster(page: Page, lab: str, home: Path):
    """The tree of a Deployment in the notebook of chapter 07 is a widget, not its text twin."""
    open_notebook(page, lab, "07-nginx-demo.ipynb")
    page.set_default_timeout(RUN_SECONDS * 1000)
    run_all(page)
    views = page.locator(".jp-OutputArea-output .widget-html pre")
    assert views.count() > 0
    assert "Deployment" in " ".join(views.all_text_contents())


def test_the_chinese_edition_asks_in_chinese(page: Page, lab: str):
    open_notebook(page, lab, "zh-CN/00-start-here.ipynb")
    page.set_default_timeout(RUN_SECONDS * 1000)
    for start in ("import kubeschool", "kubeschool.quiz("):
        run_cell(page, start)
    radio = page.get_by_role("radio").first
    radio.click()
    answer = page.locator("[role=status]", has_text=re.compile("对")).first
    assert re.search(r"[\u4e00-\u9fff]{4}", answer.inner_text())
