"""The transformations that a case runs under, and how each is written."""

import dataclasses

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
from jax.experimental import jet

from fuzz.values import is_inexact

VALUES = {"eager": 6, "jit": 5, "vmap": 5, "export": 1, "no_jit": 1}
SLOPES = {"vjp": 5, "jvp": 3, "checkpoint": 1, "vmap of vjp": 2, "jvp of vjp": 1, "jet": 1}
LINEAR = {"transpose": 3}

_FIRST = "lambda x: jax.tree.leaves(f(x))[0]"
TEXTS = {
    "eager": "f(x)",
    "jit": "jax.jit(f)(x)",
    "vmap": "jax.tree.map(lambda y: y[0], jax.vmap(f, in_axes={axis})(jnp.expand_dims(x, {axis})))",
    "export": "jax.export.deserialize(jax.export.export(jax.jit(f))(x).serialize()).call(x)",
    "no_jit": "with jax.disable_jit(): print(f(x))",
    "vjp": "jax.vjp(first, x)[1](g)[0]",
    "jvp": "jax.jvp(first, (x,), (dx,))[1]",
    "checkpoint": "jax.vjp(jax.checkpoint(first), x)[1](g)[0]",
    "vmap of vjp": "jax.vmap(lambda x, g: jax.vjp(first, x)[1](g)[0])(x[None], g[None])[0]",
    "jvp of vjp": "jax.jvp(lambda x: jax.vjp(first, x)[1](g)[0], (x,), (dx,))[1]",
    "jet": "jet.jet(first, (x,), ((dx, dx, dx),))[1]",
    "transpose": "jax.linear_transpose(first, x)(g)[0]",
}


@dataclasses.dataclass(frozen=True)
class Transformation:
    """One of the names above, with what was drawn for it.

    Attributes:
      axis: the axis that `vmap` maps over.
      jitted: whether derivatives are compiled as one program.
      arrays: what becomes of masks, indices and samples: "closed" over, "traced", or under `vmap` "mapped".
    """

    name: str
    axis: int = 0
    jitted: bool = True
    arrays: str = "closed"

    @property
    def of_values(self):
        return self.name in VALUES

    def text(self):
        return TEXTS[self.name].format(axis=self.axis)

    def run(self, call, implementation, xs, dxs, gs):
        """For every array of values the leaves of what comes out: of results, or one slope."""
        arrays = call.arrays if self.arrays != "closed" else {}
        function = Function(call, implementation)
        if self.of_values:
            return _values(self, function, [jnp.asarray(x) for x in xs], arrays)

        def first(x):
            return jax.tree.leaves(function(x, {}))[0]

        program = _slope(self.name, first)
        program = jax.jit(program) if self.jitted else program
        if self.name == "vmap of vjp":
            (found,) = program(*(np.stack(a) for a in (xs, dxs, gs)))
            return [[one] for one in found]
        return [jax.tree.leaves(program(*map(jnp.asarray, own))) for own in zip(xs, dxs, gs, strict=True)]


class Function:
    """The call as a function of its inputs and of a dict of the arguments that are arrays."""

    def __init__(self, call, implementation):
        self.call, self.implementation = call, implementation

    def __call__(self, x, arrays):
        return self.call(x, self.implementation, arrays)


def _values(how, function, xs, arrays):
    leaves = jax.tree.leaves
    if how.name == "eager":
        return [leaves(function(x, arrays)) for x in xs]
    if how.name == "no_jit":
        with jax.disable_jit():
            return [leaves(function(x, arrays)) for x in xs]
    if how.name == "jit":
        program = jax.jit(lambda x, arrays: function(x, arrays))
        return [leaves(program(x, arrays)) for x in xs]
    if how.name == "export":
        shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), (xs[0], arrays))
        data = jax.export.export(jax.jit(lambda x, arrays: function(x, arrays)))(*shapes).serialize()
        program = jax.export.deserialize(data)
        return [leaves(program.call(x, arrays)) for x in xs]
    mapped = 0 if how.arrays == "mapped" else None
    if mapped == 0:
        arrays = {name: np.stack([a] * len(xs)) for name, a in arrays.items()}
    program = jax.vmap(lambda x, arrays: function(x, arrays), in_axes=(how.axis, mapped))
    found = leaves(jax.jit(program)(jnp.stack(xs, how.axis), arrays))
    return [[np.asarray(leaf)[i] for leaf in found] for i in range(len(xs))]


def _slope(name, first):
    """A function of the inputs, a tangent and a cotangent."""

    def backward(x, dx, g, function=first):
        del dx
        return jax.vjp(function, x)[1](g)

    def forward(x, dx, g):
        del g
        return jax.jvp(first, (x,), (dx,))[1]

    def taylor(x, dx, g):
        del g
        return jet.jet(first, (x,), ((dx, dx, dx),))[1]

    def transposed(x, dx, g):
        del dx
        return jax.linear_transpose(first, x)(g)

    programs = {
        "vjp": backward,
        "jvp": forward,
        "checkpoint": lambda x, dx, g: backward(x, dx, g, jax.checkpoint(first)),
        "vmap of vjp": jax.vmap(backward),
        "jvp of vjp": lambda x, dx, g: jax.jvp(lambda x: backward(x, dx, g), (x,), (dx,))[1],
        "jet": taylor,
        "transpose": transposed,
    }
    return programs[name]


def draw_transformation(rng, call, plan):
    """A transformation that the call has."""
    weights = dict(VALUES)
    if plan.differentiable and is_inexact(jnp.dtype(call.dtype)):
        weights |= SLOPES
        if plan.linear:
            weights |= LINEAR
        if not plan.piecewise:
            del weights["jet"], weights["jvp of vjp"]
    chances = np.array(list(weights.values()), float)
    name = str(rng.choice(list(weights), p=chances / chances.sum()))
    arrays = "closed"
    if name in ("jit", "export", "vmap") and rng.random() < 0.4:
        arrays = "mapped" if name == "vmap" and rng.random() < 0.5 else "traced"
    axis = int(rng.integers(len(call.shape) + 1)) if name == "vmap" else 0
    jitted = name == "vmap of vjp" or rng.random() < 0.8
    return Transformation(name, axis, bool(jitted), arrays)
