"""`course.py new chapter 11-storage` or `course.py new lab L23-no-route`: the files to fill in, which already run.

What is left to write says TODO; docs/writing-a-chapter.md and docs/writing-a-lab.md tell how. Nothing that exists is overwritten.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: {image}
"""
LAB = '''"""{id}: TODO what is broken, in a few words."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="TODO",
    level=1,
    minutes=10,
    story="""
TODO what somebody noticed, never where to look.
""",
    broken="nginxx:1.27",
    hints=("TODO where to look", "TODO what to compare", "TODO the command"),
    wrong={{
        "%kubectl delete pod web": "TODO words of its verdict",
        "%kubectl set image pod/web web=nginx:1.72": "1.72",
    }},
    repairs={{
        "TODO one way": "%kubectl set image pod/web web=nginx:1.27",
        "TODO another": "%kubectl set image pod/web web=nginx:1.26",
    }},
    explanation="""
TODO why it happened, and what else would not have helped.
""",
)


@LAB.goal("web is Ready")
def ready(cluster) -> Verdict:
    pod = look.pod(cluster, "web")
    if pod and look.ready(pod):
        return done("web is Ready")
    return not_yet("web should be Ready", why=look.why(cluster, pod) if pod else "", next="%kubectl describe pod web")
'''
CHECKPOINT = '''"""The checkpoint of {number} · TODO."""

from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet


@checkpoint(
    "{chapter}.1",
    objective="{words}-first",
    solution="""
%kubectl run mine --image=nginx:1.27
cluster.wait("pod/mine", "Ready")
""",
    wrong={{
        "%kubectl run my-pod --image=nginx:1.27": "its Pods: my-pod",
        "%kubectl run mine --image=ngnix:1.27": "ngnix:1.27",
    }},
)
def mine(cluster) -> Verdict:
    pod = look.pod(cluster, "mine")
    if not pod:
        return not_started(look.no_pod(cluster, "mine"), next="%kubectl run --help")
    if not look.ready(pod):
        return not_yet("mine is not Ready yet", why=look.why(cluster, pod), next="%kubectl describe pod mine")
    return done("mine is Ready")
'''
QUIZ = """\
- id: "{number}-q1"
  objective: {words}-first
  question: TODO
  choices:
    - text: TODO
      right: true
      why: TODO
    - text: TODO
      why: TODO
"""


def chapter(name: str) -> dict[str, str]:
    """{path: contents} of a chapter such as "11-storage"."""
    number, words = re.fullmatch(r"(\d\d)-([a-z-]+)", name).groups()
    about = f"# {number} · TODO\n\nTODO one sentence of promise.\n\n**You will be able to** TODO `{words}-first`\n\n"
    about += f"**Time** TODO minutes. **It makes** the namespace `{words}`."
    cells = [
        new_markdown_cell(about),
        new_code_cell(f'import kubeschool\ncluster = kubeschool.connect(namespace="{words}")'),
        new_markdown_cell("TODO say. **Predict**: what will STATUS show?"),
        new_code_cell(f"%kubectl apply -f manifests/{name}/pod.yaml"),
        new_code_cell('cluster.wait("pod/web", "Ready")'),
        new_markdown_cell("## Your turn\n\nRun a Pod named `mine` with the image `nginx:1.27`."),
        new_code_cell("# your commands", metadata={"tags": ["your-turn"]}),
        new_code_cell(f'cluster.check("{int(number)}.1")'),
        new_markdown_cell("## Quiz"),
        new_code_cell(f'kubeschool.quiz("{name}")'),
        new_markdown_cell("## Recap\n\nTODO"),
        new_code_cell("cluster.clean_up()"),
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
    blanks = {"number": number, "chapter": int(number), "words": words}
    return {
        f"notebooks/{name}.ipynb": nbformat.writes(new_notebook(cells=cells, metadata=kernel)) + "\n",
        f"manifests/{name}/pod.yaml": POD.format(image="nginx:1.27"),
        f"kubeschool/checks/chapters/chapter_{number}.py": CHECKPOINT.format(**blanks),
        f"kubeschool/checks/quizzes/{name}.yaml": QUIZ.format(**blanks),
    }


def lab(name: str) -> dict[str, str]:
    """{path: contents} of a lab such as "L23-no-route"."""
    id = re.fullmatch(r"(L\d\d)-[a-z-]+", name)[1]
    return {f"labs/{name}/broken.yaml": POD.format(image="nginxx:1.27"), f"labs/{name}/lab.py": LAB.format(id=id)}


def main(words: list[str], root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="course.py new", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["chapter", "lab"])
    parser.add_argument("name", metavar="NAME", help="11-storage for a chapter, L23-no-route for a lab")
    arguments = parser.parse_args(words)
    try:
        files = {"chapter": chapter, "lab": lab}[arguments.what](arguments.name)
    except (AttributeError, TypeError):
        parser.error(f'"{arguments.name}" is no name for a {arguments.what}: it looks like 11-storage or L23-no-route')
    if there := [name for name in files if (root / name).exists()]:
        parser.error(f"{', '.join(there)} is there already")
    for name, contents in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(contents, encoding="utf-8")
        print(name)
    print(f"now fill in what says TODO; docs/writing-a-{arguments.what}.md tells how")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
