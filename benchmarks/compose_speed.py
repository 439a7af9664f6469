"""Speed of composing: from a brief to a score, and how cost grows with the length of the music.

    python benchmarks/compose_speed.py                   32 bars, four parts: cold and warm
    python benchmarks/compose_speed.py --minutes 1 3 10 30

*Cold* is a new process: imports, weights, plan, notes. *Warm* is the second piece of a process.
Each length runs in a process of its own, so that its memory is its own. Times are wall seconds and
processor seconds: on a busy machine the second says what composing costs. Memory is the peak
resident size above that of the process once it has composed four bars.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

BRIEF = "a wistful waltz for string quartet in D minor"
LONG_BRIEF = "a calm piece for string quartet in G major, 100 bpm, 4/4"
_BARS_A_MINUTE = 25


def _clock() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_cold(num_bars: int) -> None:
    """Compose twice in this process and print both times; the first includes the imports."""
    start = _clock()
    import numpy as np

    from leitmotiv.compose import compose, perform
    from leitmotiv.pipeline import plan_brief

    for name in ("cold", "warm"):
        plan = plan_brief(f"{BRIEF}, {num_bars} bars", seed=1)
        rng = np.random.default_rng(1)
        score = compose(plan, rng=rng)
        perform(score, plan, rng=rng)
        wall, cpu = (after - before for before, after in zip(start, _clock(), strict=True))
        print(
            f"| {name} | {plan.num_bars} | {plan.num_parts} | {score.num_notes} "
            f"| {wall:.2f} | {cpu:.2f} |",
            flush=True,
        )
        start = _clock()


def time_length(minutes: float) -> None:
    """Compose one piece of a length and print its row."""
    import numpy as np

    from leitmotiv.compose import compose
    from leitmotiv.pipeline import plan_brief

    num_bars = round(minutes * _BARS_A_MINUTE)
    compose(plan_brief(f"{LONG_BRIEF}, 4 bars", seed=1), rng=np.random.default_rng(1))
    plan = plan_brief(f"{LONG_BRIEF}, {num_bars} bars", seed=1)
    base = _peak_mib()
    start = _clock()
    score = compose(plan, rng=np.random.default_rng(1))
    wall, cpu = (after - before for before, after in zip(start, _clock(), strict=True))
    music = score.duration_sec / 60
    print(
        f"| {music:.1f} | {plan.num_bars} | {score.num_notes} | {wall:.1f} | {cpu:.1f} "
        f"| {cpu / music:.2f} | {base:.0f} | {_peak_mib():.0f} |",
        flush=True,
    )


def main() -> None:
    """Run the parts that were asked for, each in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, nargs="*", help="lengths of music")
    parser.add_argument("--bars", type=int, default=32)
    parser.add_argument("--child", choices=("cold", "length"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "cold":
        time_cold(options.bars)
    elif options.child == "length":
        time_length(options.minutes[0])
    elif options.minutes:
        print("| minutes | bars | notes | wall s | cpu s | cpu s a minute | MiB before | peak |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for minutes in options.minutes:
            command = [sys.executable, __file__, "--child", "length", "--minutes", str(minutes)]
            subprocess.run(command, check=True)
    else:
        print(
            "| run | bars | parts | notes | wall s | cpu s |\n|---|---|---|---|---|---|", flush=True
        )
        command = [sys.executable, __file__, "--child", "cold", "--bars", str(options.bars)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
