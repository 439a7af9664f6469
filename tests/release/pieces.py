"""A small piece for the tests of release: two parts, four bars, every origin."""

from __future__ import annotations

import numpy as np

from leitmotiv.audio import Master, Stems
from leitmotiv.plan import Brief, Plan
from leitmotiv.plan.plan import (
    PlanChord,
    PlanPart,
    PlanPhrase,
    PlanSection,
    PlanTempo,
    ThemePlacement,
)
from leitmotiv.score import (
    KeyChange,
    MeterChange,
    Origin,
    Part,
    Score,
    TempoMap,
    make_notes,
)
from leitmotiv.theory import Key, Meter

NUM_BARS = 4
BAR_TICKS = 1440


def make_score(*, origin: Origin = Origin.MODEL, title: str = "Small Waltz") -> Score:
    onset = np.arange(0, NUM_BARS * BAR_TICKS, 480)
    melody = make_notes(onset, 440, 62 + np.arange(12) % 7, 80, origin)
    bass = make_notes(onset[::3], 1400, 38, 70, origin)
    violin = Part("Violin", 40, role="melody", notes=melody)
    return Score(
        (violin, Part("Cello", 42, role="bass", notes=bass)),
        TempoMap((0,), (120.0,)),
        (MeterChange(0, Meter(3, 4)),),
        (KeyChange(0, Key.parse("D minor")),),
        title=title,
        length_ticks=NUM_BARS * BAR_TICKS,
    )  # fmt: skip


def make_plan(**changes: object) -> Plan:
    halves = [(bar, half) for bar in range(NUM_BARS) for half in (0, 1)]
    phrase = PlanPhrase(start_bar_index=0, num_bars=NUM_BARS, cadence="authentic")
    section = PlanSection(
        label="A", name="theme", start_bar_index=0, num_bars=NUM_BARS, key="D minor",
        energy=0.5, texture="homophonic", phrases=(phrase,),
    )  # fmt: skip
    plan = Plan(
        title="Small Waltz",
        brief=Brief(text="a small waltz"),
        seed=5,
        genre="waltz",
        key="D minor",
        meter="3/4",
        num_bars=NUM_BARS,
        tempos=(PlanTempo(bar_index=0, bpm=120.0),),
        sections=(section,),
        chords=tuple(PlanChord(bar_index=b, half=h, symbol="D:min") for b, h in halves),
        parts=(
            PlanPart(
                name="Violin", instrument="Violin", program=40, role="melody", low=55, high=96
            ),
            PlanPart(name="Cello", instrument="Cello", program=42, role="bass", low=36, high=72),
        ),
        placements=(ThemePlacement(bar_index=0, num_bars=2, part_index=0, transform="statement"),),
    )
    return plan.replace(**changes) if changes else plan


def make_stems(num_samples: int = 9600) -> Stems:
    rng = np.random.default_rng(1)
    audio = (0.05 * rng.standard_normal((2, 2, num_samples))).astype(np.float32)
    return Stems(("Violin", "Cello"), (audio[0], audio[1]))


def make_master(stems: Stems) -> Master:
    return Master(np.sum(stems.audio, axis=0), stems.sample_rate, -14.0, -1.5)
