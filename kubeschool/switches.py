"""Switching a component or a node off and on from a notebook; only a practice cluster lets itself be told so over the API."""

from kubernetes.client.exceptions import ApiException

from kubeschool.api import message
from kubeschool.errors import CourseError


class Component:
    """`cluster.component("kube-scheduler")`. All methods print what is so now and raise CourseError where that cannot be done."""

    feature = "components"

    def __init__(self, cluster, name: str):
        self._cluster, self.name = cluster, name

    def stop(self) -> None:
        self._tell("stop")

    def start(self) -> None:
        self._tell("start")

    def _tell(self, action: str) -> None:
        able = self._cluster.can(self.feature)
        if not able:
            raise CourseError(able.reason)
        try:
            print(self._cluster.api.request("POST", f"/kubeschool/{self.feature}/{self.name}/{action}")["message"])
        except ApiException as refusal:
            raise CourseError(message(refusal)) from None


class Node(Component):
    """`cluster.node("practice-worker")`: the whole machine. `start` also ends a partition."""

    feature = "nodes"

    def partition(self) -> None:
        """Cut the node off from the API server; its containers run on."""
        self._tell("partition")
