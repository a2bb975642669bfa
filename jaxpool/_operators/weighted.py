"""Windows in which each element has a weight, the exponential of its logit over the total of its window."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._operators.extremum import window_extremum
from jaxpool._operators.linear import same_as_inputs, same_as_outputs
from jaxpool._operators.primitive import bind, exponential_pair, operator


def _same_as_shift(logits: Any, shift: Any, *known: Any, **static: Any) -> Any:
    del logits, known, static
    return shift.update(weak_type=False)


_total_p = operator("window_logsumexp", _same_as_shift)
# y[o] = sum_i exp(l[i] - m[o] - t[o]) x[i]          x[h] = sum over the o that hold h of exp(l[h] - m[o] - t[o]) y[o]
_sum_p = operator("window_weighted_sum", same_as_outputs)
_spread_p = operator("window_weighted_spread", same_as_inputs)
_mean_p = operator("window_log_mean_exp", _same_as_shift)
exponential_pair(_sum_p, _spread_p, [_total_p, _mean_p])


def window_softmax_mean(x: Array, logits: Array, window: Window) -> Array:
    """The mean of every window with the softmax of its logits as weights; 0 where it has none above -inf.

    Args:
      x: the inputs.
      logits: like the inputs, in the same dtype; -inf leaves an element out.
      window: the window.
    """
    window = window.normal
    # The result does not depend on it.
    shift = lax.stop_gradient(window_extremum(lax.stop_gradient(logits), window, "max"))
    total = bind(_total_p, logits, shift, window=window, implementation=None)
    return bind(_sum_p, x, logits, total, shift, window=window, implementation=None)


def window_log_mean_exp(logits: Array, shift: Array, count: Array, window: Window) -> Array:
    """log(mean(exp(logits - shift))) of every window, accurate also where all logits are near the shift.

    Args:
      logits: finite, and -inf where an element is left out.
      shift: like the results, at least the largest logit of each window; -inf where it has none. It has no derivative.
      count: like the results, the number of elements that are not left out, at least 1.
      window: the window.
    """
    return bind(_mean_p, logits, shift, jnp.log(count), window=window.normal, implementation=None)
