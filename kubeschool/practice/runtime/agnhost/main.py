"""/agnhost: finds the subcommand and its flags (cobra)."""
from ..process import Process
from . import guestbook, netexec, servers, tools  # noqa: F401  (they register their subcommands)
from .go import SUBCOMMANDS, Duration, FlagError, Run, Subcommand, format_duration, parse_flags, quote

MISSING = ("audit-proxy", "crd-conversion-webhook", "inclusterclient", "nettest", "podcertificatesigner", "resource-consumer",
           "resource-consumer-controller", "test-service-account-issuer-discovery", "webhook", "mtlsclient", "mtlsserver")
"""What the practice cluster's agnhost has not: servers with TLS, and clients of the API."""


def program(version: str):
    async def main(process: Process) -> int:
        words = process.argv[1:]
        if words and words[0] in ("--version", "-v"):
            process.stdout.write(f"app version {version}\n".encode())
            return 0
        if not words or words[0] in ("help", "-h", "--help"):
            found = SUBCOMMANDS.get(words[1]) if len(words) > 1 else None
            process.stdout.write((usage(found) if found else help_text()).encode())
            return 0
        if words[0] in MISSING:
            process.stderr.write(f"agnhost {words[0]} is not simulated in the practice cluster\n".encode())
            return 1
        found = SUBCOMMANDS.get(words[0])
        if found is None:
            process.stderr.write(f'Error: unknown command {quote(words[0])} for "app"\nRun \'app --help\' for usage.\n'.encode())
            return 1
        if "--help" in words or "-h" in words:
            process.stdout.write(usage(found).encode())
            return 0
        try:
            flags, args = parse_flags(words[1:], found)
        except FlagError as problem:
            process.stderr.write(f"Error: {problem}\n{usage(found)}\n".encode())
            return 1
        return await found.run(Run(process, flags, args)) or 0

    return main


def help_text() -> str:
    names = sorted([*SUBCOMMANDS.values()], key=lambda found: found.name)
    width = max(len(found.name) for found in names)
    listed = "".join(f"  {found.name:{width}}  {found.words}\n" for found in names)
    return f"Usage:\n  app [command]\n\nAvailable Commands:\n{listed}\nUse \"app [command] --help\" for more information about a command.\n"


def usage(found: Subcommand) -> str:
    letters = {name: letter for letter, name in found.short.items()}
    lines = []
    for name, default in sorted(found.flags.items()):
        kind = "" if isinstance(default, bool) else " duration" if isinstance(default, Duration) else (
            " int" if isinstance(default, int) else " string")
        shown = "" if default in ("", False, 0) else f" (default {format_duration(default) if isinstance(default, Duration) else default})"
        lines.append(f"  {'-' + letters[name] + ',' if name in letters else '   '} --{name}{kind}{shown}\n")
    return f"Usage:\n  app {found.name} [flags]\n\nFlags:\n{''.join(lines)}"
