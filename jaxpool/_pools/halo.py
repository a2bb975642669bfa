"""The exchange of border elements between the devices that share an axis."""

from __future__ import annotations

from collections.abc import Sequence

from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import axis_names_of, check_halo
from jaxpool._geometry.calls import explained
from jaxpool._pools.inputs import as_array
from jaxpool._pools.padding import exchanged
from jaxpool._pools.shards import number_of_shards
from jaxpool.typing import PaddingMode


@explained
def halo_exchange(
    inputs: ArrayLike,
    axis_name: str | Sequence[str],
    *,
    axis: int,
    before: int = 0,
    after: int = 0,
    padding_mode: PaddingMode | None = None,
) -> Array:
    """A shard with the border elements of its neighbours around it, inside `jax.shard_map`.

    Each device sends its last `before` elements to the next device and its first `after` elements to the previous
    one. A halo wider than a shard comes from several devices.

    Args:
      inputs: the shard of this device, of any numeric dtype or boolean.
      axis_name: the mesh axis that splits the array, or a tuple of them.
      axis: the array axis that `axis_name` splits.
      before, after: how many elements to receive from the shards before and after this one.
      padding_mode: what stands beyond the first and the last shard: None for zeros, or as in `jaxpool.max_pool`
        "EDGE", "REFLECT" or "WRAP". "EDGE" and "REFLECT" need halos shorter than a shard.

    Returns: The shard, `before + after` elements longer along `axis`, of the same dtype.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: an axis that the array does not have, a name that `jax.shard_map` does not map, a negative number of
        elements, or a halo that a padding mode cannot fill.

    Derivatives: both modes, any order. The function is linear. Its adjoint sends the halos back, and adds them to the
    elements that they came from.

    Example:
      >>> import jax, jax.numpy as jnp, jaxpool
      >>> from jax.sharding import PartitionSpec as P
      >>> mesh = jax.make_mesh((1,), ("rows",))
      >>> def shard(x):
      ...     return jaxpool.halo_exchange(x, "rows", axis=0, before=1, after=1, padding_mode="WRAP")
      >>> x = jax.device_put(jnp.arange(4), jax.NamedSharding(mesh, P("rows")))
      >>> jax.shard_map(shard, mesh=mesh, in_specs=P("rows"), out_specs=P("rows"))(x)
      Array([3, 0, 1, 2, 3, 0], dtype=int32)
    """
    x = as_array(inputs, ordered=False)
    (names,) = axis_names_of([axis_name], 1, "axis_name")
    count = number_of_shards(names, "axis_name")
    place, mode = check_halo(x.shape, axis, before, after, count, padding_mode)
    return exchanged(x, names, place, before, after, mode)
