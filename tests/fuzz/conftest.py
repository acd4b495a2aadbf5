import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from practice_process import PracticeProcess


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[PracticeProcess]:
    cluster = PracticeProcess(tmp_path / "practice")
    cluster.start()
    yield cluster
    cluster.end()
