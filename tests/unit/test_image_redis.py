"""The redis image: what the real redis-cli and server (7.0.15) print, and what outlives a container."""
import asyncio
import re
from pathlib import Path

import pytest
from image_pods import Pods

from kubeschool.practice.runtime.filesystem import Directory, File
from kubeschool.practice.runtime.runtime import Mount
from kubeschool.practice.runtime.streams import Pipe, Terminal

TRANSCRIPT = Path(__file__).parent / "data" / "redis_transcript.txt"
"""Lines given to the real redis-cli --no-raw, and what it printed."""
READY = "Ready to accept connections"


@pytest.fixture
async def pods():
    pods = Pods()
    yield pods
    pods.stop()


async def redis(pods, *args, image="redis:7", **config):
    pod = await pods.start(image, *args, **config)
    await pod.logged(READY)
    return pod


def lines(log: str) -> list[str]:
    """Log lines without their time."""
    return [re.sub(r"^(\d+:\w) \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} ", r"\1 ", line) for line in log.splitlines()]


async def test_commands_answer_as_redis_7_0_15_does():
    pods = Pods(1)
    pod = await redis(pods, image="redis:7.0")
    recorded = re.findall(r"^> (.*)\n((?:(?!> ).*\n)*)", TRANSCRIPT.read_text(), re.M)
    assert len(recorded) > 150
    for line, expected in recorded:
        assert (line, (await pod.run("redis-cli", "--no-raw", stdin=line + "\n"))[1]) == (line, expected)
    pods.stop()


async def test_log_of_a_start_and_of_an_end(pods):
    pod = await redis(pods, image="redis:7.0", command=("redis-server", "--save", "60 1"))
    assert lines(pod.log) == [
        "1:C # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
        "1:C # Redis version=7.0.15, bits=64, commit=00000000, modified=0, pid=1, just started",
        "1:C # Configuration loaded", "1:M * monotonic clock: POSIX clock_gettime", "1:M * Running mode=standalone, port=6379.",
        "1:M # Server initialized", "1:M * Ready to accept connections"]
    await pod.container.stop(30)
    ending = lines(pod.log)[7:]
    assert re.fullmatch(r"1:signal-handler \(\d{10}\) Received SIGTERM scheduling shutdown...", ending[0])
    assert ending[1:] == ["1:M # User requested shutdown...", "1:M * Saving the final RDB snapshot before exiting.",
                          "1:M * DB saved on disk", "1:M # Redis is now ready to exit, bye bye..."]
    assert pod.container.exit.code == 0


async def test_the_image_runs_the_server_as_redis(pods):
    pod = await redis(pods, "--port", "7000", image="redis")
    assert pod.log.startswith("Starting Redis Server\n") and "port=7000." in pod.log
    assert await pod.run("id -u; tr '\\0' ' ' < /proc/1/cmdline; grep Uid /proc/1/status; redis-server --version | cut -d' ' -f1-3") == (
        0, "0\nredis-server *:7000 Uid:\t999\t999\t999\t999\nRedis server v=8.6.6\n")


@pytest.mark.parametrize("args", [("--appendonly", "yes", "--save", ""), ("--save", "60 1")])
async def test_data_outlives_the_container_in_its_volume(pods, args):
    volume = Directory()
    pod = await redis(pods, *args, mounts=[Mount("/data", volume)])
    for line in ("SET k v", "RPUSH l a b", "HSET h f v", "SADD s m", "ZADD z 1.5 m", "SET soon v EX 1000000", "SELECT 3\nSET other x"):
        await pod.run("redis-cli", stdin=line + "\n")
    await pod.container.stop(30)
    again = await redis(pods, *args, name="again", mounts=[Mount("/data", volume)])
    assert await again.run("redis-cli get k; redis-cli lrange l 0 -1; redis-cli hgetall h; redis-cli smembers s;"
                           "redis-cli zrange z 0 -1 withscores; redis-cli -n 3 get other; redis-cli info keyspace | tail -n 2") == (
        0, "v\na\nb\nf\nv\nm\nm\n1.5\nx\ndb0:keys=6,expires=1,avg_ttl=0\r\ndb3:keys=1,expires=0,avg_ttl=0\r\n")
    assert 0 < int((await again.run("redis-cli ttl soon"))[1]) <= 1000000


async def test_the_append_only_file_is_in_redis_own_format(pods):
    pod = await redis(pods, "--appendonly", "yes", image="redis:7.0")
    await pod.run("redis-cli set a 1; redis-cli incr a")
    assert (await pod.run("cat /data/appendonlydir/appendonly.aof.manifest"))[1] == (
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n")
    assert (await pod.run("cat /data/appendonlydir/appendonly.aof.1.incr.aof"))[1] == (
        "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$4\r\nincr\r\n$1\r\na\r\n")


async def test_without_a_volume_data_is_gone_and_sigkill_loses_it(pods):
    volume = Directory()
    pod = await redis(pods, mounts=[Mount("/data", volume)])
    await pod.run("redis-cli set k v")
    pod.container.signal(9)
    await pod.ended()
    again = await redis(pods, name="again", mounts=[Mount("/data", volume)])
    assert await again.run("redis-cli", "get", "k") == (0, "\n")


async def test_a_save_point_saves(pods):
    pod = await redis(pods, "--save", "60 2")
    await pod.run("redis-cli set a 1; redis-cli set b 1")
    log = await pod.logged("Background saving terminated with success")
    assert "2 changes in 60 seconds. Saving..." in log and "Background saving started by pid" in log


async def test_a_password(pods):
    pod = await redis(pods, "--requirepass", "secret")
    assert await pod.run("redis-cli ping") == (0, "NOAUTH Authentication required.\n\n")
    assert await pod.run("redis-cli -a secret --no-auth-warning ping; REDISCLI_AUTH=secret redis-cli ping") == (0, "PONG\nPONG\n")
    assert await pod.run("redis-cli -a wrong ping") == (
        0, "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n"
           "AUTH failed: WRONGPASS invalid username-password pair or user is disabled.\nNOAUTH Authentication required.\n\n")
    assert await pod.run("redis-cli", stdin="auth secret\nset a b\nget a\n") == (0, "OK\nOK\nb\n")


async def test_the_configuration_tutorial(pods):
    """kubernetes.io/docs/tutorials/configuration/configure-redis-using-configmap"""
    config = Directory({"redis.conf": File(b"maxmemory 2mb\nmaxmemory-policy allkeys-lru\n")})
    pod = await redis(pods, command=("redis-server", "/redis-master/redis.conf"), image="redis:8.0.2",
                      mounts=[Mount("/redis-master", config), Mount("/redis-master-data", Directory())])
    assert await pod.run("redis-cli", "CONFIG", "GET", "maxmemory", terminal=True) == (0, '1) "maxmemory"\n2) "2097152"\n')
    assert await pod.run("redis-cli", "CONFIG", "GET", "maxmemory-policy") == (0, "maxmemory-policy\nallkeys-lru\n")
    assert await pod.run("for i in 1 2 3 4 5 6; do head -c 400000 /dev/zero | redis-cli -x set k$i; done") == (0, "OK\n" * 6)
    assert int((await pod.run("redis-cli dbsize"))[1]) < 6
    await pod.run("redis-cli config set maxmemory-policy noeviction; redis-cli config set maxmemory 1mb")
    assert await pod.run("redis-cli set another one") == (0, "OOM command not allowed when used memory > 'maxmemory'.\n\n")


@pytest.mark.parametrize(("args", "words"), [
    (("--foo", "bar"), "Reading the configuration file, at line 2\n>>> 'foo \"bar\"'\nBad directive or wrong number of arguments\n"),
    (("--port", "x"), ">>> 'port \"x\"'\nargument couldn't be parsed into an integer\n"),
    (("--maxmemory", "lots"), "argument must be a memory value\n"),
    (("/none.conf",), "Fatal error, can't open config file '/none.conf': No such file or directory\n"),
])
async def test_a_wrong_configuration(pods, args, words):
    code, log = await (await pods.start("redis:7", *args)).ended()
    assert code == 1 and log.endswith(words)


async def test_too_much_data_for_the_memory_limit(pods):
    pod = await redis(pods, memory_limit=20 << 20)
    await pod.run("for i in 1 2 3 4 5; do head -c 4000000 /dev/zero | redis-cli -x set k$i; done")
    await pod.ended()
    assert pod.container.exit.reason == "OOMKilled"


async def test_replicas_follow_their_master(pods):
    master = await redis(pods, name="master")
    pods.names["redis-leader.default.svc.cluster.local"] = master.ip
    await master.run("redis-cli set before 1")
    replica = await redis(pods, "--replicaof", "redis-leader", "6379", name="replica")
    await replica.logged("MASTER <-> REPLICA sync: Finished with success")
    await master.run("redis-cli", stdin="set after 2 EX 100000\nselect 1\nset other 3\n")
    assert (await master.run("redis-cli info replication | head -3"))[1].replace("\r", "") == (
        "# Replication\nrole:master\nconnected_slaves:1\n")
    async with asyncio.timeout(5):
        while (await replica.run("redis-cli -n 1 get other"))[1] != "3\n":
            await asyncio.sleep(0.01)
    assert await replica.run("redis-cli get before; redis-cli get after; redis-cli set x y") == (
        0, "1\n2\nREADONLY You can't write against a read only replica.\n\n")
    assert "role:slave\r\nmaster_host:redis-leader" in (await replica.run("redis-cli info replication"))[1]
    master.container.signal(9)
    await replica.logged("Connection with master lost.")
    assert await replica.run("redis-cli replicaof no one; redis-cli set x y") == (0, "OK\nOK\n")


async def test_subscribers_waiting_lists_and_transactions(pods):
    pod = await redis(pods)
    output = Pipe()
    subscriber = await pod.container.exec(["redis-cli", "subscribe", "news"], stdout=output)
    assert await output.reader.read() == b"subscribe\nnews\n1\n"
    assert await pod.run("redis-cli publish news hello") == (0, "1\n")
    assert await output.reader.read() == b"message\nnews\nhello\n"
    subscriber.signal(9)
    waiting = asyncio.create_task(pod.run("redis-cli blpop jobs 0"))
    async with asyncio.timeout(5):
        while "blocked_clients:1" not in (await pod.run("redis-cli info clients"))[1]:
            await asyncio.sleep(0.001)
    await pod.run("redis-cli rpush jobs one two")
    assert await waiting == (0, "jobs\none\n")
    assert await pod.run("redis-cli", stdin="multi\nset a 1\nincr a\nlpush a x\nexec\nmulti\nnope\nexec\n") == (
        0, "OK\nQUEUED\nQUEUED\nQUEUED\nOK\n2\nWRONGTYPE Operation against a key holding the wrong kind of value\n\nOK\n"
           "ERR unknown command 'nope', with args beginning with: \n\n"
           "EXECABORT Transaction discarded because of previous errors.\n\n")


async def test_expiry_follows_cluster_time(pods):
    pod = await redis(pods)
    assert await pod.run("redis-cli set k v EX 60; redis-cli get k; sleep 61; redis-cli get k; redis-cli ttl k") == (0, "OK\nv\n\n-2\n")


async def test_a_conversation_on_a_terminal(pods):
    pod = await redis(pods)
    shown = bytearray()
    terminal = Terminal(shown.extend)
    process = await pod.container.exec(["redis-cli"], terminal=terminal)
    for typed in (b"", b"incr visits\r", b"\x1b[A\r", b"select 1\r", b"get nothing\r", b"shutdown nosave\r"):
        before = bytes(shown).count(b"> ")
        terminal.type_in(typed)
        async with asyncio.timeout(5):
            while bytes(shown).count(b"> ") == before and process.exit_code is None:
                await asyncio.sleep(0.001)
    text = re.sub(r"\x1b\[J", "", shown.decode().replace("\r\n", "\n"))
    assert text == ("127.0.0.1:6379> incr visits\n(integer) 1\n127.0.0.1:6379> incr visits\n(integer) 2\n127.0.0.1:6379> select 1\nOK\n"
                    "127.0.0.1:6379[1]> get nothing\n(nil)\n127.0.0.1:6379[1]> shutdown nosave\n")
    assert (await pod.ended())[0] == 0


async def test_nobody_there(pods):
    pod = await redis(pods)
    assert await pod.run("redis-cli -p 1 ping") == (1, "Could not connect to Redis at 127.0.0.1:1: Connection refused\n")
    assert await pod.run("redis-cli -h nowhere ping") == (1, "Could not connect to Redis at nowhere:6379: Name or service not known\n")
    assert await pod.run("redis-cli -e nope") == (1, "ERR unknown command 'nope', with args beginning with: \n\n")
    code, log = await (await pods.start("redis:7", name="other", command=("sh", "-c", "redis-server & sleep 1; redis-server"))).ended()
    assert code == 1 and "Warning: Could not create server TCP listening socket *:6379: bind: Address already in use" in log
