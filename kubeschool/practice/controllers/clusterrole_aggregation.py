"""A ClusterRole with an aggregationRule has the rules of those its labels select
(`pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go`)."""

from ..apiserver import selectors
from ..component import Controller

CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io"


class ClusterRoleAggregationController(Controller):
    name = "clusterrole-aggregation-controller"

    def setup(self) -> None:
        self.roles = self.informers[CLUSTER_ROLES]
        self.roles.on_change(lambda old, new: self._queue_aggregated())

    def _queue_aggregated(self) -> None:
        for role in self.roles.list():
            if role.get("aggregationRule"):
                self.queue.add(role["metadata"]["name"])

    async def reconcile(self, name: str) -> None:
        role = self.roles.get("", name)
        if not role or not role.get("aggregationRule"):
            return
        rules = []
        others = sorted((r for r in self.roles.list() if r is not role), key=lambda r: r["metadata"]["name"])
        for selector in role["aggregationRule"]["clusterRoleSelectors"]:
            wanted = selectors.from_label_selector(selector)
            for other in others:
                if selectors.matches(wanted, other["metadata"].get("labels")):
                    rules += [rule for rule in other.get("rules") or () if rule not in rules]
        if rules != (role.get("rules") or []):
            self.client.update(CLUSTER_ROLES, {**role, "rules": rules})
