"""Signatures, types and documentation as tools see them; `make lint` checks `user_code.py` with pyright and mypy."""

import dataclasses
import inspect
import pathlib
import pydoc
import re
import subprocess
import sys
import typing
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import user_code
from test_modules import ARRAYS, POOLS, class_name

import jaxpool
import jaxpool.linen
import jaxpool.nnx
import jaxpool.torch
from jaxpool import _layers, _modules
from jaxpool._modules.documentation import ARGUMENTS, CALL

APIS = [jaxpool.linen, jaxpool.nnx]
# Arguments that a call may give again, because they are learned or known late.
GIVEN_LATE = {"alpha", "beta", "deterministic", "lam", "output_shape", "p", "sigma"}


def short(api):
    return api.__name__


def kinds(parameters):
    return [(p.name, p.kind, p.default) for p in parameters]


def function_of(name):
    return getattr(jaxpool, name), inspect.signature(getattr(jaxpool, name)).parameters


@pytest.mark.parametrize("api", APIS, ids=short)
@pytest.mark.parametrize("name", POOLS)
def test_the_constructor_has_the_arguments_of_the_function(name, api):
    function, parameters = function_of(name)
    _, *expected = (p for p in parameters.values() if p.name not in ARRAYS)
    module = getattr(api, class_name(name))
    _, *found = inspect.signature(module.__init__).parameters.values()
    flax = [p for p in found if p.name in ("parent", "name")]
    assert kinds(found[: len(expected)]) == kinds(expected)
    assert found[len(expected) :] == flax
    assert {p.kind for p in flax} <= {inspect.Parameter.KEYWORD_ONLY}
    assert kinds(inspect.signature(module).parameters.values()) == kinds(found)
    types = typing.get_type_hints(function)
    for hints in (typing.get_type_hints(module.__init__), typing.get_type_hints(module)):
        assert {p.name: hints[p.name] for p in expected} == {p.name: types[p.name] for p in expected}


@pytest.mark.parametrize("api", APIS, ids=short)
@pytest.mark.parametrize("name", POOLS)
def test_the_call_has_the_arrays_of_the_function(name, api):
    function, parameters = function_of(name)
    module = getattr(api, class_name(name))
    _, *found = inspect.signature(module.__call__).parameters.values()
    arrays = [p for p in parameters.values() if p.name in ("inputs", *ARRAYS)]
    # By position or by name, because the transformations of nnx give all arguments by position.
    positional = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in arrays]
    if name == "stochastic_pool":
        # A module may have a stream of keys.
        positional[1] = positional[1].replace(default=None)
    assert kinds(found[: len(arrays)]) == kinds(positional)
    late = {p.name: p.default for p in found[len(arrays) :]}
    # WILDCAT's factor is never learned.
    learned = GIVEN_LATE - {"alpha"} if name == "global_topk_pool" else GIVEN_LATE
    assert late == dict.fromkeys(learned & set(parameters))
    hints, types = typing.get_type_hints(module.__call__), typing.get_type_hints(function)
    for p in arrays:
        stream = Callable[[], jax.Array] if (name, p.name) == ("stochastic_pool", "key") else None
        assert hints[p.name] == (types[p.name] if stream is None else types[p.name] | stream)
    for argument in late:
        assert hints[argument] == types[argument] | None
    assert hints["return"] == types["return"]


@pytest.mark.parametrize("package", [jaxpool, jaxpool.torch], ids=short)
def test_types_of_functions_resolve(package):
    for name in package.__all__:
        function = getattr(package, name)
        assert set(inspect.signature(function).parameters) < set(typing.get_type_hints(function)), name


@pytest.mark.parametrize("api", APIS, ids=short)
@pytest.mark.parametrize("name", POOLS)
def test_the_documentation_names_every_argument(name, api):
    module = getattr(api, class_name(name))
    text = pydoc.render_doc(module, renderer=pydoc.plaintext)
    function, parameters = function_of(name)
    assert f"`jaxpool.{function.__name__}`, as a `flax.{short(api).split('.')[1]}` module" in text
    assert f"`{class_name(name)}(" in text
    args, call = module.__doc__.split("\nCall:")
    listed = re.compile(r"^  (\w+): \S", re.MULTILINE)
    assert listed.findall(args) == [p for p in list(parameters)[1:] if p not in ARRAYS]
    assert listed.findall(call) == list(inspect.signature(module.__call__).parameters)[1:]
    # The signatures of the constructor and of the call, with types, which help also shows.
    squeezed = re.sub(r"[\s|]+", "", text)
    assert re.search(r"__init__\(self,(\*,)?\w+:", squeezed)
    assert re.search(r"__call__\(self,inputs:'?ArrayLike", squeezed)
    assert max(map(len, module.__doc__.splitlines())) <= 120


def test_no_documentation_is_left_over():
    modules = [getattr(_layers if name in _layers.__all__ else _modules, name) for name in jaxpool.linen.__all__]
    fields = {field.name for module in modules for field in dataclasses.fields(module)}
    own = {f"{module.name_of_pool}.{field.name}" for module in modules for field in dataclasses.fields(module)}
    assert {name for name in ARGUMENTS if "." not in name} == fields
    assert {name for name in ARGUMENTS if "." in name} <= own
    calls = [inspect.signature(module.__call__).parameters for module in modules]
    assert set(CALL) == set().union(*calls) - {"self"}


IMAGES = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8, 8, 3)), np.float32)
MASK = IMAGES[..., :1] > 0


@pytest.mark.parametrize("part", ["functions", "linen_modules", "nnx_modules", "torch_facade"])
def test_what_users_write_runs(part):
    # Traced, as nothing need be compiled to see that no call is refused.
    run = getattr(user_code, part)
    jax.eval_shape(lambda *arrays: run(*arrays), IMAGES, MASK, jax.random.key(0))


@pytest.mark.parametrize("call", user_code.wrong_calls(IMAGES, MASK))
def test_what_type_checkers_refuse_is_refused(call):
    with pytest.raises((TypeError, ValueError)):
        call()


def test_user_code_uses_everything():
    text = pathlib.Path(user_code.__file__).read_text()
    for package, alias in ((jaxpool, "jaxpool"), (jaxpool.torch, "jt"), (jaxpool.linen, "jl"), (jaxpool.nnx, "jn")):
        for name in package.__all__:
            assert f"{alias}.{name}" in text, f"{alias}.{name}"


@pytest.mark.parametrize("api", ["linen", "nnx"])
def test_without_flax_the_error_says_what_to_install(api):
    code = f"""
import sys
sys.modules["flax"] = None
import jaxpool
try:
    import jaxpool.{api}
except ImportError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.startswith(f"jaxpool.{api} needs Flax, which cannot be imported (")
    assert result.stdout.endswith('Install it with: pip install "jaxpool[flax]"\n')
