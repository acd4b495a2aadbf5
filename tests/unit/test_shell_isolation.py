"""Nothing typed in a container reaches the machine: its files, processes, environment or network."""
import ast
import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from shell_harness import run

import kubeschool.practice.runtime.shell as shell

SOURCES = sorted(Path(shell.__file__).parent.rglob("*.py"))


async def test_files_of_the_machine_are_not_there(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("of the machine")
    for command in (f"cat {secret}", f"cat <{secret}", f". {secret}", f"ls {tmp_path}", f"tar cf - {secret}", f"sed p {secret}",
                    f"awk '{{print}}' {secret}", f"cp {secret} x", f"dd if={secret}", f"ln -s {secret} l; cat l", f"cat /../../..{secret}"):
        output, _, status = await run(command)
        assert "of the machine" not in output and "secret" not in output, command
        assert status != 0, command


async def test_nothing_is_written_outside(tmp_path):
    target = tmp_path / "new"
    output, _, _ = await run(f"mkdir -p {tmp_path}; echo x >{target}; touch {target}2; cat {target}")
    assert output == "x\n", "inside, the path is the container's own"
    assert list(tmp_path.iterdir()) == []


async def test_processes_of_the_machine_cannot_be_seen_or_signalled():
    victim = subprocess.Popen(["sleep", "30"] if os.name != "nt" else ["timeout", "30"])
    try:
        output, errors, _ = await run(f"ps; kill -9 {victim.pid}; kill -9 {os.getpid()}")
        assert errors.count("No such process") == 2
        assert len(output.splitlines()) == 3, "header, sh and ps"
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


async def test_environment_of_the_machine_is_not_inherited(monkeypatch):
    monkeypatch.setenv("MACHINE_SECRET", "do not show")
    output, _, _ = await run("env; set; echo $MACHINE_SECRET; awk 'BEGIN {for (k in ENVIRON) print ENVIRON[k]}'; X=1 sh -c env")
    assert "do not show" not in output


async def test_sockets_of_the_machine_cannot_be_reached():
    async def serve(reader, writer):
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nof the machine")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        for command in (f"wget -q -O - http://127.0.0.1:{port}/", f"curl -s http://127.0.0.1:{port}/", f"nc 127.0.0.1 {port} </dev/null"):
            output, _, status = await run(command)
            assert output == "" and status != 0, command


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_code_uses_nothing_that_could(source):
    """No module of the shell imports what opens host files, starts host processes or sockets, or reads the host's environment."""
    forbidden = {"os", "subprocess", "shutil", "pathlib", "tempfile", "multiprocessing", "ctypes", "glob", "psutil", "pty", "fcntl",
                 "requests", "urllib3"}
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert not forbidden & {name.split(".")[0] for name in names}, f"{source.name}: {names}"
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in ("open", "exec", "eval", "compile", "__import__", "input"), f"{source.name}:{node.lineno}"
            elif isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                assert called not in ("socket.socket", "socket.create_connection", "asyncio.open_connection", "asyncio.start_server",
                                      "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"), f"{source.name}:{node.lineno}"
