"""A process that keeps the practice cluster's promises about its folder (pid, kubeconfig, one process a folder), and nothing else.

`python -m stand_in --dir DIR …`. With --speed 13 it fails at once; with --speed 14 it never answers.
"""

import argparse
import json
import os
import signal
import socket
import sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--dir", type=Path)
parser.add_argument("--nodes", type=int)
parser.add_argument("--control-planes", type=int, default=1)
parser.add_argument("--speed", type=float)
parser.add_argument("--idle-timeout", type=float)
arguments = parser.parse_args()

if arguments.speed == 13:
    sys.exit("the disk is full")
lock = arguments.dir / "lock"
try:
    listener = socket.create_server(("127.0.0.1", int(lock.read_text()) if lock.exists() else 0))
except OSError:
    sys.exit("in use")
port = listener.getsockname()[1]
lock.write_text(str(port))
pid = arguments.dir / "pid"
pid.write_text(str(os.getpid()))


def leave(*_):
    pid.unlink()
    sys.exit()


signal.signal(signal.SIGTERM, leave)
if arguments.speed != 14:
    server = {"cluster": {"server": f"https://127.0.0.1:{port}"}}
    seen = {"nodes": arguments.nodes, "speed": arguments.speed, "control_planes": arguments.control_planes}
    (arguments.dir / "kubeconfig").write_text(json.dumps({"clusters": [server], **seen}))
while True:
    listener.accept()[0].close()
