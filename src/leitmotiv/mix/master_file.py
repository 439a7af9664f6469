"""Mastering of a file of any length: streamed, with flat memory.

Purpose: master a recording from disk to disk, of any channel layout up to 7.1 and any sample rate
from 8 kHz, and say what was before and after.

How it works: the file is measured; the first stage of the chain runs once, into a float file
beside the output that is taken away again (short audio stays in memory); the gain into the limiter
is searched on that, for long files first on a pilot of short stretches; the last pass writes. A
lossy file is read back, measured and written again until it is on target; for a lossless one the
loudest stretches are encoded in each lossy format, and the ceiling is lowered until they hold it.

Public names: :class:`MasteredFile`, :func:`master_file`, :func:`write_matched_pair`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio import (
    FORMATS,
    AudioFormat,
    AudioReader,
    AudioWriter,
    BroadcastExtension,
    LoudnessMeter,
    Marker,
    WavWriter,
    find_format,
    read_markers,
    round_trip,
    true_peak_dbtp,
)
from leitmotiv.audio.files import read_descriptions
from leitmotiv.audio.loudness import channel_weights
from leitmotiv.audio.sound_report import SILENT_DB, SoundMeter, SoundReport
from leitmotiv.errors import AudioError
from leitmotiv.mix.chain import (
    CLIPPING_DB,
    ArraySource,
    Finish,
    MasterChain,
    Source,
    plan_chain,
    run_chain,
)
from leitmotiv.mix.master import (
    CODEC_TOLERANCE_LU,
    ENCODER_MARGIN_DB,
    MAX_ENCODINGS,
    OUT_OF_REACH_LU,
    TRIM_DB,
    Target,
    search_gain,
)
from leitmotiv.mix.profiles import MasterProfile, find_profile

__all__ = ["MasteredFile", "master_file", "write_matched_pair"]

IN_MEMORY_VALUES = 2**24  # samples of all channels that are held rather than written aside
PILOT_SEC, PILOT_STRETCHES = 10.0, 18
CHECKED_SEC, CHECKED_STRETCHES = 5.0, 3
SILENCE_DBTP = -96.0
LOWEST_HZ, HIGHEST_HZ = 8_000, 192_000

Tell = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class MasteredFile:
    """What came of mastering a file.

    ``after`` is measured on the file as written, decoded where it is lossy;
    ``encoded_peak_dbtp`` is, of a lossless file, the true peak of its loudest stretches after
    each lossy encoding. ``notes`` say what could not be reached.
    """

    path: Path
    chain: MasterChain
    before: SoundReport
    after: SoundReport
    reference: SoundReport | None = None
    encoded_peak_dbtp: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Stretches:
    """Evenly spread stretches of a source, one after another."""

    whole: Source
    num_channels: int
    sample_rate: int
    length: int
    count: int

    @property
    def num_samples(self) -> int:
        return self.length * self.count

    def blocks(
        self, num_samples: int = 2**16, *, start: int = 0, stop: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        last = self.whole.num_samples - self.length
        for at in np.linspace(0, last, self.count).astype(np.int64).tolist():
            yield from self.whole.blocks(num_samples, start=at, stop=at + self.length)


def _measured(
    blocks: Iterable[NDArray[np.float32]],
    num_channels: int,
    sample_rate: int,
    *,
    spectrum: bool = True,
    tell: Callable[[int], None] | None = None,
) -> SoundReport:
    meter = SoundMeter(num_channels, sample_rate, spectrum=spectrum)
    heard = 0
    for block in blocks:
        meter.add(block)
        heard += block.shape[1]
        if tell is not None:
            tell(heard)
    return meter.report()


def _measure_path(path: Path, tell: Callable[[int], None] | None = None) -> SoundReport:
    with AudioReader(path) as reader:
        return _measured(reader.blocks(), reader.num_channels, reader.sample_rate, tell=tell)


def master_file(
    source: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    profile: str | MasterProfile = "streaming",
    tone: str = "balanced",
    reference: str | os.PathLike[str] | None = None,
    format: str | AudioFormat | None = None,
    software: str = "",
    progress: Tell | None = None,
) -> MasteredFile:
    """Master a file to another file; it appears whole or not at all.

    Parameters
    ----------
    source, path : path-like
        What to read (anything libsndfile reads) and what to write; an existing file is replaced.
    profile, tone
        As in :func:`~leitmotiv.mix.master.master`.
    reference : path-like, optional
        A track to come near to in tone, width and dynamics; loudness stays the profile's.
    format : str or AudioFormat, optional
        By default the suffix of ``path`` decides.
    software : str
        Named in the file as what made it.
    progress : callable, optional
        Called with the share done (0-1) and what is being done.

    Returns
    -------
    MasteredFile

    Raises
    ------
    AudioError
        If a file cannot be read or written, holds NaN, or has a layout or rate outside what can
        be measured.
    """
    chosen = find_profile(profile)
    target_format = find_format(str(path) if format is None else format)
    tell = progress or (lambda fraction, message: None)
    if os.path.realpath(source) == os.path.realpath(path):
        raise AudioError(f"output {str(path)!r} is the input; choose another name with -o")
    with ExitStack() as stack:
        reader = stack.enter_context(AudioReader(source))
        channel_weights(reader.num_channels)  # says which layouts can be measured
        if not LOWEST_HZ <= reader.sample_rate <= HIGHEST_HZ:
            raise AudioError(
                f"{source} has {reader.sample_rate} Hz; mastering takes {LOWEST_HZ} to {HIGHEST_HZ}"
            )
        length = max(reader.num_samples, 1)
        tell(0.0, "measure")
        before = _measured(
            reader.blocks(),
            reader.num_channels,
            reader.sample_rate,
            tell=lambda heard: tell(0.15 * heard / length, "measure"),
        )
        wanted = None if reference is None else _measure_path(Path(reference))
        if wanted is not None and wanted.mid_db.max() <= SILENT_DB + 20:
            raise AudioError(f"reference {str(reference)!r} is silent; give a track with sound")
        # Written again until it holds what was asked for: only the last one gets the name.
        path = Path(path)
        aside = path.with_name(f".{path.name}.{os.getpid()}.try{target_format.suffix}")
        stack.callback(lambda: aside.unlink(missing_ok=True))
        stack.enter_context(_named(aside, path))
        job = _Job(reader, aside, target_format, chosen, software, tell)
        if before.true_peak_dbtp <= SILENCE_DBTP:
            what = "silent" if before.num_samples else "empty"
            note = f"the input is {what}, so the master is {what}; check the recording"
            after = job.write(reader, None)
            os.replace(aside, path)
            chain = job.chain(before, None, "none")
            return MasteredFile(path, chain, before, after, wanted, notes=(note,))
        chain = job.chain(before, wanted, tone)
        if chosen.integrated_lufs is None:
            after = job.write(reader, None)
            os.replace(aside, path)
            return MasteredFile(path, chain, before, after, wanted)
        tell(0.15, "shape")
        shaped = job.shape(chain, stack)
        after, peaks = job.finish(shaped, chosen.integrated_lufs)
        os.replace(aside, path)
    notes: tuple[str, ...] = ()
    if not abs(after.integrated_lufs - chosen.integrated_lufs) <= OUT_OF_REACH_LU:
        notes = (
            f"the master reads {after.integrated_lufs:.1f} LUFS, not {chosen.integrated_lufs:g}: "
            "the music is too short, too sparse or too peaky to be brought there",
        )
    tell(1.0, "done")
    return MasteredFile(path, chain, before, after, wanted, peaks, notes)


@contextmanager
def _named(aside: Path, path: Path) -> Iterator[None]:
    """Let errors about a file under way speak of the file that was asked for."""
    try:
        yield
    except AudioError as error:
        raise AudioError(str(error).replace(str(aside), str(path))) from error


@dataclass
class _Job:
    """One file on its way."""

    reader: AudioReader
    path: Path
    format: AudioFormat
    profile: MasterProfile
    software: str
    tell: Tell

    def chain(self, before: SoundReport, reference: SoundReport | None, tone: str) -> MasterChain:
        return plan_chain(
            np.stack([before.mid_db, before.side_db]),
            before.integrated_lufs,
            self.profile,
            num_channels=before.num_channels,
            sample_rate=before.sample_rate,
            tone=tone,
            reference=reference,
            dynamics_db=before.peak_to_loudness_db,
        )

    def shape(self, chain: MasterChain, stack: ExitStack) -> Source:
        """Run the first stage; what comes out can be read again and again."""
        reader = self.reader
        blocks = _faded(
            run_chain(reader, chain.effects(), gain_db=chain.gain_db, is_loop=self.profile.is_loop),
            reader.num_samples,
            round(self.profile.fade_sec * reader.sample_rate),
        )
        if reader.num_samples * reader.num_channels <= IN_MEMORY_VALUES:
            audio = np.concatenate(list(blocks), axis=1)
            return ArraySource(audio, reader.sample_rate)
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.shaped.part")
        stack.callback(lambda: aside.unlink(missing_ok=True))
        with WavWriter(aside, reader.sample_rate, reader.num_channels, subtype="FLOAT") as writer:
            for block in blocks:
                writer.write(block)
                self.tell(0.15 + 0.2 * writer.num_written / reader.num_samples, "shape")
        return stack.enter_context(AudioReader(aside))

    def finish(self, shaped: Source, wanted_lufs: float) -> tuple[SoundReport, dict[str, float]]:
        """Limit to the target and write, until what listeners hear is there."""
        target = Target(wanted_lufs, self.profile.ceiling_dbtp - ENCODER_MARGIN_DB)
        loudness = _measured(shaped.blocks(), shaped.num_channels, shaped.sample_rate)
        first_db = self._pilot(shaped, loudness, target)
        for attempt in range(MAX_ENCODINGS):
            self.tell(0.5, "loudness and peaks" if not attempt else "corrected for encoding")
            gain_db, reached = search_gain(
                target,
                loudness.integrated_lufs,
                partial(self._try, shaped, loudness, target),
                first_db=first_db,
            )
            trim_db = float(np.clip(target.integrated_lufs - reached, -2 * TRIM_DB, TRIM_DB))
            after = self.write(shaped, (self._finish(loudness, target, gain_db), gain_db, trim_db))
            peaks = {} if self.format.lossy else self._encoded_peaks(after)
            tallest = max([after.true_peak_dbtp, *peaks.values()])
            too_tall = tallest - self.profile.ceiling_dbtp
            miss = wanted_lufs - after.integrated_lufs
            reachable = abs(reached - target.integrated_lufs) <= OUT_OF_REACH_LU
            if too_tall <= 0 and (abs(miss) <= CODEC_TOLERANCE_LU or not reachable):
                break
            lossy_miss = miss if self.format.lossy and reachable and abs(miss) < 1 else 0.0
            target = Target(
                target.integrated_lufs + lossy_miss,
                target.ceiling_dbtp - (too_tall + 0.1 if too_tall > 0 else 0.0),
            )
            first_db = gain_db
        return after, peaks

    def _finish(self, loudness: SoundReport, target: Target, gain_db: float) -> Finish:
        return Finish(
            target.limiter_dbtp,
            rounds_off=loudness.true_peak_dbtp + gain_db > target.limiter_dbtp + CLIPPING_DB,
            num_channels=loudness.num_channels,
            sample_rate=loudness.sample_rate,
        )

    def _try(self, source: Source, loudness: SoundReport, target: Target, gain_db: float) -> float:
        """Loudness behind the limiter for a gain into it."""
        blocks = run_chain(
            source,
            [self._finish(loudness, target, gain_db)],
            gain_db=gain_db,
            is_loop=self.profile.is_loop,
        )
        meter = LoudnessMeter(source.num_channels, source.sample_rate)
        for block in blocks:
            meter.add(block)
        return meter.integrated_lufs

    def _pilot(self, shaped: Source, loudness: SoundReport, target: Target) -> float | None:
        """A first gain for long audio, found on short stretches of it; None for short audio."""
        stretch = round(PILOT_SEC * shaped.sample_rate)
        if shaped.num_samples < 4 * stretch * PILOT_STRETCHES:
            return None
        pilot = _Stretches(
            shaped, shaped.num_channels, shaped.sample_rate, stretch, PILOT_STRETCHES
        )
        part = _measured(pilot.blocks(), pilot.num_channels, pilot.sample_rate, spectrum=False)
        offset = part.integrated_lufs - loudness.integrated_lufs
        if not math.isfinite(offset):
            return None
        aim = replace(target, integrated_lufs=target.integrated_lufs + offset)
        gain_db, reached = search_gain(
            aim,
            part.integrated_lufs,
            partial(self._try, pilot, loudness, aim),
        )
        return gain_db + (aim.integrated_lufs - reached)

    def write(self, source: Source, last: tuple[Finish, float, float] | None) -> SoundReport:
        """Write the last pass and measure the file; ``last`` is limiter, its gain, plain gain."""
        reader, meter = self.reader, SoundMeter(source.num_channels, source.sample_rate)
        blocks: Iterator[NDArray[np.float32]]
        if last is None:
            blocks = source.blocks()
        else:
            finish, gain_db, trim_db = last
            trim = np.float32(10 ** (trim_db / 20))
            limited = run_chain(source, [finish], gain_db=gain_db, is_loop=self.profile.is_loop)
            blocks = (block * trim for block in limited)
        info = {**reader.tags, **({"ISFT": self.software} if self.software else {})}
        markers: tuple[Marker, ...] = ()
        loop = None
        bext: BroadcastExtension | None = None
        ixml: str | None = None
        if self.format.container == "WAV" and _is_wav(reader.path):
            markers, loop = read_markers(reader.path)
            bext, ixml = read_descriptions(reader.path)
        if bext is not None:
            bext = replace(bext, integrated_lufs=None, true_peak_dbtp=None)
        with AudioWriter(
            self.path,
            source.sample_rate,
            source.num_channels,
            format=self.format,
            info=info,
            bext=bext,
            ixml=ixml,
            markers=markers,
            loop=loop,
        ) as writer:
            written, length = 0, max(source.num_samples, 1)
            for block in blocks:
                writer.write(block)
                written += block.shape[1]
                if not self.format.lossy:
                    meter.add(block)
                self.tell(min(0.7 + 0.25 * written / length, 0.95), "write")
        return _measure_path(self.path) if self.format.lossy else meter.report()

    def _encoded_peaks(self, after: SoundReport) -> dict[str, float]:
        """True peak of the loudest stretches of the written file in each lossy format."""
        formats = [one for one in FORMATS.values() if one.lossy and one.is_available]
        formats = [one for one in formats if after.num_channels <= one.max_channels]
        if after.num_channels > 2:
            return {}
        stretch = round(CHECKED_SEC * after.sample_rate)
        peaks: dict[str, float] = {}
        with AudioReader(self.path) as reader:
            for start in _loudest(after, stretch):
                blocks = list(reader.blocks(start=start, stop=start + stretch))
                audio = np.concatenate(blocks, axis=1)
                for one in formats:
                    peak = true_peak_dbtp(round_trip(audio, after.sample_rate, one)[0])
                    peaks[one.name] = max(peaks.get(one.name, -math.inf), peak)
        return peaks


def _loudest(report: SoundReport, stretch: int) -> list[int]:
    """Starts of the loudest stretches that do not overlap."""
    if report.num_samples <= stretch * CHECKED_STRETCHES or not len(report.short_term_lufs):
        return [0] if report.num_samples <= stretch else [0, report.num_samples - stretch]
    curve = report.short_term_lufs.copy()
    hop = report.sample_rate / 10
    starts: list[int] = []
    for _ in range(CHECKED_STRETCHES):
        best = int(np.argmax(curve))
        if curve[best] == -math.inf:
            break
        starts.append(int(min(best * hop, report.num_samples - stretch)))
        reach = int(stretch / hop)
        curve[max(best - reach, 0) : best + reach] = -math.inf
    return starts


def _is_wav(path: Path) -> bool:
    with open(path, "rb") as file:
        head = file.read(12)
    return head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE"


def _faded(
    blocks: Iterator[NDArray[np.float32]], num_samples: int, fade_samples: int
) -> Iterator[NDArray[np.float32]]:
    """Take the end gently to zero."""
    fade = min(fade_samples, num_samples // 4)
    at = 0
    for block in blocks:
        into = at + block.shape[1] - (num_samples - fade)
        if fade and into > 0:
            first = max(into - block.shape[1], 0)
            turn = np.pi * np.arange(first + 1, into + 1) / fade
            block = block.copy()
            block[:, block.shape[1] - len(turn) :] *= (0.5 + 0.5 * np.cos(turn)).astype(np.float32)
        at += block.shape[1]
        yield block


def write_matched_pair(
    before: str | os.PathLike[str],
    after: str | os.PathLike[str],
    paths: tuple[Path, Path],
    *,
    reports: tuple[SoundReport, SoundReport],
) -> float:
    """Write two versions of a piece at one loudness, for listening without being fooled by level.

    Both come to the lower of the two loudnesses, or lower still where a peak would pass -1 dBTP.

    Returns
    -------
    float
        The loudness of both in LUFS.

    Raises
    ------
    AudioError
        If either is silent or a file cannot be written.
    """
    if any(report.integrated_lufs == -math.inf for report in reports):
        raise AudioError("silence cannot be matched in loudness; leave --ab out")
    level = min(min(r.integrated_lufs, -1.0 - r.peak_to_loudness_db) for r in reports)
    for source, path, report in zip((before, after), paths, reports, strict=True):
        gain = np.float32(10 ** ((level - report.integrated_lufs) / 20))
        with (
            AudioReader(source) as reader,
            AudioWriter(path, reader.sample_rate, reader.num_channels, info=reader.tags) as writer,
        ):
            for block in reader.blocks():
                writer.write(block * gain)
    return level
