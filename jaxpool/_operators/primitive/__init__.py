"""All that this library knows about JAX primitives; no file outside this package imports JAX's interpreters.

A primitive is what JAX traces, transforms and compiles as one operation. It has an abstract result, a lowering, and
rules for batches, tangents, transposes and Taylor terms. A pair of linear operators, each the other's transpose, gives
forward and reverse mode to any order; `jax.custom_vjp` would lose forward mode, and plain autodiff of the lowerings
would keep larger residuals.

`definition.py` makes a primitive and applies it. The others set derivative rules: `linear.py` of linear and bilinear
operators, `exponential.py` of sums with exponential weights, and `tangent.py` of operators whose tangent is linear.
"""

from jaxpool._operators.primitive.definition import bind, identity, operator
from jaxpool._operators.primitive.exponential import exponential_pair
from jaxpool._operators.primitive.linear import adjoint_pair, bilinear_pair
from jaxpool._operators.primitive.tangent import differentiate, without_derivative

__all__ = [
    "adjoint_pair",
    "bilinear_pair",
    "bind",
    "differentiate",
    "exponential_pair",
    "identity",
    "operator",
    "without_derivative",
]
