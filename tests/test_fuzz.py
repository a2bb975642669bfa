"""The fuzzer: a generator for every public function, fixed cases, fresh cases, and faults that it must see."""

import os
import pathlib
import re

import jax
import jax.numpy as jnp
import pytest
from fuzz.generators import GENERATORS, WEIGHTS
from fuzz.run import Options, Tally, run_number

import jaxpool

# Another seed in the environment draws other cases; the same seed always draws the same.
SEED = int(os.environ.get("JAXPOOL_FUZZ_SEED", "20261126"))


def run(options, cases):
    tally, number = Tally(), 0
    while tally.cases < cases:
        run_number(number, options, tally)
        number += 1
    report = "\n\n".join(failure.text() for failure in tally.failures)
    assert not tally.failures, f"seed {options.seed}:\n{report}"
    return tally


def test_every_public_function_is_drawn_or_compared_with_loops():
    assert set(GENERATORS) == set(WEIGHTS)
    others = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("*.py"))
    for name in set(jaxpool.__all__) - set(GENERATORS):
        assert re.search(rf"\b{name}\b", others), name


def test_fixed_cases():
    tally = run(Options(seed=7), 40)
    assert tally.cases >= 40


@pytest.mark.slow
def test_fresh_cases():
    tally = run(Options(seed=SEED), 300)
    assert len(tally.functions) > 10


@pytest.mark.slow
def test_fresh_cases_under_debug_nans():
    run(Options(seed=SEED, debug_nans=True), 60)


def broken_value(function):
    return lambda x, *args, **kwargs: function(x, *args, **kwargs) + jnp.asarray(1, x.dtype)


def broken_slope(function):
    def broken(x, *args, **kwargs):
        if not jnp.issubdtype(x.dtype, jnp.inexact):
            return function(x, *args, **kwargs)
        return function(x + (x - jax.lax.stop_gradient(x)), *args, **kwargs)

    return broken


def last_of_equals(function):
    def broken(x, *args, **kwargs):
        values, places = function(x, *args, **kwargs)
        return values, places[::-1]

    return broken


def silent(function):
    def broken(x, *args, **kwargs):
        try:
            return function(x, *args, **kwargs)
        except ValueError:
            return x

    return broken


@pytest.mark.parametrize(
    ("name", "fault", "rule"),
    [
        ("sum_pool", broken_value, "value"),
        ("max_pool", broken_slope, "slope"),
        ("max_pool_with_argmax", last_of_equals, "place"),
        ("min_pool", silent, "refused"),
    ],
)
def test_faults_are_seen(monkeypatch, name, fault, rule):
    monkeypatch.setattr(jaxpool, name, fault(getattr(jaxpool, name)))
    tally, options = Tally(), Options(only=name, invalid=0.0)
    for number in range(60):
        run_number(number, options, tally, count=2)
        if tally.rules[rule]:
            return
    pytest.fail(f"no failure of the rule {rule}: {tally.rules}")
