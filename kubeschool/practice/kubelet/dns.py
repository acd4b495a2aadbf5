"""A pod's /etc/resolv.conf (`pkg/kubelet/network/dns/dns.go`)."""
from ..runtime.runtime import DnsConfig

CLUSTER_DNS = "10.96.0.10"
CLUSTER_DOMAIN = "cluster.local"
MAX_NAMESERVERS, MAX_SEARCHES = 3, 32


def dns_config(pod: dict, node_dns: str) -> DnsConfig:
    """`node_dns` is the nameserver of the node itself."""
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    policy = spec.get("dnsPolicy", "ClusterFirst")
    if policy == "None":
        config = DnsConfig()
    elif policy == "Default" or (policy == "ClusterFirst" and spec.get("hostNetwork")):
        config = DnsConfig([node_dns], [], ["ndots:0"])
    else:
        searches = [f"{namespace}.svc.{CLUSTER_DOMAIN}", f"svc.{CLUSTER_DOMAIN}", CLUSTER_DOMAIN]
        config = DnsConfig([CLUSTER_DNS], searches, ["ndots:5"])
    extra = spec.get("dnsConfig") or {}
    config.nameservers = _unique(config.nameservers + extra.get("nameservers", []))[:MAX_NAMESERVERS]
    config.searches = _unique(config.searches + extra.get("searches", []))[:MAX_SEARCHES]
    config.options = _merged(config.options, extra.get("options", []))
    return config


def hostname(pod: dict) -> tuple[str, str]:
    """(hostname, full name or "") of a pod (`pkg/kubelet/kubelet_pods.go` GeneratePodHostNameAndDomain)."""
    spec, meta = pod["spec"], pod["metadata"]
    name = spec.get("hostnameOverride") or (spec.get("hostname") or meta["name"])[:63].rstrip("-.")
    if not spec.get("subdomain") or spec.get("hostnameOverride"):
        return name, ""
    full = f"{name}.{spec['subdomain']}.{meta['namespace']}.svc.{CLUSTER_DOMAIN}"
    return (full if spec.get("setHostnameAsFQDN") else name), full


def _unique(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _merged(options: list[str], more: list[dict]) -> list[str]:
    """Options by name, the pod's own winning."""
    by_name = dict(option.partition(":")[::2] for option in options)
    by_name |= {option["name"]: option.get("value") or "" for option in more}
    return [f"{name}:{value}" if value else name for name, value in by_name.items()]
