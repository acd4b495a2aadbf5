"""chown and chgrp."""
from ._applet import Failure, Usage, applet, complain, group_names, user_names


def identifier(text: str, names: dict[int, str], kind: str) -> int:
    """The number of a user or group; -1 for an empty word."""
    if not text:
        return -1
    for number, name in names.items():
        if name == text:
            return number
    if text.isdigit():
        return int(text)
    raise Failure(f"unknown {kind} {text}")


@applet("chown chgrp", "[-Rhcvf] USER[:[GRP]] FILE...", "RhLHPcvf")
async def chown(process, options, arguments):
    if len(arguments) < 2:
        raise Usage
    owner, *names = arguments
    users, groups = user_names(process), group_names(process)
    if process.name == "chgrp":
        uid, gid = -1, identifier(owner, groups, "group")
    else:
        user, _colon, group = owner.replace(".", ":", 1).partition(":") if owner not in users.values() else (owner, "", "")
        uid, gid = identifier(user, users, "user"), identifier(group, groups, "group")
    fs, status = process.fs, 0

    async def change(path: str) -> None:
        nonlocal status
        try:
            fs.chown(path, uid, gid, follow=not options["h"])
            if options["R"] and fs.isdir(path) and not fs.islink(path):
                for entry in fs.listdir(path):
                    await change(f"{path.rstrip('/')}/{entry}")
        except OSError as problem:
            status = 1
            await complain(process, f"{path}: {problem.strerror}")

    for name in names:
        await change(name)
    return status
