"""What a container is created with: command, environment, user, limits
(`pkg/kubelet/kuberuntime/kuberuntime_container.go` generateContainerConfig, `security_context.go`)."""
from typing import TYPE_CHECKING

from ..runtime.runtime import ContainerConfig
from .environment import ConfigError, environment, expand
from .resize import limits_of

if TYPE_CHECKING:
    from .kubelet import Kubelet


def container_config(pod: dict, container: dict, image, attempt: int, kubelet: "Kubelet") -> ContainerConfig:
    """`pod` has its addresses in status; the caller adds the mounts. Raises ConfigError."""
    env = environment(pod, container, kubelet.client.get, kubelet.services(), kubelet.allocatable)
    values = dict(env)
    cpu_limit, memory_limit = limits_of(container.get("resources", {}))
    security = {**pod["spec"].get("securityContext", {}), **container.get("securityContext", {})}
    uid, gid = security.get("runAsUser"), security.get("runAsGroup")
    _check_non_root(pod, container, security, image)
    groups = {*security.get("supplementalGroups", ()), *([security["fsGroup"]] if "fsGroup" in security else ())}
    return ContainerConfig(
        name=container["name"],
        image=container["image"],
        command=[expand(word, values) for word in container.get("command", ())],
        args=[expand(word, values) for word in container.get("args", ())],
        env=env,
        working_dir=container.get("workingDir", ""),
        uid=uid,
        gid=gid,
        groups=tuple(sorted(groups)),
        tty=container.get("tty", False),
        stdin=container.get("stdin", False),
        memory_limit=memory_limit,
        cpu_limit=cpu_limit,
        read_only_root=security.get("readOnlyRootFilesystem", False),
        attempt=attempt,
        target=container.get("targetContainerName", ""),
    )


def _check_non_root(pod: dict, container: dict, security: dict, image) -> None:
    """`pkg/kubelet/kuberuntime/security_context_others.go` verifyRunAsNonRoot."""
    if not security.get("runAsNonRoot"):
        return
    meta = pod["metadata"]
    who = f'(pod: "{meta["name"]}_{meta["namespace"]}({meta["uid"]})", container: {container["name"]})'
    if "runAsUser" in security:
        if security["runAsUser"] == 0:
            raise ConfigError(f"container's runAsUser breaks non-root policy {who}")
    elif image.user and not image.user.partition(":")[0].isdigit():
        raise ConfigError(f"container has runAsNonRoot and image has non-numeric user ({image.user}), cannot verify user is non-root {who}")
    elif image.uid == 0:
        raise ConfigError(f"container has runAsNonRoot and image will run as root {who}")
