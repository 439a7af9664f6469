"""The chord model: how likely each chord follows two others, learned from a corpus.

Purpose: harmony that moves as music of a mode, genre and mood does, drawn so that it arrives.

Conventions:

- A chord is a roman numeral of the key; a line of chords holds changes only, no repeats.
- Counts come from ``data/chord_model.npz``, written by ``leitmotiv.corpus.train_chord_model`` from
  the training pieces whose licence asks for no more than a name.
- Steps back off along a hierarchy: two chords before, one chord before, none (MacKay and Peto).
  Genre group and place in the phrase enter as ratios to the step from one chord before; mood tilts
  chords towards the pieces in which they stand more often than others.
- :meth:`ChordModel.draw` samples a line *conditioned* on everything that is fixed (first chord,
  goal, chords that a person gave, chords that a melody allows) by backward messages, so nothing
  has to be repaired afterwards (Pachet, Roy and Barbieri).

Public names: :class:`ChordModel`, :class:`Leaning`, :func:`chord_model`, :data:`GROUP_OF_HARMONY`.

References
----------
D. MacKay and L. Peto, "A hierarchical Dirichlet language model", Natural Language Engineering 1(3),
1995. F. Pachet, P. Roy and G. Barbieri, "Finite-length Markov processes with constraints", IJCAI
2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import PlanError
from leitmotiv.theory import Mode

__all__ = ["GROUP_OF_HARMONY", "ChordModel", "Leaning", "chord_model"]

GROUP_OF_HARMONY = {
    "classical": "chamber",
    "romantic": "song",
    "hymn": "hymn",
    "baroque": "sacred",
    "folk": "folk",
    "ragtime": "piano",
    "film": "orchestral",
}
"""Group of the corpus whose steps a book of ``harmony.toml`` leans on."""

NUM_PLACES = 8

# Found on the validation split by benchmarks/harmony.py --tune.
_UNIGRAM_PRIOR = 0.5  # counts added to every chord
_PAIR_PRIOR = 10.0  # weight of the unigram, in steps
_TRIPLE_PRIOR = 80.0  # weight of the step from one chord before, in steps
_RATIO_PRIOR = 200.0  # weight of the common table against that of a genre or a place, in steps
_GROUP_POWER = 0.8
_PLACE_POWER = 0.8
_MOOD_TILT = 0.4


@dataclass(frozen=True)
class Leaning:
    """What a line of chords is for: the corpus group and the mood it leans to.

    ``group`` None is music of all kinds; ``valence`` and ``arousal`` None are no mood at all.
    """

    group: str | None = None
    valence: float | None = None
    arousal: float | None = None


class ChordModel:
    """Chord steps of one mode.

    Parameters
    ----------
    tables : mapping
        As ``leitmotiv.corpus.train_chord_model.count_steps`` returns them.
    mode : {'major', 'minor'}
    known : frozenset of str, optional
        The chords to keep; all by default. Few chords make a fast model.

    Attributes
    ----------
    names : tuple of str
        The S roman numerals, commonest first.
    """

    def __init__(self, tables: Any, mode: str, known: frozenset[str] | None = None) -> None:
        self.mode = mode
        self.groups = tuple(str(name) for name in tables["groups"])
        names = [str(name) for name in tables[f"{mode}_names"]]
        kept = [n for n, name in enumerate(names) if known is None or name in known]
        self.names = tuple(names[number] for number in kept)
        self.index = {name: number for number, name in enumerate(self.names)}
        self._rows, self._columns = [*kept, len(names)], kept
        self._data = {
            name.removeprefix(f"{mode}_"): tables[name].astype(np.float64)
            if tables[name].shape[-1] != 4
            else tables[name].astype(np.int64)
            for name in tables
            if name.startswith(mode) and not name.endswith("names")
        }
        self._tables: dict[tuple[Leaning, int | None], NDArray[np.float64]] = {}

    @property
    def size(self) -> int:
        """Number of chords S; index S stands for the start of a line."""
        return len(self.names)

    @cached_property
    def _all_pairs(self) -> NDArray[np.float64]:
        """Chance of a chord after another over all chords that the counts know."""
        counts = self._data["pairs"]
        shares = counts.sum(axis=0) + _UNIGRAM_PRIOR
        return _smoothed(counts, shares / shares.sum(), _PAIR_PRIOR)

    @cached_property
    def unigrams(self) -> NDArray[np.float64]:
        """Share of every chord, shape (S,)."""
        counts = self._data["pairs"].sum(axis=0)[self._columns] + _UNIGRAM_PRIOR
        return np.asarray(counts / counts.sum())

    @cached_property
    def bigrams(self) -> NDArray[np.float64]:
        """Chance of a chord after another, shape (S + 1, S); row S is the start."""
        return _shares(self._all_pairs[np.ix_(self._rows, self._columns)])

    @cached_property
    def trigrams(self) -> NDArray[np.float64]:
        """Chance of a chord after two others, shape (S + 1, S + 1, S)."""
        pairs = self._data["pairs"]
        counts = np.zeros((len(pairs), *pairs.shape))
        before, last, chord, number = self._data["triples"].T
        counts[before, last, chord] = number
        totals = np.concatenate([pairs, np.zeros((len(pairs), 1))], axis=1)
        totals[-1, -1] = pairs[-1].sum()
        counts = _filled(counts, totals, self._all_pairs)
        table = _smoothed(counts, self._all_pairs, _TRIPLE_PRIOR)
        return _shares(table[np.ix_(self._rows, self._rows, self._columns)])

    def _ratio(self, kind: str, wanted: int) -> NDArray[np.float64]:
        """How much likelier each step is in one group or place than anywhere, (S + 1, S)."""
        counts = np.zeros_like(self._all_pairs)
        rows = self._data[f"{kind}s"]
        own = rows[rows[:, 0] == wanted]
        counts[own[:, 1], own[:, 2]] = own[:, 3]
        counts = _filled(counts, self._data[f"{kind}_totals"][wanted], self._all_pairs)
        ratio = _smoothed(counts, self._all_pairs, _RATIO_PRIOR) / self._all_pairs
        return np.asarray(ratio[np.ix_(self._rows, self._columns)])

    def mood_tilt(self, leaning: Leaning) -> NDArray[np.float64]:
        """Return the factor by which a mood favours each chord, shape (S,)."""
        moods = self._data["moods"]
        mean = moods[-1]
        tilt = np.zeros(self.size)
        for column, value in enumerate((leaning.valence, leaning.arousal)):
            if value is not None:
                # First order of an exponential family with the spread of moods in the corpus.
                offset = moods[self._columns, column] - mean[column]
                tilt += _MOOD_TILT * (value - mean[column]) * offset / _MOOD_VARIANCE[column]
        return np.asarray(np.exp(tilt))

    def steps(self, leaning: Leaning = Leaning(), place: int | None = None) -> NDArray[np.float64]:
        """Return the chance of every chord after every two, shape (S + 1, S + 1, S).

        Parameters
        ----------
        leaning : Leaning
        place : int, optional
            0 the first chord of a phrase, 1 inside, 2 in its last bar but one, 3 in its last; plus
            4 for a chord that enters in the second half of a bar.

        Raises
        ------
        PlanError
            If the group or the place does not exist.
        """
        key = (leaning, place)
        if key in self._tables:
            return self._tables[key]
        if leaning.group is not None and leaning.group not in self.groups:
            raise PlanError(f"group={leaning.group!r} must be one of {', '.join(self.groups)}")
        if place is not None and not 0 <= place < NUM_PLACES:
            raise PlanError(f"place={place} must be between 0 and {NUM_PLACES - 1}")
        factor = np.ones_like(self.bigrams)
        if leaning.group is not None:
            number = self.groups.index(leaning.group)
            factor *= self._ratio("group", number) ** _GROUP_POWER
        if place is not None:
            factor *= self._ratio("place", place) ** _PLACE_POWER
        factor *= self.mood_tilt(leaning)
        table = self.trigrams * factor
        table /= table.sum(axis=-1, keepdims=True)
        if len(self._tables) > 160:
            self._tables.clear()
        self._tables[key] = table
        return table

    def log_probability(
        self, chords: Sequence[str], places: Sequence[int | None], leaning: Leaning = Leaning()
    ) -> NDArray[np.float64]:
        """Return the natural log of each chord's chance given those before it.

        Chords that the model does not know give NaN and break the chain.
        """
        line = [self.size, self.size, *(self.index.get(chord, -1) for chord in chords)]
        found = np.full(len(chords), np.nan)
        tilt = self.mood_tilt(leaning)
        for number, place in enumerate(places):
            before, last, chord = line[number : number + 3]
            if chord < 0 or last < 0:
                continue
            # After an unknown chord the pair alone decides, as at a start.
            row = self.steps(Leaning(leaning.group), place)[before, last] * tilt
            found[number] = np.log(row[chord] / row.sum())
        return found

    def draw(
        self,
        places: Sequence[int | None],
        rng: np.random.Generator,
        *,
        leaning: Leaning = Leaning(),
        allowed: Sequence[NDArray[np.float64]] | None = None,
        before: Sequence[str] = (),
        goal: str | None = None,
        weigh: NDArray[np.float64] | None = None,
        least: float = 0.0,
        stay: float = 0.0,
        sharpness: float = 1.0,
    ) -> list[str] | None:
        """Draw a line of chords that keeps to all that is fixed.

        Parameters
        ----------
        places : sequence
            Place of each chord, as in :meth:`steps`; its length is that of the line.
        allowed : sequence of ndarray, shape (S,), optional
            Weight of each chord at each position; 0 forbids, a single 1 fixes.
        before : sequence of str
            The chords just before, the last two count.
        goal : str, optional
            The chord that follows the line.
        weigh : ndarray, shape (S, S), optional
            Factor on each step, from a grammar.
        least : float
            Steps less likely than this share of the likeliest step from the same place are left
            out: what a recogniser misheard and what is merely odd lie there.
        stay : float
            Weight of staying on a chord, as a share of the likeliest step from it.
        sharpness : float
            Power of the steps: above 1 the usual ones are taken more often, below 1 less.

        Returns
        -------
        list of str, or None
            None where no line keeps to everything.
        """
        size, length = self.size, len(places)
        if length == 0:
            return []
        tables = []
        same = np.arange(size)
        for position, place in enumerate(places):
            table = self.steps(leaning, place).copy()
            if weigh is not None:
                table[:, :size] *= weigh
            table[:, same, same] = 0.0
            table[:, same, same] = stay * table[:, :size].max(axis=-1)
            if allowed is not None:
                table *= allowed[position]
            if least > 0:
                table[table < least * table.max(axis=-1, keepdims=True)] = 0.0
            if sharpness != 1.0:
                most = table.max(axis=-1, keepdims=True)
                table = (table / np.where(most > 0, most, 1.0)) ** sharpness
            tables.append(table)
        message = np.ones((size + 1, size + 1))
        if goal is not None:
            if goal not in self.index:
                return None
            onward = self.steps(leaning, None)[:, :, self.index[goal]].copy()
            if weigh is not None:
                onward[:, :size] *= weigh[:, self.index[goal]]
            onward[:, self.index[goal]] = stay * onward.max(axis=-1)
            if least > 0:
                onward[onward < 0.2 * least] = 0.0
            message = onward
        messages = [message]
        for table in reversed(tables[1:]):
            # message[b, a] = sum over c of P(c | b, a) * following[a, c]
            message = np.einsum("bac,ac->ba", table, message[:, :size])
            messages.append(message)
        messages.reverse()
        line = [self.index.get(chord, size) for chord in (*(before or ()),)][-2:]
        line = [size] * (2 - len(line)) + line
        for table, following in zip(tables, messages, strict=True):
            weights = table[line[-2], line[-1]] * following[line[-1], :size]
            total = weights.sum()
            if not total > 0:
                return None
            line.append(int(rng.choice(size, p=weights / total)))
        return [self.names[number] for number in line[2:]]


# Spread of the moods of pieces in the corpus, valence and arousal.
_MOOD_VARIANCE = (0.128, 0.078)


def _smoothed(
    counts: NDArray[np.float64], prior: NDArray[np.float64], weight: float
) -> NDArray[np.float64]:
    """Return counts over the last axis as shares, with a prior worth ``weight`` counts."""
    total = counts.sum(axis=-1, keepdims=True) + weight
    return np.asarray((counts + weight * prior) / total)


def _shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _filled(
    counts: NDArray[np.float64], totals: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share what the totals have beyond the counts among the steps that were not kept."""
    missing = np.broadcast_to(prior, counts.shape) * (counts == 0)
    left = np.maximum(totals - counts.sum(axis=-1), 0.0)
    mass = np.maximum(missing.sum(axis=-1), 1e-12)
    return np.asarray(counts + missing * (left / mass)[..., None])


@cache
def _tables() -> dict[str, NDArray[Any]]:
    path = resources.files("leitmotiv.plan").joinpath("data", "chord_model.npz")
    with path.open("rb") as stream, np.load(stream) as stored:
        return {name: stored[name] for name in stored.files}


@lru_cache(maxsize=32)
def chord_model(mode: Mode, known: frozenset[str] | None = None) -> ChordModel:
    """Return the shipped model of a mode; modes with a minor third take that of minor.

    Examples
    --------
    >>> model = chord_model(Mode.MAJOR)
    >>> after_ii6 = model.bigrams[model.index["ii6"]]
    >>> model.names[int(after_ii6.argmax())]
    'V'
    """
    return ChordModel(_tables(), "minor" if mode.is_minor_like else "major", known)
