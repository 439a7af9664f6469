"""Voicings hold the chord, keep the range and move little."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.compose.voicing import chord_color, voice_chord
from leitmotiv.theory import ChordSymbol, Key

CHORDS = ["C:maj", "A:min", "G:7", "F:maj7", "D:min7", "B:dim", "E:aug", "A:sus4", "Bb:maj6", "C:9"]
KINDS = ["close", "open", "shell", "rootless", "power", "guitar", "keyboard", "spread", "sus"]
KEY = Key.parse("C")


@given(
    chord=st.sampled_from(CHORDS),
    kind=st.sampled_from(KINDS),
    num_voices=st.integers(1, 6),
    low=st.integers(24, 70),
    width=st.integers(0, 48),
)
def test_any_voicing_is_ascending_in_range_and_made_of_the_chord(
    chord: str, kind: str, num_voices: int, low: int, width: int
) -> None:
    symbol = ChordSymbol.parse(chord)
    pitches = voice_chord(
        symbol,
        KEY,
        kind=kind,  # type: ignore[arg-type]
        num_voices=num_voices,
        low=low,
        high=low + width,
    )
    assert list(pitches) == sorted(set(pitches))
    assert len(pitches) <= num_voices
    assert all(low <= pitch <= low + width for pitch in pitches)
    allowed = set(symbol.pitch_classes) | set(chord_color(symbol, KEY).values())
    assert {pitch % 12 for pitch in pitches} <= allowed
    if width >= 24:
        assert pitches


def test_four_chords_are_led_with_small_steps() -> None:
    previous: tuple[int, ...] | None = None
    for chord in ("C:maj", "A:min", "F:maj", "G:maj", "C:maj"):
        pitches = voice_chord(
            ChordSymbol.parse(chord), KEY, num_voices=3, low=48, high=79, previous=previous
        )
        if previous is not None:
            assert max(abs(a - b) for a, b in zip(pitches, previous, strict=True)) <= 4
        previous = pitches


def test_a_power_chord_has_no_third_and_a_shell_has_the_guide_tones() -> None:
    power = voice_chord(
        ChordSymbol.parse("E:min"), KEY, kind="power", num_voices=3, low=40, high=76
    )
    assert {pitch % 12 for pitch in power} == {4, 11}
    shell = voice_chord(ChordSymbol.parse("G:7"), KEY, kind="shell", num_voices=2, low=48, high=76)
    assert {pitch % 12 for pitch in shell} == {11, 5}
