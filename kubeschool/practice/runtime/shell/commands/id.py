"""id, whoami, groups, logname."""
from ._applet import Failure, applet, decode, group_names, put, user_names


@applet("id", "[-ugGnr] [USER]", "ugGnr")
async def id_(process, options, arguments):
    users, groups = user_names(process), group_names(process)
    uid, gid, extra = process.uid, process.gid, list(process.fs.groups)
    if arguments:
        uid = next((number for number, name in users.items() if name == arguments[0] or str(number) == arguments[0]), None)
        if uid is None:
            raise Failure(f"unknown user {arguments[0]}")
        gid = next(int(entry[3]) for line in decode(process.fs.read("/etc/passwd")).splitlines()
                   if (entry := line.split(":"))[0] == users[uid])
        extra = []
    everything = list(dict.fromkeys([gid, *extra]))
    if options["u"]:
        text = users.get(uid, str(uid)) if options["n"] else str(uid)
    elif options["g"]:
        text = groups.get(gid, str(gid)) if options["n"] else str(gid)
    elif options["G"]:
        text = " ".join(groups.get(number, str(number)) if options["n"] else str(number) for number in everything)
    else:
        def named(number: int, names: dict[int, str]) -> str:
            return f"{number}({names[number]})" if number in names else str(number)
        text = f"uid={named(uid, users)} gid={named(gid, groups)}"
        if extra:
            text += " groups=" + ",".join(named(number, groups) for number in everything)
    await put(process, text + "\n")


@applet("whoami logname", "")
async def whoami(process, options, arguments):
    name = user_names(process).get(process.uid)
    if name is None:
        raise Failure(f"unknown uid {process.uid}")
    await put(process, name + "\n")


@applet("groups", "[USER]")
async def groups(process, options, arguments):
    names = group_names(process)
    await put(process, " ".join(names.get(number, str(number)) for number in dict.fromkeys([process.gid, *process.fs.groups])) + "\n")
