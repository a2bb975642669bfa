"""Pages of the guide as notebooks, executed: `make notebooks` writes `examples/notebooks`.

A notebook says what its page says. Prose becomes Markdown cells. A block of code becomes one cell per
result, as a notebook shows the last result of a cell alone.
"""

from __future__ import annotations

import argparse
import doctest
import importlib
import pathlib
import posixpath
import re
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
GUIDE = ROOT / "examples" / "guide"
FOLDER = ROOT / "examples" / "notebooks"
PAGES = {"quickstart": "course.md", "masked_sequences": "masks.md", "segnet_unpooling": "segnet.md"}
_BLOCK = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!\w+:|#)([^)]+)\)")
_NOTE = (
    'Install the library in a checkout with `pip install ".[flax]"`. This notebook is a page of the guide, '
    "[{page}](../guide/{page}), and says the same."
)
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cells(page: str) -> list[tuple[str, str, str]]:
    """The cells of a page: "markdown" or "code", the source, and the result that the page shows."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    found: list[tuple[str, str, str]] = []
    # Between prose, at even places, stand the blocks of code.
    for number, part in enumerate(_BLOCK.split(text)):
        if number % 2:
            found += _code(part)
        elif part.strip():
            found.append(("markdown", _LINK.sub(_from_notebooks, part.strip()), ""))
    found.insert(1, ("markdown", _NOTE.format(page=page), ""))
    return found


def _from_notebooks(link: re.Match[str]) -> str:
    return f"]({posixpath.normpath(posixpath.join('../guide', link[1]))})"


def _code(block: str) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    lines: list[str] = []
    for example in doctest.DocTestParser().get_examples(block):
        lines.append(example.source.rstrip("\n"))
        if example.want:
            found.append(("code", "\n".join(lines), example.want.rstrip("\n")))
            lines = []
    return [*found, ("code", "\n".join(lines), "")] if lines else found


def notebook(page: str) -> Any:
    """A page as a notebook that did not run yet."""
    v4 = importlib.import_module("nbformat.v4")
    made: list[Any] = []
    for number, (kind, source, _) in enumerate(cells(page)):
        new = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
        made.append(new(source, id=f"cell-{number}"))
    return v4.new_notebook(cells=made, metadata=_METADATA)


def run(page: str) -> str:
    """A page as the JSON of an executed notebook.

    Raises:
      nbclient.exceptions.CellExecutionError: a cell raises.
    """
    made = notebook(page)
    importlib.import_module("nbclient").NotebookClient(made, timeout=300, record_timing=False).execute(cwd=str(ROOT))
    # The kernel adds versions, which differ from machine to machine.
    made.metadata = importlib.import_module("nbformat").from_dict(_METADATA)
    for cell in made.cells:
        if cell.cell_type == "code":
            # Warnings about the machine.
            cell.outputs = [output for output in cell.outputs if output.output_type != "stream"]
    return importlib.import_module("nbformat").writes(made) + "\n"


def main() -> None:
    """Writes every notebook."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, default=FOLDER, metavar="FOLDER")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / f"{name}.ipynb").write_text(run(page), encoding="utf-8")
        print(folder / f"{name}.ipynb")


if __name__ == "__main__":
    main()
