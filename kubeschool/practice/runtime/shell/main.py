"""`sh`: the command line of ash, scripts from -c, a file or standard input, and the interactive loop."""
from ..process import Process
from . import builtins as _builtins  # noqa: F401  (registers the builtins)
from .interpreter import INTERACTIVE_SIGNALS, OPTION_NAMES, Exit, Interrupted, Leave, Return, Shell, ShellError, run_file
from .lineedit import LineEditor
from .parser import Parser, Sequence, ShellSyntaxError


async def sh(process: Process) -> int:
    """`sh [-options] [-c command [name [argument…]] | script [argument…] | -s [argument…]]`."""
    shell = Shell(process, process.argv[0])
    words = process.argv[1:]
    command = from_stdin = login = False
    interactive = None
    while words and words[0][:1] in ("-", "+") and len(words[0]) > 1:
        word, words = words[0], words[1:]
        if word == "--":
            break
        for letter in word[1:]:
            if letter == "c":
                command = True
            elif letter == "s":
                from_stdin = True
            elif letter == "i":
                interactive = True
            elif letter == "l":
                login = True
            elif letter == "o" and words and words[0] in OPTION_NAMES:
                (shell.options.add if word[0] == "-" else shell.options.discard)(OPTION_NAMES[words.pop(0)])
            elif letter in "aefnuvxbCIm":
                (shell.options.add if word[0] == "-" else shell.options.discard)(letter)
            else:
                shell.complain(f"illegal option -{letter}")
                return 2
    if login and process.fs.isfile("/etc/profile"):
        status = await shell.to_the_end(lambda: _profile(shell))
        if status is None:
            return 2
    if command:
        shell.options.add("c")
        if not words:
            shell.complain("-c requires an argument")
            return 2
        text, *rest = words
        if rest:
            shell.arg0 = shell.command_name = rest[0]
            shell.positional = rest[1:]
        return await shell.to_the_end(lambda: shell.run(Parser(text, aliases=shell.aliases), exit_at_end=True))
    if words and not from_stdin:
        return await run_file(process, words[0], words[1:], shell)
    shell.positional = words
    shell.from_file = False
    if interactive or (interactive is None and process.stdin.isatty() and process.stderr.isatty()):
        return await interact(shell)
    return await shell.to_the_end(lambda: from_input(shell))


async def _profile(shell: Shell) -> int:
    await shell.run(Parser(shell.fs.read("/etc/profile").decode()))
    return 0


async def from_input(shell: Shell) -> int:
    """Commands from standard input, line by line, so that they can read what follows them."""
    text, status, ended = "", 0, False
    while not ended:
        line = await shell.process.stdin.readline()
        ended = not line
        text += line.decode("utf-8", "surrogateescape")
        try:
            node = Parser(text, more=not ended, aliases=shell.aliases).next_command()
        except ShellSyntaxError as problem:
            if problem.incomplete and not ended:
                continue
            shell.fail(str(problem))
        text = ""
        if node and node != Sequence([]):
            status = await shell.execute(node)
    return status


async def interact(shell: Shell) -> int:
    """Prompt, read, run, until `exit` or ^D."""
    process = shell.process
    shell.interactive = True
    shell.options |= {"i", "m"}
    if shell.get("PS1") is None:
        shell.set("PS1", "\\w \\$ ")
    for number, handler in INTERACTIVE_SIGNALS.items():
        process.on_signal(number, getattr(shell, handler))
    editor = LineEditor(shell) if process.terminal else None
    status = await shell.to_the_end(lambda: _prompt_loop(shell, editor))
    return status


async def _prompt_loop(shell: Shell, editor: LineEditor | None) -> int:
    text = ""
    while True:
        shell.loops, shell.scopes, shell.command_name = 0, [], None
        try:
            await _report_jobs(shell)
            prompt = await shell.prompt("PS2" if text else "PS1")
            if editor:
                line = await editor.read_line(prompt)
            else:
                await shell.write(prompt, 2)
                line = (await shell.process.stdin.readline()).decode("utf-8", "surrogateescape") or None
            if line is None:
                if text:
                    shell.complain("syntax error: unexpected end of file")
                    text = ""
                    continue
                return shell.status
            text += line
            try:
                parser = Parser(text, more=True, aliases=shell.aliases)
                node = parser.next_command()
            except ShellSyntaxError as problem:
                if not problem.incomplete:
                    text = ""
                    shell.complain(str(problem))
                    shell.status = 2
                continue
            text = ""
            if node and node != Sequence([]):
                await shell.execute(node)
        except Interrupted:
            await shell.write("\n", 2)
            shell.caught.clear()
            text, shell.interrupted, shell.status = "", False, 130
        except ShellError as problem:
            text, shell.status = "", problem.status
        except Exit:
            raise
        except (Leave, Return):
            pass


async def _report_jobs(shell: Shell) -> None:
    """Says which background jobs have ended since the last prompt."""
    for job in list(shell.jobs):
        if job.done:
            await shell.write(shell.describe_job(job) + "\n", 2)
            shell.jobs.remove(job)
    shell.reap()
