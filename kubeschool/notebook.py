"""What connect() adds to the notebook: %kubectl, and plain words when the cluster is gone or refuses something."""

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from kubeschool.api import message
from kubeschool.cluster import AGAIN
from kubeschool.errors import CourseError
from kubeschool.kubectl import KubectlMagics

_joined = None


class _Notebook:
    """The hooks of one connect(); a later connect() takes their place."""

    def __init__(self, shell, cluster):
        self._shell, self._cluster = shell, cluster
        self._magics = KubectlMagics(shell, str(cluster.kubeconfig))
        shell.register_magics(self._magics)
        shell.events.register("pre_run_cell", self.before_cell)
        shell.input_transformers_cleanup.append(self.needs)
        shell.set_custom_exc((ApiException, HTTPError, KeyboardInterrupt), self.show_error)

    def leave(self) -> None:
        self._shell.events.unregister("pre_run_cell", self.before_cell)
        self._shell.input_transformers_cleanup.remove(self.needs)
        self._magics.stop()

    def before_cell(self, info) -> None:
        """Bring a dead cluster back before the cell runs, and say what happened."""
        provider = self._cluster._provider
        trouble = provider.trouble()
        if trouble is None:
            return
        print(f"{trouble[0].upper()}{trouble[1:]}; it is started again. Your objects are safe.")
        try:
            provider.revive()
            self._cluster._load(provider.kubeconfig())
            self._cluster.wait_for_nodes()
        except CourseError as error:
            print(f"It could not be started: {error}")

    def needs(self, lines: list[str]) -> list[str]:
        """`%%needs FEATURE…` as a cell's first line: where cluster.can() says no to one, the cell only says why it is left out."""
        word, *features = lines[0].split() if lines else [""]
        if word != "%%needs":
            return lines
        self.before_cell(None)
        no = next((able for able in map(self._cluster.can, features) if not able), None)
        return lines[1:] if no is None else [f"print({f'left out here: {no.reason}'!r})\n"]

    def show_error(self, shell, kind, value, traceback, tb_offset=None) -> None:
        """A refusal of the API server in its own words; why nobody answers; that the learner pressed ■."""
        if isinstance(value, KeyboardInterrupt):
            words = "Interrupted."
        elif isinstance(value, ApiException):
            words = f"{kind.__name__} {value.status} {value.reason}: {message(value)}"
        elif trouble := self._cluster._provider.trouble():
            words = f"{kind.__name__}: {trouble}. {AGAIN}"
        else:
            words = None
        if words:
            value._render_traceback_ = lambda: [words]
        shell.showtraceback((kind, value, traceback))


def join(shell, cluster) -> None:
    global _joined
    if _joined:
        _joined.leave()
    _joined = _Notebook(shell, cluster)
