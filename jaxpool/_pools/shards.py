"""Pools of arrays whose spatial axes devices share: each pools its shard, with a halo of its neighbours' elements.

Under explicit sharding the type of an array tells which mesh axes split a spatial axis. On automatic mesh axes only the
compiler knows. A user names them, and they are mapped as explicit ones are. Inside `jax.shard_map` a user names them,
too, and the array is a shard already.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import NamedSharding, PartitionSpec

from jaxpool._geometry import (
    Shards,
    Window,
    WindowArguments,
    axis_names_of,
    pooling_window,
    refuse_mixed,
    refuse_names,
    shared,
    spatial_axes,
    window_sizes,
)

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def explicit_spec(x: Array) -> tuple[Any, ...]:
    """For every axis the mesh axes by which explicit sharding splits it, or None."""
    return (*jax.typeof(x).sharding.spec, *[None] * x.ndim)[: x.ndim]


def names_of(entry: Any) -> tuple[str, ...]:
    """The mesh axes that one entry of a spec has: none, one, or several."""
    return entry if isinstance(entry, tuple) else () if entry is None else (entry,)


def shards_of(x: Array, axis: int) -> int:
    """Into how many shards explicit sharding splits an axis."""
    return _count(_mesh_of(x), names_of(explicit_spec(x)[axis]))


def with_whole_planes(x: Array, axes: Sequence[int]) -> Array:
    """The inputs with every spatial axis whole on every device, where a mesh axis of explicit sharding splits one.

    Windows that depend on the data, or on the number of outputs, may lie anywhere.
    """
    spec = explicit_spec(x)
    if all(spec[axis] is None for axis in axes):
        return x
    whole = PartitionSpec(*(None if axis in axes else name for axis, name in enumerate(spec)))
    return jax.sharding.reshard(x, NamedSharding(_mesh_of(x), whole))


def over_shards(run: Callable[_Arguments, _Result], sizes: str = "inputs.shape") -> Callable[_Arguments, _Result]:
    """`run(array, ..., window, ...)`, of each shard where devices share an axis of the window.

    That is so where explicit sharding splits it, or the window names automatic mesh axes. `sizes` is the argument that
    the sizes of the window's axes come from.

    All arrays among the arguments have the axes of the first, with its sizes or 1, or none at all, and so has the
    result, which may have more after them.
    """
    signature = inspect.signature(run)

    @functools.wraps(run)
    def split(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        bound = signature.bind(*args, **kwargs)
        arguments = bound.arguments
        arrays = {name: value for name, value in arguments.items() if _has_arrays(value)}
        x = jax.tree.leaves(next(iter(arrays.values())))[0]
        spec, window = explicit_spec(x), arguments["window"]
        named = {part.axis: part.shards.names for part in window.parts if part.shards is not None}
        if named and _mapped(name for names in named.values() for name in names):
            return run(*args, **kwargs)
        spec = tuple(named.get(axis, entry) for axis, entry in enumerate(spec))
        names = {axis: names_of(spec[axis]) for axis in window.axes if spec[axis] is not None}
        if not names:
            return run(*args, **kwargs)
        shards = {axis: Shards(own, _count(_mesh_of(x), own)) for axis, own in names.items()}
        arguments["window"] = shared(window, shards, arguments.get("padding_mode"), sizes)

        def of_shard(arrays: dict[str, Any]) -> _Result:
            own = inspect.BoundArguments(signature, type(arguments)(arguments | arrays))
            return run(*own.args, **own.kwargs)

        return map_shards(of_shard, arrays, x, spec, spec)

    return split


def map_shards(
    run: Callable[[Any], _Result], arrays: Any, like: Array, spec: Sequence[Any], out_spec: Sequence[Any]
) -> _Result:
    """`run(arrays)` of each shard that `spec` makes of `like`.

    The spec holds what explicit sharding splits, and may split more by automatic axes. All arrays broadcast to `like`,
    and all results lie as `out_spec` says.
    """
    mesh = _mesh_of(like)
    if any(explicit_spec(like)):
        own = jax.tree.map(lambda array: _spec_of(array, like, explicit_spec(like)), arrays)
        arrays = jax.tree.map(lambda x, spec: jax.sharding.reshard(x, NamedSharding(mesh, spec)), arrays, own)
    # Not all that are explicit: one may be that of a `jax.vmap` around the call.
    mapped = jax.shard_map(
        run,
        mesh=mesh if jax.sharding.get_abstract_mesh().empty else None,
        in_specs=(jax.tree.map(lambda array: _spec_of(array, like, spec), arrays),),
        out_specs=PartitionSpec(*out_spec),
        axis_names={name for entry in spec for name in names_of(entry)},
    )
    return mapped(arrays)


def _has_arrays(value: Any) -> bool:
    return any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(value))


def _spec_of(array: Array, x: Array, spec: Sequence[Any]) -> PartitionSpec:
    """How an array lies that broadcasts to `x`, or is a number."""
    sizes = zip(spec, jnp.shape(array), x.shape, strict=False)
    return PartitionSpec(*(name if size == whole else None for name, size, whole in sizes))


def window_of(x: Array, arguments: WindowArguments, **options: Any) -> Window:
    """The window of a pool on its inputs, or on the whole of which they are a shard inside `jax.shard_map`."""
    shape = x.shape
    if arguments.spatial_axis_names is None:
        return pooling_window(shape, *arguments, **options)
    taps = window_sizes(arguments.window_shape)
    names = axis_names_of(arguments.spatial_axis_names, len(taps))
    axes = spatial_axes("window_shape", arguments.window_shape, shape, len(taps), arguments.channel_axis)
    split = {axis: own for axis, own in zip(axes, names, strict=True) if own}
    every = tuple(name for own in names for name in own)
    automatic = tuple(name for name in every if name in _mesh_of(x).auto_axes)
    mapped = tuple(name for name in every if name not in automatic)
    if not _mapped(mapped):
        refuse_names(tuple(name for name in mapped if not _mapped((name,))))
    if automatic and mapped:
        refuse_mixed(automatic, "automatic", mapped, "mapped")
    # Automatic axes and explicit ones may split different axes.
    elsewhere = axes if mapped else split
    if explicit := tuple(name for axis in elsewhere for name in names_of(explicit_spec(x)[axis])):
        refuse_mixed(every, "mapped" if mapped else "automatic", explicit, "explicit")
    if mapped:
        shards = {axis: Shards(own, number_of_shards(own)) for axis, own in split.items()}
        whole = tuple(size * shards[axis].count if axis in shards else size for axis, size in enumerate(shape))
    else:
        shards = {axis: Shards(own, _count(_mesh_of(x), own)) for axis, own in split.items()}
        whole = shape
    return shared(pooling_window(whole, *arguments, **options), shards, arguments.padding_mode)


def number_of_shards(names: tuple[str, ...], argument: str = "spatial_axis_names") -> int:
    """How many shards mesh axes make, inside `jax.shard_map`; those of `jax.vmap` are none."""
    if not _mapped(names):
        refuse_names(names, argument)
    return lax.axis_size(names)


def _mapped(names: Iterable[str]) -> bool:
    """Whether `jax.shard_map` maps over mesh axes here."""
    return set(names) <= set(jax.sharding.get_abstract_mesh().manual_axes)


def _mesh_of(x: Array) -> Any:
    """The mesh on which an array lies, as its type says; empty if it has none."""
    mesh: Any = jax.typeof(x).sharding.mesh
    return jax.sharding.get_abstract_mesh() if mesh.empty else mesh


def _count(mesh: Any, names: Iterable[str]) -> int:
    """How many shards the axes of a mesh make."""
    return math.prod(mesh.shape[name] for name in names)
