"""The shell of simulated containers: `sh`, a program like any other, and the busybox applets in `commands`."""
from .main import sh

__all__ = ["sh"]
