"""The site as a reader has it: built without a warning, then looked at in a headless Chromium.

`make test-docs` runs it. Chromium is the one of this machine; the variable CHROMIUM names another one.
"""

import functools
import html.parser
import http.server
import importlib.util
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading

import pytest

import jaxpool

ROOT = pathlib.Path(__file__).parents[1]
if not (ROOT / "mkdocs.yml").is_file():
    pytest.skip("the guide is not part of the package", allow_module_level=True)
for package in ("mkdocs", "material", "mkdocstrings_handlers", "latex2mathml"):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} builds the site: pip install --group docs", allow_module_level=True)

# Marked as other long tests are, so that `make test` and `make test-all` leave them out.
pytestmark = [pytest.mark.slow, pytest.mark.most(1), pytest.mark.every_case]
LARGEST_PAGE = 2_000_000
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    found = sorted(str(path.parent.relative_to(site)) + "/" for path in site.rglob("index.html"))
    assert len(found) > 40
    return ["" if page == "./" else page for page in found]


@pytest.fixture(scope="module")
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium, or name one with CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Visit:
    """A page of the browser that remembers what went wrong, and how much came."""

    def __init__(self, chromium, address, **options):
        self.context = chromium.new_context(**options)
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.address, self.faults, self.sizes = address, [], {}
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._follow)
        self.page.on("requestfailed", self._miss)
        self.page.on("response", self._weigh)

    def _hear(self, message):
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _follow(self, request):
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.faults.append(f"another server: {request.url}")

    def _miss(self, request):
        # What was on its way when the next page was opened is no fault.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url}, {request.failure}")

    def _weigh(self, response):
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")
        self.sizes[response.url] = int(response.headers.get("content-length", 0))

    def open(self, page, until="networkidle"):
        self.sizes.clear()
        self.page.goto(self.address + page, wait_until=until)
        return self.page

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


class Links(html.parser.HTMLParser):
    """All anchors of a page, and all addresses in it."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.addresses = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors.add(given.get("id") or given.get("name"))
        for name in ("href", "src", "srcset"):
            if given.get(name) and tag != "link":
                self.addresses.add(given[name])


def test_every_link_leads_to_a_page_and_an_anchor(site, pages):
    read = {page: Links((site / page / "index.html").read_text()) for page in pages}
    for page, links in read.items():
        for link in links.addresses:
            if link.startswith(("https://", "http://", "mailto:", "data:")):
                continue
            path, _, anchor = link.partition("#")
            target = (site / page / path).resolve()
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{page}: {link}"
            if anchor and target.name == "index.html":
                name = str(target.parent.relative_to(site.resolve())) + "/"
                assert anchor in read["" if name == "./" else name].anchors, f"{page}: {link}"


def test_names_of_functions_are_links(site):
    text = (site / "choosing" / "index.html").read_text()
    assert "../api/softmax/#jaxpool.softmax_pool" in text
    assert "../api/extremum/#jaxpool.max_pool" in text


def test_docstrings_become_lists_and_examples(site):
    text = (site / "api" / "extremum" / "index.html").read_text()
    assert "<strong>Args:</strong>" in text
    assert "<li><code>window_shape</code>: one size per spatial axis." in text
    assert '<span class="gp">&gt;&gt;&gt; </span>' in text
    for module, name in (("linen", "MaxPool"), ("nnx", "GeM"), ("torch", "max_pool2d"), ("torch", "nn.MaxPool2d")):
        page = (site / "api" / module / "index.html").read_text()
        assert f'id="jaxpool.{module}.{name}"' in page


def test_formulas_need_no_script(site):
    text = (site / "families" / "average" / "index.html").read_text()
    assert "<math " in text
    assert "cdn" not in text.lower()


def test_no_page_asks_another_server_or_weighs_too_much(chromium, address, pages):
    with Visit(chromium, address, viewport=DESK) as visit:
        for name in pages:
            page = visit.open(name)
            broken = page.evaluate(
                "() => [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src)"
            )
            assert broken == [], name
            assert 0 < sum(visit.sizes.values()) < LARGEST_PAGE, (name, visit.sizes)
            assert page.evaluate("document.images.length === [...document.images].filter(i => i.alt).length"), name
        assert visit.faults == []


def test_nothing_scrolls_sideways_on_a_phone(chromium, address, pages):
    with Visit(chromium, address, viewport=PHONE, is_mobile=True, has_touch=True) as visit:
        for name in pages:
            page = visit.open(name, "load")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        assert visit.faults == []


def test_the_search_finds_max_pool(chromium, address):
    with Visit(chromium, address, viewport=DESK) as visit:
        page = visit.open("")
        page.locator("input.md-search__input").click()
        page.keyboard.type("max_pool")
        page.locator(".md-search-result__link").first.wait_for()
        found = page.locator(".md-search-result__link").evaluate_all("links => links.map(link => link.href)")
        # The function itself stands before PyTorch's names and the modules.
        assert "/api/extremum/" in found[0]
        assert [link for link in found if link.endswith("#jaxpool.max_pool")]
        page.locator(".md-search-result__link").first.click()
        page.wait_for_url("**/api/extremum/**")
        assert page.locator("h2", has_text="max_pool").count() > 0
        assert visit.faults == []


def test_light_and_dark(chromium, address):
    background = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    for wanted in ("light", "dark"):
        with Visit(chromium, address, viewport=DESK, color_scheme=wanted) as visit:
            page = visit.open("")
            assert (sum(page.evaluate(background)) > 384) == (wanted == "light")
            # The button in the header turns it round, whatever the system wants; pictures follow the page.
            page.locator('label.md-header__button[for^="__palette"]:visible').click()
            page.wait_for_function(f"({background}).reduce((a, b) => a + b) {'<' if wanted == 'light' else '>'} 384")
            scheme = page.evaluate("getComputedStyle(document.querySelector('article img')).colorScheme")
            assert scheme == ("dark" if wanted == "light" else "light")
            assert visit.faults == []


def test_who_wants_no_motion_sees_the_still(chromium, address):
    for motion, name in (("reduce", "sliding-still.svg"), ("no-preference", "sliding.svg")):
        with Visit(chromium, address, viewport=DESK, reduced_motion=motion) as visit:
            page = visit.open("")
            assert page.evaluate("document.querySelector('picture img').currentSrc").endswith(f"/{name}")


def test_the_button_copies_the_input_without_prompts(chromium, address):
    permissions = ["clipboard-read", "clipboard-write"]
    with Visit(chromium, address, viewport=DESK, permissions=permissions) as visit:
        page = visit.open("")
        page.locator(".md-code__button, .md-clipboard").first.click()
        page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('import'))")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("import jax.numpy as jnp, jaxpool\n")
        assert ">>>" not in copied
        assert "dtype=float32" not in copied
        space = {}
        exec(copied, space)
        assert space["x"].shape == (4, 4)


def drawn_windows(count):
    """Windows that nobody chose, as the calculator takes them."""
    draw = random.Random(7)
    for _ in range(count):
        padding = draw.choice(["VALID", "SAME", "SAME_LOWER", "CAUSAL", "NUMBERS"])
        yield {
            "size": draw.randint(1, 12),
            "window": draw.randint(1, 5),
            "stride": draw.randint(1, 4),
            "dilation": draw.randint(1, 3),
            "padding": padding,
            "low": draw.randint(-2, 4),
            "high": draw.randint(-2, 4),
            "ceil": draw.random() < 0.5,
        }


def counted(asked):
    """What the library says, or None for an error."""
    padding = [(asked["low"], asked["high"])] if asked["padding"] == "NUMBERS" else asked["padding"]
    window, stride, dilation = (asked["window"],), asked["stride"], asked["dilation"]
    try:
        shape = jaxpool.output_shape(
            (asked["size"],),
            window,
            stride,
            padding,
            window_dilation=dilation,
            ceil_mode=asked["ceil"],
            channel_axis=None,
        )
    except ValueError:
        return None
    return shape[0]


def test_the_calculator_counts_as_the_library_does(chromium, address):
    with Visit(chromium, address, viewport=DESK) as visit:
        page = visit.open("windows/")
        cases = list(drawn_windows(600))
        found = page.evaluate("cases => cases.map(poolSize).map(found => found.outputs ?? null)", cases)
        expected = [counted(asked) for asked in cases]
        assert None in expected
        assert found == expected


def test_the_calculator_answers_the_form(chromium, address):
    with Visit(chromium, address, viewport=DESK) as visit:
        page = visit.open("windows/")
        form = page.locator("form.sizes")
        assert form.locator("output").inner_text() == "3 outputs, padding (0, 0)"
        form.locator("[name=size]").fill("6")
        form.locator("[name=ceil]").check()
        assert form.locator("output").inner_text() == "3 outputs, padding (0, 0)"
        assert form.locator("svg rect.inside").count() == 6
        assert form.locator("svg rect.outside").count() == 1
        form.locator("[name=padding]").select_option("CAUSAL")
        form.locator("[name=dilation]").fill("2")
        command = form.locator("code").inner_text()
        outputs, _ = form.locator("output").inner_text().split(" ", 1)
        assert eval(command, {"jaxpool": jaxpool}) == (int(outputs),)
        form.locator("[name=window]").fill("0")
        assert form.locator("output").inner_text() == "window must be a whole number of at least 1"
        assert visit.faults == []
