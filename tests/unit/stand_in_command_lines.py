"""kind, docker and minikube as far as the course uses them: the same words, output and exit statuses, over a file instead of containers.

`install(folder)` puts them into folder/bin; $STAND_INS is the folder, its `state.json`
    engine      whether Docker's daemon runs
    nodes       {kind cluster: {node: whether it runs}}
    profile     None, or {"Status": …, "driver": …} of minikube's profile "kubeschool"; `others` are other profiles' names
    create      what the next `create cluster` or `minikube start` does: "" succeeds, "fail", "docker stops", "hang"
    server      the API server's address in kubeconfigs
    registry    whether images can be pulled
and its `calls` every command so far, a JSON list a line.
Facts: kind 0.33's own output; minikube's from https://minikube.sigs.k8s.io/docs/commands, and cmd/minikube/cmd/status.go for its bits.
"""

import json
import os
import signal
import sys
from pathlib import Path

START = {
    "engine": True,
    "nodes": {"other": {"other-control-plane": True}},
    "profile": None,
    "others": ["minikube"],
    "create": "",
    "server": "https://127.0.0.1:6443",
    "registry": True,
}
KIND_ROLES = ("control-plane", "worker", "worker2")


def install(folder: Path, *names: str) -> None:
    (folder / "bin").mkdir()
    (folder / "state.json").write_text(json.dumps(START))
    for name in names:
        program = folder / "bin" / name
        lines = f"#!{sys.executable} -IS", "import sys", f"sys.path.insert(0, {str(Path(__file__).parent)!r})"
        lines += "import stand_in_command_lines", f"stand_in_command_lines.main({name!r}, sys.argv[1:])"
        program.write_text("\n".join(lines))
        program.chmod(0o755)


def main(program: str, words: list[str]) -> None:
    file = Path(os.environ["STAND_INS"], "state.json")
    with open(file.with_name("calls"), "a") as calls:
        calls.write(json.dumps([program, *words]) + "\n")
    before = file.read_text()
    state = json.loads(before)

    def save() -> None:
        if json.dumps(state) != before:  # several pull at the same time
            file.write_text(json.dumps(state))

    try:
        {"kind": kind, "docker": docker, "minikube": minikube}[program](state, words, save)
    finally:
        save()


def option(words: list[str], name: str) -> str | None:
    for index, word in enumerate(words):
        if word == name:
            return words[index + 1]
        if word.startswith(f"{name}="):
            return word.removeprefix(f"{name}=")
    return None


def kubeconfig(name: str, server: str) -> dict:
    """With $STAND_IN_KUBECONFIG (JSON) the clusters stand on that one instead of on nothing."""
    if stands_on := os.environ.get("STAND_IN_KUBECONFIG"):
        contents = json.loads(Path(stands_on).read_text())
        for part in ("clusters", "users", "contexts"):
            contents[part][0]["name"] = name
        contents["contexts"][0]["context"] |= {"cluster": name, "user": name}
        return contents | {"current-context": name}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {"token": "secret"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def kind(state: dict, words: list[str], save) -> None:
    name = option(words, "--name")
    if words[0] == "version":
        print("0.33.0")
        return
    if not state["engine"]:
        sys.exit('ERROR: failed to list clusters: command "docker ps" failed with error: exit status 1')
    match words[:2]:
        case ["get", "clusters"]:
            print("\n".join(state["nodes"]))
        case ["get", "nodes"]:
            print("\n".join(state["nodes"].get(name, {})))
        case ["get", "kubeconfig"]:
            if name not in state["nodes"]:
                sys.exit(f"ERROR: could not locate any control plane nodes for cluster named '{name}'")
            print(json.dumps(kubeconfig(f"kind-{name}", state["server"])))
        case ["create", "cluster"]:
            Path(os.environ["STAND_INS"], "kind.yaml").write_text(Path(option(words, "--config")).read_text())
            state["nodes"][name] = {f"{name}-{KIND_ROLES[0]}": True}
            trouble(state, save)
            state["nodes"][name] = {f"{name}-{role}": True for role in KIND_ROLES}
            Path(option(words, "--kubeconfig")).write_text(json.dumps(kubeconfig(f"kind-{name}", state["server"])))
        case ["delete", "cluster"]:
            state["nodes"].pop(name, None)
        case _:
            sys.exit(f"ERROR: unknown command {words}")


def trouble(state: dict, save) -> None:
    """What `create` says, halfway."""
    how, state["create"] = state["create"], ""
    if how == "docker stops":
        state["engine"] = False
    if how == "hang":
        save()
        Path(os.environ["STAND_INS"], "hangs").touch()
        signal.pause()
    if how:
        sys.exit("ERROR: failed to create cluster: something went wrong")


def docker(state: dict, words: list[str], save) -> None:
    if not state["engine"]:
        sys.exit("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
    nodes = {node: cluster for cluster in state["nodes"].values() for node in cluster}
    match words[0]:
        case "version":
            print("28.5.1")
        case "inspect":
            print("\n".join(str(nodes[node][node]).lower() for node in words[3:]))
        case "start" | "stop":
            for node in words[1:]:
                nodes[node][node] = words[0] == "start"
        case "exec":
            sys.exit(not state["registry"])
        case _:
            sys.exit(f"unknown command {words}")


def minikube(state: dict, words: list[str], save) -> None:
    profile, own = state["profile"], Path(os.environ["KUBECONFIG"])
    if words[0] == "version":
        print("v1.37.0")
        return
    if words[:2] == ["profile", "list"]:
        valid = [{"Name": name, "Status": "OK", "Config": {"Driver": "kvm2"}} for name in state["others"]]
        invalid = []
        if profile:
            found = {"Name": "kubeschool", "Status": profile["Status"], "Config": {"Driver": profile["driver"]}}
            (invalid if profile["Status"] == "Broken" else valid).append(found)
        print(json.dumps({"invalid": invalid, "valid": valid}))
        return
    assert option(words, "--profile") == "kubeschool", words
    if words[0] == "start":
        if profile is None:
            assert option(words, "--nodes") == "3"
            state["profile"] = profile = {"Status": "Broken", "driver": os.environ.get("MINIKUBE_DRIVER", "docker")}
        trouble(state, save)
        profile["Status"] = "Running"
        own.write_text(json.dumps(kubeconfig("kubeschool", state["server"])))
        return
    if words[0] == "delete":
        state["profile"] = None
        return
    if profile is None:
        print('* Profile "kubeschool" not found. Run "minikube profile list" to view all profiles.')
        sys.exit(85)
    match words[0]:
        case "status":
            state_of = profile["Status"]
            nodes = [{"Name": f"kubeschool{suffix}", "Host": state_of, "Kubelet": state_of} for suffix in ("", "-m02", "-m03")]
            print(json.dumps(nodes))
            sys.exit(0 if state_of == "Running" else 7)
        case "update-context":
            own.write_text(json.dumps(kubeconfig("kubeschool", state["server"])))
        case "ip":
            print("192.168.49.2")
        case "stop":
            profile["Status"] = "Stopped"
        case "image":
            sys.exit(0 if state["registry"] else 80)
        case _:
            sys.exit(f"unknown command {words}")
