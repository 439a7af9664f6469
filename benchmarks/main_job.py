"""The main job, cold: brief to master for 60 s and four parts, against the bar of 10 s.

Runs ``leitmotiv compose`` in a process of its own, as a person does, and prints the wall time,
the split by stage, the peak memory and the ratio of the bar to the time taken (above 1: held).
Run it on a quiet machine with two cores: ``python benchmarks/main_job.py [--runs N]``.

The first run after an installation also compiles the numerical code once; it is reported apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen

BRIEF = "a wistful waltz for string quartet in D minor, 60 seconds"
BAR_SEC, BAR_MIB = 10.0, 1.2 * 1024
ENGINES = ("neural", "auto")


def peak_memory_mib(root_pid: int, stop: threading.Event, found: list[float]) -> None:
    """Watch the summed proportional memory of a process and its children until ``stop``."""
    while not stop.wait(0.05):
        total, pids = 0, [root_pid]
        while pids:
            pid = pids.pop()
            try:
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            pids += map(int, children)
            total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
        found.append(total / 1024)


def cpu_sec() -> float:
    """Processor time of all children so far, on all cores."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Run:
    """One cold process: what it took and what it reported."""

    wall_sec: float
    cpu_sec: float
    peak_mib: float
    duration_sec: float
    stages_sec: dict[str, float]


def run_once(folder: Path, engine: str, seed: int) -> Run:
    """Compose once in a process of its own."""
    command = [sys.executable, "-m", "leitmotiv", "compose", BRIEF, "--json"]
    command += ["--engine", engine, "--seed", str(seed), "-o", str(folder / f"{engine}-{seed}")]
    found, stop = [0.0], threading.Event()
    used_sec = cpu_sec()
    start = time.perf_counter()
    with Popen(command, stdout=PIPE, stderr=PIPE, text=True) as process:
        watch = threading.Thread(target=peak_memory_mib, args=(process.pid, stop, found))
        watch.start()
        out, err = process.communicate()
        wall_sec = time.perf_counter() - start
        stop.set()
        watch.join()
    if process.returncode:
        sys.exit(err.strip() or f"leitmotiv ended with status {process.returncode}")
    report = json.loads(out)
    return Run(
        wall_sec, cpu_sec() - used_sec, max(found), report["duration_sec"], report["stages_sec"]
    )


def main() -> None:
    """Print one table an engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each engine, after the first")
    arguments = parser.parse_args()
    print(f"{BRIEF!r} on {len(os.sched_getaffinity(0))} cores")
    with tempfile.TemporaryDirectory() as name:
        for engine in ENGINES:
            first = run_once(Path(name), engine, seed=0)
            runs = [run_once(Path(name), engine, seed) for seed in range(1, arguments.runs + 1)]
            run = sorted(runs, key=lambda run: run.wall_sec)[len(runs) // 2]
            peak_mib = max(run.peak_mib for run in runs)
            rest_sec = run.wall_sec - sum(run.stages_sec.values())
            print(f"\nengine {engine}: {run.duration_sec} s of music")
            for stage, seconds in run.stages_sec.items():
                print(f"  {stage:<10} {seconds:7.2f} s")
            print(f"  {'the rest':<10} {rest_sec:7.2f} s (start, imports)")
            print(f"  {'wall':<10} {run.wall_sec:7.2f} s, median of {len(runs)} cold processes")
            print(f"  {'processor':<10} {run.cpu_sec:7.2f} s on all cores")
            print(f"  {'first ever':<10} {first.wall_sec:7.2f} s")
            print(f"  {'memory':<10} {peak_mib:7.0f} MiB, bar / memory = {BAR_MIB / peak_mib:.2f}")
            print(f"  bar / wall = {BAR_SEC / run.wall_sec:.2f}")


if __name__ == "__main__":
    main()
