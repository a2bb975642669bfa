"""Checks of arguments that are no part of a window: arrays, dtypes, flags, options, numbers."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from jaxpool._geometry.foreign import spelled
from jaxpool._geometry.values import ArgumentError, as_index, kind_of, native, refuse, refused, shown, traced
from jaxpool._geometry.window import Window


def check_inputs(inputs: Any) -> None:
    """Refuses anything that is not an array."""
    if not (hasattr(inputs, "shape") and hasattr(inputs, "dtype")):
        remedy = "Convert with jnp.asarray first."
        refuse(TypeError, "inputs", "be an array", type(inputs).__name__, remedy)


def known_dtype(dtype: Any) -> np.dtype:
    """The dtype that an argument names; the inputs themselves are not at hand."""
    try:
        known = None if dtype is None else np.dtype(dtype)
    except (TypeError, ValueError):
        known = None
    if known is None or known.kind in "OUSMm":
        remedy = "Write it as jnp.bfloat16 or 'bfloat16'."
        refuse(TypeError, "dtype", "name a numeric dtype", repr(dtype), remedy)
    return known.newbyteorder("=")


# How the names of dtypes begin that JAX has no arrays of: text, times, records, keys, and floats of more than 64 bits.
_NO_NUMBERS = ("key<", "<U", "|S", "String", "datetime", "timedelta", "|V", "[", "{")
_TOO_WIDE = ("float96", "float128", "complex192", "complex256")


@functools.lru_cache(maxsize=256)
def check_dtype(dtype: Any, *, ordered: bool = False) -> None:
    """Refuses dtypes that are no numbers, and those without an order where one is needed."""
    name = "float0" if str(dtype) == "[('float0', 'V')]" else str(dtype)
    if name in ("object", "float0") or name.startswith(_NO_NUMBERS):
        remedy = "Pool arrays of floats, integers, booleans or complex numbers."
        if name.startswith(("[", "{")):
            remedy = f"Pool one of its fields, as inputs[{dtype.names[0]!r}]." if dtype.names else remedy
        refuse(TypeError, "inputs.dtype", "be numeric", name, remedy)
    if name in _TOO_WIDE:
        remedy = f"Convert with inputs.astype(np.{'complex128' if 'complex' in name else 'float64'}) first."
        refuse(TypeError, "inputs.dtype", "have at most 64 bits per real number", name, remedy)
    if ordered and name.startswith("complex"):
        remedy = "Pool jnp.abs(inputs), or the real and imaginary parts apart."
        refuse(TypeError, "inputs.dtype", "be real", name, remedy)


def check_option(argument: str, value: Any, options: Sequence[Any]) -> None:
    """Refuses a value that is none of the options."""
    known = isinstance(value, str | np.integer)
    if not any(value is option or (known and value == option) for option in options):
        names = ", ".join(repr(option) for option in options)
        remedy = spelled(argument, value, options) or "Pick one of them."
        refuse(ValueError, argument, f"be one of {names}", shown(value), remedy)


def check_flag(argument: str, value: Any) -> None:
    """Refuses anything but True and False."""
    if not isinstance(value, bool | np.bool_):
        fact = "" if traced(value) else f"a value of type {type(value).__name__}"
        remedy = "Write True or False; it must be known while tracing."
        refuse(TypeError, argument, "be True or False", shown(value), remedy, fact)


def check_pool(value: Any) -> None:
    """Refuses what cannot be called with inputs."""
    if not callable(value):
        remedy = "Pass a function such as jaxpool.adaptive_avg_pool, or a module, and its arguments by name."
        refuse(TypeError, "pool", "be None or a function of inputs", shown(value), remedy)


def check_implementation(value: Any, names: Sequence[str]) -> None:
    """Refuses an implementation that does not exist."""
    check_option("implementation", value, (None, *names))


def check_divisor(value: Any) -> int | None:
    """Refuses a divisor that is no integer, or 0."""
    if value is None:
        return None
    divisor = as_index("divisor_override", value, value)
    if divisor == 0:
        remedy = "Pass None to divide by the number of elements."
        refuse(ValueError, "divisor_override", "not be 0", 0, remedy)
    return divisor


def check_ddof(value: Any) -> int:
    """The number that is subtracted from that of the elements; refuses what is no integer, or negative."""
    ddof = as_index("ddof", value, value)
    if ddof < 0:
        refuse(ValueError, "ddof", "not be negative", ddof, "Pass 0 for the variance itself, 1 for an unbiased one.")
    return ddof


def index_dtype(
    argument: str,
    sizes: Sequence[Any],
    wide: bool,
    shape: Sequence[Any] | None = None,
    part: str = "a plane of ",
) -> str:
    """int32, or int64 where positions in an array of these sizes need it and `wide` allows it; refuses otherwise.

    `shape` is that of the array of which `sizes` are the plane, or another `part`.
    """
    whole = tuple(sizes if shape is None else shape)
    if not all(isinstance(size, int) for size in sizes):
        remedy = "Pass a shape without symbolic sizes."
        refuse(ValueError, argument, "have known sizes", whole, remedy, "indices of its elements")
    if math.prod(sizes) < 1 << 31:
        return "int32"
    if not wide:
        rule = f"have {'' if shape is None else part}at most 2**31 - 1 elements"
        remedy = "Set jax_enable_x64 for int64 indices, or work on parts of it."
        refuse(ValueError, argument, rule, whole, remedy, "int32 indices")
    return "int64"


def refuse_symbolic_indices(shape: Sequence[Any], convention: str) -> NoReturn:
    """Refuses indices in a plane whose sizes are not known."""
    rule, fact = "have known spatial sizes", f"index_convention={convention!r}"
    remedy = "Pass index_convention='window', whose offsets do not depend on them."
    refuse(ValueError, "inputs.shape", rule, tuple(shape), remedy, fact)


def check_where(value: Any, shape: tuple[Any, ...]) -> None:
    """Refuses a mask that is no boolean array, has another rank than the inputs, or does not broadcast to them.

    Axes are never added: a mask of batch and positions would be one of positions and channels where sizes agree.
    """
    fact = f"inputs of shape {shape}"
    if not hasattr(value, "shape") or str(getattr(value, "dtype", "")) != "bool":
        got, remedy = kind_of(value), "Compare first, as in where=mask > 0."
        if isinstance(value, list | tuple):
            remedy = "Convert with jnp.asarray first."
        elif not hasattr(value, "dtype"):
            got, remedy = shown(value), "Leave it out if all elements count."
        refuse(TypeError, "where", "be an array of booleans", got, remedy, fact)
    _check_broadcasts("where", tuple(value.shape), shape)


def check_real_array(
    argument: str, value: Any, shape: tuple[Any, ...], *, scalar: bool = False, of: str = "inputs"
) -> None:
    """Refuses what is no array of real numbers, or does not broadcast to the inputs; axes are never added.

    `scalar` is whether a number will do, too; `of` is what has the shape.
    """
    if scalar and isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) < math.inf:
            refuse(ValueError, argument, "be finite", value, "Pass a large number, or use max_pool.")
        return
    array: Any = native(value)
    numbers = str(getattr(array, "dtype", "")).startswith(("float", "bfloat", "int", "uint"))
    if not hasattr(array, "shape") or not numbers:
        remedy = "Pass an array, as jnp.ones_like(inputs) makes it."
        what = "a real number or an array of them" if scalar else "an array of real numbers"
        refuse(TypeError, argument, f"be {what}", kind_of(value), remedy, f"{of} of shape {shape}")
    if not (scalar and array.shape == ()):
        _check_broadcasts(argument, tuple(array.shape), shape, of)


def check_per_window(argument: str, value: Any, shape: tuple[Any, ...], axes: Sequence[int]) -> None:
    """Refuses what is no number and no array of them that is the same along the spatial axes."""
    check_real_array(argument, value, shape, scalar=True)
    own = getattr(value, "shape", ())
    if own and any(own[axis] != 1 for axis in axes):
        rule, fact = "have size 1 along the spatial axes", f"spatial axes {tuple(axes)}"
        refuse(ValueError, f"{argument}.shape", rule, tuple(own), "Give one number, or one per feature.", fact)


def feature_axis(shape: tuple[Any, ...], channel_axis: Any) -> int | None:
    """The axis of the features, counted from the front; it has been checked already."""
    return None if channel_axis is None else operator.index(channel_axis) % len(shape)


def check_tap_weights(argument: str, value: Any, shape: tuple[Any, ...], window: Window, channel: int | None) -> None:
    """Refuses what is no array with one number for each tap of the window and each feature, or one for all features."""
    array: Any = native(value)
    numbers = str(getattr(array, "dtype", "")).startswith(("float", "bfloat", "int", "uint"))
    taps = tuple(part.taps for part in window.parts)
    wanted = [taps] if channel is None else [(*taps, shape[channel]), (*taps, 1)]
    fact = f"inputs of shape {shape} and a window of {taps}"
    if not hasattr(array, "shape") or not numbers:
        remedy = f"Pass an array of shape {wanted[0]}."
        refuse(TypeError, argument, "be an array of real numbers", kind_of(value), remedy, fact)
    if tuple(array.shape) not in wanted:
        rule = f"be {' or '.join(map(str, wanted))}"
        remedy = "Give one number for each element of the window and each feature; size 1 is for all features."
        refuse(ValueError, f"{argument}.shape", rule, tuple(array.shape), remedy, fact)


def check_per_feature(argument: str, value: Any, shape: tuple[Any, ...], channel: int | None) -> None:
    """Refuses what is no number and no array with one for each feature, of the inputs' rank."""
    check_real_array(argument, value, shape, scalar=True)
    own = getattr(value, "shape", ())
    if any(size != 1 for axis, size in enumerate(own) if axis != channel):
        rule = "have size 1 along all axes but that of the features"
        fact = f"inputs of shape {shape}"
        refuse(ValueError, f"{argument}.shape", rule, tuple(own), "Give one number, or one per feature.", fact)


def _check_broadcasts(argument: str, own: tuple[Any, ...], shape: tuple[Any, ...], of: str = "inputs") -> None:
    fact = f"{of} of shape {shape}"
    if len(own) != len(shape):
        rule = f"have as many axes as the {of}, {len(shape)}"
        refuse(ValueError, f"{argument}.shape", rule, own, _same_rank(argument, own, shape), fact)
    if not _broadcasts(own, shape):
        remedy = f"Along every axis it has the size of the {of}, or 1 where it is the same for all."
        refuse(ValueError, f"{argument}.shape", f"broadcast to the shape of the {of}", own, remedy, fact)


def _broadcasts(own: Sequence[Any], shape: Sequence[Any]) -> bool:
    return all(a in (1, b) for a, b in zip(own, shape, strict=True))


def _same_rank(argument: str, own: tuple[Any, ...], shape: tuple[Any, ...]) -> str:
    """How an array of another rank gets that of the inputs."""
    missing = len(shape) - len(own)
    if missing < 0:
        return f"Leave out {-missing} of its axes."
    if not own:
        return f"Write {argument}.reshape({(1,) * len(shape)})."
    fitting = [form for form in _new_axes(len(shape), missing) if _broadcasts(_with_new_axes(own, form), shape)]
    if not fitting:
        return "Along every axis it has the size of the inputs, or 1 where it is the same for all."
    names = [f"{argument}[{_index(form, len(shape))}]" for form in fitting[:3]]
    if len(names) == 1:
        return f"Write {names[0]}."
    return f"Write {' or '.join(names)}, so that its axes stand where the inputs have them."


def _new_axes(rank: int, missing: int) -> list[tuple[int, ...]]:
    """Where new axes can stand: behind, as those of channels, then in front, as those of a batch, then elsewhere."""
    forms = list(itertools.combinations(range(rank), missing))
    return sorted(forms, key=lambda form: (form[0] != rank - missing, form[-1] != missing - 1, form))


def _with_new_axes(own: Sequence[Any], form: tuple[int, ...]) -> list[Any]:
    sizes = list(own)
    for axis in form:
        sizes.insert(axis, 1)
    return sizes


def _index(form: tuple[int, ...], rank: int) -> str:
    """What to write in brackets for new axes at these places."""
    if form[0] == rank - len(form):
        return ", ".join(["...", *["None"] * len(form)])
    return ", ".join("None" if axis in form else ":" for axis in range(form[-1] + 1))


def check_exponent(value: Any, shape: tuple[Any, ...] | None = None, axes: Sequence[int] = ()) -> Any:
    """A positive number as a float, an array as it is; refuses all else. The elements of arrays of JAX are not read.

    Args:
      value: the exponent.
      shape: that of the inputs, to which an array that is no scalar must broadcast; None if it is not known yet.
      axes: the spatial axes, along which it must have size 1.
    """
    remedy = "Pass a positive number, or math.inf."
    rule = "be a real number or an array of them"
    array = hasattr(value, "shape") and hasattr(value, "dtype")
    if array:
        if not str(native(value).dtype).startswith(("int", "uint", "float", "bfloat")):
            refuse(TypeError, "p", rule, kind_of(value), remedy)
        if value.shape != ():
            if shape is not None:
                _check_broadcasts("p", tuple(value.shape), shape)
                if any(value.shape[axis] != 1 for axis in axes):
                    fact = f"inputs of shape {shape} with the spatial axes {tuple(axes)}"
                    remedy = "A window has one exponent; use another for each feature."
                    refuse(ValueError, "p.shape", "be 1 along the spatial axes", tuple(value.shape), remedy, fact)
            return native(value)
        if not isinstance(value, np.generic | np.ndarray):
            return value
    elif isinstance(value, bool) or not isinstance(value, int | float):
        refuse(TypeError, "p", rule, shown(value), remedy)
    number: Any = native(value)
    if not number > 0:
        refuse_number("p", number)
    try:
        return float(number)
    except OverflowError:
        return math.inf


def refuse_number(argument: str, number: Any) -> NoReturn:
    """Refuses an exponent that is not positive."""
    remedy = "Pass a positive number, or math.inf."
    refuse(ValueError, argument, "be positive", number, remedy)


def _holds(dtype: str, value: Any) -> bool:
    """Whether a dtype has a value; of an array that may be traced, whether it can be cast without loss of its kind."""
    kinds = ("bool", "int", "float", "complex")
    own = next((i for i, kind in enumerate(kinds) if kind in dtype), len(kinds))
    if hasattr(value, "dtype") and not isinstance(value, np.generic | np.ndarray):
        return any(kind in str(value.dtype) for kind in kinds[: own + 1])
    number = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if not isinstance(number, bool | int | float | complex):
        return False
    if own >= 2:
        return own > 2 or not isinstance(number, complex)
    if isinstance(number, complex) or number != number or abs(number) == math.inf or int(number) != number:
        return False
    signed = not dtype.startswith(("uint", "bool"))
    bits = 1 if own == 0 else int(dtype.strip("uint"))
    return -(1 << bits - 1) * signed <= number < 1 << bits - signed


def check_empty(value: Any, dtype: str | None = None) -> None:
    """Refuses what is no real number to stand for nothing, or none that a dtype, if it is known, holds."""
    kinds = ("bool", "int", "uint", "float", "bfloat")
    number = isinstance(value, bool | int | float) or str(getattr(value, "dtype", "")).startswith(kinds)
    if value is None or (number and getattr(value, "shape", ()) == () and (dtype is None or _holds(dtype, value))):
        return
    if number and getattr(value, "shape", ()) == ():
        refuse(ValueError, "empty", f"be a number that {dtype} holds", shown(value), "Convert the inputs first.")
    remedy = "Write one number for all windows, as 0, or None for the smallest value of the dtype."
    refuse(TypeError, "empty", "be None or one real number", kind_of(value), remedy)


def check_padding_value(value: Any, dtype: str | None = None, padding_mode: Any = None) -> None:
    """Refuses what is no real number to stand in padding, or one that a dtype, if it is known, does not hold."""
    if value is None:
        return
    kinds = ("bool", "int", "uint", "float", "bfloat")
    number = isinstance(value, bool | int | float) or str(getattr(value, "dtype", "")).startswith(kinds)
    if not number or getattr(value, "shape", ()) != ():
        remedy = "Write one number for all padding, as 0, or None for padding that never wins."
        refuse(TypeError, "padding_value", "be None or one real number", kind_of(value), remedy)
    if padding_mode is not None:
        remedy = "Leave out one of the two."
        refuse(ValueError, "padding_value", f"be None where padding_mode={padding_mode!r}", shown(value), remedy)
    if isinstance(value, float | np.floating) and math.isnan(value):
        refuse(ValueError, "padding_value", "not be NaN", shown(value), "Pad with jnp.pad first.")
    if dtype is not None and not _holds(dtype, value):
        remedy = "Convert the inputs first."
        refuse(ValueError, "padding_value", f"be a number that {dtype} holds", shown(value), remedy)


def check_identity(value: Any, dtype: str, argument: str = "init") -> None:
    """Refuses an identity of a reduction, or another number, that is no scalar of the dtype."""
    fact = f"inputs of {dtype}"
    shape = getattr(value, "shape", ())
    if shape != ():
        remedy = "Give one scalar for each array of the inputs."
        refuse(ValueError, argument, "be a scalar", kind_of(value), remedy, fact)
    if not _holds(dtype, value):
        remedy = "Write a number of that dtype."
        if "int" in dtype:
            remedy = "Write a whole number; jnp.iinfo(dtype).min stands for -inf."
        refuse(TypeError, argument, f"be a number that {dtype} holds", shown(value), remedy, fact)


def _layout(leaves: Sequence[tuple[Any, str]]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for shape, dtype in leaves) or "no array"


def check_operands(leaves: Sequence[tuple[Any, str]], structure: Any, init: Any, reduce_fn: Any) -> None:
    """Refuses a reduction of what is no tree of arrays of one shape, by no function, or with another tree of scalars.

    Args:
      leaves: the shape and the dtype of every array.
      structure: that of the inputs, as jax shows it.
      init: the structure of the identity.
      reduce_fn: as given.
    """
    if not callable(reduce_fn):
        remedy = "The order of arguments is inputs, init, reduce_fn, window_shape."
        refuse(TypeError, "reduce_fn", "be a function of two operands", shown(reduce_fn), remedy)
    if not leaves:
        remedy = "Pass an array or a tree of arrays."
        refuse(ValueError, "inputs", "hold at least one array", structure, remedy)
    if any(shape != leaves[0][0] for shape, _ in leaves):
        remedy = "Broadcast them to one shape first."
        refuse(ValueError, "inputs", "be arrays of one shape", _layout(leaves), remedy)
    if init != structure:
        remedy = "Give one scalar per array, in the same tree."
        fact = f"inputs of structure {structure}"
        refuse(TypeError, "init", "have the structure of the inputs", init, remedy, fact)


def refused_operation(leaves: Sequence[tuple[Any, str]], operation: Any, error: Exception) -> ArgumentError:
    """The refusal of an operation that fails on two operands with an error."""
    name = getattr(operation, "__name__", type(operation).__name__)
    found = f"one that raises {type(error).__name__} ({name})"
    remedy = "Its own error stands above; lax.max and jnp.add are operations that do."
    return refused(TypeError, "reduce_fn", "join two operands into one", found, remedy, f"operands {_layout(leaves)}")


def check_results(
    leaves: Sequence[tuple[Any, str]], structure: Any, found: Sequence[tuple[Any, str]], result: Any
) -> None:
    """Refuses an operation whose results, `found` in the tree `result`, are not what its operands are."""
    fact = f"operands {_layout(leaves)}"
    got = f"one that returns {_layout(found)}"
    rule = "return what it is given, with the same structure, shapes and dtypes"
    if result != structure:
        got, fact = f"{got} as {result}", f"{fact} as {structure}"
        remedy = "Return the tree that each operand is."
    elif [shape for shape, _ in found] != [shape for shape, _ in leaves]:
        remedy = "Write it elementwise, in operations of whole arrays."
    else:
        remedy = "Cast inside, or pass inputs of the wider dtype."
    if result != structure or list(found) != list(leaves):
        refuse(TypeError, "reduce_fn", rule, got, remedy, fact)


def refuse_order(operation: Any, operands: Any, left: Any, right: Any) -> NoReturn:
    """Refuses an operation whose result depends on the order in which three operands are joined."""
    name = getattr(operation, "__name__", type(operation).__name__)
    a, b, c = operands
    fact = f"a, b, c = {a}, {b}, {c}, where f(f(a, b), c) = {left} and f(a, f(b, c)) = {right}"
    remedy = "Carry in a tree what it needs, as a mean needs the sum and the count."
    refuse(ValueError, "reduce_fn", "be associative", f"one that is not ({name})", remedy, fact)
