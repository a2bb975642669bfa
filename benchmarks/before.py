"""jaxpool of another checkout in this process: what a change does is measured in turns, not in two runs."""

from __future__ import annotations

import functools
import importlib
import pathlib
import sys
from typing import Any

PACKAGE = "jaxpool"
# The folder of the checkout; None: there is none.
folder: pathlib.Path | None = None


@functools.cache
def load(folder: pathlib.Path) -> Any:
    """The package in a folder, beside the one that is imported already."""
    ours = _taken_out()
    sys.path.insert(0, str(folder.resolve()))
    try:
        package = importlib.import_module(PACKAGE)
    finally:
        sys.path.pop(0)
        _taken_out()
        sys.modules.update(ours)
    if not pathlib.Path(str(package.__file__)).is_relative_to(folder.resolve()):
        raise ValueError(f"{folder} has no folder {PACKAGE}. Name the root of another checkout.")
    return package


def _taken_out() -> dict[str, Any]:
    """The package's modules, which are forgotten."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == PACKAGE}
