"""Keras layers and ONNX operators say the same as the functions here, wherever they follow their own rules.

Keras: values of the layers with the JAX backend. ONNX, opset 22: every case is compared with the written specification,
as loops over NumPy arrays below, with the shape inference of the `onnx` package, and with its reference evaluator.

Where Keras differs (each in a test that may fail, so that nothing here breaks when it is mended):

- Adaptive layers on JAX compute the bounds of their windows in float32, as multiples of the reciprocal of the output
  size. For 7, 13, 14 and 15 outputs, of those up to 24, bounds that are whole numbers can come out too large: values
  are wrong, or NaN. Here bounds are integers.
- Average layers sum bfloat16 in bfloat16; here it is summed in float32.
- `GlobalAveragePooling1D` gives NaN where a mask is all False; here 0.

Where the reference evaluator differs from the specification, which is what the functions here follow; FAULTS below has
the same list, EXAMPLES one case of each:

- AveragePool, LpPool with `ceil_mode`: what windows reach beyond the padding is put half before and half after the
  input, so that from two cells on every window moves. In the specification the first window starts with the low
  padding.
- LpPool with `ceil_mode`: norms of windows that reach beyond the padding are scaled by (kernel / cells inside)^(1/p).
- AveragePool, LpPool with `auto_pad`: dilation is left out of sizes and padding; `ceil_mode` is refused.
- SAME with strides above the window: padding becomes negative, which crops (MaxPool) or raises an error.
- MaxPool with strides and dilations of 1: `pads` are ignored for one and three spatial axes, and taken as top, bottom,
  left, right for two, twice with `ceil_mode`; SAME raises an error but for two axes; indices count neither batch nor
  channel, and take places in the window for places in the output.
- MaxPool with other strides or dilations: SAME_LOWER rounds sizes down and puts the odd cell at the end.
- GlobalMaxPool reduces the last two axes whatever the rank; GlobalLpPool is missing.
- MaxUnpool with `output_shape`: indices are taken for those of the smallest plane that the attributes allow.

Where ONNX leaves room, and what the functions here do:

- `auto_pad="VALID"` with `ceil_mode`: the formula of the operator does not round up, that of shape inference does. Here
  "VALID" rounds up as `ceil_mode` says, and gives either.
- LpPool with `ceil_mode`: only the texts of AveragePool and MaxPool leave out windows that would start in the high
  padding. Here, as in shape inference and the evaluator, all three do.
- Windows wholly in padding have neither a maximum nor, without `count_include_pad`, a mean: an error here.
- NaN: the texts say nothing, and the evaluator skips it in some cases; here it propagates.
"""

import functools
import itertools
import math
import os
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxpool

os.environ["KERAS_BACKEND"] = "jax"


def random_array(shape, seed):
    # Small integers: ties are common, and sums are exact.
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)


# Compiling takes nearly all of the time of these tests.
quick = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


# ---- Keras


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def keras_layer(keras, name, x, *args, **kwargs):
    """What a layer says, in the dtype of its inputs."""
    mask = {"mask": kwargs.pop("mask")} if "mask" in kwargs else {}
    layer = getattr(keras.layers, name)(*args, dtype=str(x.dtype), **kwargs)
    return quick(layer)(jnp.asarray(x), **mask)


def keras_input(rng, sizes, seed):
    """Inputs, Keras's name of the layout, and its channel axis."""
    last = bool(rng.integers(2))
    shape = (2, *sizes, 3) if last else (2, 3, *sizes)
    return random_array(shape, seed), "channels_last" if last else "channels_first", -1 if last else 1


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_windowed_layers(keras, kind, seed):
    rng = np.random.default_rng(seed)
    rank, same, default_strides = 1 + seed % 3, seed // 3 % 2 == 1, seed // 6 % 3 == 0
    sizes = rng.integers(3, {1: 12, 2: 8, 3: 5}[rank] + 1, rank)
    window = tuple(int(rng.integers(1, min(n, 4) + 1)) for n in sizes)
    strides = window if default_strides else tuple(int(rng.integers(1, 4)) for _ in window)
    x, data_format, channel_axis = keras_input(rng, sizes, seed)
    expected = keras_layer(
        keras,
        f"{kind}Pooling{rank}D",
        x,
        window,
        strides=None if default_strides else strides,
        padding="same" if same else "valid",
        data_format=data_format,
    )
    arguments = {"window_shape": window, "strides": strides, "padding": "SAME" if same else "VALID"}
    if kind == "Max":
        pool = functools.partial(jaxpool.max_pool, **arguments, channel_axis=channel_axis)
    else:
        pool = functools.partial(jaxpool.avg_pool, **arguments, count_include_pad=False, channel_axis=channel_axis)
    y = quick(pool)(x)
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_global_layers(keras, kind, rank, data_format, keepdims):
    sizes = (5, 4, 3)[:rank]
    x = random_array((2, *sizes, 3) if data_format == "channels_last" else (2, 3, *sizes), rank)
    expected = keras_layer(keras, f"Global{kind}Pooling{rank}D", x, data_format=data_format, keepdims=keepdims)
    pool = jaxpool.global_max_pool if kind == "Max" else jaxpool.global_avg_pool
    channel_axis = -1 if data_format == "channels_last" else 1
    y = pool(x, num_spatial_dims=rank, keepdims=keepdims, channel_axis=channel_axis)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)


def adaptive(kind, x, outputs, channel_axis):
    pool = jaxpool.adaptive_max_pool if kind == "Max" else jaxpool.adaptive_avg_pool
    return quick(lambda x: pool(x, outputs, channel_axis=channel_axis))(x)


def adaptive_by_rule(kind, x, outputs, channel_axis):
    """Window i of n along an axis of size s: from floor(i * s / n) up to ceil((i + 1) * s / n)."""
    y = np.float64(x)
    first = 2 if channel_axis == 1 else 1
    for axis, n in enumerate(outputs, first):
        size = y.shape[axis]
        parts = [np.take(y, range(i * size // n, -(-(i + 1) * size // n)), axis) for i in range(n)]
        y = np.stack([part.max(axis) if kind == "Max" else part.mean(axis) for part in parts], axis)
    return y


# For these numbers of outputs a bound that is a whole number is one in float32 too, by division and by multiplication
# with the reciprocal. Left out up to 12: 7, see INEXACT.
EXACT_OUTPUTS = (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_adaptive_layers(keras, kind, seed):
    rng = np.random.default_rng(seed)
    rank = (1, 2, 1, 3, 1, 2)[seed % 6]
    largest = {1: 20, 2: 9, 3: 4}[rank]
    sizes = rng.integers(1, largest + 1, rank)
    outputs = tuple(int(rng.choice([n for n in EXACT_OUTPUTS if n <= largest])) for _ in sizes)
    x, data_format, channel_axis = keras_input(rng, sizes, seed)
    expected = keras_layer(keras, f"Adaptive{kind}Pooling{rank}D", x, outputs, data_format=data_format)
    y = adaptive(kind, x, outputs, channel_axis)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(y, adaptive_by_rule(kind, x, outputs, channel_axis), rtol=1e-6, atol=1e-6)


# Sizes and outputs for which a bound is wrong in float32: 21 * (1 / 7) is above 3, and its ceiling is 4.
INEXACT = [(7, 7), (13, 7), (14, 7), (3, 7), (13, 13), (15, 15)]


@pytest.mark.parametrize(("size", "outputs"), INEXACT)
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_adaptive_pools_follow_the_integer_rule_where_keras_rounds(kind, size, outputs):
    x = random_array((2, size, 3), size)
    y = adaptive(kind, x, (outputs,), -1)
    np.testing.assert_allclose(y, adaptive_by_rule(kind, x, (outputs,), -1), rtol=1e-6, atol=1e-6)


@pytest.mark.fault_of_others("Keras: bounds of adaptive windows in float32")
@pytest.mark.parametrize(("size", "outputs"), INEXACT)
def test_keras_follows_the_integer_rule(keras, size, outputs):
    x = random_array((2, size, 3), size)
    y = keras_layer(keras, "AdaptiveAveragePooling1D", x, outputs)
    np.testing.assert_allclose(y, adaptive_by_rule("Average", x, (outputs,), -1), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_mask_of_a_layer_is_where(keras, seed):
    x = random_array((3, 6, 4), seed)
    mask = np.random.default_rng(seed).random((3, 6)) < 0.5
    mask[:, 2] = True
    expected = keras_layer(keras, "GlobalAveragePooling1D", x, mask=jnp.asarray(mask))
    y = jaxpool.global_avg_pool(x, num_spatial_dims=1, where=mask[..., None])
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.fault_of_others("Keras: NaN where a mask is all False")
def test_keras_has_a_value_where_a_mask_is_all_false(keras):
    y = keras_layer(keras, "GlobalAveragePooling1D", np.ones((1, 6, 4), np.float32), mask=jnp.zeros((1, 6), bool))
    np.testing.assert_array_equal(y, np.zeros((1, 4)))


def test_a_mask_that_is_all_false_gives_0():
    y = jaxpool.global_avg_pool(jnp.ones((1, 6, 4)), num_spatial_dims=1, where=jnp.zeros((1, 6, 1), bool))
    np.testing.assert_array_equal(y, np.zeros((1, 4)))


@pytest.mark.fault_of_others("Keras: bfloat16 is summed in bfloat16")
def test_keras_averages_bfloat16(keras):
    x = jnp.full((1, 64, 64, 1), 1.1, jnp.bfloat16)
    assert keras_layer(keras, "AveragePooling2D", x, (64, 64)).item() == x[0, 0, 0, 0].item()


def test_average_of_bfloat16():
    x = jnp.full((1, 64, 64, 1), 1.1, jnp.bfloat16)
    assert jaxpool.avg_pool(x, (64, 64)).item() == x[0, 0, 0, 0].item()


# ---- ONNX


class Case(NamedTuple):
    """One node; attributes that are None are left out."""

    operator: str
    shape: tuple[int, ...]
    kernel_shape: tuple[int, ...]
    strides: tuple[int, ...] | None = None
    dilations: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    auto_pad: str | None = None
    ceil_mode: int | None = None
    count_include_pad: int | None = None
    storage_order: int | None = None
    p: int | None = None

    @property
    def attributes(self):
        return {k: v for k, v in self._asdict().items() if v is not None and k not in ("operator", "shape")}

    @property
    def rank(self):
        return len(self.kernel_shape)

    @property
    def same(self):
        return self.auto_pad in ("SAME_UPPER", "SAME_LOWER")


class Axis(NamedTuple):
    size: int
    kernel: int
    stride: int
    dilation: int
    low: int
    high: int
    outputs: int

    @property
    def extent(self):
        return (self.kernel - 1) * self.dilation + 1

    @property
    def overflow(self):
        """Cells that the last window reaches beyond the padding."""
        return max((self.outputs - 1) * self.stride + self.extent - self.size - self.low - self.high, 0)


def axes_of(case):
    """Output sizes and padding: the formulas of the specification."""
    ones = (1,) * case.rank
    pads = case.pads or (0,) * (2 * case.rank)
    result = []
    for i, (size, kernel, stride, dilation) in enumerate(
        zip(case.shape[2:], case.kernel_shape, case.strides or ones, case.dilations or ones, strict=True)
    ):
        low, high = pads[i], pads[case.rank + i]
        extent = (kernel - 1) * dilation + 1
        if case.same:
            outputs = math.ceil(size / stride) if case.ceil_mode else (size - 1) // stride + 1
            total = max((outputs - 1) * stride + extent - size, 0)
            low, high = total // 2, total - total // 2
            if case.auto_pad == "SAME_LOWER":
                low, high = high, low
        elif case.auto_pad == "VALID":
            outputs = math.ceil((size - extent + 1) / stride) if case.ceil_mode else (size - extent) // stride + 1
        else:
            steps = (size + low + high - dilation * (kernel - 1) - 1) / stride + 1
            outputs = math.ceil(steps) if case.ceil_mode else math.floor(steps)
            # "Sliding windows that would start in the right padded region are ignored."
            while case.ceil_mode and (outputs - 1) * stride >= size + low:
                outputs -= 1
        result.append(Axis(size, kernel, stride, dilation, low, high, outputs))
    return result


def windows_of(case):
    """For every output its index, the positions of its window inside the input, and how many cells of it exist.

    Cells of the input and of its padding exist, those beyond, which windows reach in ceil mode, do not.
    """
    axes = axes_of(case)
    for index in itertools.product(*(range(axis.outputs) for axis in axes)):
        places = [
            [o * axis.stride - axis.low + tap * axis.dilation for tap in range(axis.kernel)]
            for o, axis in zip(index, axes, strict=True)
        ]
        inside = [[p for p in ps if 0 <= p < axis.size] for ps, axis in zip(places, axes, strict=True)]
        padded = [sum(p < axis.size + axis.high for p in ps) for ps, axis in zip(places, axes, strict=True)]
        yield index, list(itertools.product(*inside)), math.prod(padded)


def specified(case, x):
    """The outputs that the specification asks for: values and, of MaxPool, indices."""
    sizes = x.shape[2:]
    y = np.zeros((*x.shape[:2], *(axis.outputs for axis in axes_of(case))))
    indices = np.zeros(y.shape, np.int64)
    maps = np.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2]) * math.prod(sizes)
    for index, places, cells in windows_of(case):
        window = np.stack([np.float64(x[(..., *place)]) for place in places])
        at = (..., *index)
        if case.operator == "AveragePool":
            y[at] = window.sum(0) / (cells if case.count_include_pad else len(places))
        elif case.operator == "LpPool":
            p = case.p or 2
            y[at] = (np.abs(window) ** p).sum(0) ** (1 / p)
        else:
            y[at] = window.max(0)
            order = range(len(sizes)) if not case.storage_order else range(len(sizes))[::-1]
            flat = [np.ravel_multi_index([place[i] for i in order], [sizes[i] for i in order]) for place in places]
            indices[at] = maps + np.asarray(flat)[window.argmax(0)]
    return y, indices


def ours(case, x):
    """The same node as a call."""
    if case.auto_pad in (None, "NOTSET"):
        pads = case.pads or (0,) * (2 * case.rank)
        padding = tuple(zip(pads[: case.rank], pads[case.rank :], strict=True))
    else:
        padding = {"SAME_UPPER": "SAME", "SAME_LOWER": "SAME_LOWER", "VALID": "VALID"}[case.auto_pad]
    arguments = {
        "window_shape": case.kernel_shape,
        "strides": case.strides,
        "padding": padding,
        "window_dilation": case.dilations or 1,
        "ceil_mode": bool(case.ceil_mode) and case.auto_pad != "VALID",
        "channel_axis": 1,
    }
    layout = {"storage_order": case.storage_order or 0, "num_spatial_dims": case.rank, "channel_axis": 1}

    @quick
    def call(x):
        if case.operator == "AveragePool":
            return jaxpool.avg_pool(x, count_include_pad=bool(case.count_include_pad), **arguments), None, None
        if case.operator == "LpPool":
            return jaxpool.lp_pool(x, p=case.p or 2, **arguments), None, None
        y, places = jaxpool.max_pool_with_argmax(x, **arguments)
        indices = jaxpool.indices_to_onnx(places, x.shape, **layout)
        return y, indices, jaxpool.indices_from_onnx(indices, x.shape, **layout) == places

    y, indices, returned = call(x)
    assert returned is None or returned.all()
    return y, indices


class Onnx:
    """The `onnx` package, for models of one node."""

    def __init__(self):
        self.onnx = pytest.importorskip("onnx")
        self.reference = pytest.importorskip("onnx.reference")
        self.inference = pytest.importorskip("onnx.shape_inference")

    def model(self, operator, inputs, attributes, outputs):
        helper = self.onnx.helper
        names = [f"x{i}" for i in range(len(inputs))], [f"y{i}" for i in range(outputs)]
        node = helper.make_node(operator, *names, **attributes)
        values = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for name, x in zip(names[0], inputs, strict=True)
        ]
        results = [helper.make_tensor_value_info(name, self.onnx.TensorProto.FLOAT, None) for name in names[1]]
        graph = helper.make_graph([node], "node", values, results)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])

    def evaluate(self, operator, inputs, attributes, outputs=1):
        model = self.model(operator, inputs, attributes, outputs)
        feeds = {f"x{i}": x for i, x in enumerate(inputs)}
        return self.reference.ReferenceEvaluator(model).run(None, feeds)

    def inferred_shape(self, operator, inputs, attributes):
        model = self.inference.infer_shapes(self.model(operator, inputs, attributes, 1), strict_mode=True)
        return tuple(size.dim_value for size in model.graph.output[0].type.tensor_type.shape.dim)


@pytest.fixture(scope="module")
def onnx():
    return Onnx()


def random_node(operator, seed):
    """A node whose windows all hold an element of the input; ranks 1 to 3, attributes left out now and then."""
    rng = np.random.default_rng(seed)
    rank = 1 + seed % 3
    auto_pad = (None, "SAME_LOWER", None, "SAME_UPPER", "NOTSET", None, "VALID")[seed // 3 % 7]
    explicit = auto_pad in (None, "NOTSET")
    ceil_mode = (None, 0, None, 0, 1, 1, 1)[rng.integers(7 if explicit else 5)]

    def sometimes(share, draw):
        return tuple(int(draw()) for _ in range(rank)) if rng.random() < share else None

    while True:
        sizes = rng.integers(2, {1: 10, 2: 6, 3: 4}[rank] + 1, rank)
        kernel = tuple(int(rng.integers(1, 4)) for _ in range(rank))
        case = Case(
            operator,
            (int(rng.integers(1, 3)), 2, *map(int, sizes)),
            kernel,
            strides=sometimes(0.7, lambda: rng.integers(1, 4)),
            dilations=sometimes(0.4, lambda: rng.integers(1, 3)),
            pads=tuple(int(rng.integers(0, k)) for k in kernel * 2) if explicit and rng.random() < 0.8 else None,
            auto_pad=auto_pad,
            ceil_mode=ceil_mode,
            count_include_pad=(None, 0, 1, 1)[rng.integers(4)] if operator == "AveragePool" else None,
            storage_order=(None, 0, 1)[rng.integers(3)] if operator == "MaxPool" else None,
            p=(None, 1, 2, 3)[rng.integers(4)] if operator == "LpPool" else None,
        )
        # Rounding up and SAME are to make a difference.
        axes = axes_of(case)
        rounded = not case.ceil_mode or not explicit or axes != axes_of(case._replace(ceil_mode=0))
        padded = not case.same or any(axis.low != axis.high for axis in axes)
        fits = all(axis.outputs > 0 for axis in axes) and all(places for _, places, _ in windows_of(case))
        if rounded and padded and fits:
            return case


# Where the reference evaluator does not follow the specification: the cases that are compared with the specification
# alone, each with its reason. EXAMPLES has one of each.
FAULTS = {
    "ceil": "the evaluator puts half of what windows reach beyond the padding before the input",
    "lp ceil": "the evaluator scales norms of windows that reach beyond the padding",
    "auto_pad ceil": "the evaluator refuses ceil_mode with auto_pad",
    "auto_pad dilation": "the evaluator leaves dilation out of auto_pad",
    "same stride": "the evaluator pads by a negative number with SAME and strides above the window",
    "max pads": "the evaluator's MaxPool with steps of 1 ignores pads, or takes them in another order",
    "max same": "the evaluator's MaxPool with steps of 1 raises an error with SAME",
    "max same lower": "the evaluator's MaxPool rounds down, and puts the odd cell at the end, with SAME_LOWER",
    "max indices": "the evaluator's MaxPool with steps of 1 gives indices that are no positions of maxima",
    "global max": "the evaluator's GlobalMaxPool reduces the last two axes",
    "global lp": "the evaluator has no GlobalLpPool",
    "unpool output_shape": "the evaluator's MaxUnpool takes indices for those of the smallest plane",
}


def steps_of_1(case):
    return all(axis.stride == axis.dilation == 1 for axis in axes_of(case))


def fault_of(case):
    """The name of the reason why the evaluator's values are not compared, or None."""
    axes = axes_of(case)
    faults = {
        "auto_pad ceil": case.operator != "MaxPool" and case.auto_pad not in (None, "NOTSET") and case.ceil_mode,
        "auto_pad dilation": case.operator != "MaxPool"
        and case.auto_pad not in (None, "NOTSET")
        and any(axis.dilation > 1 < axis.kernel for axis in axes),
        "same stride": case.same and any((axis.outputs - 1) * axis.stride + axis.extent < axis.size for axis in axes),
        "max pads": case.operator == "MaxPool"
        and any(case.pads or ())
        and steps_of_1(case)
        and (case.rank != 2 or case.pads[1] != case.pads[2] or case.ceil_mode),
        "max same": case.operator == "MaxPool" and case.same and steps_of_1(case) and case.rank != 2,
        "max same lower": case.operator == "MaxPool"
        and case.auto_pad == "SAME_LOWER"
        and not steps_of_1(case)
        and any(axis.size % axis.stride or (axis.low + axis.high) % 2 for axis in axes),
        "ceil": case.operator != "MaxPool" and any(axis.overflow > 1 for axis in axes),
        "lp ceil": case.operator == "LpPool" and any(axis.overflow for axis in axes),
    }
    return next((name for name, found in faults.items() if found), None)


def index_fault_of(case):
    return fault_of(case) or ("max indices" if steps_of_1(case) else None)


def assert_same_values(y, expected):
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=2e-6, atol=1e-6)


NODES = {"AveragePool": 60, "MaxPool": 48, "LpPool": 36}


@pytest.mark.parametrize(("operator", "seed"), [(name, seed) for name, seeds in NODES.items() for seed in range(seeds)])
def test_nodes(onnx, operator, seed):
    case = random_node(operator, seed)
    x = random_array(case.shape, seed)
    y, indices = ours(case, x)
    expected, places = specified(case, x)
    assert_same_values(y, expected)
    if indices is not None:
        np.testing.assert_array_equal(indices, places)
    if not (case.auto_pad == "VALID" and case.ceil_mode):  # see the tests below
        assert y.shape == onnx.inferred_shape(operator, [x], case.attributes)
    if fault_of(case) is None:
        assert_same_values(y, onnx.evaluate(operator, [x], case.attributes)[0])
    if operator == "MaxPool" and index_fault_of(case) is None:
        np.testing.assert_array_equal(indices, onnx.evaluate(operator, [x], case.attributes, 2)[1])


@pytest.mark.parametrize("operator", NODES)
def test_many_nodes_are_compared_with_the_evaluator(operator):
    cases = [random_node(operator, seed) for seed in range(NODES[operator])]
    faults = [index_fault_of(case) if operator == "MaxPool" else fault_of(case) for case in cases]
    assert faults.count(None) >= len(cases) / 3
    assert set(faults) - {None} <= FAULTS.keys()


# The fault, a node, its input and the values that follow from the specification by hand; of "max indices" the indices.
EXAMPLES = [
    # Windows of 4 cells at 0 and 3: the second reaches two cells beyond the input.
    ("ceil", Case("AveragePool", (1, 1, 5), (4,), (3,), ceil_mode=1), [1, 2, 3, 4, 5], [2.5, 4.5]),
    ("ceil", Case("LpPool", (1, 1, 5), (4,), (3,), ceil_mode=1, p=1), [1, 2, 3, 4, 5], [10, 9]),
    ("lp ceil", Case("LpPool", (1, 1, 3), (2,), (2,), ceil_mode=1, p=1), [1, 2, 3], [3, 3]),
    (
        "auto_pad ceil",
        Case("AveragePool", (1, 1, 3), (2,), (2,), auto_pad="SAME_UPPER", ceil_mode=1),
        [1, 2, 3],
        [1.5, 3],
    ),
    (
        "auto_pad dilation",
        Case("AveragePool", (1, 1, 4), (2,), dilations=(2,), auto_pad="VALID"),
        [1, 2, 3, 4],
        [2, 3],
    ),
    (
        "auto_pad dilation",
        Case("LpPool", (1, 1, 4), (2,), dilations=(2,), auto_pad="SAME_LOWER", p=1),
        [1, 2, 3, 4],
        [2, 4, 6, 3],
    ),
    # One window per three cells needs no padding.
    ("same stride", Case("MaxPool", (1, 1, 6), (1,), (3,), auto_pad="SAME_UPPER"), [6, 5, 4, 3, 2, 1], [6, 3]),
    ("same stride", Case("AveragePool", (1, 1, 6), (1,), (3,), auto_pad="SAME_LOWER"), [6, 5, 4, 3, 2, 1], [6, 3]),
    ("max pads", Case("MaxPool", (1, 1, 3), (2,), pads=(1, 0)), [1, 2, 3], [1, 2, 3]),
    ("max pads", Case("MaxPool", (1, 1, 2, 2), (1, 2), pads=(0, 1, 0, 0)), [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
    ("max same", Case("MaxPool", (1, 1, 3), (2,), auto_pad="SAME_UPPER"), [3, 1, 2], [3, 2, 2]),
    ("max same lower", Case("MaxPool", (1, 1, 3), (2,), (2,), auto_pad="SAME_LOWER"), [1, 2, 3], [1, 3]),
    ("max indices", Case("MaxPool", (1, 2, 3), (2,)), [[1, 3, 2], [4, 5, 6]], [[1, 1], [4, 5]]),
]
EXAMPLE_NAMES = [f"{fault}-{case.operator}" for fault, case, _, _ in EXAMPLES]
# These have their own tests.
WITHOUT_WINDOW = {"global max", "global lp", "unpool output_shape"}


def example_arrays(case, x, expected):
    expected = np.array(expected, np.float32)
    return np.array(x, np.float32).reshape(case.shape), expected.reshape(1, -1, *expected.shape[-case.rank :])


@pytest.mark.parametrize(("fault", "case", "x", "expected"), EXAMPLES, ids=EXAMPLE_NAMES)
def test_the_specification_where_the_evaluator_differs(fault, case, x, expected):
    assert index_fault_of(case) == fault
    x, expected = example_arrays(case, x, expected)
    output = 1 if fault == "max indices" else 0
    assert_same_values(specified(case, x)[output], expected)
    assert_same_values(ours(case, x)[output], expected)


@pytest.mark.fault_of_others("the reference evaluator of ONNX, see FAULTS")
@pytest.mark.parametrize(("fault", "case", "x", "expected"), EXAMPLES, ids=EXAMPLE_NAMES)
def test_the_evaluator_where_it_differs(onnx, fault, case, x, expected):
    x, expected = example_arrays(case, x, expected)
    outputs = 2 if fault == "max indices" else 1
    assert_same_values(onnx.evaluate(case.operator, [x], case.attributes, outputs)[-1], expected)


def test_every_fault_has_an_example():
    assert {fault for fault, *_ in EXAMPLES} | WITHOUT_WINDOW == FAULTS.keys()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("operator", ["GlobalAveragePool", "GlobalMaxPool"])
def test_global_nodes(onnx, operator, rank, seed):
    x = random_array((1 + seed, 3, *(5, 4, 3)[:rank]), seed)
    arguments = {"num_spatial_dims": rank, "keepdims": True, "channel_axis": 1}
    spatial = tuple(range(2, rank + 2))
    if operator == "GlobalMaxPool":
        y, expected = jaxpool.global_max_pool(x, **arguments), x.max(spatial, keepdims=True)
    else:
        y, expected = jaxpool.global_avg_pool(x, **arguments), x.mean(spatial, keepdims=True)
    assert_same_values(y, expected)
    if operator == "GlobalAveragePool" or rank == 2:  # FAULTS["global max"]
        assert_same_values(y, onnx.evaluate(operator, [x], {})[0])


@pytest.mark.fault_of_others(FAULTS["global max"])
@pytest.mark.parametrize("rank", [1, 3])
def test_the_evaluator_of_global_maxima(onnx, rank):
    x = random_array((2, 3, *(5, 4, 3)[:rank]), rank)
    expected = x.max(tuple(range(2, rank + 2)), keepdims=True)
    assert_same_values(onnx.evaluate("GlobalMaxPool", [x], {})[0], expected)


@pytest.mark.parametrize("p", [None, 1, 3])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_global_lp_nodes(rank, p):
    # FAULTS["global lp"]: "equivalent to LpPool with kernel size equal to the spatial dimension of input tensor".
    x = random_array((2, 3, *(5, 4, 3)[:rank]), rank)
    arguments = {} if p is None else {"p": p}
    pool = functools.partial(jaxpool.global_lp_pool, num_spatial_dims=rank, keepdims=True, channel_axis=1, **arguments)
    y = quick(pool)(x)
    assert_same_values(y, specified(Case("LpPool", x.shape, x.shape[2:], p=p), x)[0])


@pytest.mark.fault_of_others(FAULTS["global lp"])
def test_the_evaluator_of_global_norms(onnx):
    x = np.array([[[3, -4]]], np.float32)
    assert onnx.evaluate("GlobalLpPool", [x], {"p": 2})[0].item() == 5


@pytest.mark.parametrize("seed", range(12))
def test_unpooling_nodes(onnx, seed):
    rng = np.random.default_rng(seed)
    rank, explicit = 1 + seed % 3, seed // 3 % 2 == 1
    kernel = tuple(int(rng.integers(1, 4)) for _ in range(rank))
    strides = tuple(int(rng.integers(1, 4)) for _ in range(rank)) if rng.random() < 0.8 else None
    # Padding, and what the plane has beyond the last window, leave every window an element.
    pads = tuple(int(rng.integers(0, (k + 1) // 2)) for k in kernel * 2)
    outputs = [int(rng.integers(2, 4)) for _ in range(rank)]
    steps = strides or (1,) * rank
    smallest = [
        (o - 1) * s + k - low - high
        for o, s, k, low, high in zip(outputs, steps, kernel, pads[:rank], pads[rank:], strict=True)
    ]
    sizes = [n + int(rng.integers(0, s)) if explicit else n for n, s in zip(smallest, steps, strict=True)]
    case = Case("MaxPool", (2, 2, *sizes), kernel, strides, pads=pads)
    values, indices = specified(case, random_array(case.shape, seed))
    values = np.float32(values)
    expected = np.zeros(case.shape, np.float32)
    expected.flat[indices.ravel()] = values.ravel()

    padding = tuple(zip(pads[:rank], pads[rank:], strict=True))
    plane = {"output_shape": sizes} if explicit else {"window_shape": kernel, "strides": strides, "padding": padding}

    @quick
    def unpool(values, indices):
        places = jaxpool.indices_from_onnx(indices, case.shape, num_spatial_dims=rank, channel_axis=1)
        return jaxpool.max_unpool(values, places, channel_axis=1, **plane)

    y = unpool(values, np.int32(indices))
    np.testing.assert_array_equal(y, expected)
    if sizes == smallest:  # FAULTS["unpool output_shape"]
        inputs = [values, indices, np.array(case.shape)] if explicit else [values, indices]
        attributes = {k: v for k, v in case.attributes.items() if k in ("kernel_shape", "strides", "pads")}
        np.testing.assert_array_equal(onnx.evaluate("MaxUnpool", inputs, attributes)[0], expected)


# Windows of 2 at 0 and 2 of five elements; the smallest plane has four.
UNPOOLED = {
    "values": np.array([[[5, 7]], [[6, 8]]], np.float32),
    "indices": np.array([[[1, 3]], [[5, 8]]]),
    "expected": [[[0, 5, 0, 7, 0]], [[6, 0, 0, 8, 0]]],
}


def test_unpooling_into_a_larger_plane():
    places = jaxpool.indices_from_onnx(np.int32(UNPOOLED["indices"]), (2, 1, 5), num_spatial_dims=1, channel_axis=1)
    y = jaxpool.max_unpool(UNPOOLED["values"], places, (2,), 2, output_shape=(5,), channel_axis=1)
    np.testing.assert_array_equal(y, UNPOOLED["expected"])


@pytest.mark.fault_of_others(FAULTS["unpool output_shape"])
def test_the_evaluator_of_unpooling_into_a_larger_plane(onnx):
    inputs = [UNPOOLED["values"], UNPOOLED["indices"], np.array([2, 1, 5])]
    y = onnx.evaluate("MaxUnpool", inputs, {"kernel_shape": (2,), "strides": (2,)})[0]
    np.testing.assert_array_equal(y, UNPOOLED["expected"])


# ---- Where ONNX leaves room


def test_valid_and_ceil_mode(onnx):
    x = np.array([[[1, 2, 3]]], np.float32)
    attributes = {"kernel_shape": (2,), "strides": (2,), "auto_pad": "VALID", "ceil_mode": 1}
    np.testing.assert_array_equal(
        jaxpool.max_pool(x, (2,), 2, "VALID", channel_axis=1), onnx.evaluate("MaxPool", [x], attributes)[0]
    )
    rounded_up = jaxpool.max_pool(x, (2,), 2, "VALID", ceil_mode=True, channel_axis=1)
    np.testing.assert_array_equal(rounded_up, [[[2, 3]]])
    assert rounded_up.shape == onnx.inferred_shape("MaxPool", [x], attributes)


@pytest.mark.parametrize(
    ("operator", "expected"), [("AveragePool", [3.5, 7]), ("MaxPool", [4, 8]), ("LpPool", [5, 10])]
)
def test_windows_that_start_in_the_high_padding_are_left_out(onnx, operator, expected):
    # Of the windows at 0, 2 and 4 the last one would start in the padding.
    case = Case(operator, (1, 1, 4), (2,), (2,), pads=(0, 1), ceil_mode=1)
    x = np.array([[[3, 4, 6, 8]]], np.float32)
    y = ours(case, x)[0]
    assert_same_values(y, np.array([[expected]]))
    assert_same_values(y, onnx.evaluate(operator, [x], case.attributes)[0])
    assert y.shape == onnx.inferred_shape(operator, [x], case.attributes)


@pytest.mark.parametrize("include", [0, 1])
def test_windows_wholly_in_padding(include):
    x = np.ones((1, 1, 2), np.float32)
    average = Case("AveragePool", x.shape, (2,), pads=(2, 2), count_include_pad=include)
    if include:
        np.testing.assert_allclose(ours(average, x)[0], [[[0, 0.5, 1, 0.5, 0]]], rtol=1e-6)
    else:
        with pytest.raises(ValueError, match="leave at least one element of the inputs in every window"):
            ours(average, x)
    with pytest.raises(ValueError, match="leave at least one element of the inputs in every window"):
        ours(average._replace(operator="MaxPool"), x)
    np.testing.assert_allclose(ours(average._replace(operator="LpPool", p=1), x)[0], [[[0, 1, 2, 1, 0]]], rtol=1e-6)


@pytest.mark.parametrize("operator", NODES)
def test_nan_propagates(operator):
    x = np.array([[[1, np.nan, 3, 4]]], np.float32)
    y = ours(Case(operator, x.shape, (2,), p=1 if operator == "LpPool" else None), x)[0]
    np.testing.assert_array_equal(np.isnan(y), [[[True, True, False]]])
