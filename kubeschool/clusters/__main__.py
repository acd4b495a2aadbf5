"""`python -m kubeschool.clusters up|down|delete|status|kubeconfig`: a cluster of the course without a notebook (course.py cluster …)."""

import argparse
import os
import sys

from kubeschool.cluster import connect
from kubeschool.clusters import OWN, provider
from kubeschool.errors import CourseError


def arguments_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course.py cluster", description="A cluster of the course without a notebook.")
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("--cluster", choices=OWN, help="default: $KUBESCHOOL_CLUSTER, else practice")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", parents=[which], help="start it, wait until its nodes are Ready, print the kubeconfig's path")
    up.add_argument("--nodes", type=_at_least_one, help="practice: how many (default: as last time, else 3)")
    up.add_argument("--control-planes", type=_at_least_one, help="practice: each after the first is one more node (default: as last time)")
    up.add_argument("--speed", type=_positive, help="practice: every wait is divided by this (default: as last time, else 1)")
    commands.add_parser("down", parents=[which], help="stop it; every object is kept")
    commands.add_parser("delete", parents=[which], help="remove it, with every object in it")
    commands.add_parser("status", parents=[which], help="say whether it runs (exit status 0) or not (1)")
    commands.add_parser("kubeconfig", parents=[which], help="print the path of its kubeconfig")
    return parser


def main() -> int:
    arguments = arguments_parser().parse_args()
    try:
        name = arguments.cluster or os.environ.get("KUBESCHOOL_CLUSTER") or "practice"
        if name not in OWN:
            raise CourseError(f"{name} is not the course's to start or stop; choose with --cluster: {', '.join(OWN)}")
        cluster = provider(name)
        match arguments.command:
            case "up":
                asked = {"nodes": arguments.nodes, "speed": arguments.speed, "control_planes": arguments.control_planes}
                return _up(cluster, **{option: value for option, value in asked.items() if value})
            case "down":
                print("stopped; every object is kept" if cluster.stop() else "it was not running")
            case "delete":
                print("deleted" if cluster.delete() else "it was not there")
            case "status":
                running, sentence = cluster.status()
                print(sentence)
                return 0 if running else 1
            case "kubeconfig":
                print(cluster.kubeconfig_file)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _up(cluster, **asked: float) -> int:
    if cluster.name != "practice":
        if asked:
            raise CourseError(f"only the practice cluster has {', '.join(asked)} to choose")
    elif cluster.pid() and any(value != cluster.options()[name] for name, value in asked.items()):
        last = cluster.options()
        now = f"{last['nodes']} nodes at speed {last['speed']:g}"
        if last["control_planes"] > 1:
            now += f" and {last['control_planes']} control planes"
        raise CourseError(f"it runs already, with {now}; stop it first: course.py cluster down")
    else:
        cluster.launch(**asked)
        cluster.kubeconfig()  # once it answers, connect() joins it
    connect(cluster.name)
    print(cluster.kubeconfig_file)
    return 0


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _positive(text: str) -> float:
    if (number := float(text)) <= 0:
        raise argparse.ArgumentTypeError("more than 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
