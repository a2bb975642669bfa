"""Windows on an axis that devices share: which of them a shard has, and what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NoReturn

from jaxpool._geometry.axis_window import AxisWindow, Shards, known
from jaxpool._geometry.padding import check_padding_mode
from jaxpool._geometry.values import as_index, as_sequence, refuse, shown
from jaxpool._geometry.window import Window

_GATHER = (
    "gather the axis first with jax.sharding.reshard, or jax.lax.all_gather inside jax.shard_map, "
    "or do not name it if it is automatic"
)


def axis_names_of(value: Any, spatial: int, argument: str = "spatial_axis_names") -> list[tuple[str, ...]]:
    """For every spatial axis the mesh axes that split it, or none."""
    rule = "be None or have one entry per spatial axis: the name of a mesh axis, a tuple of names, or None"
    remedy = "Write ('x', None) for rows that the mesh axis 'x' splits, and whole columns."
    if argument == "axis_name":
        rule, remedy = "be the name of a mesh axis, or a tuple of names", "Write 'x' for what the mesh axis 'x' splits."
    elements = [value] if isinstance(value, str) and spatial == 1 else as_sequence(value)
    if elements is None:
        refuse(TypeError, argument, rule, shown(value), remedy)
    if len(elements) != spatial:
        refuse(ValueError, "spatial_axis_names", rule, shown(value), remedy, f"{spatial} spatial axes")
    result: list[tuple[str, ...]] = []
    for element in elements:
        names = [] if element is None else [element] if isinstance(element, str) else as_sequence(element)
        if names is None or not all(isinstance(name, str) for name in names) or (argument == "axis_name" and not names):
            given = value if argument == "spatial_axis_names" else element
            refuse(TypeError, argument, rule, shown(given), remedy)
        result.append(tuple(names))
    every = [name for names in result for name in names]
    if len(set(every)) < len(every):
        rule = "name every mesh axis once"
        remedy = "A mesh axis splits one axis of an array."
        refuse(ValueError, argument, rule, shown(value if argument == "spatial_axis_names" else elements[0]), remedy)
    return result


def refuse_names(names: tuple[str, ...], argument: str = "spatial_axis_names") -> NoReturn:
    """Refuse names of mesh axes that cannot be mapped over here."""
    rule = "name axes over which jax.shard_map maps"
    remedy = "Call it inside jax.shard_map; explicitly sharded arrays outside need no names."
    if argument == "spatial_axis_names":
        rule += ", or automatic axes of the inputs' mesh"
        remedy = "Put the inputs on the mesh, or call it inside jax.set_mesh or jax.shard_map."
        remedy += " Explicitly sharded arrays need no names."
    refuse(ValueError, argument, rule, names, remedy)


def refuse_mixed(names: tuple[str, ...], kind: str, others: tuple[str, ...], other_kind: str) -> NoReturn:
    """Refuse names of one kind of mesh axes beside others that split spatial axes, too."""
    rule = "name mesh axes of one kind"
    remedy = "Make all explicit and name none, make all automatic, or map over all with jax.shard_map."
    refuse(ValueError, "spatial_axis_names", rule, names, remedy, f"{kind} axes beside the {other_kind} {others}")


def check_halo(
    shape: tuple[int, ...], axis: Any, before: Any, after: Any, count: int, padding_mode: Any
) -> tuple[int, str | None]:
    """The axis along which shards bring so many elements, counted from the first, and the mode in lower case."""
    place = as_index("axis", axis, axis)
    if not -len(shape) <= place < len(shape):
        rule, remedy = "be an axis of the shard", "Count axes from 0, or from the end with negative numbers."
        refuse(ValueError, "axis", rule, place, remedy, f"inputs of shape {shape}")
    size, mode = shape[place], check_padding_mode(padding_mode)
    for argument, value in (("before", before), ("after", after)):
        number = as_index(argument, value, value)
        fact = f"a shard of {size} elements, one of {count}"
        if number < 0 or number > max(count, 1) * size:
            rule, remedy = "be from 0 to the size of the whole axis", "Bring no more than the other shards have."
            refuse(ValueError, argument, rule, number, remedy, fact)
        if mode not in (None, "wrap") and number >= size:
            rule = f"be less than a shard where padding_mode={padding_mode!r}"
            refuse(ValueError, argument, rule, number, "Share the axis among fewer devices.", fact)
    return place % len(shape), mode


def shared(
    window: Window, shards: Mapping[int, Shards], padding_mode: str | None, sizes: str = "inputs.shape"
) -> Window:
    """The windows with their axes shared as given; refuses those whose outputs do not fall into the same shards.

    `sizes` is the argument that the sizes come from.
    """
    mode = check_padding_mode(padding_mode)
    parts = [_shared(part, shards.get(part.axis), mode, sizes) for part in window.parts]
    return Window(tuple(parts))


def _shared(part: AxisWindow, shards: Shards | None, padding_mode: str | None, argument: str) -> AxisWindow:
    if shards is None or shards.count == 1:
        return part
    count, stride = shards.count, part.stride
    if not known(part.size):
        remedy = f"Export once per spatial size, or {_GATHER}."
        refuse(ValueError, "inputs.shape", "be known along axes that devices share", part.size, remedy)
    fact = (
        f"axis {part.axis} of size {part.size} in {count} shards with windows at {part.outputs} places, {stride} apart"
    )
    rule = "give every shard as many elements as its windows step over"
    if part.outputs == 1:
        remedy = f"For the whole plane use the global pool, or {_GATHER}."
        refuse(ValueError, "window_shape", "be at as many places as there are shards, or more", part.taps, remedy, fact)
    if part.size % (count * stride):
        below = part.size // (count * stride) * count * stride
        choice = f"{below} or {below + count * stride}" if below else f"{count * stride}"
        remedy = f"Use a size of {choice}, or another multiple of {count * stride}; or {_GATHER}."
        refuse(ValueError, argument, rule, part.size, remedy, fact)
    if part.outputs * stride != part.size:
        least, most = part.extent - stride, part.extent - 1
        total = f"{least}" if least == most else f"{least} to {most}"
        remedy = f"Use padding='SAME', or low and high padding of {total} in all; or {_GATHER}."
        refuse(ValueError, "padding", rule, (part.low, part.high), remedy, fact)
    part = dataclasses.replace(part, shards=dataclasses.replace(shards, filled=padding_mode is not None))
    if padding_mode not in (None, "wrap") and max(part.halo) >= part.size // count:
        rule = f"reach less than the {part.size // count} elements of a shard where padding_mode={padding_mode!r}"
        remedy = f"Share the axis among fewer devices, or {_GATHER}."
        refuse(ValueError, "window_shape", rule, part.taps, remedy, fact)
    return part
