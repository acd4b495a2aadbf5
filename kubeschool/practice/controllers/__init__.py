"""kube-controller-manager's controllers, found in the files of this folder. A new controller is one new file.

local_path_provisioner.py is not one of them: it has a pod of its own."""

import importlib
import pkgutil

from ..component import Controller


def _collect() -> list[type[Controller]]:
    found = []
    for file in pkgutil.iter_modules(__path__):
        if file.name not in ("manager", "local_path_provisioner"):
            module = importlib.import_module(f"{__name__}.{file.name}")
            found += [
                c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Controller) and c.__module__ == module.__name__
            ]
    return [c for c in found if hasattr(c, "name")]


CONTROLLERS: list[type[Controller]] = _collect()
