"""Compiles programs in a process of its own, so that one that takes too long can be stopped.

A worker reads one program a line, as JSON, and answers with one line: figures, or why there are none.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
from typing import Any, Self, TextIO

from benchmarks.aot.targets import TARGETS, Target, prepare
from benchmarks.workloads import Workload

_ROOT = str(pathlib.Path(__file__).resolve().parents[2])


class Worker:
    """A child process that compiles for one target, started when first needed, and anew after it had to be stopped.

    Args:
      target: what it compiles for.
      chosen_layouts: whether the compiler chooses the layouts of arguments and results.
    """

    def __init__(self, target: Target, chosen_layouts: bool = False) -> None:
        self._command = [sys.executable, "-m", "benchmarks.aot.worker", target.name, str(int(chosen_layouts))]
        self._environment = dict(os.environ)
        prepare(self._environment, target)
        paths = [self._environment.get("PYTHONPATH", ""), _ROOT]
        self._environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()

    def compile(
        self, workload: Workload, dtype: str, mode: str, contender: str, limit: float | None = None, hlo: str = ""
    ) -> dict[str, Any]:
        """The fields of `benchmarks.aot.figures.Figures`; or "skipped" or "failed", with the reason.

        Args:
          workload, dtype, mode, contender: as in `benchmarks.aot.programs.build`.
          limit: seconds after which to give up.
          hlo: a file to write the optimised program to.
        """
        process = self._running() or self._start()
        request = dataclasses.asdict(workload)
        request = {"workload": request, "dtype": dtype, "mode": mode, "contender": contender, "hlo": hlo}
        print(json.dumps(request), file=process.stdin, flush=True)
        try:
            answer = self._answers.get(timeout=limit)
        except queue.Empty:
            self.stop()
            return {"failed": f">{limit:g} s"}
        if not answer:
            self.stop()
            return {"failed": "the compiler ended its process"}
        return json.loads(answer)

    def _running(self) -> subprocess.Popen[str] | None:
        if self._process is not None and self._process.poll() is not None:
            self.stop()
        return self._process

    def _start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            self._command, env=self._environment, text=True, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        )
        self._process, self._answers = process, queue.Queue()
        threading.Thread(target=_forward, args=(process.stdout, self._answers), daemon=True).start()
        if self._answers.get():
            return process
        self.stop()
        raise RuntimeError(f"the worker did not start; `{' '.join(self._command[1:])}` tells why")

    def stop(self) -> None:
        """Ends the process."""
        if self._process is None:
            return
        self._process.kill()
        # Waits, and closes the pipes.
        self._process.communicate()
        self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.stop()


def _forward(lines: TextIO, answers: queue.Queue[str]) -> None:
    """Every line to the queue, and an empty one at the end."""
    for line in lines:
        answers.put(line)
    answers.put("")


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list) else value


def _answer(request: dict[str, Any], target: Target, device: Any, chosen_layouts: bool) -> dict[str, Any]:
    from benchmarks.aot.figures import compile_for
    from benchmarks.aot.programs import NotOfferedError, build

    workload = Workload(**{key: _as_tuples(value) for key, value in request["workload"].items()})
    try:
        # What the policy would say where the default backend is the target's.
        native = target.platform == "tpu" and workload.dilation == 1
        residual = "input" if native else "offsets"
        built = build(workload, request["dtype"], request["mode"], request["contender"], residual)
        figures, text = compile_for(built, target, device, chosen_layouts)
    except (NotOfferedError, NotImplementedError) as error:
        return {"skipped": str(error)}
    except Exception as error:  # Whatever a compiler raises is its answer.
        return {"failed": f"{type(error).__name__}: {str(error)[:200]}"}
    if request["hlo"]:
        pathlib.Path(request["hlo"]).write_text(text)
    return dataclasses.asdict(figures)


def _serve(name: str, chosen_layouts: bool) -> None:
    from benchmarks.aot.targets import device

    target = TARGETS[name]
    # Nothing but answers may reach the parent, whatever a compiler prints.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    chosen = device(target)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line), target, chosen, chosen_layouts)), file=answers, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2] == "1")
