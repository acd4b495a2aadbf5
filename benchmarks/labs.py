"""Every lab on a practice cluster of its own: from `cluster.lab(…)` to its goals on the screen, and from the repair to the last tick.

    python benchmarks/labs.py [LAB …]

Targets: under 3 s, under 1 s. The repair counts from the moment at which a look of one's own finds every goal reached.
"""

import contextlib
import io
import os
import sys
import tempfile
import time


def main(ids: list[str]) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    import kubeschool
    from kubeschool.checks.lab import every

    shell = InteractiveShell.instance()  # to which connect() gives %kubectl
    cluster = shell.user_ns["cluster"] = kubeschool.connect()
    print("lab     shown   last tick")
    for id in ids or every():
        with contextlib.redirect_stdout(io.StringIO()):
            shown, tick = _run(shell, cluster, id)
        print(f"{id}  {shown:6.2f} s {tick:9.2f} s", flush=True)


def _run(shell, cluster, id: str) -> tuple[float, float]:
    began = time.monotonic()
    lab = cluster.lab(id)
    lab._repr_mimebundle_()
    shown = time.monotonic() - began
    shell.run_cell(next(iter(lab.lab.repairs.values()))).raise_error()
    while not lab.check().done:
        time.sleep(0.1)
    repaired = time.monotonic()
    while "Repaired" not in lab._live.value:
        time.sleep(0.01)
    tick = time.monotonic() - repaired
    lab.clean_up()
    return shown, tick


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ |= {"KUBESCHOOL_HOME": folder, "KUBESCHOOL_CLUSTER": "practice"}
        from kubeschool.clusters.practice import Practice

        try:
            main(sys.argv[1:])
        finally:
            Practice().stop()
