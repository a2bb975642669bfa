"""The power of a number divided by itself: its value is known, its derivatives are not 0."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array


@jax.custom_jvp
def unit_power(base: Array, exponent: Array) -> Array:
    """`base ** exponent` for bases that are 0 or 1 (or NaN): itself, but with the derivatives of a power.

    No power is computed, and the rule is made of the function itself, so that every order follows; at 0 all are 0.
    """
    del exponent
    return base


@unit_power.defjvp
def _unit_power_rule(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    # d(b^e) = e b^(e - 1) db + b^e log(b) de
    (base, exponent), (d_base, d_exponent) = primals, tangents
    value = unit_power(base, exponent)
    slope = exponent * unit_power(base, exponent - 1)
    return value, slope * d_base + value * jnp.log(jnp.where(base == 0, 1, base)) * d_exponent
