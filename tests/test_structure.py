"""The rules of the house: stages, names, documentation, and what may stand in an emitted program."""

import ast
import functools
import inspect
import pathlib
import re
import subprocess
import sys

import chex
import jax
import jax.numpy as jnp
import pytest
from table import ROWS, ids

import jaxpool
from jaxpool import _operators as ops
from jaxpool._geometry import pooling_window
from jaxpool._lowerings import IMPLEMENTATIONS, OPERATORS, PLATFORMS, Plan

PACKAGE = pathlib.Path(jaxpool.__file__).parent
STAGES = ["_pools", "_operators", "_lowerings", "_geometry"]
# Geometry is integers that every stage may read; otherwise a stage calls the next.
MAY_IMPORT = {
    "_tiles": {"_tiles", "_pools", "_operators", "_geometry", "typing"},
    "_layers": {"_layers", "_modules", "_pools", "_operators", "_geometry", "typing"},
    "_pools": {"_pools", "_operators", "_geometry", "typing"},
    "_operators": {"_operators", "_lowerings", "_geometry"},
    "_lowerings": {"_lowerings", "_geometry"},
    "_geometry": {"_geometry"},
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_never_go_up(path):
    stage = path.relative_to(PACKAGE).parts[0]
    for module in imports_of(path):
        parts = module.split(".")
        if stage in MAY_IMPORT and parts[0] == "jaxpool":
            assert len(parts) > 1, f"{path} imports the top level"
            assert parts[1] in MAY_IMPORT[stage], f"{path} imports {module}"
        if stage == "_geometry":
            assert parts[0] not in ("jax", "jaxlib", "flax"), f"{path} imports {module}"
        if stage not in ("linen", "nnx"):
            assert parts[0] != "flax", f"{path} imports {module}"
        assert "_src" not in parts, f"{path} imports {module}, which is private"
        if "interpreters" in parts or module == "jax.extend.core":
            assert path.parent.name == "primitive", f"{path} imports {module}"


def test_derivative_rules_stand_among_the_operators():
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0] != "_operators":
            assert not re.search(r"custom_(jvp|vjp)|\.def(jvp|vjp)\b", path.read_text()), path


def test_importing_jaxpool_does_not_import_flax():
    code = "import sys, jaxpool; assert not any(m.split('.')[0] == 'flax' for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_export_to_onnx_without_its_converter_says_what_to_install():
    code = "import sys; sys.modules['jax2onnx'] = None; import jaxpool.onnx"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "ImportError: jaxpool.onnx needs jax2onnx" in result.stderr
    assert "pip install jax2onnx" in result.stderr


@pytest.mark.parametrize("name", jaxpool.__all__)
def test_public_functions_are_documented_and_say_their_defaults(name):
    function = getattr(jaxpool, name)
    doc = inspect.getdoc(function)
    assert ">>> " in doc
    parameters = inspect.signature(function).parameters
    if "strides" in parameters:
        assert "trides default to 1" in doc[:200]
        assert parameters["strides"].default is None
    flax_order = ["inputs", "window_shape", "strides", "padding", "count_include_pad", "input_shape"]
    flax_order += ["init", "reduce_fn", "key", "output_size", "indices", "weights", "boxes", "levels", "direction"]
    flax_order += ["segment_ids", "num_segments", "lengths", "size", "mask", "source", "axis_name"]
    flax_order += ["pool"] if name == "pool_tiles" else []
    for parameter in parameters.values():
        fractional = name.startswith("fractional") and parameter.name == "window_shape"
        positional = parameter.name in flax_order and not fractional
        assert (parameter.kind is parameter.POSITIONAL_OR_KEYWORD) == positional, parameter.name


def test_no_file_has_more_than_300_lines():
    for path in FILES:
        assert len(path.read_text().splitlines()) <= 300, path


def test_no_function_has_more_than_60_lines_beside_its_docstring():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                documentation = (ast.get_docstring(node, clean=False) or "").splitlines()
                assert node.end_lineno - node.lineno + 1 - len(documentation) <= 60, (path, node.name)


FORBIDDEN = re.compile(r'"?stablehlo\.(select_and_scatter|scatter|gather|dynamic_gather|sort)\b')


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_no_scatter_gather_or_sort_is_emitted_for_cpu_or_gpu(row):
    def everything(x):
        y, pull = jax.vjp(row, x)
        return y, pull(y), jax.jvp(row, (x,), (x,))[1]

    x = jax.ShapeDtypeStruct((2, 9, 12, 4), jnp.float32)
    for platform in ("cpu", "cuda", "rocm", "tpu"):
        text = jax.jit(everything).trace(x).lower(lowering_platforms=(platform,)).as_text()
        # On TPU that one is native.
        native = {"select_and_scatter"} if platform == "tpu" else set[str]()
        native |= {"gather", "scatter"} if row.places else set[str]()
        native |= {"sort"} if row.sorts else set[str]()
        assert set(FORBIDDEN.findall(text)) <= native, platform
        assert "custom_call" not in text, platform


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_a_named_implementation_is_the_one_that_runs(name):
    x = jax.ShapeDtypeStruct((2, 16, 16, 4), jnp.float32)
    # One native window; all of 25 taps; 7 taps along each of 2 axes; a window of 4 and one of 2 or 3 along each.
    window = (5, 5) if name in ("reduce_window", "joint") else (7, 7)
    maxima = {"reduce_window": 1, "joint": 24, "separable": 12, "chain": 8}[name]
    text = jax.jit(lambda x: jaxpool.max_pool(x, window, implementation=name)).lower(x).as_text()
    # The native one has a maximum of its own, the others compare, so that the first of two zeros stays.
    comparison = r"stablehlo\.maximum" if name == "reduce_window" else r"stablehlo\.compare\s+G[TE]"
    assert len(re.findall(comparison, text)) == maxima
    assert ("stablehlo.reduce_window" in text) == (name == "reduce_window")
    chosen = jaxpool.chosen_implementation((2, 16, 16, 4), window, implementation=name, platform="cpu")
    assert {chosen[operator].partition(",")[0] for operator in ("window_extremum", "window_argextremum")} == {name}


PLANS = [
    Plan(order, chain, borders, merge, store, back)
    for order in ("native", "plane", "joint", "axes")
    for chain in (False, True)
    for borders in ("split", "pad")
    for merge in (False, True)
    for store in (False, True)
    for back in ("cover", "phases", "dilate")
]
PLAN_OF = {str(plan): plan for plan in PLANS}


def test_plans_have_names_of_their_own():
    # A chain of what is not one axis after another is no plan.
    assert len(PLAN_OF) == sum(plan.order == "axes" or not plan.chain for plan in PLANS)


def operator_program(operator, plan, platform, window, shape, dtype):
    """What is lowered for one operator, by its plan or by the choice."""
    x, y = (jax.ShapeDtypeStruct(s, dtype) for s in (shape, window.output_shape(shape)))
    offsets = jax.ShapeDtypeStruct(y.shape, window.offset_dtype)
    programs = {
        "window_sum": (lambda x: ops.window_sum(x, window, plan), x),
        "window_spread": (lambda g: ops.window_spread(g, window, plan), y),
        "window_extremum": (lambda x: ops.window_extremum(x, window, "max", plan, any_zero=True), x),
        "window_argextremum": (lambda x: ops.window_argextremum(x, window, "max", plan), x),
        "gather_at_offsets": (
            lambda x, o: ops.gather_at_offsets(x, o, window, consistent=True, implementation=plan),
            x,
            offsets,
        ),
        "scatter_at_offsets": (
            lambda g, o: ops.scatter_at_offsets(g, o, window, consistent=True, implementation=plan),
            y,
            offsets,
        ),
        "gather_at_extremum": (lambda t, x: ops.gather_at_extremum(t, x, window, "max", plan), x, x),
        "scatter_at_extremum": (lambda g, x: ops.scatter_at_extremum(g, x, window, "max", plan), y, x),
    }
    function, *arrays = programs[operator]
    return jax.jit(function).trace(*arrays).lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
@pytest.mark.parametrize(
    ("window", "strides", "dtype"),
    [
        ((2, 2), 2, "float32"),
        ((3, 3), 1, "float32"),
        ((3, 3), 1, "bfloat16"),
        ((9, 9), 1, "float32"),
        ((3, 3), 2, "float32"),
        ((16, 16), 1, "float32"),
        ((40, 40), 1, "float32"),
    ],
)
def test_the_chosen_implementation_is_the_one_that_runs(platform, window, strides, dtype):
    shape = (2, 48, 48, 16) if window == (40, 40) else (2, 16, 16, 16)
    name = {"cuda": "gpu"}.get(platform, platform)
    chosen = jaxpool.chosen_implementation(shape, window, strides, platform=name, dtype=dtype)
    geometry = pooling_window(shape, window, strides, padding_is_empty=True)
    for operator, plan in chosen.items():
        if operator == "gather_at_extremum":
            # It names the plan of the gather; the offsets before it have their own.
            continue
        by_default = operator_program(operator, None, platform, geometry, shape, dtype)
        if plan == "select_and_scatter":
            assert plan in by_default
            continue
        assert by_default == operator_program(operator, PLAN_OF[plan], platform, geometry, shape, dtype), operator


@pytest.mark.parametrize(
    ("shape", "window", "channel_axis"),
    [((1, 96, 96, 32), (31, 31), -1), ((1, 32, 96, 96), (31, 31), 1), ((1, 20, 20, 20, 32), (7, 7, 7), -1)],
)
def test_gradients_of_large_windows_are_small_programs(shape, window, channel_axis):
    # One axis after another: some operations for each tap along an axis, not for each tap of the window.
    gradient = jax.grad(lambda x: jaxpool.max_pool(x, window, 2, channel_axis=channel_axis).sum())
    text = jax.jit(gradient).lower(jax.ShapeDtypeStruct(shape, jnp.float32)).as_text()
    assert text.count("\n") < 60 * sum(window) + 200


def test_a_pool_of_a_pool_computes_no_tap_from_its_taps():
    def pool(x):
        return jaxpool.max_pool(x, (3, 3), 1, "SAME")

    def slices(function):
        compiled = jax.jit(function).lower(jax.ShapeDtypeStruct((2, 12, 12, 32), jnp.float32)).compile()
        return compiled.as_text().count(" slice(")

    assert 0 < slices(lambda x: pool(pool(x))) <= 2 * slices(pool)


def test_windows_of_a_chain_are_not_computed_for_every_tap_of_the_next():
    pool = functools.partial(jaxpool.max_pool_with_argmax, window_shape=(13, 13), padding="SAME")
    compiled = jax.jit(pool).lower(jax.ShapeDtypeStruct((2, 16, 16, 64), jnp.float32)).compile()
    selections = [computation.count(" select(") for computation in compiled.as_text().split("\n\n")]
    # 13 taps are windows of 5 and 3: four comparisons, for the values, their places in the row and in the window.
    assert 0 < max(selections) <= 4 * 3


@pytest.mark.parametrize("channels", [10, 64])
def test_values_of_a_chain_are_not_computed_for_every_tap_of_the_next(channels):
    pool = functools.partial(jaxpool.max_pool, window_shape=(13, 13), padding="SAME")
    compiled = jax.jit(pool).lower(jax.ShapeDtypeStruct((2, 16, 16, channels), jnp.float32)).compile()
    maxima = [computation.count("direction=GT") for computation in compiled.as_text().split("\n\n")]
    # 13 taps are windows of 5 and 3: four comparisons.
    assert 0 < max(maxima) <= 4


@pytest.mark.parametrize(
    ("operator", "window", "channels", "dtype", "chosen"),
    [
        ("window_extremum", (13, 13), 10, "float32", "chain, merged, stored"),
        ("window_extremum", (13, 13), 10, "bfloat16", "chain, merged, stored"),
        ("window_extremum", (3, 3), 3, "bfloat16", "separable"),
        ("window_argextremum", (9, 9), 10, "float32", "chain, merged, stored"),
        ("window_argextremum", (9, 9), 10, "bfloat16", "chain, merged, stored"),
        ("window_argextremum", (10,), 10, "float32", "chain, merged, stored"),
        ("scatter_at_offsets", (14, 14), 64, "float32", "chain, stored"),
        ("scatter_at_offsets", (9, 9), 10, "float32", "separable, merged, stored"),
        ("scatter_at_offsets", (9, 9), 10, "bfloat16", "separable, merged, stored"),
    ],
)
def test_what_suits_few_channels_and_large_windows_on_cpu(operator, window, channels, dtype, chosen):
    shape = (2, *[40] * len(window), channels)
    found = jaxpool.chosen_implementation(shape, window, 1, "SAME", platform="cpu", dtype=dtype)
    assert found[operator] == chosen


def test_every_operator_has_a_choice_everywhere():
    for platform in PLATFORMS:
        for window in [(1,), (2, 2), (13, 13), (3, 3, 3), (300,)]:
            shape = (1, *[512 if len(window) == 1 else 16] * len(window), 1)
            chosen = jaxpool.chosen_implementation(shape, window, platform=platform)
            if platform == "tpu" and window != (16,) * len(window):
                kept = {"gather_at_extremum", "scatter_at_extremum"}
                assert set(chosen) == set(OPERATORS) - {"gather_at_offsets", "scatter_at_offsets"} | kept
            else:
                assert set(chosen) == set(OPERATORS)


@pytest.mark.parametrize("residual", [None, "offsets", "input"])
@pytest.mark.parametrize(("window", "dilation"), [((2, 2), 1), ((3, 3), 2), ((16, 16), 1)])
@pytest.mark.parametrize("platform", ["cpu", "gpu", "tpu"])
def test_the_gradient_is_native_where_the_choice_says_so(platform, window, dilation, residual, monkeypatch):
    backend = {"gpu": "cuda"}.get(platform, platform)
    # What derivatives keep is decided while tracing, by the default backend.
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    jax.clear_caches()
    arguments = {"window_dilation": dilation, "residual": residual}
    chosen = jaxpool.chosen_implementation((2, 16, 16, 4), window, platform=platform, **arguments)
    kept = {"scatter_at_offsets", "scatter_at_extremum"} & set(chosen)
    assert len(kept) == 1
    assert ("scatter_at_extremum" in kept) == (residual == "input" or "select_and_scatter" in chosen.values())
    gradient = jax.grad(lambda x: jaxpool.max_pool(x, window, **arguments).sum())
    x = jax.ShapeDtypeStruct((2, 16, 16, 4), jnp.float32)
    text = jax.jit(gradient).trace(x).lower(lowering_platforms=(backend,)).as_text()
    assert ("select_and_scatter" in text) == ("select_and_scatter" in chosen.values())


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_one_trace_per_shape(row, caplog):
    chex.clear_trace_counter()
    pooled = jax.jit(chex.assert_max_traces(lambda x: row(x), n=1))
    first = row.inputs()
    shapes = {jax.tree.map(jnp.shape, pooled(x)) for x in (first, first + 1, -first)}
    assert len(shapes) == 1
    with pytest.raises(AssertionError, match="is traced > 1 times"):
        pooled(row.inputs((1, *row.shape[1:])))
    # Outside of `jit`, too, nothing is compiled for other values of a shape.
    row(first)
    with jax.log_compiles():
        row(first + 2)
        assert not [record for record in caplog.records if record.getMessage().startswith("Compiling")]
        row(row.inputs((3, *row.shape[1:])))
        assert [record for record in caplog.records if record.getMessage().startswith("Compiling")]
