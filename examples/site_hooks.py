"""What the generator of the site calls: formulas as MathML, pictures and texts from elsewhere, links to names.

`mkdocs.yml` names this file. Nothing here runs in the pages, so that they need no script and no other server.
"""

from __future__ import annotations

import functools
import html
import importlib
import re
from pathlib import Path
from typing import Any

import jaxpool
from jaxpool import morphology

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ("digits.png", "gallery.png", "mtcnn.png")
# Words as well as functions: only `jaxpool.pool` is a link.
_WORDS = {"pool", "windows"}
# The line below a directive is for those who read the page elsewhere: there it is a link to the file.
_INCLUDE = re.compile(
    r"^<!-- include: (?P<file>[\w./]+)(?: # (?P<heading>.+?))? -->\n\[[^\]]+\]\(\.\./\.\./[^)]*\)$", re.MULTILINE
)
_ANIMATION = re.compile(r'<img [^>]*src="(?P<address>[^"]*/sliding\.svg)"[^>]*>')
_CODE = re.compile(r"<(a|pre|h[1-6]|autoref)\b.*?</\1>|<code>(?P<name>[\w.]+)(?P<call>\(.*?\))?</code>", re.DOTALL)


def on_config(config: Any) -> Any:
    """Blocks of the language "math" become MathML."""
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {}).setdefault("custom_fences", [])
    fences.append({"name": "math", "class": "math", "format": formula})
    return config


def formula(source: str, *_: Any, **__: Any) -> str:
    """Formulas of LaTeX as MathML, which browsers show without a script; on a narrow page one below the other."""
    convert = importlib.import_module("latex2mathml.converter").convert
    shown: list[str] = []
    for part in re.split(r",?\s*\\q?quad\s+", source.strip()):
        label = html.escape(" ".join(part.split()), quote=True)
        shown.append(f'<div role="math" aria-label="{label}">{convert(part, display="block")}</div>')
    return f'<div class="formula">{"".join(shown)}</div>'


def on_files(files: Any, config: Any) -> Any:
    """Pictures of the examples, which stand beside the guide."""
    generated = importlib.import_module("mkdocs.structure.files").File.generated
    for name in PICTURES:
        files.append(generated(config, f"pictures/{name}", abs_src_path=str(ROOT / "examples" / name)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Texts of other files in place of their directives, and the site's own place of pictures."""
    markdown = _INCLUDE.sub(lambda found: included(found["file"], found["heading"]), markdown)
    # Of these blocks, the button copies the input alone.
    markdown = markdown.replace("```python\n>>>", "```pycon\n>>>")
    return re.sub(rf"\]\(\.\./({'|'.join(map(re.escape, PICTURES))})\)", r"](pictures/\1)", markdown)


def included(file: str, heading: str | None) -> str:
    """A file without its title, or what stands below one of its headings; links into the checkout become words."""
    text = (ROOT / file).read_text()
    title = rf"^(#+) {re.escape(heading)}\n" if heading else r"^(#) .*\n"
    found = re.search(title, text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{file} has no heading {heading}")
    text = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", text, re.MULTILINE)
    text = text[: end.start()] if end else text
    text = re.sub(r"<!--.*?-->\n?", "", text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]*\)", r"\1", text).strip()


def on_page_content(content: str, **_: Any) -> str:
    """Links from public names to the reference; a still of the animation where nothing should move."""
    return _CODE.sub(linked, _ANIMATION.sub(with_still, content))


def with_still(found: re.Match[str]) -> str:
    """The image of the animation, and in its place the still where nothing should move."""
    still = found["address"].replace(".svg", "-still.svg")
    wanted = ("print", "(prefers-reduced-motion: reduce)")
    sources = "".join(f'<source media="{media}" srcset="{still}">' for media in wanted)
    return f"<picture>{sources}{found[0]}</picture>"


def linked(found: re.Match[str]) -> str:
    """A link, if it is a public name; text of links, headings and blocks as it is."""
    name = found["name"]
    if name is None or name not in targets():
        return found[0]
    return f'<autoref identifier="{targets()[name]}">{found[0]}</autoref>'


@functools.cache
def targets() -> dict[str, str]:
    """What names in the text mean in the reference."""
    names = {name: f"jaxpool.{name}" for name in jaxpool.__all__ if name not in _WORDS}
    names |= {f"morphology.{name}": f"jaxpool.morphology.{name}" for name in morphology.__all__}
    found = {full: full for full in [*names.values(), *(f"jaxpool.{name}" for name in _WORDS)]}
    for module in ("linen", "nnx", "torch", "torch.nn", "morphology"):
        public = importlib.import_module(f"jaxpool.{module}").__all__
        found |= {f"jaxpool.{module}.{name}": f"jaxpool.{module}.{name}" for name in public}
    found |= {f"jaxpool.{name}": f"jaxpool.{name}" for name in ("linen", "nnx", "torch", "morphology", "onnx")}
    return names | found
