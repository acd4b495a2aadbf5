"""Container hooks: postStart and preStop (`pkg/kubelet/lifecycle/handlers.go`)."""
from ..clock import Clock
from ..runtime.runtime import ExecError
from .handlers import Connect, dial_error, http_get, open_tcp, port_number, run_command, url_of


class HookError(Exception):
    """The hook failed; the message is the kubelet's."""


async def run_hook(hook: dict, container: dict, running, address: str, connect: Connect, clock: Clock) -> None:
    """Raises HookError. `running` is the runtime container, `address` the pod's IP."""
    try:
        if action := hook.get("exec"):
            command = action.get("command", [])
            status, output = await run_command(running, command)
            if status:
                words = f"command '{' '.join(command)}' exited with {status}: {output.decode(errors='replace')}"
                raise HookError(words)
        elif action := hook.get("httpGet"):
            await http_get(connect, url_of(action, address, container), action.get("httpHeaders", []))
        elif action := hook.get("sleep"):
            await clock.sleep(action["seconds"])
        elif action := hook.get("tcpSocket"):
            await open_tcp(connect, action.get("host") or address, port_number(action["port"], container))
    except (ExecError, LookupError) as error:
        raise HookError(str(error)) from None
    except OSError as error:
        raise HookError(dial_error(error, address, 0)) from None
