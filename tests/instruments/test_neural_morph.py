"""Between two timbres every descriptor moves one way only; at the ends stand the two."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from leitmotiv.errors import RenderError
from leitmotiv.instruments.neural_catalogue import INSTRUMENTS, Kind
from leitmotiv.instruments.neural_morph import MorphTimbre, describe_timbre, is_monotone
from leitmotiv.instruments.neural_player import render_note
from leitmotiv.instruments.neural_timbre import Timbre, TimbreNote, timbre_of

RATE = 48_000
SOME = ("violin", "trumpet", "flute", "oboe", "steel guitar", "slow strings", "finger bass")


class Described:
    """A timbre that plays one note, described once."""

    def __init__(self, timbre: Timbre, pitch: int) -> None:
        self.kind: Kind = timbre.kind
        self._notes = timbre.notes([pitch], [80])

    def notes(self, pitch: Sequence[float], velocity: Sequence[float]) -> list[TimbreNote]:
        return self._notes


def unruly(names: Sequence[str], pitch: int) -> list[tuple[str, str, str]]:
    """Pairs and descriptors that go back on their way."""
    known = {name: Described(timbre_of(name), pitch) for name in names}
    found = []
    for one, two in itertools.combinations(names, 2):
        way = [
            describe_timbre(MorphTimbre(known[one], known[two], amount), pitch)
            for amount in np.linspace(0, 1, 9)
        ]
        fine = is_monotone(way, 1e-3)
        found += [(one, two, name) for name, good in fine.items() if not good]
    return found


@pytest.mark.parametrize("pitch", [48, 67])
def test_five_descriptors_are_monotone_along_every_way(pitch: int) -> None:
    assert not unruly(SOME, pitch)


@pytest.mark.slow
def test_five_descriptors_are_monotone_between_any_two_instruments() -> None:
    assert not unruly([instrument.name for instrument in INSTRUMENTS], 60)


def test_the_ends_are_the_timbres_themselves() -> None:
    one, two = timbre_of("clarinet"), timbre_of("cello")
    for amount, alone in ((0.0, one), (1.0, two)):
        mixed = MorphTimbre(one, two, amount).notes([60], [80])[0]
        np.testing.assert_array_equal(mixed.levels_db, alone.notes([60], [80])[0].levels_db)


def test_the_audio_of_a_morph_moves_one_way_too() -> None:
    one, two = timbre_of("french horn"), timbre_of("oboe")
    centroids = []
    for amount in (0.0, 0.25, 0.5, 0.75, 1.0):
        audio = render_note(MorphTimbre(one, two, amount), 65, 80, 1.0)
        body = audio[int(0.3 * RATE) : int(0.95 * RATE)]
        power = np.abs(np.fft.rfft(body * np.hanning(len(body)))) ** 2
        hz = np.fft.rfftfreq(len(body), 1 / RATE)
        centroids.append(float((hz * power).sum() / power.sum()))
    assert np.all(np.diff(centroids) > 0)


def test_a_plucked_tone_that_becomes_a_held_one_lasts() -> None:
    guitar, flute = timbre_of("nylon guitar"), timbre_of("flute")
    assert MorphTimbre(guitar, flute, 0.5).kind == "held"
    assert MorphTimbre(guitar, timbre_of("harp"), 0.5).kind == "plucked"


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_an_amount_outside_the_way_is_refused(amount: float) -> None:
    with pytest.raises(RenderError, match="must be 0-1"):
        MorphTimbre(timbre_of("flute"), timbre_of("oboe"), amount)
