"""Startup, liveness and readiness probes of a running container (`pkg/kubelet/prober/{prober,worker}.go`)."""
import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ..clock import Clock
from ..runtime.runtime import ExecError
from .duration import format_duration
from .grpc_health import check
from .handlers import Connect, dial_error, http_get, open_tcp, port_number, run_command, url_of

KINDS = {"startup": "startupProbe", "liveness": "livenessProbe", "readiness": "readinessProbe"}


@dataclass
class Results:
    """What the probes of one run of a container say; None while unknown. Without a probe a container counts as fine."""

    startup: bool | None = None
    liveness: bool | None = None
    readiness: bool | None = None


class Failed(Exception):
    """The probe's answer is no."""


class Unknown(Exception):
    """The probe could not be carried out."""


class Prober:
    """Probes one run of one container: first the startup probe until it succeeds, then the other two side by side.

    `event(type, reason, message)` reports; `changed()` is called whenever a result is new; `address` is the pod's IP; `results` holds
    what is known already (after a restart of the kubelet).
    """

    def __init__(
        self, container: dict, run, address: str, connect: Connect, clock: Clock, event: Callable, changed: Callable, results: Results
    ):
        self.spec, self.run, self.results = container, run, results
        self._address, self._connect, self._clock, self._event, self._changed = address, connect, clock, event, changed
        self._task = asyncio.create_task(self._probe()) if any(container.get(field) for field in KINDS.values()) else None

    @property
    def started(self) -> bool:
        return not self.spec.get("startupProbe") or bool(self.results.startup)

    @property
    def ready(self) -> bool:
        return self.started and (not self.spec.get("readinessProbe") or bool(self.results.readiness))

    @property
    def failed(self) -> str:
        """The probe that wants the container killed: liveness, startup or ""."""
        return next((kind for kind in ("liveness", "startup") if getattr(self.results, kind) is False), "")

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    def stop_restarting(self) -> None:
        """The pod is ending: only readiness is still asked for."""
        if self.started and self.spec.get("readinessProbe") and self._task and not self._task.done():
            self._task.cancel()
            self._task = asyncio.create_task(self._repeat("readiness", self.spec["readinessProbe"]))
        else:
            self.stop()

    async def _probe(self) -> None:
        if (probe := self.spec.get("startupProbe")) and not self.results.startup:
            await self._repeat("startup", probe)
            if not self.results.startup:
                return
        others = [self._repeat(kind, probe) for kind in ("readiness", "liveness") if (probe := self.spec.get(KINDS[kind]))]
        await asyncio.gather(*others)

    async def _repeat(self, kind: str, probe: dict) -> None:
        """Every period until the answer is final: liveness and startup end with a failure, startup with a success too."""
        loop = asyncio.get_running_loop()
        age = max(0.0, loop.time() - self.run.started)
        delay = self._clock.real(probe.get("initialDelaySeconds", 0)) - age
        if delay > 0:
            await asyncio.sleep(delay)
        previous, count = None, 0
        tick = loop.time()
        while True:
            answer = await self._ask(kind, probe)
            if answer is not None:
                count = count + 1 if answer is previous else 1
                previous = answer
                if count >= probe.get("successThreshold" if answer else "failureThreshold", 1 if answer else 3):
                    if getattr(self.results, kind) is not answer:
                        setattr(self.results, kind, answer)
                        self._changed()
                    if kind == "startup" or (kind == "liveness" and not answer):
                        return
            period = self._clock.real(probe.get("periodSeconds", 10))
            tick = max(tick + period, loop.time())
            await asyncio.sleep(tick - loop.time())

    async def _ask(self, kind: str, probe: dict) -> bool | None:
        words = kind.capitalize()
        try:
            if warning := await self._once(probe):
                self._event("Warning", "ProbeWarning", f"{words} probe warning: {warning}")
            return True
        except Failed as failure:
            self._event("Warning", "Unhealthy", f"{words} probe failed: {failure}")
            return False
        except Unknown as problem:
            self._event("Warning", "Unhealthy", f"{words} probe errored and resulted in unknown state: {problem}")
            return None

    async def _once(self, probe: dict) -> str:
        """One probe; "" or a warning when it succeeds. Raises Failed, Unknown."""
        timeout = probe.get("timeoutSeconds", 1)
        limit = self._clock.real(timeout)
        if action := probe.get("exec"):
            return await self._exec(action.get("command", []), timeout)
        try:
            if action := probe.get("httpGet"):
                return await self._http(url_of(action, self._address, self.spec), action.get("httpHeaders", []), limit)
            if action := probe.get("grpc"):
                return await self._grpc(self._address, action["port"], action.get("service") or "", timeout)
            action = probe["tcpSocket"]
            host, port = action.get("host") or self._address, port_number(action["port"], self.spec)
        except LookupError as error:
            raise Unknown(str(error)) from None
        try:
            async with asyncio.timeout(limit):
                await open_tcp(self._connect, host, port)
        except OSError as error:
            raise Failed(dial_error(error, host, port)) from None
        return ""

    async def _grpc(self, host: str, port: int, service: str, timeout: float) -> str:
        try:
            async with asyncio.timeout(self._clock.real(timeout)):
                status = await check(self._connect, host, port, service)
        except OSError:
            words = f'timeout: failed to connect service "{host}:{port}" within {format_duration(timeout)}: context deadline exceeded'
            raise Failed(words) from None
        if status != "SERVING":
            raise Failed(f'service unhealthy (responded with "{status}")' if status else "error: health rpc probe failed")
        return ""

    async def _exec(self, command: list[str], timeout: float) -> str:
        try:
            async with asyncio.timeout(self._clock.real(timeout)):
                status, output = await run_command(self.run.container, command)
        except TimeoutError:
            line = " ".join(command)
            raise Failed(f'command timed out: "{line}" timed out after {format_duration(timeout)}') from None
        except ExecError as error:
            raise Unknown(str(error)) from None
        if status:
            raise Failed(output.decode(errors="replace"))
        return ""

    async def _http(self, url: str, headers: list[dict], limit: float) -> str:
        host, _, port = url.split("/")[2].rpartition(":")
        try:
            async with asyncio.timeout(limit):
                status, elsewhere = await http_get(self._connect, url, headers)
        except TimeoutError:
            raise Failed(f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)') from None
        except OSError as error:
            raise Failed(f'Get "{url}": {dial_error(error, host, int(port))}') from None
        if elsewhere:
            return f'Probe terminated redirects, Response body: "{elsewhere}"'
        if not 200 <= status < 400:
            raise Failed(f"HTTP probe failed with statuscode: {status}")
        return ""
