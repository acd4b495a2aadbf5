"""docker.io/library/perl, for one program: the Job of Kubernetes' documentation, which computes pi. Any other is refused in words.

    perl -Mbignum=bpi -wle "print bpi(2000)"        (kubernetes.io/docs/concepts/workloads/controllers/job)
"""
import asyncio
import re

from ..process import Process
from . import debian
from .image import Image, Layer, executable, tree

REPOSITORY = "docker.io/library/perl"
VERSIONS = {"latest": "5.42.0", "5": "5.42.0", "5.42": "5.42.0", "5.40": "5.40.3", "5.34": "5.34.3", "5.34.0": "5.34.0", "5.34.1": "5.34.1"}
TAGS = VERSIONS | {f"{tag}-slim": version for tag, version in VERSIONS.items() if tag != "latest"} | {"slim": "5.42.0"}
MOST_DIGITS = 4_000
CPU_SECONDS_PER_DIGIT = 0.002
PI = re.compile(r"\s*print\s+bpi\(\s*(\d+)\s*\)\s*;?\s*")


def pi(digits: int) -> str:
    """`digits` significant digits, rounded, by Machin's formula."""
    one = 10 ** (digits + 10)

    def arctan(inverse: int) -> int:
        term = total = one // inverse
        n, sign = 1, 1
        while term:
            term //= inverse * inverse
            n, sign = n + 2, -sign
            total += sign * (term // n)
        return total

    text = str((4 * (4 * arctan(5) - arctan(239)) + 5 * 10**10) // 10**11)
    return f"{text[0]}.{text[1:]}" if digits > 1 else text


def program(version: str):
    async def main(process: Process) -> int:
        words = process.argv[1:]
        if words[:1] in (["-v"], ["--version"]):
            _, minor, patch = version.split(".")
            process.stdout.write(f"\nThis is perl 5, version {minor}, subversion {patch} (simulated)\n".encode())
            return 0
        found = PI.fullmatch(words[-1]) if len(words) > 1 and "-Mbignum=bpi" in words else None
        if not found or not 0 < int(found[1]) <= MOST_DIGITS:
            process.stderr.write(b"perl is not simulated in the practice cluster, but for: perl -Mbignum=bpi -wle \"print bpi(2000)\"\n")
            return 1
        digits = int(found[1])
        process.use_cpu(digits * CPU_SECONDS_PER_DIGIT)
        await process.sleep(digits * CPU_SECONDS_PER_DIGIT)
        process.stdout.write((await asyncio.to_thread(pi, digits)).encode() + b"\n")
        return 0

    return main


def build(tag: str) -> Image:
    version = TAGS[tag]
    slim = tag.endswith("slim")
    return Image(REPOSITORY, tag, (debian.layer(), Layer(f"perl:{version}{'-slim' * slim}", 25_000_000 if slim else 330_000_000)),
                 lambda: tree({"/usr/local/bin/perl": executable(program(version))}, debian.files()), command=["perl", "-de0"])
