"""The journal of a run: which call it is, and which of its tiles are written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxpool._geometry.tile_arguments import refuse_journal


def described(value: Any) -> str:
    """An argument in one line, the same in every process."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        content = np.ascontiguousarray(value)
        return f"{content.dtype}{list(content.shape)} {hashlib.sha256(content.tobytes()).hexdigest()[:16]}"
    name = getattr(value, "__qualname__", None)
    return repr(value) if name is None else f"{getattr(value, '__module__', '')}.{name}"


class Journal:
    """A file of lines: the call, then the number of each tile once its results are in their file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.call: dict[str, Any] | None = None
        self.done: set[int] = set()
        text = path.read_bytes() if path.exists() else b""
        # The last line may have been cut off.
        self._length = text.rfind(b"\n") + 1
        lines = text[: self._length].decode().splitlines()
        if lines:
            try:
                self.call, self.done = dict(json.loads(lines[0])), {int(line) for line in lines[1:]}
            except ValueError:
                refuse_journal(str(path), "its lines", "no journal", "none of these")

    def goes_on(self, call: Mapping[str, Any]) -> bool:
        """Whether the file is that of a call that was interrupted; refuses that of another."""
        if self.call is None:
            return False
        for name in {**call, **self.call}:
            # The tiles are those of the first run, until it is known that others are wanted.
            if (name != "tile_shape" or name in call) and call.get(name) != self.call.get(name):
                refuse_journal(str(self.path), name, call.get(name), self.call.get(name))
        return True

    def begin(self, call: Mapping[str, Any]) -> None:
        """Writes the call to a new file, or compares it with that of the file."""
        # Tuples become lists in the file.
        call = json.loads(json.dumps(call))
        if self.goes_on(call):
            return
        self._length = 0
        self._append(json.dumps(call))
        self.call = dict(call)

    def add(self, tile: int) -> None:
        """Notes that a tile is written."""
        self._append(str(tile))
        self.done.add(tile)

    def _append(self, line: str) -> None:
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.seek(self._length)
            file.truncate()
            self._length += file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    def end(self) -> None:
        """Deletes the file, as all tiles are written."""
        self.path.unlink(missing_ok=True)
