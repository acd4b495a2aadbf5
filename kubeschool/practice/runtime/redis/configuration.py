"""redis.conf and `redis-server --name value …` (`src/config.c`)."""
import re

from .resp import split

DEFAULTS = {
    "port": "6379", "bind": "* -::*", "protected-mode": "no", "requirepass": "", "maxmemory": "0", "maxmemory-policy": "noeviction",
    "maxmemory-samples": "5", "maxclients": "10000", "save": "3600 1 300 100 60 10000", "appendonly": "no",
    "appendfilename": "appendonly.aof", "appenddirname": "appendonlydir", "appendfsync": "everysec", "no-appendfsync-on-rewrite": "no",
    "auto-aof-rewrite-percentage": "100", "auto-aof-rewrite-min-size": "67108864", "aof-use-rdb-preamble": "yes",
    "dbfilename": "dump.rdb", "dir": "", "databases": "16", "timeout": "0", "tcp-keepalive": "300", "tcp-backlog": "511",
    "loglevel": "notice", "logfile": "", "daemonize": "no", "pidfile": "", "supervised": "no", "hz": "10", "replicaof": "",
    "masterauth": "", "masteruser": "", "replica-read-only": "yes", "replica-serve-stale-data": "yes", "repl-diskless-sync": "yes",
    "replica-announce-ip": "", "replica-announce-port": "0", "replica-priority": "100", "min-replicas-to-write": "0",
    "stop-writes-on-bgsave-error": "yes", "rdbcompression": "yes", "rdbchecksum": "yes", "notify-keyspace-events": "",
    "slowlog-log-slower-than": "10000", "slowlog-max-len": "128", "latency-monitor-threshold": "0", "lazyfree-lazy-eviction": "no",
    "lazyfree-lazy-expire": "no", "lazyfree-lazy-server-del": "no", "lfu-log-factor": "10", "lfu-decay-time": "1", "io-threads": "1",
    "activedefrag": "no", "active-expire-effort": "1", "cluster-enabled": "no", "always-show-logo": "no", "set-proc-title": "yes",
    "repl-backlog-size": "1048576", "repl-timeout": "60", "client-output-buffer-limit": "normal 0 0 0", "busy-reply-threshold": "5000",
    "unixsocket": "", "aclfile": "", "activerehashing": "yes", "dynamic-hz": "yes", "jemalloc-bg-thread": "yes",
}
ALIASES = {"slaveof": "replicaof", "slave-read-only": "replica-read-only", "slave-priority": "replica-priority",
           "slave-announce-ip": "replica-announce-ip", "slave-announce-port": "replica-announce-port"}
MEMORY = {"maxmemory", "auto-aof-rewrite-min-size", "repl-backlog-size"}
INTEGERS = {"port", "databases", "timeout", "tcp-keepalive", "tcp-backlog", "maxclients", "hz", "slowlog-max-len", "maxmemory-samples",
            "replica-priority", "io-threads", "min-replicas-to-write"}
ENUMS = {
    "maxmemory-policy": ("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu",
                         "allkeys-random", "noeviction"),
    "appendfsync": ("everysec", "always", "no"), "loglevel": ("debug", "verbose", "notice", "warning", "nothing"),
}
IMMUTABLE = {"databases", "daemonize", "cluster-enabled", "appendfilename", "appenddirname", "logfile", "pidfile", "supervised",
             "tcp-backlog", "always-show-logo", "set-proc-title", "io-threads", "unixsocket", "aclfile"}
UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 10**6, "mb": 1 << 20, "g": 10**9, "gb": 1 << 30}


class ConfigurationError(Exception):
    """`line` counts from 1; `text` is that line."""

    def __init__(self, message: str, line: int = 0, text: str = ""):
        super().__init__(message)
        self.line, self.text = line, text


def checked(name: str, value: str) -> str:
    """A directive's value as CONFIG GET shows it. Raises ConfigurationError."""
    if name in MEMORY:
        found = re.fullmatch(r"(\d+)([a-z]*)", value.lower())
        if not found or found[2] not in UNITS:
            raise ConfigurationError("argument must be a memory value")
        return str(int(found[1]) * UNITS[found[2]])
    if name in INTEGERS and not re.fullmatch(r"-?\d+", value):
        raise ConfigurationError("argument couldn't be parsed into an integer")
    if name == "port" and not 0 <= int(value) <= 65535:
        raise ConfigurationError("argument must be between 0 and 65535 inclusive")
    if DEFAULTS[name] in ("yes", "no") and name != "supervised" and value.lower() not in ("yes", "no"):
        raise ConfigurationError("argument must be 'yes' or 'no'")
    if name in ENUMS and value.lower() not in ENUMS[name]:
        raise ConfigurationError("argument(s) must be one of the following: " + ", ".join(ENUMS[name]))
    if name == "save" and (len(value.split()) % 2 or not value.replace(" ", "").isdigit()) and value:
        raise ConfigurationError("Invalid save parameters")
    return value


def load(text: str, arguments: list[str], own_file: bool) -> dict[str, str]:
    """Every directive's value from a file's text and the command line's `--name value …`. Raises ConfigurationError."""
    lines = text.split("\n") if own_file else [""]
    words: list[str] = []
    for argument in arguments:
        if argument.startswith("--"):
            words and lines.append(" ".join(words))
            words = [argument[2:]]
        else:
            words.append('"' + argument.replace("\\", "\\\\").replace('"', '\\"') + '"')
    words and lines.append(" ".join(words))
    values, saves = dict(DEFAULTS), None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = split(line.encode())
        if parts is None:
            raise ConfigurationError("Unbalanced quotes in configuration line", number, line)
        name, *rest = [part.decode("utf-8", "surrogateescape") for part in parts]
        name = ALIASES.get(name.lower(), name.lower())
        if name in ("rename-command", "user", "include", "loadmodule"):
            continue
        if name not in DEFAULTS or not rest:
            raise ConfigurationError("Bad directive or wrong number of arguments", number, line)
        try:
            value = checked(name, " ".join(rest))
        except ConfigurationError as problem:
            raise ConfigurationError(str(problem), number, line) from None
        if name == "save":
            saves = value if saves is None or not value else f"{saves} {value}"
        values[name] = value
    if saves is not None:
        values["save"] = saves
    return values
