"""ReplicationController: the ReplicaSet's forerunner, with a plain selector (`pkg/controller/replication`)."""

from ..apiserver import selectors
from .replicaset import Replicas


class ReplicationManager(Replicas):
    name = "replication-controller"
    kind, resource = "ReplicationController", "replicationcontrollers"

    def selector(self, owner: dict) -> list[selectors.Requirement] | None:
        return selectors.from_label_selector({"matchLabels": owner["spec"].get("selector")})
