"""The httpd image: Apache's pages, logs, words for a wrong configuration."""
import re

import pytest
from image_pods import Pods

ROOT = "/usr/local/apache2"
CONF = f"{ROOT}/conf/httpd.conf"
LINE_2 = "AH00526: Syntax error on line 2 of {0}:\n"


@pytest.fixture
async def pods():
    pods = Pods()
    yield pods
    pods.stop()


async def apache(pods, image="httpd:2.4.65", **config):
    pod = await pods.start(image, **config)
    await pod.logged("AH00094")
    return pod


async def test_its_page_and_headers(pods):
    pod = await apache(pods)
    answer = await pod.get()
    assert (answer.status, answer.body) == (200, "<html><body><h1>It works!</h1></body></html>\n")
    assert list(answer.headers) == ["Date", "Server", "Last-Modified", "ETag", "Accept-Ranges", "Content-Length", "Content-Type",
                                    "Connection"]
    assert answer.headers["Server"] == "Apache/2.4.65 (Unix)" and re.fullmatch(r'"2d-[0-9a-f]+"', answer.headers["ETag"])
    assert (await pod.get(If_None_Match=answer.headers["ETag"])).status == 304
    new = await apache(pods, "httpd", name="new")
    assert (await new.get()).headers["Content-Length"] == "191"


async def test_its_log(pods):
    pod = await apache(pods)
    await pod.get("/none", User_Agent="test")
    await pod.container.stop(30)
    name = (f"AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using {pod.ip}. Set the 'ServerName' "
            "directive globally to suppress this message")
    lines = [re.sub(r"\[\w{3} \w{3} \d\d \d\d:\d\d:\d\d\.\d{6} \d{4}\] ", "", line) for line in pod.log.splitlines()]
    assert lines[:4] == [name, name,
                         "[mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4.65 (Unix) configured -- resuming normal operations",
                         "[core:notice] [pid 1:tid 1] AH00094: Command line: 'httpd -D FOREGROUND'"]
    assert re.fullmatch(r'172\.18\.0\.2 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /none HTTP/1\.1" 404 196', lines[4])
    assert lines[5] == "[mpm_event:notice] [pid 1:tid 1] AH00492: caught SIGWINCH, shutting down gracefully"
    assert pod.container.exit.code == 0


async def test_files_directories_and_errors(pods):
    pod = await apache(pods)
    await pod.run(f"cd {ROOT}/htdocs; rm index.html; echo hi > a.txt; mkdir sub; echo '<p>' > sub/index.html; echo no > .htaccess")
    assert '<li><a href="a.txt"> a.txt</a></li>' in (await pod.get()).body and "Index of /" in (await pod.get()).body
    answer = await pod.get("/a.txt")
    assert (answer.body, answer.headers["Content-Type"]) == ("hi\n", "text/plain")
    assert ((await pod.get("/sub")).status, (await pod.get("/sub")).headers["Location"]) == (301, f"http://{pod.ip}/sub/")
    assert (await pod.get("/sub/")).body == "<p>\n"
    assert "<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>" in (await pod.get("/none")).body
    assert (await pod.get("/.htaccess")).status == 403
    assert (await pod.get("/a.txt", method="DELETE")).status == 405
    assert (await pod.get("/../../etc/passwd")).status == 404


async def test_a_configuration_of_ones_own(pods):
    pod = await apache(pods)
    own = ("Listen 80\nListen 8080\nServerName shop\nDocumentRoot /srv\nErrorDocument 404 gone\nRedirect permanent /old /new\n"
           'Alias /x/ /etc/\nDirectoryIndex page.html\nLogFormat "%h %s %{User-Agent}i" mine\nCustomLog /proc/self/fd/1 mine\n')
    await pod.run("mkdir -p /srv; echo page > /srv/page.html")
    pod.container.fs.write(CONF, own.encode())
    assert await pod.run("httpd -t; apachectl graceful") == (0, "Syntax OK\n")
    await pod.logged("AH00493: SIGUSR1 received.  Doing graceful restart")
    assert (await pod.get()).body == "page\n"
    assert ((await pod.get("/none", User_Agent="me")).body, pod.log.splitlines()[-1]) == ("gone", "172.18.0.2 404 me")
    assert (await pod.get("/old/a")).headers["Location"] == "/new/a"
    assert (await pod.get("/x/hostname")).body == "web\n"


@pytest.mark.parametrize(("text", "words"), [
    ("Listen 80\nNonsense on\n", LINE_2 + "Invalid command 'Nonsense', perhaps misspelled or defined by a module not included in the "
                                          "server configuration\n"),
    ("Listen 80\nDocumentRoot /none\n", LINE_2 + "DocumentRoot '/none' is not a directory, or is not readable\n"),
    ("Listen 80\n</Directory>\n", LINE_2 + "</Directory> without matching <Directory> section\n"),
    ("ServerName x\n", "(2)No such file or directory: AH00072: make_sock: no listening sockets available, shutting down\n"),
])
async def test_a_wrong_configuration_ends_it(pods, text, words):
    pod = await pods.start("httpd:2.4.65", command=("sh", "-c", f"printf '{text}' > {CONF}; httpd-foreground"))
    assert await pod.ended() == (1, words.format(CONF))


async def test_a_port_that_is_taken(pods):
    pod = await apache(pods)
    assert await pod.run("httpd-foreground -c 'ServerName x'") == (1, (await pod.run("true"))[1] + _taken(pod.ip))


def _taken(ip):
    name = (f"AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using {ip}. Set the 'ServerName' "
            "directive globally to suppress this message\n")
    return name * 2 + ("(98)Address already in use: AH00072: make_sock: could not bind to address [::]:80\nno listening sockets available, "
                       "shutting down\nAH00015: Unable to open logs\n")


async def test_the_name_it_has_in_kubernetes_own_tests(pods):
    pod = await apache(pods, "registry.k8s.io/e2e-test-images/httpd:2.4.38-4")
    assert (await pod.get()).body == "<html><body><h1>It works!</h1></body></html>\n"
