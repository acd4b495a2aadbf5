"""docker.io/nginxdemos/hello: nginx that says who answers. Its tag latest shows the same as a page (github.com/nginx/NGINX-Demos)."""
from dataclasses import replace

from ..filesystem import Directory
from . import nginx
from .image import Image, Layer, tree

REPOSITORY = "docker.io/nginxdemos/hello"
TAGS = ("latest", "0.4", "plain-text", "0.4-plain-text")
FACTS = (("Server address", "$server_addr:$server_port"), ("Server name", "$hostname"), ("Date", "$time_local"), ("URI", "$request_uri"),
         ("Request ID", "$request_id"))
CONFIGURATION = """\
server {{
    listen 80;
    listen [::]:80;

    location / {{
        default_type {type};
        expires -1;
        return 200 '{text}';
    }}
}}
"""


def files(tag: str) -> Directory:
    if tag.endswith("plain-text"):
        name, kind, text = "hello-plain-text", "text/plain", "".join(f"{title}: {value}\\n" for title, value in FACTS)
    else:
        rows = "".join(f"<p><span>{title}:</span> <span>{value}</span></p>\\n" for title, value in FACTS)
        name, kind = "hello", "text/html"
        text = f"<!DOCTYPE html>\\n<html>\\n<head><title>Hello World</title></head>\\n<body>\\n{rows}</body>\\n</html>\\n"
    root = tree({f"/etc/nginx/conf.d/{name}.conf": CONFIGURATION.format(type=kind, text=text)},
                nginx.files(*nginx.TAGS["1.27-alpine"]))
    del root.entries["etc"].entries["nginx"].entries["conf.d"].entries["default.conf"]
    return root


def build(tag: str) -> Image:
    base = nginx.build("1.27-alpine")
    return replace(base, repository=REPOSITORY, tag=tag, layers=(*base.layers, Layer(f"nginxdemos/hello:{tag}", 1_200)),
                   files=lambda: files(tag))
