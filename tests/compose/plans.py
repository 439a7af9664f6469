"""Small hand-made plans for tests of the composing stages."""

from __future__ import annotations

from typing import Any

from leitmotiv.plan.plan import Plan, PlanChord, PlanPart, PlanPhrase, PlanSection, PlanTempo
from leitmotiv.theory import Key, roman_to_chord


def _part(name: str, instrument: str, program: int, role: Any, low: int, high: int) -> PlanPart:
    return PlanPart(
        name=name,
        instrument=instrument,
        program=program,
        is_drum=role == "drums",
        role=role,
        low=low,
        high=high,
    )


BAND = (
    PlanPart(
        name="Lead", instrument="Overdriven Guitar", program=29, role="melody", low=52, high=88
    ),
    PlanPart(
        name="Guitar",
        instrument="Electric Guitar (clean)",
        program=27,
        role="harmony",
        low=40,
        high=76,
    ),
    PlanPart(
        name="Piano", instrument="Acoustic Grand Piano", program=0, role="harmony", low=36, high=84
    ),
    _part("Pad", "Pad 2 (warm)", 89, "pad", 41, 84),
    _part("Horn", "French Horn", 60, "counter", 41, 72),
    PlanPart(
        name="Bass", instrument="Electric Bass (finger)", program=33, role="bass", low=28, high=55
    ),
    PlanPart(
        name="Drums", instrument="Drum Kit", program=0, is_drum=True, role="drums", low=27, high=87
    ),
)
QUARTET = (
    _part("Violin I", "Violin", 40, "melody", 55, 93),
    _part("Violin II", "Violin", 40, "harmony", 55, 84),
    _part("Viola", "Viola", 41, "harmony", 48, 79),
    _part("Cello", "Cello", 42, "bass", 36, 67),
)
PIANO = (
    PlanPart(
        name="Right hand",
        instrument="Acoustic Grand Piano",
        program=0,
        role="melody",
        low=60,
        high=96,
    ),
    PlanPart(
        name="Left hand",
        instrument="Acoustic Grand Piano",
        program=0,
        role="harmony",
        low=31,
        high=67,
    ),
)
CHOIR = (
    _part("Soprano", "Choir Aahs", 52, "melody", 60, 81),
    _part("Alto", "Choir Aahs", 52, "harmony", 53, 74),
    _part("Tenor", "Choir Aahs", 52, "harmony", 48, 69),
    _part("Bass", "Choir Aahs", 52, "bass", 40, 62),
)


def make_plan(
    *,
    parts: tuple[PlanPart, ...] = BAND,
    key: str = "A minor",
    meter: str = "4/4",
    num_bars: int = 16,
    progression: tuple[str, ...] = ("i", "VI", "iv", "V7"),
    genre: str = "rock",
    energies: tuple[float, ...] = (0.3, 0.8),
    textures: tuple[str, ...] = ("homophonic", "full"),
    bpm: float = 110.0,
    seed: int = 1,
    loop: tuple[int, int] | None = None,
    silent: tuple[tuple[int, ...], ...] = ((), ()),
    style: str | None = None,
) -> Plan:
    """Return a plan of one or two sections over a repeated progression, ending on the tonic.

    A progression entry may hold two numerals ("ii V7"), one for each half bar.
    """
    home = Key.parse(key)
    num_sections = min(len(energies), num_bars)
    cuts = [round(num_bars * k / num_sections) for k in range(num_sections + 1)]
    sections = []
    for index in range(num_sections):
        start, end = cuts[index], cuts[index + 1]
        phrases = tuple(
            PlanPhrase(start_bar_index=b, num_bars=min(4, end - b), cadence="authentic")
            for b in range(start, end, 4)
        )
        sections.append(
            PlanSection(
                label="AB"[index % 2],
                name="theme",
                start_bar_index=start,
                num_bars=end - start,
                key=key,
                energy=energies[index],
                texture=textures[index % len(textures)],
                phrases=phrases,
                parts_silent=silent[index % len(silent)],
            )
        )
    chords = []
    for bar in range(num_bars):
        numerals = progression[bar % len(progression)].split()
        if bar == num_bars - 1 and loop is None:
            numerals = ["i" if home.mode == "minor" else "I"]
        for half in (0, 1):
            chord = roman_to_chord(numerals[half % len(numerals)], home)
            chords.append(PlanChord(bar_index=bar, half=half, symbol=str(chord)))
    return Plan(
        title="Test",
        seed=seed,
        genre=genre,
        style=style,
        key=key,
        meter=meter,
        num_bars=num_bars,
        tempos=(PlanTempo(bar_index=0, bpm=bpm),),
        sections=tuple(sections),
        chords=tuple(chords),
        parts=parts,
        loop=loop,
    )
