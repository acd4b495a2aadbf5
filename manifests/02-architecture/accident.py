"""Checkpoint 2.2: something happens to the control plane. Read on only when you know what."""
cluster.api.request("POST", "/kubeschool/components/kube-controller-manager/stop")  # noqa: F821 (%run -i lends it the notebook's cluster)
