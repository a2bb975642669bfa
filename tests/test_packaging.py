"""What is built from the project: the wheel holds the package, the sdist what its tests need, README no dead link."""

import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return zipfile.ZipFile(wheel), tarfile.open(sdist)


def python_files(folder):
    return {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py")}


def test_the_wheel_holds_the_package_and_nothing_else(built):
    files = {name for name in built[0].namelist() if ".dist-info/" not in name}
    assert files == python_files("jaxpool") | {"jaxpool/py.typed"}


def test_the_sdist_holds_what_its_tests_need_and_no_results(built):
    files = {name.split("/", 1)[1] for name in built[1].getnames() if "/" in name}
    for folder in ("jaxpool", "tests", "benchmarks", "examples"):
        assert python_files(folder) <= files
    assert {"pyproject.toml", "Makefile", "README.md", "LICENSE", "tests/bad_calls.json"} <= files
    assert not [name for name in files if name.startswith("benchmarks/results") or name.endswith(".png")]


def test_the_description_has_no_link_into_the_checkout(built):
    (name,) = (name for name in built[0].namelist() if name.endswith("METADATA"))
    description = built[0].read(name).decode().split("\n\n", 1)[1]
    assert "jaxpool.max_pool" in description
    assert re.findall(r"\]\((?!https?:)[^)]*\)", description) == []
    assert "![" not in description
