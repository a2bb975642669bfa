"""Several processes that share a volume, as on a cluster."""

import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

WORKER = pathlib.Path(__file__).with_name("process_worker.py")
PROCESSES = 2
# Seconds for all of them together.
LIMIT = 150


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.later
def test_processes_that_share_a_volume_pool_it_as_one_device_does():
    environment = {name: value for name, value in os.environ.items() if name not in ("XLA_FLAGS", "JAX_PLATFORMS")}
    environment["PYTHONPATH"] = str(WORKER.parents[1])
    port = free_port()
    workers = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(port), str(PROCESSES), str(process)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(PROCESSES)
    ]
    end = time.monotonic() + LIMIT
    try:
        results = [worker.communicate(timeout=max(end - time.monotonic(), 1)) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    for process, (worker, (output, errors)) in enumerate(zip(workers, results, strict=True)):
        assert worker.returncode == 0, errors
        # What connects the processes prints lines of its own.
        assert output.splitlines()[-1] == f"process {process}: 4 shards are those of one device"
