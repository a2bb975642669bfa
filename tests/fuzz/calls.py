"""A call as data: it can be run, printed so that it can be pasted, and made smaller."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxpool
from fuzz.reducers import REDUCERS

IMPORTS = "import jax, jax.numpy as jnp, jaxpool, numpy as np; from jax import lax; from numpy import inf, nan"


@dataclasses.dataclass(frozen=True)
class Key:
    """A random key."""

    seed: int

    def __repr__(self):
        return f"jax.random.key({self.seed})"


@dataclasses.dataclass(frozen=True)
class Code:
    """An argument that is written as Python."""

    text: str

    def __repr__(self):
        return self.text

    def value(self):
        return eval(self.text, {"jnp": jnp, "jax": jax, "np": np, "inf": np.inf, "nan": np.nan})


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """A public function with arguments.

    Attributes:
      function: its name.
      shape, dtype: of the inputs; None for questions, which take no array.
      arguments: by name, NumPy arrays among them.
      named: an implementation to compare with the automatic one.
      reducer: the name of `pool`'s operation.
    """

    function: str
    shape: tuple | None
    dtype: str | None
    arguments: dict[str, Any]
    named: str | None = None
    reducer: str | None = None

    def __call__(self, x, implementation=None, arrays=None):
        """The result; `arrays` takes the place of the arguments that are arrays."""
        arguments = {name: live(value) for name, value in self.arguments.items()} | (arrays or {})
        if implementation is not None:
            arguments["implementation"] = implementation
        function = getattr(jaxpool, self.function)
        if self.function == "pool":
            reducer = REDUCERS[self.reducer]
            return function(reducer.operands(x), reduce_fn=reducer.function, **arguments)
        return function(**arguments) if self.shape is None else function(x, **arguments)

    @property
    def arrays(self):
        names = ("where", "indices", "samples")
        return {name: self.arguments[name] for name in names if isinstance(self.arguments.get(name), np.ndarray)}

    def text(self, implementation=None, inputs="x"):
        """The call as Python."""
        arguments = dict(self.arguments)
        first = [] if self.shape is None else [inputs]
        if self.function == "pool":
            reducer = REDUCERS[self.reducer]
            first = [reducer.tree]
            arguments = {"init": arguments.pop("init"), "reduce_fn": Code(reducer.text), **arguments}
        if implementation is not None:
            arguments["implementation"] = implementation
        words = [f"{name}={shown(value)}" for name, value in arguments.items()]
        return f"jaxpool.{self.function}({', '.join(first + words)})"


def live(value):
    """An argument as the function gets it."""
    if isinstance(value, Key):
        return jax.random.key(value.seed)
    return value.value() if isinstance(value, Code) else value


def shown(value):
    """An argument, or an array with its dtype and shape, as Python."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.dtype.kind in "biu" or value.dtype.kind == "c":
        flat = value.ravel().tolist()
    else:
        flat = value.ravel().astype(np.float64).tolist()
    if len(flat) > 1 and len({repr(v) for v in flat}) == 1:
        return f"jnp.full({value.shape}, {flat[0]!r}, {value.dtype.name!r})"
    name = "bool" if value.dtype == bool else value.dtype.name
    return f"jnp.array({flat!r}, {name!r}).reshape({value.shape})"
