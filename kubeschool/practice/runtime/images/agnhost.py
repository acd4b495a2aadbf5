"""registry.k8s.io/e2e-test-images/agnhost: the image of Kubernetes' end-to-end tests. Its program is ../agnhost."""
from functools import partial

from ..agnhost.main import program
from ..filesystem import Directory
from . import alpine
from .busybox import commands
from .image import BUILT, Image, Layer, executable, tree

REPOSITORY = "registry.k8s.io/e2e-test-images/agnhost"
TAGS = ("2.59", "2.57", "2.56", "2.55", "2.54", "2.53", "2.52", "2.51", "2.50", "2.48", "2.47", "2.46", "2.45", "2.43", "2.42", "2.41",
        "2.40", "2.39", "2.38", "2.36", "2.33", "2.32", "2.31", "2.30", "2.29", "2.28", "2.26", "2.21", "2.20")


def files(version: str) -> Directory:
    agnhost, sh = executable(program(version)), commands()["sh"]
    return tree({"/agnhost": agnhost, "/agnhost-2": "-> agnhost", "/uploads": Directory(mtime=BUILT), "/bin/bash": sh,
                 "/usr/bin/curl": commands()["curl"]}, alpine.files())


def build(tag: str) -> Image:
    return Image(REPOSITORY, tag, (alpine.layer(), Layer(f"agnhost:{tag}", 49_000_000)), partial(files, tag), ["/agnhost"], ["pause"],
                 ports=["80/tcp", "8080/tcp", "8081/tcp", "9376/tcp"])
