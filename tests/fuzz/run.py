"""Cases by number: each number of a seed is one call, always the same."""

import collections
import dataclasses

import jax
import numpy as np

from fuzz.check import UNCHECKED, Failure, check, check_question, check_refused
from fuzz.expected import plan_of
from fuzz.generators import draw_call
from fuzz.invalid import check_invalid, spoiled
from fuzz.plans import Extremum
from fuzz.random_windows import BrokenRuleError
from fuzz.transform import draw_transformation
from fuzz.values import KINDS, draw, is_float
from fuzz.ways_back import Unpool
from fuzz.windows import RefusedError

# Calls between two clearings of the caches, which hold every program.
BLOCK = 100
ARRAYS = 8


@dataclasses.dataclass
class Tally:
    """What ran, and what failed."""

    cases: int = 0
    calls: int = 0
    functions: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    dtypes: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    transformations: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    implementations: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    failures: list = dataclasses.field(default_factory=list)
    rules: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def add(self, call, name, cases, failures, named=None):
        self.cases += cases
        self.calls += 1
        self.functions[call.function] += cases
        self.dtypes[str(call.dtype)] += cases
        self.transformations[name] += cases
        if named is not None:
            self.implementations[named] += cases
        # One of a kind for a call: the arrays fail alike.
        first = {failure.rule: failure for failure in reversed(failures)}
        self.failures += first.values()
        self.rules.update(failure.rule for failure in failures)


@dataclasses.dataclass(frozen=True)
class Options:
    """What is drawn: of one function, of 64 bits, without NaN under `jax_debug_nans`, without some rules."""

    seed: int = 0
    only: str | None = None
    x64: bool = False
    debug_nans: bool = False
    skip: tuple = UNCHECKED
    invalid: float = 0.05


def settings(x64):
    """Strict promotion, as in all tests."""
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")
    jax.config.update("jax_enable_x64", x64)


def _arrays(rng, call, plan, how, debug_nans, count):
    if call.function.startswith("indices_"):
        dtype = np.dtype(call.dtype)
        return [_indices(rng, call, plan).astype(dtype) for _ in range(count)]
    kinds = rng.permutation(KINDS)
    if debug_nans:
        kinds = [kind for kind in kinds if kind not in ("nan", "inf", "mixed", "worst", "extreme", "subnormal")]
    xs = [draw(rng, call.shape, call.dtype, str(kinds[i % len(kinds)])) for i in range(count)]
    if debug_nans and is_float(xs[0].dtype):
        overflows_to_nan = not np.isinf(np.asarray(np.inf).astype(xs[0].dtype).astype(np.float32))
        if overflows_to_nan and not (how.of_values and isinstance(plan, Extremum)):
            return []
        xs = [x for x in xs if not np.isnan(x.astype(np.float32)).any()]
    return xs


def _indices(rng, call, plan):
    """Places, for conversions back those that conversion there gives."""
    places = rng.integers(0, int(np.prod(plan.windows.sizes)), call.shape)
    if "_from_" not in call.function:
        return places
    there = dataclasses.replace(plan, back=False)
    return there.outputs(places)[0].low


@np.errstate(all="ignore")
def run_number(number, options, tally, count=ARRAYS):
    """Runs what one number stands for; returns the number of cases."""
    rng = np.random.default_rng([options.seed, number])
    call = draw_call(rng, options.x64, options.only)
    before = tally.cases
    if rng.random() < options.invalid:
        call, argument = spoiled(rng, call)
        tally.add(call, "invalid", 1, check_invalid(call, argument))
    elif call.shape is None:
        tally.add(call, "question", 1, check_question(call))
    else:
        try:
            plan = plan_of(call)
        except RefusedError as why:
            tally.add(call, "refused", 1, check_refused(call, str(why)))
            return 1
        except BrokenRuleError as why:
            tally.add(call, "windows", 1, [Failure("value", str(why), call, x=np.zeros(call.shape, call.dtype))])
            return 1
        _run_call(rng, call, plan, options, tally, count)
    return tally.cases - before


def _run_call(rng, call, plan, options, tally, count):
    how = draw_transformation(rng, call, plan)
    if isinstance(plan, Unpool) and plan.outside and how.arrays == "closed":
        tally.add(call, "refused", 1, check_refused(call, "known indices outside"))
        return
    xs = _arrays(rng, call, plan, how, options.debug_nans, count)
    if not xs:
        return
    failures, _ = check(call, plan, how, xs, rng, options.skip, options.debug_nans)
    tally.add(call, how.name, len(xs), failures, call.named)


def fresh():
    """Frees all compiled programs."""
    jax.clear_caches()
