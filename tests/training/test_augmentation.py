"""An augmented window is the window of the augmented piece: nothing it says becomes untrue."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leitmotiv.tokens import tags, vocabulary
from leitmotiv.training import augmentation as module
from leitmotiv.training.augmentation import Augmentation, augment, program_ranges
from leitmotiv.training.windows import COLUMN, Pack, Sequence, build_sequence, draw_sequence

from .toy_pack import toy_pack

NAMES = ("events", "conditions", "time", "targets")
SEEDS = st.integers(0, 10_000)


def varied_pack(rng: np.random.Generator, *, fifths: int = 0) -> Pack:
    """The toy pack in 4/4 with pitches, velocities, energy and bar contents of its own."""
    pack = toy_pack(rng, fifths=fifths)
    notes = len(pack.arrays["note_pitch"])
    pack.arrays["note_velocity"] = rng.integers(3, 7, notes).astype(np.uint8)
    pack.arrays["bar_energy"] = rng.integers(3, 6, len(pack.arrays["bar_energy"])).astype(np.uint8)
    pack.arrays["bar_breath"] = rng.integers(0, 3, len(pack.arrays["bar_breath"])).astype(np.uint8)
    moved = pack.arrays["note_pitch"].astype(np.int64) + rng.integers(-2, 3, notes)
    pack.arrays["note_pitch"] = moved.astype(np.uint8)
    return pack


def halved(pack: Pack, rng: np.random.Generator, meter: int = 3) -> Pack:
    """The same piece written in notes half as long."""
    other = varied_pack(rng)
    other.arrays = dict(pack.arrays)
    for name in ("note_position", "note_duration", "bar_steps"):  # ids of short notes are steps
        other.arrays[name] = pack.arrays[name] // 2
    other.arrays["bar_meter"] = np.full_like(pack.arrays["bar_meter"], meter)
    return other


def window(pack: Pack, rng: np.random.Generator, **options: int) -> Sequence:
    target = np.zeros((6, 2), dtype=bool)
    target[2:4, 1] = True
    return build_sequence(pack, 0, 0, 6, np.arange(2), target, rng.permutation(2), **options)


def assert_same(first: Sequence, second: Sequence, *, but: tuple[str, ...] = ()) -> None:
    for name in ("events", "time", "targets"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name
    for name, column in COLUMN.items():
        if name not in but:
            assert np.array_equal(first.conditions[:, column], second.conditions[:, column]), name


def test_the_tables_are_those_of_the_tokens() -> None:
    assert np.array_equal(module.DURATIONS, vocabulary.DURATIONS)
    assert module.MAX_BAR_STEPS == vocabulary.MAX_BAR_STEPS
    assert all(tags.tempo_id(edge) == i + 2 for i, edge in enumerate(module.TEMPO_EDGES))
    assert tags.tempo_id(module.TEMPO_EDGES[-1] * 9) == len(module.TEMPO_EDGES) + 1
    for table, factor in ((module.LONGER_METERS, 2), (module.SHORTER_METERS, 0.5)):
        for source, targets in table.items():
            old, *new = (tags.METERS[i - 1] for i in (source, *targets))
            for meter in new:
                assert meter[0] / meter[1] == factor * old[0] / old[1]


@given(SEEDS)
def test_a_stretched_window_is_the_window_of_the_piece_written_longer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    long = varied_pack(rng)
    short = halved(long, rng)
    for before, after in ((short, long), (long, short)):
        found = augment(
            window(before, np.random.default_rng(seed)), rng, stretch=1, velocity=0, tempo=0
        )
        wanted = window(after, np.random.default_rng(seed))
        assert_same(found, wanted, but=("meter", "tempo"))
        meter = set(found.conditions[:, COLUMN["meter"]].tolist())
        assert len(meter) == 1
        assert meter <= ({1, 4} if after is long else {3})


@pytest.mark.parametrize(("factor", "qpm"), [(2.0, (33, 72, 90, 140)), (0.5, (120, 140, 40))])
def test_a_known_tempo_stays_true_or_becomes_unknown(
    factor: float, qpm: tuple[int, ...], rng: np.random.Generator
) -> None:
    for tempo in qpm:
        found = module._TEMPO_IDS[factor][tags.tempo_id(tempo)]
        assert found in (0, tags.tempo_id(tempo * factor))
    assert module._TEMPO_IDS[factor][0] == 0
    assert module._TEMPO_IDS[2.0][tags.tempo_id(72)] == tags.tempo_id(144)


def test_what_cannot_be_halved_exactly_stays(rng: np.random.Generator) -> None:
    pack = varied_pack(rng)
    pack.arrays["note_position"][1] = 23
    before = window(pack, rng)
    assert augment(before, rng, stretch=1, velocity=0, tempo=0) is before
    pack = varied_pack(rng)
    pack.arrays["note_duration"][2] = 23
    before = window(pack, rng)
    assert augment(before, rng, stretch=1, velocity=0, tempo=0) is before
    pack = varied_pack(rng)
    pack.arrays["bar_meter"][3] = 14  # one bar of 7/8
    before = window(pack, rng)
    assert augment(before, rng, stretch=1, velocity=0, tempo=0) is before


@given(SEEDS)
def test_a_louder_window_is_the_window_of_the_louder_piece(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pack = varied_pack(rng)
    before = window(pack, np.random.default_rng(seed))
    found = augment(before, rng, stretch=0, velocity=1, tempo=0)
    known = before.events[:, 3] > 0
    move = int((found.events[known, 3] - before.events[known, 3])[0])
    assert move != 0
    for name in ("note_velocity", "bar_energy"):
        pack.arrays[name] = (pack.arrays[name].astype(int) + move).astype(np.uint8)
    assert_same(found, window(pack, np.random.default_rng(seed)))
    assert found.events[known, 3].min() >= 1
    assert found.events[known, 3].max() <= 8


def test_a_bar_at_the_loud_end_has_no_known_energy_after_softening(
    rng: np.random.Generator,
) -> None:
    pack = varied_pack(rng)
    pack.arrays["note_velocity"][:] = 8
    pack.arrays["bar_energy"][:] = 7
    found = augment(window(pack, rng), rng, stretch=0, velocity=1, tempo=0)
    assert not found.conditions[:, COLUMN["energy"]].any()


def test_unknown_velocities_stay_unknown(rng: np.random.Generator) -> None:
    pack = varied_pack(rng)
    pack.arrays["note_velocity"][:] = 0
    before = window(pack, rng)
    assert augment(before, rng, stretch=0, velocity=1, tempo=0) is before


@given(SEEDS)
def test_tempo_moves_to_a_neighbour_or_stays_unknown(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pack = varied_pack(rng)
    tempo = int(rng.integers(0, 9))
    pack.globals[:, 2] = tempo
    before = window(pack, rng)
    found = augment(before, rng, stretch=0, velocity=0, tempo=1)
    moved = set(found.conditions[:, COLUMN["tempo"]].tolist())
    assert len(moved) == 1
    distance = abs(moved.pop() - tempo)
    assert distance == 0 if tempo == 0 else distance <= 1
    assert_same(found, before, but=("tempo",))
    assert np.all(before.conditions[:, COLUMN["tempo"]] == tempo)  # the original is not touched


@given(SEEDS, st.integers(-7, 7))
def test_another_octave_is_the_window_of_the_piece_an_octave_away(seed: int, fifths: int) -> None:
    pack = varied_pack(np.random.default_rng(seed), fifths=fifths)
    ranges = np.tile([0, 127], (130, 1))
    change = Augmentation(octave=1.0, ranges=ranges)
    rng = np.random.default_rng(seed)
    plain = window(pack, np.random.default_rng(seed))
    shift = change.shift(pack, 0, 0, 6, np.arange(2), rng)
    found = window(pack, np.random.default_rng(seed), shift=shift)
    moved = found.events[:, 1] - plain.events[:, 1]
    notes = found.events[:, 0] >= 3
    assert set(np.abs(moved[notes]).tolist()) == {12}
    octave = int(moved[notes][0])
    assert abs(shift) <= 12
    lifted = pack.arrays["note_pitch"].astype(int) + octave
    pack.arrays["note_pitch"] = lifted.astype(np.uint8)
    assert_same(found, window(pack, np.random.default_rng(seed)))


def test_no_part_leaves_its_instruments_range(rng: np.random.Generator) -> None:
    pack = varied_pack(rng, fifths=6)
    ranges = program_ranges(pack)
    change = Augmentation(octave=1.0, ranges=ranges)
    part = pack.arrays["part_program"][0]
    pitches = pack.arrays["note_pitch"]
    # The toy keeps both parts within two octaves: an octave beside it never fits.
    assert change.shift(pack, 0, 0, 6, np.arange(2), rng) == -6
    assert ranges[part].tolist() == [pitches[pitches > 50].min(), pitches.max()]
    wide = ranges.copy()
    wide[:, 0] = 0
    wide[:, 1] = np.where(ranges[:, 1] >= 0, 127, -1)
    assert Augmentation(octave=1.0, ranges=wide).shift(pack, 0, 0, 6, np.arange(2), rng) == 6
    assert np.array_equal(ranges[7], [128, -1])


@given(SEEDS)
def test_all_changes_together_keep_every_id_in_its_vocabulary(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pack = varied_pack(rng, fifths=int(rng.integers(-7, 8)))
    pack.arrays["note_velocity"] = rng.integers(0, 9, len(pack.arrays["note_pitch"])).astype(
        np.uint8
    )
    table = {"stretch": 0.7, "velocity": 0.7, "tempo": 0.7, "octave": 0.7}
    change = Augmentation.from_recipe(table, pack)
    sequence = draw_sequence(pack, 0, rng, max_bars=8, max_parts=2, budget=80, augmentation=change)
    assume(len(sequence) > 2)
    for field, size in enumerate(vocabulary.FIELD_SIZES):
        for ids in (sequence.events[:, field], sequence.targets[:, field]):
            assert ids.min() >= 0
            assert ids.max() < size
    for name, size in vocabulary.CONDITIONS.items():
        column = sequence.conditions[:, COLUMN[name]]
        assert column.min() >= 0
        assert column.max() < size
    position = sequence.events[:, 0] - 3
    bar = sequence.conditions[:, COLUMN["bar"]] - 1
    assert sequence.bar_steps is not None
    assert np.all(position < sequence.bar_steps[bar])
    starts = np.concatenate([[0], np.cumsum(sequence.bar_steps)])
    assert np.array_equal(sequence.time, starts[bar] + np.maximum(position, 0))


def test_without_probabilities_nothing_changes_and_nothing_is_drawn(
    rng: np.random.Generator,
) -> None:
    pack = varied_pack(rng)
    options = {"max_bars": 8, "max_parts": 2, "budget": 80}
    plain = draw_sequence(pack, 0, np.random.default_rng(5), **options)
    same = draw_sequence(pack, 0, np.random.default_rng(5), **options, augmentation=Augmentation())
    for name in NAMES:
        assert np.array_equal(getattr(plain, name), getattr(same, name))


@pytest.mark.parametrize("table", [{"stretch": 1.5}, {"streched": 0.1}])
def test_a_recipe_with_an_impossible_value_is_refused(
    table: dict[str, float], rng: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match="a probability from 0 to 1"):
        Augmentation.from_recipe(table, toy_pack(rng))
