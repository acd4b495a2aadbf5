"""kube-scheduler."""

from .scheduler import Decision, Scheduler

__all__ = ["Decision", "Scheduler"]
