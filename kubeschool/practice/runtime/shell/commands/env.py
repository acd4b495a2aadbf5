"""env and printenv."""
from ._applet import Failure, applet, put


@applet("env", "[-i0] [-u NAME]... [-] [NAME=VALUE]... [PROG ARGS]", "iu:0", {"ignore-environment": "i", "unset=": "u"}, permute=False,
        status=125)
async def env(process, options, arguments):
    words = arguments[1:] if arguments[:1] == ["-"] else arguments
    values = {} if options["i"] or arguments[:1] == ["-"] else dict(process.env)
    for name in options.all("u"):
        values.pop(name, None)
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        values[name] = value
    if not words:
        end = "\0" if options["0"] else "\n"
        await put(process, "".join(f"{name}={value}{end}" for name, value in values.items()))
        return 0
    try:
        process.exec(words, values)
    except FileNotFoundError as problem:
        raise Failure(f"can't execute '{words[0]}': {problem.strerror}", 127) from None
    except OSError as problem:
        raise Failure(f"can't execute '{words[0]}': {problem.strerror}", 126) from None


@applet("printenv", "[VARIABLE]...", permute=False)
async def printenv(process, options, arguments):
    if not arguments:
        await put(process, "".join(f"{name}={value}\n" for name, value in process.env.items()))
        return 0
    status = 0
    for name in arguments:
        if name in process.env:
            await put(process, process.env[name] + "\n")
        else:
            status = 1
    return status

