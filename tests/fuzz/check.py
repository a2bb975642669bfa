"""One call under one transformation, on several arrays of values, beside the oracle."""

import contextlib
import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np

from fuzz.bounds import Bounds, exact
from fuzz.calls import IMPORTS, shown
from fuzz.expected import Somewhere, plan_of
from fuzz.plans import Extremum, real_dtype
from fuzz.sums import Norm
from fuzz.values import flushed, has_subnormals, is_complex, is_float, slopes
from fuzz.windows import RefusedError

RULES = {
    "raises": "a right call does not raise",
    "refused": "a wrong call raises",
    "message": "errors are of three kinds and name the function",
    "value": "values, dtypes and shapes are the oracle's",
    "place": "places are the oracle's",
    "bits": "the value is the input's at its place, bit for bit",
    "sign": "a maximum that is 0 has the sign of the first 0, but for whole planes and the native window",
    "slope": "tangents and cotangents are the oracle's",
    "ends": "slopes of norms also at the ends of the dtype's range",
    "copies": "cotangents of narrow floats add in f32 also what padding copies",
    "jet": "Taylor modes are the oracle's",
}
# Not checked unless asked for: known limits, which README tells.
UNCHECKED = ("ends", "copies")
KINDS = (ValueError, TypeError, NotImplementedError)


@dataclasses.dataclass(frozen=True, eq=False)
class Failure:
    """What went wrong with one case."""

    rule: str
    what: str
    call: object
    how: object = None
    implementation: str | None = None
    x: object = None
    dx: object = None
    g: object = None

    def text(self):
        """Lines to paste into a Python prompt; what came and what was expected as comments."""
        how = "" if self.how is None else f", {self.how}"
        lines = [
            f"# {self.call.function}: {self.rule}{how}",
            *(f"# {line}" for line in self.what.splitlines()),
            IMPORTS,
        ]
        if self.x is None:
            return "\n".join([*lines, self.call.text()])
        lines += [f"x = {shown(self.x)}", f"f = lambda x: {self.call.text(self.implementation)}"]
        if self.how is None or self.how.of_values:
            return "\n".join([*lines, "f(x)" if self.how is None else self.how.text()])
        lines += ["from jax.experimental import jet"] if self.how.name == "jet" else []
        lines += ["first = lambda x: jax.tree.leaves(f(x))[0]"]
        lines += [f"dx = {shown(self.dx)}"] if "dx" in self.how.text() else []
        lines += [f"g = {shown(self.g)}"] if re.search(r"\bg\b", self.how.text()) else []
        return "\n".join([*lines, self.how.text()])


def described(error):
    text = str(error).strip()
    return f"{type(error).__name__}: {text[:400]}"


def well_formed(error, function):
    """Whether an error is one of a kind that the library may raise, in its form."""
    if not isinstance(error, KINDS):
        return False
    return bool(re.match(rf"{function}: [\w.\[\]]+ must .*; got .*\.$", str(error), re.DOTALL))


def check_refused(call, why):
    """A call that must be refused."""
    x = None if call.shape is None else np.zeros(call.shape, jnp.dtype(call.dtype))
    try:
        call(None if x is None else jnp.asarray(x))
    except Exception as error:
        if well_formed(error, call.function) and not isinstance(error, NotImplementedError):
            return []
        return [Failure("message", described(error), call, x=x)]
    return [Failure("refused", f"no error, expected one: {why}", call, x=x)]


def check_question(call):
    """A question about a shape."""
    try:
        expected = plan_of(call)
    except RefusedError as why:
        return check_refused(call, str(why))
    try:
        found = call(None)
    except Exception as error:
        return [Failure("raises", described(error), call)]
    if call.function == "output_shape":
        right = found == expected
    else:
        name = call.arguments["implementation"]
        # After the name come the details that the platform adds. Derivatives that cannot run by it have another.
        values = [found[key] for key in ("window_sum", "window_extremum", "window_argextremum") if key in found]
        right = {plan.partition(",")[0] for plan in values} <= {name} if name else len(found) == 6
        expected = f"{name} for all values"
    return [] if right else [Failure("value", f"got {found}, expected {expected}", call)]


def merged(a, b):
    """Bounds of what may be either of two."""
    if not is_float(a.low.dtype):
        return dataclasses.replace(a, free=a.free | (a.low != b.low))
    tiny = float(jnp.finfo(a.low.dtype).tiny)
    with np.errstate(all="ignore"):
        low = np.minimum(a.low.astype(np.float64), b.low.astype(np.float64)) - 2 * tiny
        high = np.maximum(a.high.astype(np.float64), b.high.astype(np.float64)) + 2 * tiny
    return Bounds(low, high, a.dtype, a.free | b.free)


def outputs_of(plan, x):
    found = plan.outputs(x)
    if has_subnormals(x):
        found = [merged(a, b) for a, b in zip(found, plan.outputs(flushed(x)), strict=True)]
    return found


def near_ends(x):
    """Whether there are numbers whose small multiples or fractions the dtype in which norms are computed has not."""
    info = jnp.finfo(real_dtype(x.dtype))
    size = np.abs(x.astype(complex if is_complex(x.dtype) else np.float64))
    return bool(((size > float(info.max) / 16) | (size > 0) & (size < float(info.tiny) * 16)).any())


def slope_of(plan, how, x, dx, g):
    """Bounds of the slopes that a transformation gives; an empty list where nothing is said."""
    if how.name == "jvp of vjp":
        bounds = [exact(np.zeros((*x.shape, 2) if is_complex(x.dtype) else x.shape, x.dtype))]
        if is_complex(x.dtype):
            zero = np.zeros((*x.shape, 2), jnp.finfo(x.dtype).dtype)
            bounds = [Bounds(zero, zero, x.dtype, zero != 0)]
        return bounds if plan.cotangent(x, g) is not None else []
    forward = how.name in ("jvp", "jet")
    bounds = plan.tangent(x, dx) if forward else plan.cotangent(x, g)
    if bounds is None:
        return []
    if has_subnormals(x) and not plan.linear:
        return []
    if how.name == "jet" and (near_ends(x) or not np.isfinite(x.astype(complex)).all()):
        # JAX's rules for quotients multiply by the value, infinite or NaN as it may be.
        return []
    # The third argument of a Taylor mode repeats the tangent, so that all orders of what is piecewise linear agree;
    # JAX divides them by factorials before, in the dtype of the inputs, which narrow floats round.
    return [bounds] * (3 if how.name == "jet" and jnp.finfo(x.dtype).bits >= 32 else 1)


def bits_fault(plan, x, found):
    """What is wrong with the value at the place that was told."""
    if not isinstance(plan, Extremum | Somewhere) or len(found) < 2 or not x.size or not is_float(x.dtype):
        return None
    values, places = (np.asarray(a) for a in found)
    axes = plan.axes if isinstance(plan, Somewhere) else plan.windows.axes
    convention = "spatial" if isinstance(plan, Somewhere) else plan.convention
    if convention != "spatial" or values.shape != places.shape:
        return None
    planes = np.moveaxis(x, axes, range(-len(axes), 0))
    kept = planes.shape[: -len(axes)]
    planes = planes.reshape(*kept, -1)
    own = [np.moveaxis(a, axes, range(-len(axes), 0)).reshape(*kept, -1) for a in (values, places)]
    if (own[1] < 0).any() or (own[1] >= planes.shape[-1]).any():
        return "a place outside the plane"
    there = np.take_along_axis(planes, own[1].astype(np.int64), -1)
    unsigned = f"u{x.dtype.itemsize}"
    differ = (own[0].view(unsigned) != there.view(unsigned)) & ~(np.isnan(own[0]) & np.isnan(there))
    if not isinstance(plan, Somewhere):
        differ &= ~plan.choose(x)[2].reshape(differ.shape)
    if has_subnormals(x):
        differ &= np.abs(there.astype(np.float64)) >= float(jnp.finfo(x.dtype).tiny)
    bad = np.argwhere(differ)
    if not bad.size:
        return None
    at = tuple(bad[0])
    return f"{len(bad)} values, the first {own[0][at]} where x has {there[at]}"


def sign_fault(call, implementation, plan, x, found):
    """Whether maxima that are 0 have another sign than the first 0."""
    if type(plan) is not Extremum or not is_float(x.dtype) or has_subnormals(x):
        return None
    if call.function.startswith("global") or implementation == "reduce_window":
        return None
    low = plan.outputs(x)[0].low
    got = np.asarray(found[0])
    differ = (low == 0) & (got == 0) & (np.signbit(low) != np.signbit(got))
    return f"{int(differ.sum())} zeros with the other sign" if differ.any() else None


def slope_rule(call, plan, how, x):
    """The rule that wrong slopes break."""
    if how.name == "jet":
        return "jet"
    if isinstance(plan, Norm) and near_ends(x):
        return "ends"
    narrow = jnp.finfo(x.dtype).bits < 32
    return "copies" if narrow and call.arguments.get("padding_mode") and how.name != "jvp" else "slope"


def check_values(call, implementation, plan, how, x, dx, g, found, skip):
    """The faults of what came out, `(rule, what)`."""
    if not how.of_values:
        rule = slope_rule(call, plan, how, x)
        for i, (bounds, got) in enumerate(zip(slope_of(plan, how, x, dx, g), found, strict=False)):
            fault = bounds.fault(got)
            if fault:
                yield rule, f"result {i}: {fault}" if i else fault
        return
    expected = outputs_of(plan, x)
    if len(expected) != len(found):
        yield "value", f"{len(found)} results, expected {len(expected)}"
        return
    for i, (bounds, got) in enumerate(zip(expected, found, strict=True)):
        fault = bounds.fault(got)
        if fault:
            yield "place" if i and isinstance(plan, Extremum | Somewhere) else "value", fault
            return
    fault = bits_fault(plan, x, found)
    if fault:
        yield "bits", fault
    if "sign" not in skip and len(found) == 1 and (fault := sign_fault(call, implementation, plan, x, found)):
        yield "sign", fault


def directions(rng, plan, x):
    """A tangent, and a cotangent of the first result."""
    first = plan.outputs(x)[0]
    shape = first.low.shape[:-1] if is_complex(first.dtype) else first.low.shape
    return slopes(rng, x.shape, x.dtype), slopes(rng, shape, first.dtype)


def check(call, plan, how, xs, rng, skip=(), debug_nans=False):
    """Failures of one call on several arrays, and how often the named implementation refused."""
    own = [directions(rng, plan, x) for x in xs]
    dxs, gs = ([pair[i] for pair in own] for i in (0, 1))
    failures, refused = [], 0
    for implementation in dict.fromkeys([None, call.named]):
        context = jax.debug_nans(True) if debug_nans else contextlib.nullcontext()
        try:
            with context:
                results = how.run(call, implementation, xs, dxs, gs)
        except Exception as error:
            if implementation and isinstance(error, NotImplementedError) and well_formed(error, call.function):
                refused += 1
                continue
            rule = "jet" if how.name == "jet" else "raises"
            failures.append(Failure(rule, described(error), call, how, implementation, xs[0], dxs[0], gs[0]))
            continue
        for x, dx, g, found in zip(xs, dxs, gs, results, strict=True):
            for rule, what in check_values(call, implementation, plan, how, x, dx, g, found, skip):
                failures.append(Failure(rule, what, call, how, implementation, x, dx, g))
    return [f for f in failures if f.rule not in skip], refused
