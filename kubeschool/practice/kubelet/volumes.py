"""A pod's volumes as directories of the simulated node (`pkg/volume/*`, `pkg/volume/util/atomic_writer.go`).

emptyDir and the files of configMap, secret, projected and downwardAPI volumes live below
/var/lib/kubelet/pods/UID/volumes/PLUGIN/NAME on the node's disk, hostPath and persistent volumes where they say.
"""
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from ..apiserver.errors import ApiError
from ..runtime.filesystem import SETGID, Directory, File, FileSystem, Symlink
from .environment import contents, field_value, resource_value

PODS = "/var/lib/kubelet/pods"
FILES = {"configMap": "configmap", "secret": "secret", "projected": "projected", "downwardAPI": "downward-api"}
"""Volume types whose files come from the API, with their plugin names."""
TOKEN_LIFE, MAX_TOKEN_AGE = 0.8, 86_400
"""A service account token is replaced after 80 % of its life or a day (`pkg/kubelet/token/token_manager.go`)."""


class MountError(Exception):
    """A volume cannot be set up: the FailedMount event's text after `MountVolume.SetUp failed for volume "v" : `."""


class ClaimError(Exception):
    """A volume's claim cannot be used; the volume manager's words."""


class Volumes:
    """The volumes of one pod. `client` asks the API, `disk` is the node's file system."""

    def __init__(self, client, disk: Directory):
        self._client = client
        self._disk = FileSystem(disk)
        self.mounted: dict[str, Directory | File] = {}
        self.read_only: set[str] = set()
        """Names of those whose files the kubelet writes: containers never do (`pkg/kubelet/kubelet_pods.go` makeMounts)."""
        self._tokens: dict[tuple[str, str], tuple[bytes, float]] = {}

    def mount(self, pod: dict, volume: dict, allocatable: dict) -> None:
        """Set one volume up, or bring its files up to date. Raises MountError, ClaimError."""
        name = volume["name"]
        kind = next(kind for kind in volume if kind != "name")
        if kind in FILES:
            files = self._files(pod, volume, allocatable)
            directory = self.mounted.get(name) or self._directory(pod, FILES[kind], name, 0o777)
            write_atomically(directory, files, _group(pod))
            self.read_only.add(name)
        elif kind == "emptyDir":
            directory = self._directory(pod, "empty-dir", name, 0o777)
            if (group := _group(pod)) is not None:  # pkg/volume/volume_linux.go SetVolumeOwnership
                directory.gid = group
                directory.mode |= SETGID
        elif kind == "hostPath":
            try:
                directory = self._host_path(volume[kind]["path"], volume[kind].get("type") or "")
            except OSError as error:
                raise MountError(f"mkdir {error.filename}: {error.strerror.lower()}") from None
        elif kind in ("persistentVolumeClaim", "ephemeral"):
            directory = self._claim(pod, volume)
        else:
            raise MountError(f"volume type {kind} is not available on a practice node")
        self.mounted[name] = directory

    def source(self, mount: dict, sub_path: str) -> Directory | File:
        """What a volumeMount shows: the volume, or the file or directory at `sub_path` in it, made when it is missing."""
        volume = self.mounted[mount["name"]]
        if not sub_path or not isinstance(volume, Directory):
            return volume
        view = FileSystem(volume)
        view.umask = 0
        if not view.exists(sub_path):
            view.mkdir("/" + sub_path, volume.mode, parents=True)
        return view.lookup("/" + sub_path)

    @property
    def fresh_for(self) -> float | None:
        """Seconds of real time (as tokens are dated) until mount() has a new token to write."""
        return min((refresh - time.time() for _, refresh in self._tokens.values()), default=None)

    def remove(self, pod: dict) -> None:
        """Take the pod's own directory off the node."""
        if self._disk.isdir(PODS):
            self._disk.lookup(PODS).entries.pop(pod["metadata"]["uid"], None)

    def _directory(self, pod: dict, plugin: str, name: str, mode: int) -> Directory:
        path = f"{PODS}/{pod['metadata']['uid']}/volumes/kubernetes.io~{plugin}/{name}"
        if not self._disk.isdir(path):
            self._disk.mkdir(path, parents=True)
            self._disk.chmod(path, mode)
        return self._disk.lookup(path)

    # -- files from the API --------------------------------------------------------------------------------

    def _files(self, pod: dict, volume: dict, allocatable: dict) -> dict[str, tuple[bytes, int]]:
        """{path: (content, mode)} of a configMap, secret, downwardAPI or projected volume."""
        if projected := volume.get("projected"):
            files: dict[str, tuple[bytes, int]] = {}
            for source in projected.get("sources", ()):
                files |= self._source_files(pod, source, projected.get("defaultMode", 0o644), allocatable)
            return files
        kind = next(kind for kind in FILES if kind in volume)
        return self._source_files(pod, volume, volume[kind].get("defaultMode", 0o644), allocatable)

    def _source_files(self, pod: dict, source: dict, mode: int, allocatable: dict) -> dict[str, tuple[bytes, int]]:
        if config_map := source.get("configMap"):
            return self._object_files(pod, "configmap", config_map["name"], config_map, mode)
        if secret := source.get("secret"):
            return self._object_files(pod, "secret", secret.get("secretName") or secret["name"], secret, mode)
        if token := source.get("serviceAccountToken"):
            return {token["path"]: (self._token(pod, token), mode)}
        if downward := source.get("downwardAPI"):
            return dict(_downward_files(pod, downward.get("items", ()), mode, allocatable))
        raise MountError(f"unsupported projected volume source {next(iter(source), '')}")

    def _object_files(self, pod: dict, kind: str, name: str, source: dict, mode: int) -> dict[str, tuple[bytes, int]]:
        try:
            obj = self._client.get(kind + "s", pod["metadata"]["namespace"], name)
        except ApiError as error:
            if error.code == 404 and source.get("optional"):
                return {}
            raise MountError(f'{kind} "{name}" not found' if error.code == 404 else error.message) from None
        data = contents(obj)
        if not source.get("items"):
            return {key: (value, mode) for key, value in data.items()}
        files = {}
        for item in source["items"]:
            if item["key"] in data:
                files[item["path"]] = data[item["key"]], item.get("mode", mode)
            elif not source.get("optional"):
                missing = "references non-existent secret key" if kind == "secret" else "configmap references non-existent config key"
                raise MountError(f"{missing}: {item['key']}")
        return files

    def _token(self, pod: dict, source: dict) -> bytes:
        key = source["path"], source.get("audience", "")
        token, refresh = self._tokens.get(key, (b"", 0.0))
        if time.time() < refresh:
            return token
        meta = pod["metadata"]
        reference = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        spec = {"expirationSeconds": source.get("expirationSeconds", 3600), "boundObjectRef": reference}
        if source.get("audience"):
            spec["audiences"] = [source["audience"]]
        account = pod["spec"].get("serviceAccountName") or "default"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec}
        try:
            answer = self._client.create_subresource("serviceaccounts", meta["namespace"], account, "token", body)
        except ApiError as error:
            raise MountError(f"failed to fetch token: {error.message}") from None
        token = answer["status"]["token"].encode()
        self._tokens[key] = token, time.time() + min(TOKEN_LIFE * spec["expirationSeconds"], MAX_TOKEN_AGE)
        return token

    # -- directories of the node ---------------------------------------------------------------------------

    def _host_path(self, path: str, kind: str) -> Directory | File:
        """`pkg/volume/hostpath/host_path.go`; without a type containerd makes a missing directory."""
        disk = self._disk
        if not disk.exists(path):
            if kind == "FileOrCreate":
                disk.write(path, b"", 0o644)
            elif kind in ("", "DirectoryOrCreate"):
                disk.mkdir(path, 0o755, parents=True)
        if kind in ("Directory", "DirectoryOrCreate") and not disk.isdir(path):
            raise MountError(f"hostPath type check failed: {path} is not a directory")
        if kind in ("File", "FileOrCreate") and not disk.isfile(path):
            raise MountError(f"hostPath type check failed: {path} is not a file")
        if kind in ("Socket", "CharDevice", "BlockDevice"):
            what = {"Socket": "socket", "CharDevice": "character device", "BlockDevice": "block device"}[kind]
            raise MountError(f"hostPath type check failed: {path} is not a {what} file")
        return disk.lookup(path)

    def _claim(self, pod: dict, volume: dict) -> Directory | File:
        namespace, claim = pod["metadata"]["namespace"], claim_name(pod, volume)
        try:
            pvc = self._client.get("persistentvolumeclaims", namespace, claim)
        except ApiError as error:
            raise ClaimError(f"error processing PVC {namespace}/{claim}: failed to fetch PVC from API server: {error.message}") from None
        name = pvc["spec"].get("volumeName")
        if not name or pvc.get("status", {}).get("phase") != "Bound":
            raise ClaimError(f"error processing PVC {namespace}/{claim}: PVC is not bound")
        try:
            spec = self._client.get("persistentvolumes", "", name)["spec"]
        except ApiError as error:
            words = f'error processing PVC {namespace}/{claim}: failed to fetch PV "{name}" from API server: {error.message}'
            raise ClaimError(words) from None
        if local := spec.get("local"):
            if not self._disk.exists(local["path"]):
                raise MountError(f'path "{local["path"]}" does not exist')
            return self._disk.lookup(local["path"])
        if host_path := spec.get("hostPath"):
            return self._host_path(host_path["path"], host_path.get("type") or "")
        kind = next((key for key in ("csi", "nfs", "iscsi", "fc") if key in spec), "this type")
        raise MountError(f"volumes of {kind} are not available on a practice node")


def claim_name(pod: dict, volume: dict) -> str:
    """The claim behind a persistentVolumeClaim or generic ephemeral volume."""
    if claim := volume.get("persistentVolumeClaim"):
        return claim["claimName"]
    return f"{pod['metadata']['name']}-{volume['name']}"


def references(pod: dict) -> Iterator[tuple[str, str]]:
    """(resource, name) of every ConfigMap and Secret the pod's volumes show."""
    for volume in pod["spec"].get("volumes", ()):
        for source in [volume, *volume.get("projected", {}).get("sources", ())]:
            if config_map := source.get("configMap"):
                yield "configmaps", config_map["name"]
            if secret := source.get("secret"):
                yield "secrets", secret.get("secretName") or secret["name"]


def write_atomically(directory: Directory, files: dict[str, tuple[bytes, int]], group: int | None) -> None:
    """All files change at once: they lie in a dated directory that the symlink `..data` points to. Nothing new, nothing touched."""
    entries = directory.entries
    current = entries.get("..data")
    if isinstance(current, Symlink):
        old = entries[current.target]
        if _tree(old) == {path: content for path, (content, _) in files.items()}:
            return
    else:
        old = None
    dated = Directory(mode=0o755)
    for path, (content, mode) in files.items():
        *parents, name = path.split("/")
        parent = dated
        for part in parents:
            parent = parent.entries.setdefault(part, Directory(mode=0o755))
        parent.entries[name] = File(content, mode if group is None else mode | 0o440, gid=group or 0)
    stamp = datetime.now(UTC).strftime("..%Y_%m_%d_%H_%M_%S.") + f"{time.time_ns() % 10**9:09}"
    entries[stamp] = dated
    entries["..data"] = Symlink(stamp)
    if old is not None:
        del entries[current.target]
    tops = {path.partition("/")[0] for path in files}
    for name in [name for name, node in entries.items() if isinstance(node, Symlink) and name != "..data" and name not in tops]:
        del entries[name]
    for name in tops:
        entries.setdefault(name, Symlink(f"..data/{name}"))


def _tree(directory: Directory, prefix: str = "") -> dict[str, bytes]:
    found = {}
    for name, node in directory.entries.items():
        if isinstance(node, Directory):
            found |= _tree(node, f"{prefix}{name}/")
        else:
            found[prefix + name] = node.data
    return found


def _downward_files(pod: dict, items: list[dict], mode: int, allocatable: dict) -> Iterator[tuple[str, tuple[bytes, int]]]:
    for item in items:
        if field := item.get("fieldRef"):
            text = field_value(pod, field["fieldPath"])
        else:
            text = resource_value(pod, {}, item["resourceFieldRef"], allocatable)
        yield item["path"], (text.encode(), item.get("mode", mode))


def _group(pod: dict) -> int | None:
    return pod["spec"].get("securityContext", {}).get("fsGroup")
