"""ErrImagePull and its kin. Reasons: pkg/kubelet/images/types.go; the texts after them are the container runtime's."""

from kubeschool.diagnosis.signs import waiting
from kubeschool.diagnosis.situation import Situation

PULL = "ErrImagePull|ImagePullBackOff"
SET = "kubectl set image {owner} {container}=IMAGE:TAG{n}"

IMAGES = (
    Situation(
        "image-name-invalid",
        waiting("InvalidImageName"),
        wrong="{image} cannot be the name of an image",
        means="A name is lower-case letters, digits and . _ - in parts between slashes, then a colon and a tag.",
        fix=SET,
    ),
    Situation(
        "image-never-pulled",
        waiting("ErrImageNeverPull"),
        wrong="the node does not have the image {image}, and may not pull it",
        means="imagePullPolicy: Never uses only what is on the node already.",
        fix="imagePullPolicy: IfNotPresent ({change})",
    ),
    Situation(
        "image-denied",
        waiting(PULL, "pull access denied|authorization failed|unauthorized|no basic auth|403 Forbidden|denied"),
        wrong="the registry does not give out {image}",
        means="There is no image of that name, or it is private and the Pod has no pull secret: a registry does not say which of the two.",
        fix=SET + "; for a private image, kubectl create secret docker-registry and imagePullSecrets",
    ),
    Situation(
        "image-not-found",
        waiting(PULL, "not found|manifest unknown"),
        wrong="there is no image {image}",
        means="The registry answered, and has no image of this name with this tag: a typo, or a tag that was never made.",
        fix=SET,
    ),
    Situation(
        "registry-unreachable",
        waiting(
            PULL + "|RegistryUnavailable", "no such host|dial tcp|timeout|connection refused|network is unreachable|deadline|unavailable"
        ),
        wrong="the node cannot reach the registry of {image}",
        means="The name of the registry is wrong, or the node has no way to it: network, proxy, firewall.",
        fix="check the registry's name; then try again, the kubelet does so by itself",
    ),
    Situation(
        "image-not-pulled",
        waiting(PULL + "|ImageInspectError|RegistryUnavailable|SignatureValidationFailed"),
        wrong="the image {image} cannot be pulled",
        means="The kubelet tries again, after 10 seconds at first and 5 minutes at last. The newest event says what went wrong.",
        fix=SET,
    ),
)
