"""What the containers of a node use, as a kubelet tells in /metrics/resource (`pkg/kubelet/metrics/collectors/resource_metrics.go`)."""
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .pod_worker import PodWorker


@dataclass(frozen=True)
class ContainerUsage:
    """`cpu` in cluster seconds of a core since the container's start, `age` in cluster seconds, `memory` in bytes."""

    namespace: str
    pod: str
    container: str
    id: str
    age: float
    cpu: float
    memory: int


def usage(workers: "Iterable[PodWorker]", now: float, speed: float) -> Iterator[ContainerUsage]:
    """Of every container that runs. `now` is the loop's time."""
    for worker in workers:
        meta = worker.pod["metadata"]
        for name, runs in worker.seen.runs.items():
            if runs and (run := runs[-1]).running:
                cpu, memory = run.container.usage()
                yield ContainerUsage(meta["namespace"], meta["name"], name, run.container.id, (now - run.started) * speed, cpu, memory)
