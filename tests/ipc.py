"""A pytest plugin (`-p tests.ipc`): kernels that nbval and nbclient start are reached through files, not ports.

Jupyter looks for free ports before the kernel takes them. On a machine where kubectl opens connections all the time another one is
sometimes faster, and the kernel dies. Windows has ports alone.
"""

import functools
import itertools
import os
import tempfile

from jupyter_client.manager import KernelManager

if os.name == "posix":
    folder = tempfile.TemporaryDirectory(prefix="kernels-", ignore_cleanup_errors=True)
    numbers, start = itertools.count(), KernelManager.__init__

    @functools.wraps(start)
    def with_files(self, *args, **options) -> None:
        start(self, *args, **{"transport": "ipc", "ip": f"{folder.name}/{next(numbers)}", **options})

    KernelManager.__init__ = with_files
