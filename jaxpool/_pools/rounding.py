"""Means of integers that stay integers: exact sums, and long division with a rule for rounding."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import digit_bits


def rounded_mean(
    x: Array, total: Callable[[Array], Array], divisor: Array | int, elements: int, rounding_mode: str
) -> Array:
    """The rounded quotients of sums of integers and their divisors, in the dtype of the integers.

    Nothing is rounded but the result. Where a sum of whole elements could overflow, those of their digits cannot.

    Args:
      x: integers.
      total: the sums of windows, in the dtype that it is given.
      divisor: an integer that is not 0, or an array of positive integers that broadcasts to the sums.
      elements: of the largest window.
      rounding_mode: the rule.
    """
    bits = jnp.iinfo(x.dtype).bits
    width = digit_bits(rounding_mode, bits, elements, divisor if isinstance(divisor, int) else None)
    sums = [total(digit) for digit in _digits(x, width)]
    if isinstance(divisor, int) and divisor < 0:
        sums, divisor = [-digit for digit in sums], -divisor
    sums = _carried(sums, width)
    divisor = jnp.broadcast_to(jnp.asarray(divisor).astype(sums[0].dtype), sums[0].shape)
    quotients, rest = _divided(sums, divisor, width)
    up = _goes_up(rounding_mode, rest, divisor, quotients[0] < 0, (quotients[-1] & 1) == 1)
    return _joined(quotients, up, width, x.dtype)


def _digits(x: Array, width: int) -> list[Array]:
    """The digits of every element, of `width` bits each, the most significant one first: that has the sign."""
    bits = jnp.iinfo(x.dtype).bits
    word = jnp.int64 if bits > 32 else jnp.int32
    lower = [(x >> shift & (1 << width) - 1).astype(word) for shift in range(bits - 2 * width, -1, -width)]
    return [(x if bits == width else x >> bits - width).astype(word), *lower]


def _carried(sums: list[Array], width: int) -> list[Array]:
    """The same numbers with digits in their range, but for the first."""
    carried = [sums[-1]]
    for digit in reversed(sums[:-1]):
        carried[0], carry = carried[0] & (1 << width) - 1, carried[0] >> width
        carried.insert(0, digit + carry)
    return carried


def _divided(digits: list[Array], divisor: Array, width: int) -> tuple[list[Array], Array]:
    """The digits of the quotient rounded down, and the remainder."""
    first, *others = digits
    quotient, rest = lax.div(first, divisor), lax.rem(first, divisor)
    below = rest < 0
    quotients, rest = [jnp.where(below, quotient - 1, quotient)], jnp.where(below, rest + divisor, rest)
    for digit in others:
        value = (rest << width) + digit
        quotients.append(lax.div(value, divisor))
        rest = lax.rem(value, divisor)
    return quotients, rest


def _goes_up(rounding_mode: str, rest: Array, divisor: Array, negative: Array, odd: Array) -> Array:
    """Whether the quotient that was rounded down is one more."""
    if rounding_mode == "floor":
        return jnp.zeros(rest.shape, bool)
    if rounding_mode == "trunc":
        return negative & (rest > 0)
    twice = 2 * rest
    return (twice > divisor) | ((twice == divisor) & (odd if rounding_mode == "half_even" else ~negative))


def _joined(quotients: list[Array], up: Array, width: int, dtype: jnp.dtype) -> Array:
    """The number with these digits, one more where it goes up, and the limit of the dtype where it is beyond."""
    first, word = quotients[0], quotients[0].dtype
    least, most = int(jnp.iinfo(dtype).min), int(jnp.iinfo(dtype).max)
    above = width * (len(quotients) - 1)
    result = first << above if above else first
    for number, digit in enumerate(quotients[1:], 2):
        result = result + (digit << above - width * (number - 1))

    def limit(value: int) -> Array:
        # Of unsigned integers as wide as the word, the bits.
        return lax.convert_element_type(jnp.asarray(value, dtype), word)

    result = jnp.where(up & (result != limit(most)), result + 1, result)
    result = jnp.where(first > most >> above, limit(most), jnp.where(first < least >> above, limit(least), result))
    return lax.convert_element_type(result, dtype)
