"""`kubeschool`: the labs from a terminal.

    kubeschool labs             what there is to repair, and what you have repaired
    kubeschool start L03        break it, and read the story (again); "surprise" draws one
    kubeschool check L03        how far are you?
    kubeschool hint L03 [N]     the Nth hint of three
    kubeschool solution L03     what was wrong, and sound repairs
    kubeschool reset L03        break it again
    kubeschool clean-up L03     remove it
    kubeschool board            who has repaired what
"""

import argparse
import contextlib
import os
import sys

from kubeschool.errors import CourseError

OF_A_LAB = ("start", "check", "hint", "solution", "reset", "clean-up")


def main() -> int:
    parser = argparse.ArgumentParser(prog="kubeschool", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["labs", *OF_A_LAB, "board"], metavar="command")
    parser.add_argument("lab", nargs="?", default="")
    parser.add_argument("number", nargs="?", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.print_help()
        return 2
    try:
        print(_answer(arguments.command, arguments.lab, arguments.number))
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    return 0


def _answer(command: str, id: str, number: int) -> object:
    from kubeschool.checks import lab as labs

    if command in OF_A_LAB and not id:
        raise CourseError(f"which one? kubeschool {command} L01 (kubeschool labs lists them)")
    match command:
        case "labs":
            from kubeschool.checks.labs import Labs

            return Labs()
        case "board":
            from kubeschool.checks.board import Board

            return Board()
        case "hint":
            lab = labs.find(id)
            more = f"\n(kubeschool hint {lab.id} {number + 1} says more)" if number < len(lab.hints) else ""
            return lab.hint(number) + more
        case "solution":
            return _in_terminals(labs.find(id).solution())
    return _at_work(command, id)


def _at_work(command: str, id: str) -> str:
    """Starting says what it waits for; whatever else is printed on the way is for notebooks."""
    import kubeschool
    from kubeschool.checks import lab as labs
    from kubeschool.checks.exercise import is_begun

    lab = None if (command, id) == ("start", "surprise") else labs.find(id)
    with open(os.devnull, "w") as nowhere:
        with contextlib.redirect_stdout(sys.stderr if command == "start" else nowhere):
            cluster = kubeschool.connect()
        if command != "start" and not is_begun(cluster, lab):
            raise CourseError(f"{lab.id} is not begun: kubeschool start {lab.id}")
        with contextlib.redirect_stdout(nowhere):
            exercise = cluster.lab(id)
            match command:
                case "start":
                    id, namespace = exercise.lab.id, exercise.lab.namespace
                    where = f"kubectl in JupyterLab's terminals works in {namespace} now (elsewhere: -n {namespace})"
                    return f"{exercise}\n\n{where}; kubeschool check {id} says how far you are"
                case "check":
                    return _in_terminals(str(exercise.check()).replace("solution()", f"kubeschool solution {id}"))
                case "reset":
                    exercise.reset()
                    return f"{exercise.lab.id} is broken again"
                case _:
                    exercise.clean_up()
                    return f"{exercise.lab.id} is removed"


def _in_terminals(text: str) -> str:
    return text.replace("%kubectl", "kubectl")


if __name__ == "__main__":
    sys.exit(main())
