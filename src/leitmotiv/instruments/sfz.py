"""SFZ instruments, played by sfizz in a process of its own.

Purpose: play a part with an ``.sfz`` file and its samples: layers, round robin, release samples,
legato triggers and modulation as its author wrote them.

Conventions:

- One file is one instrument: it plays whatever program a part names.
- The parser and player are native code and the file is untrusted, so both run in a worker process
  with limits (:mod:`leitmotiv.score.sandbox`): a crash, a hang or a bomb is one error.
- Notes, controllers and pitch bend go to sfizz sample-accurately. CC 7, 10 and 11 start at 100, 64
  and 127. Legato, portamento, key switches and round robin are the instrument's own business;
  RPN is not passed on.
- Audio is float32 (2, samples), at sfizz's offline quality.
- sfizz streams long samples from a thread that it does not always wait for, so that notes fall
  silent after 8,192 frames now and then. The file is therefore copied, its includes put in their
  places and its paths made absolute, with the hint to load samples whole; only instruments of more
  than :data:`MAX_RAM_BYTES` are streamed.

References: SFZ format, sfzformat.com; sfizz (BSD-2-Clause) through pysfizz 0.1.3 (BSD-2-Clause).

Public names: :class:`SfzEngine`, :func:`play_events`, :func:`is_sfz`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.errors import MissingExtraError, ReadError, RenderError
from leitmotiv.score.sandbox import run_in_worker
from leitmotiv.score.score import PITCH_BEND, Part, Score

__all__ = ["EVENT_DTYPE", "SfzEngine", "is_sfz", "play_events"]

EVENT_DTYPE = np.dtype(
    [("sample", "<i8"), ("kind", "u1"), ("number", "u1"), ("value", "<i2"), ("order", "<i8")]
)
NOTE_OFF, CONTROL, BEND, NOTE_ON = 0, 1, 2, 3  # at one sample in this order

MAX_FILE_BYTES = 16 << 20
MAX_RAM_BYTES = 2 << 30
MAX_VOICES = 256
_BLOCK = 256
_MEMORY_BYTES = 4 << 30
_START_SEC = 120.0
_SLOWEST = 10.0  # seconds of work for one of sound
_DEEPEST_INCLUDE = 16
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_INCLUDE = re.compile(r'^[ \t]*#include[ \t]*"([^"\n]+)"', re.MULTILINE)
_PATH = re.compile(r"\b(sample|default_path)=([^\n<]*?)(?=\s+\w+=|\s*[\n<]|\s*$)")
_DEFAULTS = ((7, 100), (10, 64), (11, 127))


def is_sfz(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path names an SFZ instrument, by its suffix.

    Examples
    --------
    >>> is_sfz("Grand Piano.SFZ"), is_sfz("bank.sf2")
    (True, False)
    """
    return Path(path).suffix.lower() == ".sfz"


class SfzEngine:
    """Plays parts with one SFZ instrument.

    Parameters
    ----------
    path : path
        ``.sfz`` file; samples are found as it names them.
    sample_rate : int
        Output rate, 8,000 to 192,000 Hz.

    Raises
    ------
    MissingExtraError
        If pysfizz is not installed.
    RenderError
        If the file or one that it includes is missing or too large, or it is no ``.sfz`` file.
    """

    def __init__(self, path: str | os.PathLike[str], sample_rate: int = SAMPLE_RATE) -> None:
        self.path = Path(path)
        self.sample_rate = int(sample_rate)
        if not 8_000 <= sample_rate <= 192_000:
            raise RenderError(f"sample_rate={sample_rate} must be 8000-192000 Hz")
        if not self.path.is_file() or not is_sfz(self.path):
            raise RenderError(f"sfz={str(path)!r} must be an .sfz file; check the name")
        self._text = _self_contained(self.path)
        if importlib.util.find_spec("pysfizz") is None:
            raise MissingExtraError("pysfizz", "sfz")

    def render_part(self, part: Part, score: Score, num_samples: int) -> NDArray[np.float32]:
        """Render one part.

        Parameters
        ----------
        part, score : Part, Score
            The part, and the score whose tempo it follows; its program does not matter.
        num_samples : int
            Length; what sounds beyond it is cut.

        Returns
        -------
        float32, shape (2, num_samples)
            Zeros for a part without notes.

        Raises
        ------
        RenderError
            If the instrument holds nothing to play, or crashed or hung its player.
        """
        if not len(part.notes) or not num_samples:
            return np.zeros((2, num_samples), dtype=np.float32)
        events = _events(part, score, self.sample_rate, num_samples)
        subject = f"sfz={str(self.path)!r}"
        try:
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "instrument.sfz"
                copy.write_text(self._text, encoding="utf-8")
                return run_in_worker(
                    play_events,
                    (str(copy), self.sample_rate, events, num_samples),
                    timeout_sec=_START_SEC + _SLOWEST * num_samples / self.sample_rate,
                    memory_bytes=_MEMORY_BYTES + 32 * num_samples,
                    subject=subject,
                )
        except ReadError as error:
            raise RenderError(str(error)) from error


def _self_contained(path: Path) -> str:
    """Return an SFZ file as text that plays the same from any folder."""
    folder = path.resolve().parent
    root = folder.as_posix().rstrip("/") + "/"
    text = _included(path, folder, depth=0, room=[MAX_FILE_BYTES])
    text = _COMMENT.sub("", text)
    text = re.sub(r"\bhint_ram_based=\S*", "", text)
    text = re.sub(r"\bdefault_path=(?![/\\]|[A-Za-z]:)", lambda _: f"default_path={root}", text)
    hint = "hint_ram_based=1\n" if _sample_bytes(text, folder) <= MAX_RAM_BYTES else ""
    # A <control> header forgets the path of the one before it.
    control = f"<control>\ndefault_path={root}\n{hint}"
    return control + re.sub(r"<control>", lambda _: control, text)


def _included(path: Path, folder: Path, *, depth: int, room: list[int]) -> str:
    """Return the text of a file with what it includes, at most MAX_FILE_BYTES of it."""
    try:
        size = path.stat().st_size
        room[0] -= size
        if depth > _DEEPEST_INCLUDE or room[0] < 0:
            raise RenderError(
                f"sfz={str(path)!r} holds over {MAX_FILE_BYTES} bytes or {_DEEPEST_INCLUDE} levels "
                "of includes; it must be SFZ text: name another file"
            )
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RenderError(
            f"sfz={str(path)!r} cannot be read ({error.strerror or error}); the instrument must be "
            "complete: install it again"
        ) from None
    pieces, position = [], 0
    for match in _INCLUDE.finditer(text):
        pieces.append(text[position : match.start()])
        inner = folder / match.group(1).replace("\\", "/")  # relative to the first file
        pieces.append(_included(inner, folder, depth=depth + 1, room=room))
        position = match.end()
    return "".join([*pieces, text[position:]])


def _sample_bytes(text: str, folder: Path) -> int:
    """Estimate the memory that the samples take when they are decoded."""
    total = 0
    where = ""
    for kind, value in set(_PATH.findall(text)):
        if kind == "default_path":
            where = value.strip()
    for kind, value in set(_PATH.findall(text)):
        if kind == "sample" and not value.startswith("*"):
            sample = folder / (where + value.strip().replace("\\", "/"))
            try:
                growth = 2 if sample.suffix.lower() == ".wav" else 8
                total += growth * sample.stat().st_size
            except (OSError, ValueError):
                continue
    return total


def _events(part: Part, score: Score, sample_rate: int, num_samples: int) -> NDArray[np.void]:
    """Return everything that happens in a part, sorted by time."""
    notes, controls = part.notes, part.controls
    to_sec = score.tempo_map.tick_to_sec
    onset = np.rint(to_sec(notes["onset"]) * sample_rate).astype(np.int64)
    end = np.rint(to_sec(notes["onset"] + notes["duration"]) * sample_rate).astype(np.int64)
    sent = np.rint(to_sec(controls["tick"]) * sample_rate).astype(np.int64)
    is_bend = controls["controller"] == PITCH_BEND
    is_ours = (controls["controller"] < 128) | is_bend
    is_control = is_ours & ~is_bend
    count, moves = len(notes), controls[is_control]
    numbers, values = np.array(_DEFAULTS).T
    rows = []
    for sample, kind, number, value in (
        (np.zeros(len(numbers)), CONTROL, numbers, values),
        (sent[is_bend], BEND, np.zeros(is_bend.sum()), controls["value"][is_bend]),
        (sent[is_control], CONTROL, moves["controller"], moves["value"]),
        (onset, NOTE_ON, notes["pitch"], notes["velocity"]),
        (np.maximum(end, onset + 1), NOTE_OFF, notes["pitch"], np.zeros(count)),
    ):
        piece = np.zeros(len(sample), dtype=EVENT_DTYPE)
        piece["sample"], piece["kind"], piece["number"], piece["value"] = (
            sample,
            kind,
            number,
            value,
        )
        rows.append(piece)
    events = np.concatenate(rows)
    events["order"] = np.arange(len(events))
    events = np.sort(events, order=["sample", "kind", "order"])
    return events[events["sample"] < num_samples]


def play_events(
    path: str, sample_rate: int, events: NDArray[np.void], num_samples: int
) -> NDArray[np.float32]:
    """Play events of :data:`EVENT_DTYPE` with an SFZ file; called in the worker process.

    Raises
    ------
    RenderError
        If the file holds no region whose sample can be read.
    """
    from pysfizz import _sfizz

    synth = _sfizz.Synth(sample_rate, _BLOCK)
    synth.set_num_voices(MAX_VOICES)
    synth.enable_freewheeling()
    if not synth.load_sfz_file(path) or not synth.get_num_regions():
        raise RenderError(
            "holds no region with a sample that can be read; check that its samples lie where it "
            "names them"
        )
    num_blocks = -(-num_samples // _BLOCK)
    out = np.zeros((2, num_blocks * _BLOCK), dtype=np.float32)
    edges = np.searchsorted(events["sample"], np.arange(num_blocks + 1) * _BLOCK)
    for block in range(num_blocks):
        first = block * _BLOCK
        for at, kind, number, value, _ in events[edges[block] : edges[block + 1]].tolist():
            if kind == NOTE_ON:
                synth.note_on(at - first, number, value)
            elif kind == NOTE_OFF:
                synth.note_off(at - first, number, 0)
            elif kind == CONTROL:
                synth.cc(at - first, number, min(max(value, 0), 127))
            else:
                synth.pitch_wheel(at - first, value)
        out[0, first : first + _BLOCK], out[1, first : first + _BLOCK] = synth.render_block()
    return np.ascontiguousarray(np.nan_to_num(out[:, :num_samples]))
