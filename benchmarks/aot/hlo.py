"""Reads the text of an optimised HLO program: what runs at its top level, and the memory that it moves."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator

# Instructions that run nothing, and the second halves of asynchronous pairs.
_NO_OPERATION = frozenset(
    (
        "after-all",
        "async-done",
        "async-update",
        "bitcast",
        "constant",
        "copy-done",
        "get-tuple-element",
        "opt-barrier",
        "parameter",
        "partition-id",
        "slice-done",
        "tuple",
    )
)
_SCATTERS = frozenset(("scatter", "select-and-scatter"))
# What runs is what the computation it names runs.
_WRAPPER = "call"

_HEADER = re.compile(r"^(?P<entry>ENTRY )?%(?P<name>[\w.-]+) .*\{$")
_INSTRUCTION = re.compile(
    r"^\s+(?:ROOT )?%(?P<name>\S+) = (?P<type>.*?) (?P<opcode>[a-z][a-z0-9-]*)\((?P<arguments>[^)]*)\)(?P<rest>.*)$"
)
_ARRAY = re.compile(r"([a-z]+[0-9]*[a-z0-9]*)\[([\d,]*)\]")
_OPERAND = re.compile(r"%([\w.-]+)")
_CALLED = re.compile(r"(?:to_apply|calls)=%([\w.-]+)")
_KIND = re.compile(r"kind=k(\w+)")
_COST = re.compile(r'"reification_cost":(\[\{.*?\}\])')


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One line of a computation."""

    name: str
    type: str
    opcode: str
    arguments: str
    rest: str

    @property
    def operands(self) -> tuple[str, ...]:
        """Names of what it reads."""
        return tuple(_OPERAND.findall(self.arguments))

    @property
    def called(self) -> str | None:
        """The computation that it names."""
        match = _CALLED.search(self.rest)
        return match[1] if match else None

    @property
    def result_bytes(self) -> int:
        """Logical bytes of the result, or of all parts of a tuple."""
        return sum(_bits(*match.groups()) for match in _ARRAY.finditer(self.type)) // 8

    @property
    def brought_bytes(self) -> int:
        """Logical bytes of what a collective operation brings, of one or of several arrays.

        The first half of an asynchronous exchange also names what it sends, which is as large, and scalars of its own.
        """
        if self.opcode != "collective-permute-start":
            return self.result_bytes
        arrays = [match.groups() for match in _ARRAY.finditer(self.type)]
        return sum(_bits(*array) for array in arrays if array[1]) // 16


@dataclasses.dataclass(frozen=True)
class Launch:
    """One operation that runs at the top level.

    Attributes:
      operation: its opcode, and a fusion's kind.
      moved_bytes: its operands, each once, and its results; of an operand that it only slices, the slices if smaller.
      model_us: XLA:GPU's estimate of its microseconds, where there is one.
      model_memory_us: the part of it that memory takes.
    """

    operation: str
    moved_bytes: int
    model_us: float | None
    model_memory_us: float | None


class Program:
    """An optimised program."""

    def __init__(self, text: str) -> None:
        self._computations: dict[str, dict[str, Instruction]] = {}
        self._entry = ""
        lines: dict[str, Instruction] = {}
        for line in text.splitlines():
            header, instruction = _HEADER.match(line), _INSTRUCTION.match(line)
            if header:
                lines = self._computations.setdefault(header["name"], {})
                self._entry = header["name"] if header["entry"] else self._entry
            elif instruction:
                lines[instruction["name"]] = Instruction(**instruction.groupdict())

    @property
    def computations(self) -> list[dict[str, Instruction]]:
        """The instructions of every computation, by their names."""
        return list(self._computations.values())

    @property
    def scatters(self) -> bool:
        """Whether there is a scatter or a select-and-scatter anywhere."""
        opcodes = {i.opcode for computation in self._computations.values() for i in computation.values()}
        return not opcodes.isdisjoint(_SCATTERS)

    def launches(self) -> list[Launch]:
        """What runs at the top level, in order."""
        return [self._launch(*found) for found in self._walk(self._entry)]

    def _walk(self, name: str) -> Iterator[tuple[Instruction, dict[str, Instruction]]]:
        computation = self._computations[name]
        for instruction in computation.values():
            if instruction.opcode in _NO_OPERATION:
                continue
            if instruction.opcode == _WRAPPER and instruction.called:
                yield from self._walk(instruction.called)
            else:
                yield instruction, computation

    def _launch(self, instruction: Instruction, around: dict[str, Instruction]) -> Launch:
        kind, cost = _KIND.search(instruction.rest), _COST.search(instruction.rest)
        # The second entry of a cost is a bound, not an estimate.
        model = json.loads(cost[1])[0] if cost else {}
        return Launch(
            operation=f"{instruction.opcode} ({kind[1]})" if kind else instruction.opcode,
            moved_bytes=self._read_bytes(instruction, around) + instruction.result_bytes,
            model_us=model.get("exec_time_us"),
            model_memory_us=model.get("memory_access_time_us"),
        )

    def _read_bytes(self, instruction: Instruction, around: dict[str, Instruction]) -> int:
        inner = self._computations.get(instruction.called or "", {}) if instruction.opcode == "fusion" else {}
        parameters = {i.arguments: i.name for i in inner.values() if i.opcode == "parameter"}
        # An operand may be given twice.
        total: dict[str, int] = {}
        for position, operand in enumerate(instruction.operands):
            whole = around[operand].result_bytes
            users = list(_users(inner, parameters[str(position)])) if inner else []
            sliced = sum(user.result_bytes if user.opcode == "slice" else whole for user in users)
            total[operand] = max(total.get(operand, 0), min(whole, sliced) if users else whole)
        return sum(total.values())


def _users(computation: dict[str, Instruction], name: str) -> Iterator[Instruction]:
    """What reads a value, through bitcasts."""
    for user in computation.values():
        if name in user.operands:
            if user.opcode == "bitcast":
                yield from _users(computation, user.name)
            else:
                yield user


def _bits(dtype: str, dimensions: str) -> int:
    digits = re.search(r"\d+", dtype)
    # A predicate takes a byte; a token and the like take none.
    bits = 8 if dtype == "pred" else int(digits[0]) if digits else 0
    return bits * math.prod(int(size) for size in dimensions.split(",") if size)
