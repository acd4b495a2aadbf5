"""`python -m kubeschool.practice`: a practice cluster in the foreground."""
import argparse
import asyncio
import logging
import os
import signal
import sqlite3
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m kubeschool.practice", description="A Kubernetes to practise on, in one process.")
    parser.add_argument("--dir", type=Path, required=True, help="folder for state, certificates and the kubeconfig")
    parser.add_argument("--nodes", type=int, default=1, help="how many nodes (default 1)")
    parser.add_argument("--control-planes", type=int, default=1, help="how many control planes (default 1), each further one one more node")
    parser.add_argument("--speed", type=float, default=1.0, help="time-lapse: waits are divided by this (default 1)")
    parser.add_argument("--port", type=int, default=0, help="API port on 127.0.0.1 (default: as last time, or any free one)")
    parser.add_argument("--idle-timeout", type=float, default=None, help="end after so many seconds without a request")
    arguments = parser.parse_args()
    if arguments.nodes < 1 or arguments.control_planes < 1 or arguments.speed <= 0:
        parser.error("--nodes and --control-planes must be at least 1 and --speed above 0")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s: %(message)s")
    logging.getLogger().handlers[0].setLevel(logging.INFO)  # what components say in detail is for their containers' logs
    try:
        return asyncio.run(_run(arguments))
    except KeyboardInterrupt:
        return 0
    except sqlite3.OperationalError as error:
        print(f"{arguments.dir} is in use by another practice cluster ({error})", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"the practice cluster cannot start: {error}", file=sys.stderr)
        return 1


async def _run(arguments: argparse.Namespace) -> int:
    from .cluster import Cluster, serve

    cluster = Cluster(arguments.dir, arguments.nodes, arguments.speed, arguments.port, arguments.control_planes)
    pid = arguments.dir / "pid"
    pid.write_text(str(os.getpid()))
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stopping.set)
        except NotImplementedError:  # Windows: Ctrl-C arrives as KeyboardInterrupt
            break
    try:
        await serve(cluster, arguments.idle_timeout, stopping)
    finally:
        pid.unlink(missing_ok=True)
    return 0


sys.exit(main())
