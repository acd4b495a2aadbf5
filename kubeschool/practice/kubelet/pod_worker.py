"""One pod on its node, from admission to its end (`pkg/kubelet/pod_workers.go`, `kubelet.go` SyncPod…, `kuberuntime_manager.go` SyncPod).

A worker syncs: it writes the status, compares the pod with what the runtime has and does what is missing. It then sleeps until
something happens: the pod changed, a container ended, a probe changed its mind, a back-off is over.
"""
import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from ..apiserver.errors import ApiError
from ..clock import now, parse
from ..runtime.filesystem import File
from ..runtime.runtime import RUNC_FAILED, ContainerConfig, Mount, StartError
from . import lifecycle, resize
from .containers import container_config
from .dns import dns_config, hostname
from .duration import format_duration
from .environment import ConfigError, expand_path
from .images import ImageError
from .probes import Prober, Results
from .runs import LostRun, Run
from .status import Observed, is_sidecar, pod_status, should_restart
from .volumes import ClaimError, MountError, Volumes

if TYPE_CHECKING:
    from .kubelet import Kubelet

RETRY = 10.0, 15.0
"""Seconds until a failed sync is tried again (backOffPeriod 10 s, jitter 0.5)."""
RESYNC = 60.0
RELIST = 1.0
"""How long after a sync its reasons for waiting show in the status (the PLEG's relist period)."""
MOUNT_RETRY, MAX_MOUNT_RETRY = 0.5, 122.0
MOUNT_TIMEOUT = 123.0
MIN_GRACE = 2.0
SANDBOX_MEMORY = 5 << 19
"""Bytes that runc needs to start a pod's first process: on a kind cluster a limit of 2Mi is too low, and 3Mi are enough."""
SANDBOX_FAILED = "Failed to create pod sandbox: rpc error: code = Unknown desc = "
KINDS = ("initContainers", "containers", "ephemeralContainers")


class PodWorker:
    def __init__(self, kubelet: "Kubelet", pod: dict):
        self.kubelet, self.pod, self.uid = kubelet, pod, pod["metadata"]["uid"]
        self.clock = kubelet.clock
        self.seen = Observed(host_ip=kubelet.ip)
        self.sandbox = None
        self.volumes = Volumes(kubelet.client, kubelet.disk)
        self.gone = False
        """The API server no longer has the pod."""
        self._grace: float | None = None
        self._finished = False
        self._wake = asyncio.Event()
        self._step: asyncio.Task | None = None
        self._watchers: set[asyncio.Task] = set()
        self._had_sandbox = False
        self._began = asyncio.get_running_loop().time()
        self._refresh: asyncio.TimerHandle | None = None
        self.seen.allocation = resize.granted(pod)
        self._adopt()
        self.update(pod)

    @property
    def name(self) -> str:
        """As the kubelet's messages name a pod: web_default(UID)."""
        meta = self.pod["metadata"]
        return f"{meta['name']}_{meta['namespace']}({self.uid})"

    @property
    def ending(self) -> bool:
        return self._grace is not None

    # -- what happens to it --------------------------------------------------------------------------------

    def update(self, pod: dict) -> None:
        """The pod has changed in the API."""
        self.pod = pod
        meta = pod["metadata"]
        if "deletionTimestamp" in meta:
            self.end(float(meta.get("deletionGracePeriodSeconds") or 0))
        self.wake()

    def removed(self) -> None:
        """The pod is no longer in the API."""
        self.gone = True
        self.end(0)
        self.wake()

    def end(self, grace: float) -> None:
        """Stop the pod's containers within `grace` seconds; a later call can only shorten that."""
        if self._grace is None or grace < self._grace:
            self._grace = grace
            if self._step and not self._finished:
                self._step.cancel()
            self.wake()

    def fail(self, reason: str, message: str, grace: float | None = None) -> None:
        """The kubelet ends the pod itself: phase Failed."""
        self.seen.over = reason, message
        self.end(self._spec_grace() if grace is None else grace)

    def evict(self, message: str, disruption: bool = False) -> None:
        """Take the pod off the node at once; `disruption` also tells so in its conditions."""
        self.event("Warning", "Evicted", message)
        self.seen.disrupted = message if disruption else ""
        self.fail("Evicted", message, 0)

    def wake(self) -> None:
        self._wake.set()

    # -- the worker ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the pod is gone from node and API."""
        try:
            while True:
                self._wake.clear()
                if self._finished:
                    if self.gone:
                        return
                    await self._wake.wait()
                    if "deletionTimestamp" in self.pod["metadata"] and not self.gone:
                        self._delete()
                    continue
                shown = dict(self.seen.waiting)
                delay = await self._run_step(self._terminate() if self.ending else self._sync())
                await self._pause(delay, self.seen.waiting != shown)
        finally:
            self._stop_watching()
            if self._finished and self.gone:
                self._forget()

    async def _run_step(self, work: Coroutine) -> float | None:
        """Do one step, which end() may cancel; seconds until the next one, None to wait for an event."""
        self._step = step = asyncio.create_task(work)
        try:
            await asyncio.wait({step})
        finally:
            step.cancel()
            self._step = None
        if step.cancelled():
            return 0
        if error := step.exception():
            self.kubelet.log.error("%s: %s", self.name, error, exc_info=None if isinstance(error, ApiError) else error)
            return random.uniform(*RETRY)
        return step.result()

    async def _pause(self, seconds: float | None, news: bool) -> None:
        if news and not self.ending and await self._sleep(min(RELIST, RELIST if seconds is None else seconds)):
            self.publish()
            seconds = None if seconds is None else max(0.0, seconds - RELIST)
        if not self._wake.is_set():
            await self._sleep(seconds)

    async def _sleep(self, seconds: float | None) -> bool:
        """Until woken or for cluster seconds; True when it slept through."""
        try:
            async with asyncio.timeout(None if seconds is None else self.clock.real(seconds)):
                await self._wake.wait()
        except TimeoutError:
            return True
        return False

    async def _sync(self) -> float | None:
        """One pass; seconds until the next is needed."""
        resize.allocate(self)
        status = self.publish()
        if status is None:
            return None
        if self.seen.terminal:
            self.end(self._spec_grace())
            return 0
        left = self._deadline(status["startTime"])
        if left is not None and left <= 0:
            message = "Pod was active on the node longer than the specified deadline"
            self.event("Normal", "DeadlineExceeded", message)  # pkg/kubelet/active_deadline.go ShouldEvict
            self.fail("DeadlineExceeded", message)
            return 0
        delay = await self._mount_volumes()
        if delay is None:
            delay = await self._act()
        fresh = self.volumes.fresh_for
        token = None if fresh is None else max(0.0, fresh) * self.clock.speed
        return min((seconds for seconds in (delay, left, token) if seconds is not None), default=None)

    def _deadline(self, started: str) -> float | None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        if seconds is None:
            return None
        return seconds - (now() - parse(started)).total_seconds() * self.clock.speed

    # -- what the runtime has ------------------------------------------------------------------------------

    def _adopt(self) -> None:
        """Find the pod's containers after the kubelet was started again; those the API knows of and the runtime lost have ended."""
        sandboxes = [s for s in self.kubelet.runtime.sandboxes.values() if s.uid == self.uid]
        self.sandbox = next((s for s in sandboxes if s.ready), None)
        self._had_sandbox = bool(sandboxes)
        statuses = {s["name"]: s for key in KINDS for s in self.pod.get("status", {}).get(key[:-1] + "Statuses", ())}
        specs = {c["name"]: (kind, c) for kind in KINDS for c in self.pod["spec"].get(kind, ())}
        for container in (c for s in sandboxes for c in s.containers):
            if container.config.name in specs:
                self._add_run(self._new_run(container, specs[container.config.name][1]))
        for name, status in statuses.items():
            if name in self.seen.runs or name not in specs:
                continue
            states = status.get("lastState", {}), status["state"]
            runs = [LostRun(status, state) for state in states if state.keys() & {"running", "terminated"}]
            if runs:
                self.seen.runs[name] = runs
                self._had_sandbox = True
        self._look_at_sandbox()
        for name, runs in self.seen.runs.items():
            if runs[-1].running:
                status = statuses.get(name, {})
                self._watch(*specs[name], runs[-1], Results(status.get("started"), None, status.get("ready")))

    def _look_at_sandbox(self) -> None:
        self.seen.sandbox_ready = self.sandbox is not None and self.sandbox.ready
        if self.sandbox:
            self.seen.ips = [self.sandbox.ip]

    def _add_run(self, run: Run) -> None:
        """Only the current and one earlier run are kept."""
        runs = self.seen.runs.setdefault(run.name, [])
        runs.append(run)
        for old in runs[:-2]:
            if old.container:
                self.kubelet.runtime.remove_container(old.container)
        del runs[:-2]

    def _new_run(self, container, spec: dict) -> Run:
        from_log = spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
        return Run(container, spec.get("terminationMessagePath", ""), from_log)

    def _watch(self, kind: str, spec: dict, run: Run, results: Results | None = None) -> None:
        """Probe a running container and notice its end."""
        event = self._recorder(kind, spec)
        address = self.seen.ips[0] if self.seen.ips else ""
        prober = Prober(spec, run, address, self.kubelet.connect, self.clock, event, self.wake, results or Results())
        self.seen.probers[run.container_id] = prober

        async def wait() -> None:
            await run.container.wait()
            prober.stop()
            self.wake()

        task = asyncio.create_task(wait())
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    def _stop_watching(self) -> None:
        for prober in self.seen.probers.values():
            prober.stop()
        for task in self._watchers:
            task.cancel()
        if self._refresh:
            self._refresh.cancel()

    def current(self, name: str) -> Run | None:
        """The latest run in the pod's present sandbox."""
        run = self.seen.last(name)
        return run if run and run.container and run.container.sandbox is self.sandbox else None

    # -- status --------------------------------------------------------------------------------------------

    def publish(self) -> dict | None:
        """Write the status when it is new, and return it; None when the pod is gone."""
        meta = self.pod["metadata"]
        try:
            pod = self.kubelet.client.get("pods", meta["namespace"], meta["name"])
            if pod["metadata"]["uid"] != self.uid:
                return None
            self.pod = pod
            status = pod_status(pod, self.seen)
            if status != pod.get("status"):
                self.pod = self.kubelet.client.update("pods", {**pod, "status": status}, subresource="status")
            return status
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def event(self, type_: str, reason: str, message: str, field_path: str = "") -> None:
        self.kubelet.events.event(self.pod, type_, reason, message, field_path)

    def _recorder(self, kind: str, container: dict) -> Callable[[str, str, str], None]:
        path = f"spec.{kind}{{{container['name']}}}"
        return lambda type_, reason, message: self.event(type_, reason, message, path)

    # -- volumes -------------------------------------------------------------------------------------------

    async def _mount_volumes(self) -> float | None:
        """None when all are there, else when to look again. A failed volume is retried ever later, for up to two minutes a sync."""
        waited, delay = 0.0, MOUNT_RETRY
        while True:
            missing, problems = self.mount_volumes()
            if not missing:
                return None
            if problems or waited >= MOUNT_TIMEOUT:
                why = problems[0] if problems else "context deadline exceeded"
                failed = " ".join(missing) if problems else ""
                message = (
                    f"Unable to attach or mount volumes: unmounted volumes=[{' '.join(missing)}], unattached volumes=[],"
                    f" failed to process volumes=[{failed}]: {why}"
                )
                self.event("Warning", "FailedMount", message)
                return random.uniform(*RETRY)
            await self.clock.sleep(delay)
            waited, delay = waited + delay, min(delay * 2, MAX_MOUNT_RETRY)

    def mount_volumes(self) -> tuple[list[str], list[str]]:
        """Set up what can be: (names of the volumes that are missing, problems with their claims)."""
        missing, problems = [], []
        for volume in self.pod["spec"].get("volumes", ()):
            try:
                self.volumes.mount(self._with_addresses(), volume, self.kubelet.allocatable)
            except MountError as error:
                missing.append(volume["name"])
                self.event("Warning", "FailedMount", f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}')
            except ClaimError as error:
                missing.append(volume["name"])
                problems.append(str(error))
        return missing, problems

    def refresh_volumes(self) -> None:
        """Bring the volumes' files up to date at the pod's next regular sync: once a minute, counted from when the worker began."""
        if self._refresh is None and not self.ending:
            loop = asyncio.get_running_loop()
            period = self.clock.real(RESYNC)
            self._refresh = loop.call_later(period - (loop.time() - self._began) % period, self._refreshed)

    def _refreshed(self) -> None:
        self._refresh = None
        self.mount_volumes()

    def _with_addresses(self) -> dict:
        """The pod with the addresses that its status may not have yet."""
        ip = self.sandbox.ip if self.sandbox else ""
        host = {"hostIP": self.kubelet.ip, "hostIPs": [{"ip": self.kubelet.ip}]}
        return {**self.pod, "status": {**self.pod.get("status", {}), **host, "podIP": ip, "podIPs": [{"ip": ip}]}}

    # -- starting ------------------------------------------------------------------------------------------

    async def _act(self) -> float | None:
        """Bring the containers where the spec wants them (`computePodActions`); seconds until the next try, None when all is well."""
        if self.sandbox is None or not self.sandbox.ready:
            if not self._wants_sandbox():
                return None
            if self._had_sandbox:
                self.event("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
            if not self._create_sandbox():
                return random.uniform(*RETRY)
        self._check_pull_secrets()
        await self._kill_unfit()
        delays = [await self._start_ephemeral()]
        ready, delay = await self._initialize()
        delays.append(delay)
        if ready:
            for container in self.pod["spec"]["containers"]:
                run = self.current(container["name"])
                if run is None or (run.exited and should_restart(self.pod["spec"], container, run)):
                    delays.append(await self._start("containers", container))
        resize.finish(self)
        self.publish()
        soonest = min((delay for delay in delays if delay is not None), default=None)
        return soonest if soonest is None else min(soonest, RESYNC)

    def _wants_sandbox(self) -> bool:
        """A pod that has done its work gets no new sandbox."""
        for container in self.pod["spec"]["containers"]:
            run = self.seen.last(container["name"])
            if run is None or should_restart(self.pod["spec"], container, run):
                return True
        return False

    def _create_sandbox(self) -> bool:
        meta, spec = self.pod["metadata"], self.pod["spec"]
        limits = [resize.limits_of(container.get("resources", {}))[1] for container in spec["containers"]]
        if all(limits) and sum(limits) < SANDBOX_MEMORY:
            words = f"{SANDBOX_FAILED}{RUNC_FAILED}container init was OOM-killed (memory limit too low?): unknown"
            self.event("Warning", "FailedCreatePodSandBox", words)
            return False
        host, full = hostname(self.pod)
        aliases = tuple(spec.get("hostAliases", ()))
        dns = dns_config(self.pod, self.kubelet.dns)
        try:
            self.sandbox = self.kubelet.runtime.run_sandbox(
                meta["name"], meta["namespace"], self.uid, host, dns, spec.get("hostNetwork", False), aliases, full,
                spec.get("shareProcessNamespace", False),
            )
        except OSError as error:
            words = f"{SANDBOX_FAILED}failed to setup network for sandbox: {error.strerror}"
            self.event("Warning", "FailedCreatePodSandBox", words)
            return False
        self._had_sandbox = True
        self._look_at_sandbox()
        self.kubelet.host_ports.open(self.pod, self.sandbox.ip)
        return True

    def _check_pull_secrets(self) -> None:
        missing = []
        for reference in self.pod["spec"].get("imagePullSecrets", ()):
            try:
                self.kubelet.client.get("secrets", self.pod["metadata"]["namespace"], reference["name"])
            except ApiError:
                missing.append(reference["name"])
        if missing:
            words = f"Unable to retrieve some image pull secrets ({', '.join(missing)}); attempting to pull the image may not succeed."
            self.event("Warning", "FailedToRetrieveImagePullSecret", words)

    async def _kill_unfit(self) -> None:
        """Containers whose image was changed or whose probes gave them up, all at once. When none is left to run the whole pod is killed,
        and says nothing of probes (computePodActions' KillPod)."""
        kills = []
        regular = [run for c in self.pod["spec"]["containers"] if (run := self.current(c["name"])) and run.running]
        kept = [run for run in regular if not self.seen.probers[run.container_id].failed]
        for kind in ("initContainers", "containers"):
            for container in self.pod["spec"].get(kind, ()):
                run = self.current(container["name"])
                if not (run and run.running) or (kind == "initContainers" and not is_sidecar(container)):
                    continue
                prober = self.seen.probers[run.container_id]
                grace = self._spec_grace()
                if run.spec_image != container["image"]:
                    words = f"Container {run.name} definition changed, will be restarted"
                elif prober.failed:
                    final = self.pod["spec"].get("restartPolicy") == "Never" and not is_sidecar(container)
                    words = f"Container {run.name} failed {prober.failed} probe{'' if final else ', will be restarted'}"
                    if final and not kept:
                        words = f"Stopping container {run.name}"
                    else:
                        grace = container[f"{prober.failed}Probe"].get("terminationGracePeriodSeconds", grace)
                elif resize.needs_restart(container, run, self.seen.allocation[run.name]):
                    words = f"Container {run.name} resize requires restart"
                else:
                    continue
                kills.append(self._kill(kind, container, run, words, grace))
        await asyncio.gather(*kills)

    async def _start_ephemeral(self) -> float | None:
        delay = None
        for container in self.pod["spec"].get("ephemeralContainers", ()):
            if not self.seen.last(container["name"]):
                delay = await self._start("ephemeralContainers", container)
        return delay

    async def _initialize(self) -> tuple[bool, float | None]:
        """(whether the regular containers may run, seconds until the next try). Init containers run one after the other; sidecars stay."""
        started = any(self.current(c["name"]) for c in self.pod["spec"]["containers"])
        for container in self.pod["spec"].get("initContainers", ()):
            run = self.current(container["name"])
            if is_sidecar(container):
                if run is None or run.exited:
                    if (delay := await self._start("initContainers", container)) is not None:
                        if not started:
                            return False, delay
                        continue
                    run = self.current(container["name"])
                if not started and not self.seen.probers[run.container_id].started:
                    return False, None
            elif started or (run and run.exit_code == 0):
                continue
            elif run and run.running:
                return False, None
            elif run and self.pod["spec"].get("restartPolicy") == "Never":
                return False, 0
            else:
                return False, await self._start("initContainers", container)
        return True, None

    async def _start(self, kind: str, container: dict) -> float | None:
        """None when the container runs; otherwise why is in `seen.waiting`, and it may be tried again after so many seconds."""
        name, event = container["name"], self._recorder(kind, container)
        before = self.seen.last(name)
        if before:
            key = self.uid, name, container["image"]
            if remaining := self.kubelet.backoff.remaining(key, before.finished):
                event("Warning", "BackOff", f"Back-off restarting failed container {name} in pod {self.name}")
                delay = format_duration(self.kubelet.backoff.delay(key))
                words = f"back-off {delay} restarting failed container={name} pod={self.name}"
                return self._wait(name, "CrashLoopBackOff", words, remaining)
            self.kubelet.backoff.failed(key, before.finished)
        try:
            image = await self.kubelet.images.ensure(self.uid, container, event)
        except ImageError as error:
            event("Warning", "Failed", f"Error: {error.reason}")
            return self._wait(name, error.reason, str(error), error.retry)
        try:
            config = self._config(container, image, before.restart_count + 1 if before else 0)
        except ConfigError as error:
            event("Warning", "Failed", f"Error: {error}")
            return self._wait(name, "CreateContainerConfigError", str(error))
        try:
            run = self._new_run(self.kubelet.runtime.create_container(self.sandbox, config), container)
        except StartError as error:
            event("Warning", "Failed", f"Error: {error}")
            return self._wait(name, "CreateContainerError", str(error))
        event("Normal", "Created", "Container created")
        self._add_run(run)
        try:
            await run.container.start()
        except StartError as error:
            run.start_error = str(error), now()
            event("Warning", "Failed", f"Error: {error}")
            return self._wait(name, "RunContainerError", str(error), RELIST)
        event("Normal", "Started", "Container started")
        self.seen.waiting.pop(name, None)
        self._watch(kind, container, run)
        return await self._after_start(kind, container, run)

    def _wait(self, name: str, reason: str, message: str, seconds: float | None = None) -> float:
        self.seen.waiting[name] = reason, message
        return random.uniform(*RETRY) if seconds is None else seconds

    def _config(self, container: dict, image, attempt: int) -> ContainerConfig:
        """Raises ConfigError."""
        pod = resize.with_allocation(self._with_addresses(), self.seen.allocation)
        spec = {**container, "resources": self.seen.allocation.get(container["name"], container.get("resources", {}))}
        config = container_config(pod, spec, image, attempt, self.kubelet)
        for mount in container.get("volumeMounts", ()):
            sub_path = mount.get("subPath") or expand_path(mount.get("subPathExpr", ""), dict(config.env))
            try:
                source = self.volumes.source(mount, sub_path)
            except OSError:
                words = f'failed to prepare subPath for volumeMount "{mount["name"]}" of container "{container["name"]}"'
                raise ConfigError(words) from None
            read_only = mount.get("readOnly", False) or mount["name"] in self.volumes.read_only
            config.mounts.append(Mount(mount["mountPath"], source, read_only))
        if path := container.get("terminationMessagePath"):
            config.mounts.append(Mount(path, File(mode=0o666)))
        return config

    async def _after_start(self, kind: str, container: dict, run: Run) -> float | None:
        hook = (container.get("lifecycle") or {}).get("postStart")
        if not hook:
            return None
        try:
            await lifecycle.run_hook(hook, container, run.container, run.container.sandbox.ip, self.kubelet.connect, self.clock)
        except lifecycle.HookError as error:
            self._recorder(kind, container)("Warning", "FailedPostStartHook", "PostStartHook failed")
            await self._kill(kind, container, run, "FailedPostStartHook", self._spec_grace())
            return self._wait(container["name"], "PostStartHookError", str(error))
        return None

    # -- stopping ------------------------------------------------------------------------------------------

    def _spec_grace(self) -> float:
        return float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))

    async def _kill(self, kind: str, container: dict, run: Run, words: str, grace: float, turn: asyncio.Event | None = None) -> None:
        """preStop, SIGTERM, and SIGKILL when `grace` seconds are over; `turn` is awaited before the signal (sidecars go last)."""
        event, loop = self._recorder(kind, container), asyncio.get_running_loop()
        event("Normal", "Killing", words)
        began = loop.time()
        if grace > 0 and (hook := (container.get("lifecycle") or {}).get("preStop")):
            work = lifecycle.run_hook(hook, container, run.container, run.container.sandbox.ip, self.kubelet.connect, self.clock)
            try:
                async with asyncio.timeout(self.clock.real(grace)):
                    await work
            except TimeoutError:
                pass
            except lifecycle.HookError:
                event("Warning", "FailedPreStopHook", "PreStopHook failed")
        if turn:
            try:
                async with asyncio.timeout_at(began + self.clock.real(grace)):
                    await turn.wait()
            except TimeoutError:
                pass
        await run.container.stop(max(MIN_GRACE, grace - (loop.time() - began) * self.clock.speed))

    async def _terminate(self) -> None:
        """Stop everything, write the last status and, when the pod is being deleted, tell the API server that it may go."""
        grace = max(1.0, self._grace or 0)
        if not self.gone:
            self.publish()
        for prober in self.seen.probers.values():
            prober.stop_restarting()
        await self._stop_containers(grace)
        self._stop_watching()
        if self.sandbox:
            self.kubelet.host_ports.close(self.uid)
            self.kubelet.runtime.stop_sandbox(self.sandbox)
            self._look_at_sandbox()
        self.seen.ended, self.seen.waiting = True, {}
        if not self.gone:
            self.publish()
        self._finished = True
        self.wake()
        if "deletionTimestamp" in self.pod["metadata"] and not self.gone:
            self._delete()

    async def _stop_containers(self, grace: float) -> None:
        """All regular containers together, then the sidecars in reverse order; every preStop hook starts at once."""
        running = {}
        for kind in KINDS:
            for container in self.pod["spec"].get(kind, ()):
                run = self.current(container["name"])
                if run and run.running:
                    running[container["name"]] = kind, container, run
        sidecars = [name for name, (kind, container, _) in running.items() if kind == "initContainers" and is_sidecar(container)]
        others = [name for name in running if name not in sidecars]
        turn = asyncio.Event()
        work = []
        for group in [others, *([name] for name in reversed(sidecars))]:
            mine, turn = turn, asyncio.Event()
            if group is others:
                mine.set()
            kills = [self._kill(*running[name], f"Stopping container {name}", grace, mine) for name in group]
            work.append(_then(asyncio.gather(*kills), turn))
        await asyncio.gather(*work)

    def _delete(self) -> None:
        meta = self.pod["metadata"]
        try:
            self.kubelet.client.delete("pods", meta["namespace"], meta["name"], grace=0, uid=self.uid)
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    def _forget(self) -> None:
        """Take every trace of the pod off the node."""
        for sandbox in [s for s in self.kubelet.runtime.sandboxes.values() if s.uid == self.uid]:
            self.kubelet.runtime.remove_sandbox(sandbox)
        self.volumes.remove(self.pod)
        self.kubelet.backoff.forget(self.uid)
        self.kubelet.images.forget(self.uid)


async def _then(work: asyncio.Future, done: asyncio.Event) -> None:
    await work
    done.set()
