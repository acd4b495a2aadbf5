"""du and df."""
from ._applet import applet, complain, human, put
from .ls import blocks


@applet("du", "[-aHLdclsxhmk] [FILE]...", "aHLd:clsxhmkb", {"max-depth=": "d"})
async def du(process, options, arguments):
    import stat
    fs, status, total = process.fs, 0, 0
    deepest = 0 if options["s"] else int(options["d"]) if options["d"] else 10 ** 6

    async def show(size: int, path: str) -> None:
        text = human(size * 1024) if options["h"] else str(-(-size // 1024)) if options["m"] else str(size)
        if options["h"] and size * 1024 < 1024 * 1024 and size:
            text = f"{size:.1f}K"
        await put(process, f"{text}\t{path}\n")

    async def measure(path: str, depth: int) -> int:
        info = fs.stat(path, follow=bool(options["L"]))
        size = blocks(info)
        is_folder = stat.S_ISDIR(info.mode)
        if is_folder:
            for entry in fs.listdir(path):
                size += await measure(f"{path.rstrip('/')}/{entry}", depth + 1)
        if depth <= deepest and (is_folder or options["a"] or depth == 0):
            await show(size, path)
        return size

    for name in arguments or ["."]:
        try:
            total += await measure(name, 0)
        except OSError as problem:
            await complain(process, f"{name}: {problem.strerror}")
            status = 1
    if options["c"]:
        await show(total, "total")
    return status


@applet("df", "[-PkmhTai] [-B SIZE] [FILESYSTEM...]", "PkmhTaiB:t:")
async def df(process, options, arguments):
    """Sizes: a node's disk is simulated, so every file system shows the container's 20 GiB; used is what is really in it."""
    fs = process.fs
    unit = 1 << 20 if options["m"] else 1 << 10
    header = "Size" if options["h"] else "1M-blocks" if options["m"] else "1024-blocks" if options["P"] else "1K-blocks"
    kind_head = f" {'Type':<10}" if options["T"] else ""
    capacity = "Capacity" if options["P"] else "Use%"
    await put(process, f"{'Filesystem':<20}{kind_head} {header:>9} {'Used':>9} {'Available':>9} {capacity:>4} Mounted on\n")
    mounts = {"/": ("overlay", "overlay", 20 << 30)}
    for path, mount in fs.mounts.items():
        if path == "/":
            continue
        kind = getattr(mount, "kind", "ext4")
        if kind in ("proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts"):
            continue
        mounts[path] = ("/dev/vda1" if kind == "ext4" else kind, kind, 64 << 20 if kind == "tmpfs" else 20 << 30)
    if arguments:
        wanted = {}
        for name in arguments:
            try:
                path = fs.realpath(name)
            except OSError as problem:
                await complain(process, f"{name}: {problem.strerror}")
                return 1
            while path not in mounts:
                path = path.rpartition("/")[0] or "/"
            wanted[path] = mounts[path]
        mounts = wanted
    for path, (device, kind, size) in mounts.items():
        node = fs.lookup(path)
        used = fs.usage() if path == "/" else node.usage() if hasattr(node, "usage") else node.size
        free = max(size - used, 0)
        show = (lambda value: human(value)) if options["h"] else (lambda value: str(-(-value // unit)))
        kind_text = f" {kind:<10}" if options["T"] else ""
        percent = -(-used * 100 // size)
        if len(device) > 20:
            await put(process, device + "\n")
            device = ""
        await put(process, f"{device:<20}{kind_text} {show(size):>9} {show(used):>9} {show(free):>9} {percent:>3}% {path}\n")
