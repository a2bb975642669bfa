"""The pooling functions of `torch.nn.functional`, with the same names, arguments, order, defaults and results.

For JAX and NumPy arrays in torch's layout: `(N, C, *spatial)`, or `(C, *spatial)` without a batch. Strides default to
the kernel size. The functions translate arguments and call those of `jaxpool`, so they compose with all transformations
of JAX. Torch itself is not needed and never imported.

    >>> import jax.numpy as jnp
    >>> import jaxpool.torch as F
    >>> F.max_pool2d(jnp.zeros((8, 3, 32, 32)), 2).shape
    (8, 3, 16, 16)

`jaxpool.torch.nn` has the modules of `torch.nn`.

All that torch refuses is refused, with a ValueError or a TypeError, and all else gives torch's values, indices and
gradients, except for what follows.

Results that differ, because programs in JAX cannot raise for their data and should not depend on an order of scanning:

- Indices are int32, int64 only where a plane has 2**31 elements or more and 64-bit types are on; torch's are int64.
- Of several NaN in one window the first has the index and the gradient; in torch the last.
- Unpooling raises for an index outside the plane, as torch does, but under `jit` drops its value. Where an index
  repeats, the last value stays and alone has the gradient; torch leaves open which value stays, and gives all of them
  the gradient.
- Lp pooling with p = 1 over a NaN has the usual gradient; torch's is 0 there.

ArgumentError here, although torch takes it:

- `output_size` together with `output_ratio`, of which torch's functions ignore the second, and its modules refuse both.
- Fractional pooling with neither `_random_samples` nor `key`, an argument that torch has no use for: JAX has no global
  random state.
- A dilated window that lies wholly in padding, to which torch gives -inf and an index outside the plane.
- Results with an empty spatial axis, and inputs without channels, which some of torch's functions take.
- Means and Lp norms of integers, which torch has on CPU for int64 alone, rounded down.
- `return_indices` that is no bool; a `norm_type` that is NaN or an array (`jaxpool.lp_pool` can learn it).
- In unpooling and fractional pooling, which torch checks less: kernel sizes and strides below 1, negative padding, and
  sequences longer than there are spatial axes.

Taken here, although torch refuses it:

- Any real dtype in maxima and unpooling, any integer dtype of indices, and any float dtype everywhere.
- An `output_ratio` that is one number, also in 2-D; a sequence of one int as the kernel size of `lp_pool1d`.
"""

from typing import TYPE_CHECKING, Any

import jaxpool
from jaxpool._geometry.calls import unknown_name
from jaxpool.torch._adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices,
)
from jaxpool.torch._average import avg_pool1d, avg_pool2d, avg_pool3d, lp_pool1d, lp_pool2d, lp_pool3d
from jaxpool.torch._fractional import (
    fractional_max_pool2d,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d,
    fractional_max_pool3d_with_indices,
)
from jaxpool.torch._maximum import (
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_pool3d,
    max_pool3d_with_indices,
)
from jaxpool.torch._unpool import max_unpool1d, max_unpool2d, max_unpool3d

# After the functions, which it uses.
from jaxpool.torch import nn as nn  # isort: skip

if not TYPE_CHECKING:
    # Hidden from type checkers, which otherwise take every name for one of the module.
    def __getattr__(name: str) -> Any:
        raise unknown_name("jaxpool.torch", name, __all__, jaxpool.__all__, nn.__all__)


__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]
