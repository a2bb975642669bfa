"""Means of integers that stay integers: the rule for rounding, and the digits in which sums are exact."""

from __future__ import annotations

from typing import Any

from jaxpool._geometry.axis_window import known
from jaxpool._geometry.checks import check_option
from jaxpool._geometry.values import refuse

ROUNDING_MODES = ("half_even", "half_away", "floor", "trunc")
_OPTIONS = (None, *ROUNDING_MODES)
# Sums have 32 bits, and digits 8 at least.
_MOST = 1 << 23


def check_rounding_mode(value: Any, dtype: str | None = None) -> str | None:
    """Refuses a rule for rounding that does not exist, or for a dtype, if it is known, that has no integers."""
    if value is None:
        return None
    check_option("rounding_mode", value, _OPTIONS)
    if dtype is not None and not dtype.startswith(("int", "uint")):
        remedy = "Leave it out, or convert with inputs.astype(jnp.int8) or another dtype of integers."
        refuse(TypeError, "rounding_mode", "be None unless inputs are integers", repr(value), remedy, dtype)
    return str(value)


def digit_bits(value: Any, bits: int, elements: Any, divisor: int | None = None) -> int:
    """How many bits of each element one sum takes, so that no sum and no remainder overflows: all of them, 16 or 8.

    Args:
      value: the rule for rounding.
      bits: of an element.
      elements: of the largest window.
      divisor: what sums are divided by, if that is not a count.
    """
    rule, remedy = f"be None for windows and divisors of {_MOST} or more", "Leave it out, and round the mean of floats."
    if not known(elements):
        refuse(ValueError, "rounding_mode", "be None for planes of symbolic sizes", repr(value), remedy)
    most = max(elements, 1 if divisor is None else abs(divisor))
    if most >= _MOST:
        refuse(ValueError, "rounding_mode", rule, repr(value), remedy, f"{most} elements")
    word = 63 if bits > 32 else 31
    return next(width for width in (bits, 32, 16, 8) if width <= bits and most << width < 1 << word)
