"""The notebooks: what their pages say and show, and executed anew by `make test-docs`."""

import json
import os
import subprocess
import sys

import pytest
from example_files import ROOT, loaded

FOLDER = ROOT / "examples" / "notebooks"
if not FOLDER.is_dir():
    pytest.skip("the notebooks are not part of the package", allow_module_level=True)

LARGEST = 60_000


NOTEBOOKS = loaded("notebooks")


def read(path):
    """The cells of a notebook as (kind, source, result)."""
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["metadata"]["language_info"]) == (4, {"name": "python"})
    found = []
    for cell in content["cells"]:
        outputs = cell.get("outputs", [])
        assert all(output["output_type"] == "execute_result" for output in outputs)
        results = ["".join(output["data"]["text/plain"]) for output in outputs]
        found.append((cell["cell_type"], "".join(cell["source"]), "\n".join(results)))
    return content["cells"], found


def without_spaces(cells):
    """Pages break lines where they are read best."""
    return [(kind, source, " ".join(result.split())) for kind, source, result in cells]


def test_every_notebook_is_of_a_page():
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.ipynb" for name in NOTEBOOKS.PAGES}


@pytest.mark.every_case
@pytest.mark.parametrize("name", NOTEBOOKS.PAGES)
def test_a_notebook_says_and_shows_what_its_page_does(name):
    path = FOLDER / f"{name}.ipynb"
    assert path.stat().st_size <= LARGEST
    cells, found = read(path)
    assert without_spaces(found) == without_spaces(NOTEBOOKS.cells(NOTEBOOKS.PAGES[name]))
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert len({cell["id"] for cell in cells}) == len(cells)


@pytest.mark.every_case
@pytest.mark.parametrize("name", NOTEBOOKS.PAGES)
def test_a_notebook_points_to_files_that_are_there(name):
    text = "\n".join(source for kind, source, _ in read(FOLDER / f"{name}.ipynb")[1] if kind == "markdown")
    links = [link[1].partition("#")[0] for link in NOTEBOOKS._LINK.finditer(text)]
    assert links
    assert [link for link in links if not (FOLDER / link).is_file()] == []


@pytest.mark.slow
@pytest.mark.most(1)
def test_notebooks_run_as_they_are_committed(tmp_path):
    for package in ("nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(package, reason=f"{package} runs notebooks: pip install --group docs")
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(ROOT / "examples" / "notebooks.py"), "--output", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, env=variables)
    assert run.returncode == 0, run.stderr
    for name in NOTEBOOKS.PAGES:
        assert read(tmp_path / f"{name}.ipynb") == read(FOLDER / f"{name}.ipynb")
