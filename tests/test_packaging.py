"""What is built from the project: the wheel holds the package, the sdist what its tests need, README no dead link.

And the version, which is that of a tag, or that of no release.
"""

import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest

import jaxpool

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


FALLBACK = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["version"]["fallback-version"]
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


@pytest.fixture
def tree(tmp_path):
    """A small project with the version's settings of this one, and without a history."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "jaxpool").mkdir()
    (tmp_path / "jaxpool" / "__init__.py").touch()
    return tmp_path


def git(folder, *command):
    """Runs git with settings of its own, whatever those of this machine are."""
    settings = ["user.name=tests", "user.email=tests@example.invalid", "commit.gpgSign=false"]
    options = [word for setting in settings for word in ("-c", setting)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *options, *command], cwd=folder, env=variables, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder, message="all"):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")


def version(folder):
    """The version that a wheel of the folder would have."""
    command = [sys.executable, "-m", "hatchling", "version"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_without_git_the_version_is_of_no_release(tree):
    assert version(tree) == FALLBACK
    assert re.fullmatch(r"\d+\.\d+\.\d+(rc\d+)?\.dev0", FALLBACK)


@needs_git
def test_the_version_is_that_of_the_tag(tree):
    git(tree, "init", "--quiet")
    commit(tree)
    head = git(tree, "rev-parse", "HEAD")
    # As in a shallow clone, which has no tags.
    found, _, node = version(tree).partition("+g")
    assert found == FALLBACK.replace("dev0", "dev1")
    assert head.startswith(node)
    git(tree, "tag", "v2.3.4")
    assert version(tree) == "2.3.4"
    (tree / "README.md").write_text("changed")
    assert re.fullmatch(r"2\.3\.5\.dev0\+g\w+\.d\d{8}", version(tree))
    commit(tree, "more")
    assert re.fullmatch(r"2\.3\.5\.dev1\+g\w+", version(tree))


def test_the_package_knows_its_version():
    try:
        expected = importlib.metadata.version("jaxpool")
    except importlib.metadata.PackageNotFoundError:
        expected = "0+unknown"
    assert jaxpool.__version__ == expected


def test_a_package_that_is_not_installed_is_imported_and_says_so():
    code = (
        "import importlib.metadata as m\n"
        "def missing(name, found=m.version):\n"
        "    if name == 'jaxpool': raise m.PackageNotFoundError(name)\n"
        "    return found(name)\n"
        "m.version = missing\n"
        "import jaxpool\n"
        "print(jaxpool.__version__)\n"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=variables, check=True, capture_output=True, text=True)
    assert done.stdout == "0+unknown\n"


def test_the_fallback_follows_the_changelog():
    """What was released last, as a development version: nothing without a tag is taken for a release."""
    released = re.findall(r"^## \[(\d\S*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert not released or f"{released[0]}.dev0" == FALLBACK
