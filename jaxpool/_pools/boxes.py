"""The forms in which boxes come, and the loops over boxes and over pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import PartitionSpec

from jaxpool._geometry import known, native
from jaxpool._geometry.regions import Layout, check_boxes, check_pictures
from jaxpool._pools.inputs import at_hand, range_of
from jaxpool._pools.shards import with_whole_planes

# From a picture (height, width, features) and boxes (boxes, 4) to (boxes, *bins, features).
OfPicture = Callable[[Array, Array], Array]


def as_boxes(boxes: Any, box_indices: Any, x: Array, layout: Layout) -> tuple[Array, Array | None]:
    """Boxes of four coordinates, and the number of the picture of each if they are one list."""
    boxes, box_indices = native(boxes), None if box_indices is None else native(box_indices)
    if not check_boxes(boxes, box_indices, x.shape, layout):
        return jnp.asarray(boxes), None
    argument, numbers = ("boxes[:, 0]", boxes[:, 0]) if box_indices is None else ("box_indices", box_indices)
    count = x.shape[layout.batch[0]]
    if known(count) and at_hand(numbers) and numbers.shape[0]:
        (low,), (high,) = range_of(numbers)
        check_pictures(argument, low, high, count)
    return jnp.asarray(boxes)[:, -4:], jnp.asarray(numbers)


def arranged(x: Array, layout: Layout) -> Array:
    """The inputs as (*batch, height, width, features)."""
    features = () if layout.channel is None else (x.ndim + layout.channel,)
    x = lax.transpose(with_whole_planes(x, layout.plane), (*layout.batch, *layout.plane, *features))
    return x if features else jnp.expand_dims(x, -1)


def as_inputs(y: Array, layout: Layout) -> Array:
    """Results with the features where the inputs have them."""
    return lax.squeeze(y, (y.ndim - 1,)) if layout.channel is None else jnp.moveaxis(y, -1, layout.channel)


def split_alike(boxes: Array, x: Array) -> Array:
    """Boxes, or what is made of them, with their batch axes on the devices that have those of the inputs."""
    batch = x.ndim - 3
    spec = (*jax.typeof(x).sharding.spec, *[None] * x.ndim)[:batch]
    if all(name is None for name in spec):
        return boxes
    return jax.sharding.reshard(boxes, PartitionSpec(*spec, *[None] * (boxes.ndim - batch)))


def per_picture(of_picture: OfPicture, x: Array, boxes: Array, at_once: int | None) -> Array:
    """The results of one set of boxes per picture.

    Args:
      of_picture: the pool of one picture.
      x: (*batch, height, width, features).
      boxes: (*batch, boxes, 4).
      at_once: how many boxes of a picture to compute at once; None for all.
    """

    def mapped(x: Array, boxes: Array) -> Array:
        return _in_parts(of_picture, x, boxes, None, at_once)

    for _ in range(x.ndim - 3):
        mapped = jax.vmap(mapped)
    return mapped(x, split_alike(boxes, x))


def of_one_list(of_picture: OfPicture, x: Array, boxes: Array, pictures: Array, at_once: int | None) -> Array:
    """The results of one list of boxes for all pictures, 0 where a box is in none of them.

    One picture after another computes those parts of the list in which it has a box. No element is read by the number
    of its picture, so that gradients are scattered nowhere.

    Args:
      of_picture: the pool of one picture.
      x: (batch, height, width, features).
      boxes: (boxes, 4).
      pictures: the number of the picture of each box.
      at_once: how many boxes to compute at once; None for all.
    """
    # Two branches make the results, which explicit sharding would have to split alike.
    x = with_whole_planes(x, range(x.ndim))

    def step(results: Array, picture: tuple[Array, Array]) -> tuple[Array, None]:
        own, number = picture
        mine = pictures == number
        found = _in_parts(of_picture, own, boxes, mine, at_once)
        return jnp.where(mine[:, None, None, None], found, results), None

    one = jax.ShapeDtypeStruct(x.shape[1:], x.dtype)
    results = _nothing(jax.eval_shape(of_picture, one, boxes), x)
    numbers = lax.iota(jnp.int32, x.shape[0]).astype(pictures.dtype)
    return lax.scan(step, results, (x, numbers))[0]


def _nothing(like: Any, x: Array) -> Array:
    """Zeros of a shape and dtype, which inside `jax.shard_map` vary as `x` does."""
    return lax.full_like(x, 0, like.dtype, like.shape)


def _in_parts(of_picture: OfPicture, x: Array, boxes: Array, mine: Array | None, at_once: int | None) -> Array:
    """The results of the boxes of one picture, or of those parts in which it has some."""

    def part(item: tuple[Array, Array | None]) -> Array:
        own, wanted = item
        if wanted is None:
            return of_picture(x, own)
        zeros = jax.eval_shape(of_picture, x, own)
        return lax.cond(jnp.any(wanted), lambda: of_picture(x, own), lambda: _nothing(zeros, x))

    count = boxes.shape[0]
    if at_once is None or count <= at_once:
        return part((boxes, mine))
    parts = -(-count // at_once)
    missing = parts * at_once - count
    own = jnp.pad(boxes, ((0, missing), (0, 0))).reshape(parts, at_once, 4)
    wanted = None if mine is None else jnp.pad(mine, (0, missing)).reshape(parts, at_once)
    # What lies between input and result is computed again by the gradient with respect to boxes, not kept.
    found = lax.map(jax.checkpoint(part), (own, wanted))
    return found.reshape(parts * at_once, *found.shape[2:])[:count]
