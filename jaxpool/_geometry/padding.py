"""Padding: from what a user writes to a pair for each axis, and what padding may hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxpool._geometry.axis_window import AxisWindow, known
from jaxpool._geometry.checks import check_option
from jaxpool._geometry.foreign.values import padding_in_a_row, spelled
from jaxpool._geometry.values import as_index, as_sequence, refuse, shown

PADDING_MODES = ("EDGE", "REFLECT", "WRAP")
# The names of PyTorch for two of them.
_SAME_MODES = {"REPLICATE": "EDGE", "CIRCULAR": "WRAP"}
PADDING_NAMES = ("VALID", "SAME", "SAME_LOWER", "CAUSAL")
# Windows farther apart than this would lie in padding that no memory holds.
FARTHEST = (1 << 31) - 1
_PADDING_RULE = (
    "be 'VALID', 'SAME', 'SAME_LOWER', 'CAUSAL', an int, or a sequence with one int or one (low, high) pair per "
    "spatial axis"
)


def _same(size: int, extent: int, stride: int, lower: bool) -> tuple[int, int]:
    if extent < stride and not known(size):
        rule, remedy = "be known for 'SAME' and windows that do not touch", "Export once per spatial size."
        refuse(ValueError, "inputs.shape", rule, size, remedy, "a spatial axis")
    # ceil(size / stride) windows; an odd cell of padding goes to the high side, or to the low one.
    outputs = -(-size // stride)
    total = (outputs - 1) * stride + extent - size
    # Never negative where windows touch; the sign of a symbolic number is not known.
    total = total if extent >= stride else max(total, 0)
    small, large = total // 2, total - total // 2
    return (large, small) if lower else (small, large)


def _named_elsewhere(value: str, extents: Sequence[int]) -> str:
    """The remedy for a name of padding that is none here."""
    name = value.upper()
    if name in PADDING_MODES:
        return f"Tell its width in numbers or by one of these names, and pass padding_mode={value!r}."
    if name == "FULL":
        pairs = tuple((extent - 1, extent - 1) for extent in extents)
        return f"Write {pairs}, one (low, high) pair per spatial axis."
    return spelled("padding", value, PADDING_NAMES) or "Use one of these names or explicit numbers."


def paddings_of(
    value: Any, sizes: tuple[int, ...], extents: Sequence[int], strides: tuple[int, ...]
) -> list[tuple[int, int]]:
    """One (low, high) pair per spatial axis."""
    fact = f"{len(sizes)} spatial axes" if len(sizes) > 1 else "1 spatial axis"
    if isinstance(value, str):
        name = value.upper()
        if name == "VALID":
            return [(0, 0)] * len(sizes)
        if name == "CAUSAL":
            return [(extent - 1, 0) for extent in extents]
        if name in PADDING_NAMES:
            lower = name == "SAME_LOWER"
            return [_same(*axis, lower) for axis in zip(sizes, extents, strides, strict=True)]
        refuse(ValueError, "padding", _PADDING_RULE, repr(value), _named_elsewhere(value, extents), fact)
    elements = as_sequence(value)
    if elements is None:
        if value is None:
            remedy = "Leave the argument out, or write 'VALID' or 0, for none."
            refuse(TypeError, "padding", _PADDING_RULE, value, remedy, fact)
        amount = as_index("padding", value, value, fact, _PADDING_RULE)
        return [(amount, amount)] * len(sizes)
    if len(elements) != len(sizes):
        remedy = padding_in_a_row(elements, len(sizes)) or f"Give {len(sizes)} of them, or one int for all axes."
        refuse(ValueError, "padding", _PADDING_RULE, shown(value), remedy, fact)
    pairs: list[tuple[int, int]] = []
    for element in elements:
        ends = as_sequence(element)
        ends = [element, element] if ends is None else ends
        if len(ends) != 2:
            remedy = "Write each pair as (low, high)."
            refuse(ValueError, "padding", _PADDING_RULE, repr(value), remedy, fact)
        low, high = (as_index("padding", end, value, fact) for end in ends)
        pairs.append((low, high))
    return pairs


def require_real_taps(part: AxisWindow, padding: Any, plane: str = "the inputs") -> None:
    """Refuses padding in which a window lies wholly; `plane` is what is padded."""
    window = part.window_in_padding()
    if window is not None:
        rule = f"leave at least one element of {plane} in every window"
        where = f"window {window} of {part.taps} taps lies wholly in padding"
        fact = f"axis {part.axis} of size {part.size}, where {where}"
        refuse(ValueError, "padding", rule, shown(padding), "Pad less, or dilate less.", fact)


def require_reachable(part: AxisWindow, padding: Any) -> None:
    """Refuses windows that lie so far out in padding that no array holds what is between them."""
    if not part.symbolic and part.normal.span > max(FARTHEST, 2 * part.size):
        rule = f"keep the windows within {FARTHEST} elements"
        fact = f"axis {part.axis} of size {part.size} with {part.outputs} windows, {part.stride} apart"
        refuse(ValueError, "padding", rule, shown(padding), "Pad less.", fact)


def check_padding_mode(value: Any) -> str | None:
    """The padding mode in lower case; refuses what is none."""
    name = value.upper() if isinstance(value, str) else value
    name = _SAME_MODES.get(name, name) if isinstance(name, str) else name
    if not (isinstance(name, str) and name in PADDING_MODES):
        if isinstance(name, str) and name in PADDING_NAMES:
            rule, remedy = f"be one of None, {', '.join(map(repr, PADDING_MODES))}", f"Write padding={value!r}."
            refuse(ValueError, "padding_mode", rule, repr(value), remedy)
        check_option("padding_mode", value, (None, *PADDING_MODES))
        return None
    return name.lower()


def require_source(part: AxisWindow, padding: Any, mode: str) -> None:
    """Refuses padding that is wider than what it is made of."""
    most = {"reflect": part.size - 1, "wrap": part.size}.get(mode)
    if most is not None and max(part.low, part.high) > most:
        rule = f"be at most {most} where padding_mode={mode.upper()!r}"
        fact = f"axis {part.axis} of size {part.size}"
        refuse(ValueError, "padding", rule, shown(padding), "Pad less, or pass padding_mode='EDGE'.", fact)
