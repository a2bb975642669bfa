"""The pages of the guide: their code runs, their links lead somewhere, no pool is missing, pictures are up to date."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from example_files import ROOT, loaded

import jaxpool
from jaxpool import morphology

GUIDE = ROOT / "examples" / "guide"
if not GUIDE.is_dir():
    pytest.skip("the guide is not part of the package", allow_module_level=True)
PAGES = sorted(str(path.relative_to(GUIDE)) for path in GUIDE.rglob("*.md"))
FAMILIES = [name for name in PAGES if name.startswith("families/") and name != "families/index.md"]
# Of each family, in this order.
HEADINGS = ["Formula", "Shapes and dtypes", "Gradient", "In other libraries", "Example"]
LARGEST_PICTURE = 50_000
pytestmark = pytest.mark.every_case


def text_of(name):
    return (GUIDE / name).read_text()


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", PAGES)
def test_all_code_of_a_page_runs_in_the_tests(name):
    """Doctest finds prompts: a block of Python without any would never run."""
    for language, title, code in re.findall(r"^```(\w*)([^\n]*)\n(.*?)^```", text_of(name), re.MULTILINE | re.DOTALL):
        if title in (' title="with TensorFlow"', ' title="with IREE"'):
            # Large packages that no environment of the tests has.
            continue
        assert language in ("python", "pycon", "math", "console"), f"a block of {language or 'no language'}"
        if language in ("python", "pycon"):
            assert code.startswith(">>> ")
            # Doctest takes what follows a result as part of it, up to an empty line.
            assert code.endswith("\n\n"), f"an empty line at the end of the block {code.splitlines()[0]}"


def test_doctest_looks_at_all_pages():
    options = (ROOT / "pyproject.toml").read_text()
    assert '"examples/guide"' in options
    assert "--doctest-glob=examples/guide/*.md" in options


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files_and_headings(name):
    text = without_code(text_of(name))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = ((GUIDE / name).parent / path if path else GUIDE / name).resolve()
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(path):
    """The anchors of the headings of a page, of texts that it includes, too."""
    text = path.read_text()
    for file in re.findall(r"<!-- include: ([\w./]+)", text):
        text += (ROOT / file).read_text()
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def test_the_navigation_has_all_pages_once():
    listed = re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == PAGES


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_all_it_promises(name):
    text = text_of(name)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert re.search(r"!\[[^\]]{20,}\]\(\.\./pictures/\w+\.svg\)", text), "a picture with a description"
    assert "```math\n" in text
    for library in ("PyTorch", "Keras", "Flax", "ONNX"):
        assert re.search(rf"^\| {library} \| .+ \|$", text, re.MULTILINE), library


def test_every_function_is_on_a_page_of_a_family():
    pages = "\n".join(map(text_of, FAMILIES))
    named = set(re.findall(r"`(?:jaxpool\.)?(\w+)", pages)) | set(re.findall(r"`morphology\.(\w+)", pages))
    elsewhere = {"pool", "output_shape", "chosen_implementation", "halo_exchange", "pool_tiles"}
    assert {*jaxpool.__all__, *morphology.__all__} - named <= elsewhere


def test_the_reference_has_every_function_once():
    pages = "\n".join(text_of(name) for name in PAGES if name.startswith("api/"))
    listed = re.findall(r"^::: jaxpool\.(\w+)$", pages, re.MULTILINE)
    modules = {"linen", "nnx", "torch", "morphology", "onnx", "typing"}
    assert sorted(set(listed) - modules) == sorted(jaxpool.__all__)
    assert modules <= set(listed)
    assert "::: jaxpool.torch.nn\n" in pages


def test_texts_of_other_files_have_no_link_into_the_checkout():
    hooks = loaded("site_hooks")
    directives = [found.groups() for name in PAGES for found in hooks._INCLUDE.finditer(text_of(name))]
    assert {file for file, _ in directives} == {"README.md", "PORTING.md", "benchmarks/README.md"}
    for file, heading in directives:
        text = hooks.included(file, heading)
        assert len(text) > 100
        assert not re.search(r"\]\((?!https?:|#)", text)
    with pytest.raises(ValueError, match="no heading"):
        hooks.included("README.md", "What is not there")


def test_who_wants_no_motion_gets_the_still():
    hooks = loaded("site_hooks")
    page = hooks.on_page_content('<img alt="a window" src="../pictures/sliding.svg"><img src="../pictures/ties.svg">')
    assert page.count("../pictures/sliding-still.svg") == 2
    assert "ties-still" not in page


def test_code_that_names_a_function_becomes_a_link():
    hooks = loaded("site_hooks")
    page = "<h2><code>max_pool</code></h2><p><code>max_pool</code> <code>pool</code> <code>avg_pool(x)</code></p>"
    assert hooks.on_page_content(page + "<pre><code>max_pool</code></pre>") == (
        "<h2><code>max_pool</code></h2>"
        '<p><autoref identifier="jaxpool.max_pool"><code>max_pool</code></autoref> <code>pool</code> '
        '<autoref identifier="jaxpool.avg_pool"><code>avg_pool(x)</code></autoref></p><pre><code>max_pool</code></pre>'
    )


pictures = loaded("pictures")


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_is_what_the_library_computes(name):
    """After a change of a picture: `make pictures`."""
    path = GUIDE / "pictures" / f"{name}.svg"
    drawn = pictures.PICTURES[name]()
    assert path.read_text() == drawn
    assert path.stat().st_size < LARGEST_PICTURE
    title = ElementTree.fromstring(drawn).find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert len(title.text) > 10


def test_every_picture_is_drawn_and_shown():
    shown = "\n".join(map(text_of, PAGES))
    # `python -m benchmarks figures` draws these, see tests/test_benchmarks.py.
    measured = {"speed", "window-size"}
    assert {path.stem for path in (GUIDE / "pictures").iterdir()} == set(pictures.PICTURES) | measured
    assert {name for name in measured if f"pictures/{name}.svg" not in shown} == set()
    # The still takes the place of the animation, see below.
    assert {name for name in pictures.PICTURES if f"pictures/{name}.svg" not in shown} == {"sliding-still"}


def test_the_animation_shows_one_window_after_another_and_then_the_gradient():
    moving = pictures.sliding(moving=True)
    assert moving.count('class="frame') == moving.count('class="seen') == 4
    assert moving.count("@keyframes") == 4 + 4 + 2
    assert "prefers-reduced-motion" in moving
    assert "@keyframes" not in pictures.sliding(moving=False)
