"""The busybox applets, one file each (or one for a family). COMMANDS: name -> `async def main(process) -> int`."""
import importlib
import pkgutil

from ._applet import COMMANDS

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["COMMANDS"]
