"""What the reference of the site shows: docstrings as Markdown, and the modules whose contents are made at run time."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

# Only there when the site is built.
griffe: Any = importlib.import_module("griffe")

# Their classes and functions have documentation and signatures that stand in no line of code.
MADE = ("linen", "nnx", "torch", "torch.nn")
_LISTS = ("Args", "Call", "Raises", "Parameters")
# Such as "Derivatives: both modes."
_PARAGRAPH = re.compile(r"^(Returns|Derivatives|Source|Sharding|Algorithm)(, \w+)*:", re.MULTILINE)
_SECTION = re.compile(r"^(Args|Call|Raises|Returns|Example|Parameters)\b([^:\n]*):\n((?:(?:  .*)?\n)+)", re.MULTILINE)


def markdown(docstring: str) -> str:
    """A docstring of this library as Markdown: arguments as a list, examples as code, names of sections in bold."""
    text = inspect.cleandoc(docstring) + "\n"
    text = _SECTION.sub(lambda found: _section(found[1], found[2], found[3]), text)
    return re.sub(
        r"^(Returns|Derivatives|Source|Sharding|Algorithm)\b(?: \w+, \w+)?:", r"**\g<0>**", text, flags=re.MULTILINE
    )


def _section(name: str, more: str, body: str) -> str:
    body = inspect.cleandoc(body)
    if name == "Example":
        return f"**{name}:**\n\n```pycon\n{body}\n```\n"
    if name in _LISTS:
        body = "\n".join(_items(body))
    return f"**{name}{more}:**\n\n{body}\n\n"


def _items(body: str) -> Iterator[str]:
    """Lines `name, other: meaning`, and what follows them farther to the right, as a list."""
    for item in re.split(r"\n(?=\S)", body):
        names, colon, meaning = item.partition(":")
        kind = names.replace("*", "").replace(", ", "`, `").replace(",\n", "`, `").replace("\n", " ")
        kind = re.sub(r"`\s+", "`", f"`{kind}`")
        yield f"- {kind}{colon} " + " ".join(meaning.split()) if colon else f"- {item}"


class Reference(griffe.Extension):
    """Docstrings as Markdown, and objects as they are at run time where the text of a module does not show them."""

    def on_package(self, *, pkg: Any, **_: Any) -> None:
        """Change what was read from the files."""
        for module in MADE:
            made = importlib.import_module(f"jaxpool.{module}")
            for name in made.__all__:
                pkg[module].set_member(name, _at_run_time(name, getattr(made, name), pkg[module]))
        _translate(pkg)


def _translate(thing: Any) -> None:
    if thing.docstring is not None:
        thing.docstring.value = markdown(thing.docstring.value)
    for member in thing.members.values():
        if not member.is_alias:
            _translate(member)


def _at_run_time(name: str, thing: Callable[..., Any], parent: Any) -> Any:
    """A function with the signature of a function or of a constructor."""
    signature = inspect.signature(thing)
    hidden = {"parent", "name"} if "flax.linen" in str(inspect.getmro(thing) if inspect.isclass(thing) else "") else ()
    parameters = griffe.Parameters()
    for parameter in signature.parameters.values():
        if parameter.name not in hidden:
            parameters.add(_parameter(parameter))
    returns = None if inspect.isclass(thing) else _type(signature.return_annotation)
    made = griffe.Function(name, parameters=parameters, returns=returns, parent=parent)
    made.docstring = griffe.Docstring(inspect.getdoc(thing) or "", parent=made)
    return made


def _parameter(parameter: inspect.Parameter) -> Any:
    kinds = griffe.ParameterKind
    kind = {
        parameter.POSITIONAL_ONLY: kinds.positional_only,
        parameter.POSITIONAL_OR_KEYWORD: kinds.positional_or_keyword,
        parameter.VAR_POSITIONAL: kinds.var_positional,
        parameter.KEYWORD_ONLY: kinds.keyword_only,
        parameter.VAR_KEYWORD: kinds.var_keyword,
    }[parameter.kind]
    default = None if parameter.default is parameter.empty else _value(parameter.default)
    return griffe.Parameter(parameter.name, annotation=_type(parameter.annotation), kind=kind, default=default)


def _type(annotation: Any) -> str | None:
    if annotation is inspect.Signature.empty:
        return None
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _value(default: Any) -> str:
    if isinstance(default, functools.partial):
        return _value(default.func)
    return default.__name__ if callable(default) else repr(default)
