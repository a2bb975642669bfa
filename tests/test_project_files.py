"""Files that services read: workflows with fixed versions of what they use, templates, citation, headings."""

import pathlib
import re
import tomllib

import pytest

import jaxpool

ROOT = pathlib.Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
if not WORKFLOWS:
    pytest.skip("these files are not part of the source distribution", allow_module_level=True)
pytestmark = pytest.mark.every_case


def text_of(name):
    return (ROOT / name).read_text()


def test_all_workflows_are_there():
    assert {path.stem for path in WORKFLOWS} == {"tests", "lint", "docs", "release"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_uses_fixed_versions_and_few_rights(path):
    text = path.read_text()
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", action)] == []
    assert "permissions: { contents: read }" in text
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
    assert text.count("runs-on:") == text.count("timeout-minutes:")
    targets = set(re.findall(r"^([\w-]+):", text_of("Makefile"), re.MULTILINE))
    for command in re.findall(r"run: make (.+)", text):
        assert {word for word in command.split() if not word.startswith(".venv/")} <= targets, command


def test_only_the_release_may_publish():
    for path in WORKFLOWS:
        text = path.read_text()
        assert ("pypi-publish" in text) == (path.stem == "release")
        assert "password" not in re.sub(r"^ *#.*", "", text, flags=re.MULTILINE)
        assert "secrets." not in text


def test_a_release_sees_the_tag_and_checks_it():
    text = text_of(".github/workflows/release.yml")
    assert "fetch-depth: 0" in text
    assert 'ls dist/jaxpool-"${GITHUB_REF_NAME#v}"-py3-none-any.whl' in text
    assert 'grep -F "## [${GITHUB_REF_NAME#v}] - " CHANGELOG.md' in text
    # A version that stands anywhere else could be another one.
    assert "version:" not in text_of("CITATION.cff").replace("cff-version:", "")


def test_tests_run_with_the_oldest_and_the_newest():
    text = text_of(".github/workflows/tests.yml")
    (oldest,) = re.findall(r'requires-python = ">=(\S+)"', text_of("pyproject.toml"))
    (jax,) = re.findall(r'"jax>=(\S+?)"', text_of("pyproject.toml"))
    assert f'python: "{oldest}", jax: "jax=={jax}.*' in text
    assert "continue-on-error: ${{ matrix.nightly }}" in text


def test_coverage_is_printed_once():
    """With the newest Python, whose tests are the sample that `make coverage` takes, too."""
    text = text_of(".github/workflows/tests.yml")
    assert "run: make coverage\n        if: matrix.name == 'newest'" in text
    assert "run: make test\n        if: matrix.name != 'newest'" in text
    assert 'make coverage PYTHON="$newest" VENV=.venv-newest' in text_of(".ci/run")
    settings = tomllib.loads(text_of("pyproject.toml"))["tool"]["coverage"]["run"]
    assert settings["branch"]
    assert settings["patch"] == ["subprocess"]


def test_the_template_of_bugs_asks_for_the_algorithm():
    text = text_of(".github/ISSUE_TEMPLATE/bug.yml")
    assert "jaxpool.chosen_implementation(...)" in text
    (call,) = re.findall(r"placeholder: '(jaxpool\..+)'", text)
    assert eval(call, {"jaxpool": jaxpool})["window_extremum"]


def test_yaml_can_be_read():
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with Flax")
    paths = [*ROOT.glob(".github/**/*.yml"), *ROOT.glob("*.cff"), ROOT / "mkdocs.yml", ROOT / ".pre-commit-config.yaml"]
    assert len(paths) > 8
    for path in paths:
        assert yaml.safe_load(path.read_text()), path


def test_the_changelog_has_the_usual_headings():
    headings = re.findall(r"^### (.+)$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert headings
    assert set(headings) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert re.search(r"^## \[Unreleased\]$", text_of("CHANGELOG.md"), re.MULTILINE)


@pytest.mark.parametrize(
    "name", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CITATION.cff", ".github/pull_request_template.md"]
)
def test_a_file_that_visitors_look_for(name):
    assert len(text_of(name)) > 200
