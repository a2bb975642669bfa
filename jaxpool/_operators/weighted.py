"""Windows in which each element has a weight, the exponential of its logit over the total of its window."""

from __future__ import annotations

from jax import Array

from jaxpool._geometry import Window
from jaxpool._operators.linear import same_as_inputs, same_as_outputs
from jaxpool._operators.primitive import bind, exponential_pair, operator

_total_p = operator("window_logsumexp", same_as_outputs)
# y[o] = sum_i exp(l[i] - t[o]) x[i]                 x[h] = sum over the o that hold h of exp(l[h] - t[o]) y[o]
_sum_p = operator("window_weighted_sum", same_as_outputs)
_spread_p = operator("window_weighted_spread", same_as_inputs)
exponential_pair(_sum_p, _spread_p, _total_p)


def window_logsumexp(logits: Array, window: Window) -> Array:
    """The logarithm of the sum of exponentials of every window; -inf where it has no element, or none but -inf.

    Its derivative is `window_weighted_sum`. Logits of -inf leave an element out.
    """
    return bind(_total_p, logits, window=window.normal, implementation=None)


def window_weighted_sum(x: Array, logits: Array, total: Array, window: Window) -> Array:
    """The sum of every window, each element times `exp(logit - total)`; 0 where the total is -inf.

    Args:
      x: the inputs, finite also where a logit is -inf.
      logits: like the inputs.
      total: like the outputs, as a rule `window_logsumexp(logits, window)`.
      window: the window.
    """
    return bind(_sum_p, x, logits, total, window=window.normal, implementation=None)
