"""registry.k8s.io/hpa-example: a page that takes CPU time, for the walkthrough of the HorizontalPodAutoscaler."""
from ..http_server import Request, Response, serve
from ..process import Process
from . import debian
from .image import Image, Layer, executable, tree

REPOSITORY = "registry.k8s.io/hpa-example"
TAGS = ("latest",)
CPU_SECONDS = 0.1
"""What index.php's million square roots take of one core."""
INDEX = "<?php\n  $x = 0.0001;\n  for ($i = 0; $i <= 1000000; $i++) {\n    $x += sqrt($x);\n  }\n  echo \"OK!\";\n?>\n"


async def apache(process: Process) -> int:
    async def handle(request: Request) -> Response:
        process.use_cpu(CPU_SECONDS)
        await process.clock.sleep(CPU_SECONDS)
        process.stdout.write(f'{request.client[0]} - - "{request.method} {request.target} HTTP/{request.version}" 200 3\n'.encode())
        return Response(body="OK!", headers=[("Server", "Apache/2.4.10 (Debian)"), ("X-Powered-By", "PHP/5.6.14")],
                        content_type="text/html; charset=UTF-8")

    process.stderr.write(b"AH00558: apache2: Could not reliably determine the server's fully qualified domain name, using "
                         + process.network.ip.encode() + b". Set the 'ServerName' directive globally to suppress this message\n")
    return await serve(process, 80, handle, 0)


def build(tag: str) -> Image:
    return Image(REPOSITORY, tag, (debian.layer(), Layer("hpa-example", 160_000_000)),
                 lambda: tree({"/usr/local/bin/apache2-foreground": executable(apache), "/var/www/html/index.php": INDEX}, debian.files()),
                 command=["apache2-foreground"], working_dir="/var/www/html", ports=["80/tcp"])
