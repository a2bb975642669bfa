"""Windows in which each element counts with the exponential of its logit."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._operators.extremum import window_extremum
from jaxpool._operators.linear import same_as_inputs, same_as_outputs
from jaxpool._operators.primitive import bind, exponential_pair, operator


def _same_as_shift(logits: Any, shift: Any, **static: Any) -> Any:
    del logits, static
    return shift.update(weak_type=False)


def _same_as_last(x: Any, logits: Any, shift: Any, **static: Any) -> Any:
    del x
    return _same_as_shift(logits, shift, **static)


_softmax_p = operator("window_softmax", _same_as_last)
_share_p = operator("window_exp_share", _same_as_shift)
_difference_p = operator("window_expm1_sum", _same_as_shift)
# y[o] = sum_i exp(l[i] - m[o]) x[i]          x[h] = sum over the o that hold h of exp(l[h] - m[o]) y[o]
_sum_p = operator("window_weighted_sum", same_as_outputs)
_spread_p = operator("window_weighted_spread", same_as_inputs)
exponential_pair(_sum_p, _spread_p, softmax=_softmax_p, share=_share_p, difference=_difference_p)


def window_softmax_mean(x: Array, logits: Array, window: Window) -> Array:
    """The mean of every window with the softmax of its logits as weights; 0 where it has none above -inf.

    Args:
      x: the inputs; anything where a logit is -inf.
      logits: like the inputs, in the same dtype; -inf leaves an element out.
      window: the window.
    """
    window = window.normal
    # The shift cancels in the result, so it needs no gradient.
    shift = lax.stop_gradient(window_extremum(lax.stop_gradient(logits), window, "max"))
    return bind(_softmax_p, x, logits, shift, window=window, implementation=None)


def window_log_mean_exp(logits: Array, shift: Array, count: Array, window: Window) -> Array:
    """log(mean(exp(logits - shift))) of every window, accurate also where all logits are near the shift.

    Args:
      logits: finite, and -inf where an element is left out.
      shift: like the results, at least the largest logit of each window; -inf where it has none. It has no derivative.
      count: like the results, the number of elements that are not left out, at least 1.
      window: the window.
    """
    differences = bind(_difference_p, logits, shift, window=window.normal, implementation=None)
    return jnp.log1p(differences / count)
