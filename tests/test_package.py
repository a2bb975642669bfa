"""What a user installs: wheel and source distribution are built, checked, and used in a fresh environment.

`make test-package` runs it. It installs JAX, so that it needs an index of packages.
"""

import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import venv
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
if not (ROOT / "pyproject.toml").is_file():
    pytest.skip("only a checkout can be built", allow_module_level=True)
for package in ("build", "twine"):
    # A folder of what was built is no package.
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"{package} is not installed: pip install --group package", allow_module_level=True)

# Marked as other long tests are, so that `make test` and `make test-all` leave them out.
pytestmark = [pytest.mark.slow, pytest.mark.most(1), pytest.mark.every_case]
PROGRAM = """
import json
import jax, jax.numpy as jnp, jaxpool
x = jnp.arange(16.0).reshape(1, 4, 4, 1)
found = {
    "file": jaxpool.__file__,
    "version": jaxpool.__version__,
    "values": jaxpool.max_pool(x, (2, 2), 2).ravel().tolist(),
    "gradient": jax.grad(lambda x: jaxpool.avg_pool(x, (2, 2), 2).sum())(x).sum().item(),
    "torch": jaxpool.torch.max_pool2d(x.reshape(1, 1, 4, 4), 2).shape,
}
try:
    jaxpool.linen
except ImportError as error:
    found["without flax"] = str(error)
print(json.dumps(found))
"""


def run(*command, **options):
    # Nothing of the checkout may be found by chance.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        env=variables | {"JAX_PLATFORMS": "cpu"},
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def python(built, tmp_path_factory):
    """The Python of a fresh environment with nothing but the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    found = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", built[0], cwd=folder)
    return found


def test_twine_finds_nothing_wrong(built):
    assert run(sys.executable, "-m", "twine", "check", "--strict", *built).count("PASSED") == 2


def version_of(wheel):
    (found,) = re.findall(r"^jaxpool-(.+)-py3-none-any\.whl$", wheel.name)
    return found


def test_the_names_have_the_version_of_the_tag_or_of_no_release(built):
    wheel, sdist = built
    assert sdist.name == f"jaxpool-{version_of(wheel)}.tar.gz"
    command = ["git", "describe", "--tags", "--exact-match", "--dirty", "--match=v[0-9]*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no git")
    tag = done.stdout.strip() if done.returncode == 0 else "-dirty"
    if tag.endswith("-dirty"):
        assert ".dev" in version_of(wheel)
    else:
        assert version_of(wheel) == tag.removeprefix("v")


def test_the_wheel_works_from_another_folder(built, python, tmp_path):
    found = json.loads(run(python, "-c", PROGRAM, cwd=tmp_path))
    assert pathlib.Path(found["file"]).is_relative_to(python.parents[1])
    assert found["version"] == version_of(built[0])
    assert found["values"] == [5, 7, 13, 15]
    assert found["gradient"] == 4
    assert found["torch"] == [1, 1, 2, 2]
    assert "flax" in found["without flax"].lower()


def test_the_wheel_has_types(python, tmp_path):
    run(
        python,
        "-c",
        "import importlib.resources as r; assert r.files('jaxpool').joinpath('py.typed').is_file()",
        cwd=tmp_path,
    )


def test_the_source_distribution_builds_the_same_wheel(built, tmp_path):
    wheel, sdist = built
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "again", source, cwd=tmp_path)
    (again,) = (tmp_path / "again").iterdir()
    assert again.name == wheel.name
    assert names(again) == names(wheel)


def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())
