"""Every refused call and the whole of its message, as a user reads it."""

import json
import pathlib

import pytest
from bad_calls import CALLS

MESSAGES = json.loads(pathlib.Path(__file__).with_name("bad_calls.json").read_text())


@pytest.mark.parametrize("name", CALLS)
def test_bad_call(name):
    kind, message = MESSAGES[name]
    with pytest.raises(Exception) as error:  # noqa: PT011 -- kind and message are compared whole
        CALLS[name]()
    assert (type(error.value).__name__, str(error.value)) == (kind, message)


def test_every_message_belongs_to_a_call_and_has_all_parts():
    assert set(MESSAGES) == set(CALLS)
    assert len(CALLS) >= 60
    for kind, message in MESSAGES.values():
        assert kind in ("ValueError", "TypeError", "NotImplementedError")
        function, rest = message.split(": ", 1)
        assert function.isidentifier()
        assert " must " in rest
        assert "; got " in rest
        assert rest.endswith(".")
