"""Voicings hold the chord, keep the range and move little."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.compose.voicing import chord_color, clashing_colors, voice_chord
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


@given(
    chord=st.sampled_from(["F:maj7", "D:min7", "G:min9", "Bb:maj7", "A:min7"]),
    sung=st.frozensets(st.integers(0, 11), max_size=3),
    kind=st.sampled_from(["close", "rootless", "shell", "open"]),
)
def test_no_colour_stands_a_semitone_below_what_the_melody_holds(
    chord: str, sung: frozenset[int], kind: str
) -> None:
    symbol, key = ChordSymbol.parse(chord), Key.parse("F")
    avoid = clashing_colors(symbol, key, sung, shared=False)
    pitches = voice_chord(symbol, key, kind=kind, num_voices=4, low=48, high=72, avoid=avoid)  # type: ignore[arg-type]
    color = chord_color(symbol, key)
    spice = {color.get("ninth"), color["seventh"]} - {(color["root"] + 10) % 12, None}
    ground = {(pc - 1) % 12 for pc in sung & {color["root"], color["third"]}}
    assert pitches
    assert not {pitch % 12 for pitch in pitches} & spice & ground
    assert not {pitch % 12 for pitch in pitches} & avoid


@given(
    symbols=st.lists(st.sampled_from(["F:maj7", "D:min7", "G:min7", "C:7", "Bb:maj7"]), min_size=2),
    kinds=st.tuples(*[st.sampled_from(["close", "rootless", "shell", "open"])] * 2),
)
def test_two_comping_parts_do_not_grind(symbols: list[str], kinds: tuple[str, str]) -> None:
    key = Key.parse("F")
    for text in symbols:
        symbol = ChordSymbol.parse(text)
        avoid = clashing_colors(symbol, key, frozenset(), shared=True)
        first, second = (
            voice_chord(symbol, key, kind=kind, num_voices=4, low=low, high=low + 24, avoid=avoid)  # type: ignore[arg-type]
            for kind, low in zip(kinds, (48, 53), strict=True)
        )
        assert not any(abs(a - b) in (1, 13) for a in first for b in second)
