"""ln and link."""
import posixpath

from ._applet import Usage, applet, complain


@applet("ln", "[-sfnT] TARGET... LINK|DIR", "sfnTvb")
async def ln(process, options, arguments):
    if not arguments:
        raise Usage
    fs, status = process.fs, 0
    *targets, last = arguments if len(arguments) > 1 else [*arguments, posixpath.basename(arguments[0])]
    into = fs.isdir(last) and not options["T"] and not (options["n"] and fs.islink(last))
    for target in targets:
        path = f"{last.rstrip('/')}/{posixpath.basename(target.rstrip('/'))}" if into else last
        try:
            if options["f"] and (fs.exists(path) or fs.islink(path)):
                fs.unlink(path)
            if options["s"]:
                fs.symlink(target, path)
            else:
                if not fs.exists(target) and not fs.islink(target):
                    await complain(process, f"{target}: No such file or directory")
                    status = 1
                    continue
                fs.link(target, path)
        except OSError as problem:
            await complain(process, f"{path}: {problem.strerror}")
            status = 1
    return status
