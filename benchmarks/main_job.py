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
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from subprocess import PIPE, Popen

BRIEF = "a wistful waltz for string quartet in D minor, 60 seconds"
BAR_SEC, BAR_MIB = 10.0, 1.2 * 1024
ENGINES = ("modelled", "auto")


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


def run_once(folder: Path, engine: str, seed: int) -> tuple[float, float, dict[str, object]]:
    """Compose once; return wall seconds, peak MiB and what the program reported."""
    command = [sys.executable, "-m", "leitmotiv", "compose", BRIEF, "--json"]
    command += ["--engine", engine, "--seed", str(seed), "-o", str(folder / f"{engine}-{seed}")]
    found, stop = [0.0], threading.Event()
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
    return wall_sec, max(found), json.loads(out)


def main() -> None:
    """Print one table an engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each engine, after the first")
    arguments = parser.parse_args()
    print(f"{BRIEF!r} on {len(os.sched_getaffinity(0))} cores")
    with tempfile.TemporaryDirectory() as name:
        for engine in ENGINES:
            first_sec, _, _ = run_once(Path(name), engine, seed=0)
            runs = [run_once(Path(name), engine, seed) for seed in range(1, arguments.runs + 1)]
            wall_sec = statistics.median(wall for wall, _, _ in runs)
            peak_mib = max(peak for _, peak, _ in runs)
            _, _, report = min(runs, key=lambda run: abs(run[0] - wall_sec))
            print(f"\nengine {engine}: {report['duration_sec']} s of music, master included")
            stages = report["stages_sec"]
            assert isinstance(stages, dict)
            for stage, seconds in stages.items():
                print(f"  {stage:<10} {seconds:7.2f} s")
            print(f"  {'the rest':<10} {wall_sec - sum(stages.values()):7.2f} s (start, imports)")
            print(f"  {'wall':<10} {wall_sec:7.2f} s, median of {arguments.runs} cold processes")
            print(f"  {'first ever':<10} {first_sec:7.2f} s")
            print(f"  {'memory':<10} {peak_mib:7.0f} MiB, bar / memory = {BAR_MIB / peak_mib:.2f}")
            print(f"  bar / wall = {BAR_SEC / wall_sec:.2f}")


if __name__ == "__main__":
    main()
