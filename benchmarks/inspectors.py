"""What views cost the kernel with many pods: the first paint, an update after one change, and twenty open views at rest.

    python benchmarks/inspectors.py [PODS]           (default 1000)

Targets for 1,000 pods: first paint under 1 s, an update under 50 ms. The first paint is from the call to the widget's state and its
twins, lists from the API server included; an update is what a changed pod costs in the feed, the model and the HTML. With Chromium there,
also what the page costs when that HTML takes the place of the last, style and layout included (as ipywidgets' HTML does it; target 100 ms).
"""
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from kubernetes import client

PODS_A_NODE = 100
UPDATES = 20
REST_SECONDS = 5
VIEWS = {"tree": "deploy/web", "map": None, "rollout": "deploy/web", "service": "svc/web", "watch_all": None, "history": None}


def main() -> None:
    pods = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ |= {"KUBESCHOOL_HOME": home, "KUBESCHOOL_CLUSTER": "practice"}
        import kubeschool
        from kubeschool.clusters.practice import Practice

        practice = Practice(Path(home, "practice"))
        practice.launch(nodes=1 + -(-pods // PODS_A_NODE), speed=20)
        try:
            cluster = kubeschool.connect(namespace="views")
            deploy(cluster, pods)
            print(f"\n{'view':10} first paint   update (median, worst of {UPDATES})   HTML")
            views = [measure(cluster, name, target) for name, target in VIEWS.items()]
            views += [cluster.tree("deploy/web") for _ in range(20 - len(views))]
            for view in views:
                view._live()
            in_browser({name: view._picture.value for name, view in zip(VIEWS, views, strict=False)})
            at_rest(len(views))
        finally:
            practice.stop()


def deploy(cluster, pods: int) -> None:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "registry.k8s.io/pause:3.10"}]}}
    spec = {"replicas": pods, "selector": {"matchLabels": labels}, "template": template, "progressDeadlineSeconds": 900}
    client.AppsV1Api().create_namespaced_deployment("views", {"metadata": {"name": "web"}, "spec": spec})
    service = {"metadata": {"name": "web"}, "spec": {"selector": labels, "ports": [{"port": 80}]}}
    client.CoreV1Api().create_namespaced_service("views", service)
    cluster.wait("deploy/web", lambda web: web["status"].get("readyReplicas") == pods, timeout=900)


def measure(cluster, name: str, target: str | None):
    began = time.perf_counter()
    view = getattr(cluster, name)(*([target] if target else []))
    view._repr_mimebundle_()
    first = time.perf_counter() - began
    listener, view._listener.closed = view._listener, True  # the painter leaves it alone
    source = next((feed for feed in view._feeds if len(feed.objects) > 100), view._feeds[0])
    costs = []
    for number in range(UPDATES):
        pod = next(iter(source.objects.values()))
        labels = {**pod["metadata"].get("labels", {}), "number": str(number)}
        changed = {**pod, "metadata": {**pod["metadata"], "labels": labels, "resourceVersion": str(source._version + 1)}}
        began = time.perf_counter()
        source._apply("MODIFIED", changed)
        view._refresh()
        costs.append((time.perf_counter() - began) * 1000)
    listener.closed = False
    html = len(view._picture.value) / 1000
    print(f"{name:10} {first:8.2f} s   {statistics.median(costs):8.1f} ms {max(costs):8.1f} ms {html:22.0f} kB")
    return view


def in_browser(pages: dict[str, str]) -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        return print("no Chromium here")
    from playwright.sync_api import sync_playwright

    replace = """html => {
        const costs = [];
        for (let i = 0; i < 10; i++) {
            const began = performance.now();
            document.body.innerHTML = html + i;
            document.body.offsetHeight;
            costs.push(performance.now() - began);
        }
        return costs.sort((a, b) => a - b)[5];
    }"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        print("in the browser: " + ", ".join(f"{name} {page.evaluate(replace, html):.0f} ms" for name, html in pages.items()))
        browser.close()


def at_rest(views: int) -> None:
    process = psutil.Process()
    time.sleep(1)
    before = process.cpu_times()
    time.sleep(REST_SECONDS)
    after = process.cpu_times()
    used = (after.user + after.system - before.user - before.system) / REST_SECONDS
    print(f"{views} open views at rest: {used:.1%} of a core, {process.num_threads()} threads, {process.memory_info().rss / 1e6:.0f} MB")


main()
