"""The labs' list, the record of what is repaired, and the board of a workshop. The labs themselves: tests/labs/."""

import json

import pytest

import kubeschool
from kubeschool.__main__ import main
from kubeschool.checks import record
from kubeschool.checks.exercise import Goals
from kubeschool.checks.lab import every, find
from kubeschool.checks.verdict import not_yet
from kubeschool.errors import CourseError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBESCHOOL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KUBESCHOOL_BOARD", raising=False)


def test_a_repaired_lab_is_listed_with_its_first_time():
    record.reached("L01", seconds=312)
    record.reached("L01", seconds=20)
    line = next(line for line in str(kubeschool.labs()).splitlines() if line.startswith("L01"))
    assert "The café never opened" in line and line.endswith("● in 5 min 12 s")
    assert str(kubeschool.labs()).count("●") == 1


def test_ids_are_unique_and_a_wrong_one_is_told():
    folders = [lab.folder.name for lab in every().values()]
    assert len(folders) == len({name.partition("-")[0] for name in folders})
    assert find("l01").id == "L01"
    with pytest.raises(CourseError, match="there is no lab"):
        find("L99")


def test_people_of_a_shared_folder_see_each_other(tmp_path, monkeypatch):
    folder = tmp_path / "shared"
    folder.mkdir()
    record.reached("L01", seconds=60)
    kubeschool.join_board("Ada <3", folder)
    monkeypatch.setenv("KUBESCHOOL_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("KUBESCHOOL_BOARD", str(folder))
    with pytest.raises(CourseError, match="choose another name"):
        kubeschool.join_board("Ada <3")
    kubeschool.join_board("../Bob/..")
    record.reached("L08.1")
    record.reached("4.1")  # a checkpoint is not the board's
    (folder / "junk.json").write_text("{")
    board = kubeschool.board()
    assert board.people == {"../Bob/..": {"L08.1": record.everything()["L08.1"]}, "Ada <3": board.people["Ada <3"]}
    columns = str(board).splitlines()[0].split()
    ada = next(line for line in str(board).splitlines() if line.startswith("Ada <3"))
    assert ada.removeprefix("Ada <3").split()[columns.index("L01")] == "●"
    assert "Ada &lt;3" in board._repr_mimebundle_()["text/html"]
    assert sorted(path.parent for path in tmp_path.rglob("*Bob*")) == [folder]


def test_without_a_board_it_says_how_to_join(tmp_path):
    for call in (kubeschool.board, lambda: kubeschool.join_board("Ada"), lambda: kubeschool.join_board("Ada", tmp_path / "nowhere")):
        with pytest.raises(CourseError, match=r"join|write"):
            call()


def test_a_board_that_is_gone_is_no_trouble(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    kubeschool.join_board("Ada", folder)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    record.reached("L01", seconds=60)
    assert json.loads((tmp_path / "home" / "progress.json").read_text())["L01"].endswith("60 s")


def test_live_ticks_leave_the_search_to_the_learner():
    goals = Goals([("The page answers", not_yet("it answers 503", why="no endpoints", next="%kubectl get endpoints"))], 61)
    assert "it answers 503" in goals.ticks and "no endpoints" not in goals.ticks
    assert "no endpoints" in goals.html and "no endpoints" in str(goals) and "1 min 1 s so far" in goals.ticks


@pytest.mark.parametrize(
    "words, status, said",
    [
        ("", 2, "break it, and read the story"),
        ("hint l03 9", 0, "Hint 3 of 3"),
        ("hint L03", 0, "kubeschool hint L03 2 says more"),
        ("solution L01", 0, "\nkubectl set image"),
        ("check", 1, "which one? kubeschool check L01"),
        ("start L99", 1, 'there is no lab "L99"'),
        ("labs", 0, "The café never opened"),
    ],
)
def test_what_needs_no_cluster_is_said_at_once(words, status, said, monkeypatch, capsys):
    monkeypatch.setattr(kubeschool, "connect", lambda: pytest.fail("it asked for a cluster"))
    monkeypatch.setattr("sys.argv", ["kubeschool", *words.split()])
    assert main() == status
    assert said in "".join(capsys.readouterr())


def test_interrupted_it_says_so(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(kubeschool, "connect", interrupted)
    monkeypatch.setattr("sys.argv", ["kubeschool", "start", "L01"])
    assert main() == 130
    assert "interrupted" in capsys.readouterr().err
