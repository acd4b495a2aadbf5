"""The cluster's REST API as plain dicts, over the official client's connection (TLS, credentials, proxies)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from urllib3 import Retry
from urllib3.exceptions import ReadTimeoutError

from kubeschool.errors import CourseError

REQUEST_SECONDS = 30


@dataclass(frozen=True)
class Resource:
    """One row of `kubectl api-resources`. `prefix` is its group-version's path: `/api/v1`, `/apis/apps/v1`."""

    prefix: str
    name: str
    kind: str
    singular: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        parts = [self.prefix, *(("namespaces", namespace) if self.namespaced else ()), self.name]
        return "/".join([*parts, quote(name)] if name else parts)


class Api:
    """Requests raise ApiException for a refusal and urllib3's errors when nobody answers within `seconds`."""

    def __init__(self, client: ApiClient):
        self._client = client
        self._resources: dict[str, Resource] = {}

    def request(
        self, method: str, path: str, body: dict | None = None, seconds: float = REQUEST_SECONDS, **query: str | int | bool
    ) -> dict:
        response = self._open(method, path, body, query, seconds)
        text = response.read().decode()
        if not 200 <= response.status < 300:
            raise ApiException.from_response(http_resp=response, body=text, data=None)
        return json.loads(text) if text.startswith("{") else {"text": text}

    def get(self, path: str, seconds: float = REQUEST_SECONDS, **query: str | int | bool) -> dict:
        return self.request("GET", path, seconds=seconds, **query)

    def find(self, path: str) -> dict | None:
        """The object at `path`, None when there is none."""
        try:
            return self.get(path)
        except ApiException as error:
            if error.status != 404:
                raise
            return None

    def watch(self, path: str, seconds: float, **query: str | int | bool) -> "Watch":
        """Changes of the list at `path`; the server ends it after `seconds`."""
        return self.stream(path, seconds, **query, watch=True, timeoutSeconds=max(1, round(seconds)))

    def stream(self, path: str, seconds: float, **query: str | int | bool) -> "Watch":
        """What is written at `path` line by line, e.g. a log with follow=True; silence of `seconds` ends it."""
        response = self._open("GET", path, None, query, (REQUEST_SECONDS, seconds + REQUEST_SECONDS))
        if response.status != 200:
            raise ApiException.from_response(http_resp=response, body=response.read().decode(), data=None)
        return Watch(response.response)

    def resource(self, word: str) -> Resource:
        """What `word` names, as on kubectl's command line: `pod`, `pods`, `po`, `deploy`, `deployments.apps`. Raises CourseError."""
        if word not in self._resources:
            self._discover("/api/v1")
        if word not in self._resources:
            for group in self.get("/apis")["groups"]:
                self._discover(f"/apis/{group['preferredVersion']['groupVersion']}", group["name"])
        if word not in self._resources:
            raise CourseError(f'the cluster has no resource type "{word}" (kubectl api-resources lists them)')
        return self._resources[word]

    def _discover(self, prefix: str, group: str = "") -> None:
        for row in self.get(prefix)["resources"]:
            if "/" in row["name"]:
                continue
            singular = row.get("singularName") or row["kind"].lower()
            resource = Resource(prefix, row["name"], row["kind"], singular, row["namespaced"])
            for word in (row["name"], singular, row["kind"], *row.get("shortNames", ()), f"{row['name']}.{group}"):
                self._resources.setdefault(word, resource)

    def _open(self, method: str, path: str, body: dict | None, query: dict, timeout):
        pairs = [(key, str(value).lower() if isinstance(value, bool) else value) for key, value in query.items()]
        content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Accept": "application/json", "Content-Type": content}
        method, url, headers, body, _ = self._client.param_serialize(
            method, path, query_params=pairs, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        return self._client.call_api(method, url, headers, body, _request_timeout=timeout)


class LostConnections(Retry):
    """A client's configuration.retries: what a broken connection swallowed is asked again, what was not answered in time is not."""

    def increment(self, method=None, url=None, response=None, error=None, *rest, **more) -> Retry:
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, *rest, **more)


def message(refusal: ApiException) -> str:
    """The API server's own words."""
    try:
        return json.loads(refusal.body)["message"]
    except (TypeError, ValueError, KeyError):
        return str(refusal.body)


class Watch:
    """`for type, object in watch`, or `for line in watch.lines()`; `close()` from any thread ends it."""

    def __init__(self, response):
        self._response = response

    def __iter__(self) -> Iterator[tuple[str, dict]]:
        for line in self.lines():
            event = json.loads(line)
            yield event["type"], event["object"]

    def lines(self) -> Iterator[bytes]:
        buffer = b""
        for chunk in self._response.stream(amt=None):
            *lines, buffer = (buffer + chunk).split(b"\n")
            yield from filter(bytes.strip, lines)

    def close(self) -> None:
        self._response.shutdown()
