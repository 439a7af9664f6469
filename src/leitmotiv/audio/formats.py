"""Formats that audio leaves in, whole or block by block, and what encoding does to it.

Purpose: one writer for WAV, FLAC, Ogg Vorbis, Opus and MP3 with the tags each has room for, a
reader that streams, and the round trip through an encoder for measuring what listeners get.

Conventions: audio is float32 ``(channels, samples)``. A file appears under its name only when it
is complete. WAV holds every tag (LIST INFO, bext, iXML, markers, loop); FLAC, Ogg and Opus hold
title, software, comment and date as Vorbis comments; MP3 holds title, comment and date as ID3.
Rates that a format does not take are converted to 48 kHz.

Public names: :class:`AudioFormat`, :data:`FORMATS`, :func:`find_format`, :func:`write_audio`,
:class:`AudioWriter`, :class:`AudioReader`, :func:`round_trip`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.files import (
    BroadcastExtension,
    Dither,
    WavWriter,
    check_readable,
    check_samples,
    quantise,
    read_failure,
    write_failure,
)
from leitmotiv.audio.markers import LoopPoints, Marker
from leitmotiv.audio.resample import Resampler
from leitmotiv.errors import AudioError

if TYPE_CHECKING:
    import soundfile

__all__ = [
    "FORMATS",
    "AudioFormat",
    "AudioReader",
    "AudioWriter",
    "find_format",
    "round_trip",
    "write_audio",
]

_BLOCK = 2**16  # samples; libsndfile's Vorbis encoder fails on very large writes
_FALLBACK_HZ = 48_000
# libsndfile writes files of these without samples that nobody can open, or fails.
_NEVER_EMPTY = ("flac", "opus", "mp3")


@dataclass(frozen=True)
class AudioFormat:
    """A container and a coding, as libsndfile names them.

    ``rates_hz`` are the sample rates it takes; empty for any. ``encoder_delay`` says whether
    decoding may return a few more samples than went in.
    """

    name: str
    suffix: str
    container: str
    subtype: str
    lossy: bool = False
    max_channels: int = 8
    rates_hz: tuple[int, ...] = ()

    @property
    def is_available(self) -> bool:
        """Whether the installed libsndfile writes it."""
        if self.container == "WAV":
            return True
        import soundfile

        return self.subtype in soundfile.available_subtypes(self.container)


_MPEG_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_HZ = (8000, 12000, 16000, 24000, 48000)

FORMATS: Mapping[str, AudioFormat] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            AudioFormat("wav", ".wav", "WAV", "PCM_24"),
            AudioFormat("wav16", ".wav", "WAV", "PCM_16"),
            AudioFormat("wav24", ".wav", "WAV", "PCM_24"),
            AudioFormat("wav32f", ".wav", "WAV", "FLOAT"),
            AudioFormat("flac", ".flac", "FLAC", "PCM_24"),
            AudioFormat("ogg", ".ogg", "OGG", "VORBIS", lossy=True),
            AudioFormat("opus", ".opus", "OGG", "OPUS", lossy=True, rates_hz=_OPUS_HZ),
            AudioFormat(
                "mp3",
                ".mp3",
                "MP3",
                "MPEG_LAYER_III",
                lossy=True,
                max_channels=2,
                rates_hz=_MPEG_HZ,
            ),
        )
    }
)


def find_format(name: str | AudioFormat) -> AudioFormat:
    """Return a format by its name, or by a file name's suffix.

    >>> find_format("mp3").lossy, find_format("song.flac").subtype
    (True, 'PCM_24')

    Raises
    ------
    AudioError
        If there is no such format, or the installed libsndfile lacks it.
    """
    if isinstance(name, AudioFormat):
        return name
    wanted = name.lower()
    found = FORMATS.get(wanted)
    if found is None:
        suffix = Path(wanted).suffix
        found = next((entry for entry in FORMATS.values() if entry.suffix == suffix), None)
    if found is None:
        raise AudioError(f"format={name!r} must be one of {', '.join(FORMATS)}")
    if not found.is_available:
        raise AudioError(
            f"format={found.name!r} is not in the installed libsndfile; choose another format"
        )
    return found


class AudioWriter:
    """Writes a file of any format block by block; a context manager.

    Parameters are those of :func:`write_audio`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate: int,
        num_channels: int,
        *,
        format: str | AudioFormat = "wav",
        info: Mapping[str, str] | None = None,
        bext: BroadcastExtension | None = None,
        ixml: str | None = None,
        markers: Sequence[Marker] = (),
        loop: LoopPoints | None = None,
        dither_seed: int = 0,
    ) -> None:
        chosen = find_format(format)
        self.path, self.format = Path(path), chosen
        if not 1 <= num_channels <= chosen.max_channels:
            raise AudioError(
                f"{num_channels} channels do not fit into {chosen.name}, which takes 1 to "
                f"{chosen.max_channels}; choose wav or flac, or mix down first"
            )
        self.num_channels = num_channels
        self.sample_rate = sample_rate
        if chosen.rates_hz and sample_rate not in chosen.rates_hz:
            self.sample_rate = _FALLBACK_HZ
        self._wav: WavWriter | None = None
        self._file: soundfile.SoundFile | None = None
        self._info = dict(info or {})
        self._is_empty = True
        self._dither = Dither(num_channels, dither_seed) if chosen.subtype == "PCM_24" else None
        self._resampler: Resampler | None = None
        if self.sample_rate != sample_rate:
            self._resampler = Resampler(sample_rate, self.sample_rate, num_channels=num_channels)
        if chosen.container == "WAV":
            self._wav = WavWriter(
                path,
                sample_rate,
                num_channels,
                subtype=chosen.subtype,
                info=info,
                bext=bext,
                ixml=ixml,
                markers=markers,
                loop=loop,
                dither_seed=dither_seed,
            )
        self._part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")

    def __enter__(self) -> Self:
        if self._wav is not None:
            self._wav.__enter__()
            return self
        try:
            self._open(self._part)
        except OSError as error:
            self._part.unlink(missing_ok=True)
            raise AudioError(write_failure(self.path, error)) from error
        except RuntimeError as error:  # of libsndfile
            self._part.unlink(missing_ok=True)
            raise AudioError(f"cannot write {self.path}: {error}") from error
        return self

    def _open(self, target: Path) -> None:
        import soundfile

        target.touch()  # says plainly when the folder cannot be written
        self._file = soundfile.SoundFile(
            target,
            "w",
            self.sample_rate,
            self.num_channels,
            format=self.format.container,
            subtype=self.format.subtype,
        )
        for key, field in (("INAM", "title"), ("ISFT", "software"), ("ICMT", "comment")):
            if key in self._info and not (self.format.container == "MP3" and field == "software"):
                setattr(self._file, field, self._info[key])
        if "ICRD" in self._info:
            self._file.date = self._info["ICRD"]

    def write(self, block: NDArray[np.float32]) -> None:
        """Write the next block, float32 (num_channels, samples)."""
        if self._wav is not None:
            self._wav.write(block)
            return
        check_samples(block, self.num_channels)
        if self._resampler is not None:
            block = self._resampler.process(block)
        self._encode(block)

    def _encode(self, block: NDArray[np.float32]) -> None:
        assert self._file is not None, "use it in a with statement"
        for start in range(0, block.shape[1], _BLOCK):
            piece = block[:, start : start + _BLOCK]
            self._is_empty = False
            try:
                if self._dither is None:
                    self._file.write(np.ascontiguousarray(np.clip(piece, -1.0, 1.0).T))
                else:  # libsndfile reads 24 bits from the top of 32
                    steps = quantise(piece, 24, self._dither.steps(piece.shape[1]))
                    self._file.write(np.left_shift(steps, 8))
            except (OSError, RuntimeError) as error:
                raise AudioError(f"cannot write {self.path}: {error}") from error

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._wav is not None:
            self._wav.__exit__(kind, *rest)
            return
        assert self._file is not None
        try:
            if kind is None and self._resampler is not None:
                self._encode(self._resampler.finish())
            self._file.close()
            if kind is None and self._is_empty and self.format.name in _NEVER_EMPTY:
                raise AudioError(
                    f"{self.path} would hold no sound, which {self.format.name} cannot; choose wav"
                )
            if kind is None:
                os.replace(self._part, self.path)
        except OSError as error:
            raise AudioError(write_failure(self.path, error)) from error
        finally:
            self._file.close()
            self._part.unlink(missing_ok=True)


def write_audio(
    path: str | os.PathLike[str],
    audio: NDArray[np.float32],
    sample_rate: int,
    *,
    format: str | AudioFormat | None = None,
    info: Mapping[str, str] | None = None,
    bext: BroadcastExtension | None = None,
    ixml: str | None = None,
    markers: Sequence[Marker] = (),
    loop: LoopPoints | None = None,
    dither_seed: int = 0,
) -> Path:
    """Write audio in any format; the file appears whole or not at all.

    Parameters
    ----------
    path : path-like
    audio : ndarray of float32, shape (channels, samples)
    sample_rate : int
        Hz; converted to 48 kHz where the format does not take it.
    format : str or AudioFormat, optional
        A name of :data:`FORMATS`; by default the suffix of ``path`` decides.
    info, bext, ixml, markers, loop, dither_seed
        As in :func:`~leitmotiv.audio.files.write_wav`; other formats keep what they have room
        for.

    Raises
    ------
    AudioError
        If the audio is not finite, or the format is unknown, missing or cannot hold it.
    """
    writer = AudioWriter(
        path,
        sample_rate,
        audio.shape[0],
        format=find_format(str(path) if format is None else format),
        info=info,
        bext=bext,
        ixml=ixml,
        markers=markers,
        loop=loop,
        dither_seed=dither_seed,
    )
    with writer:
        for start in range(0, audio.shape[1], _BLOCK):
            writer.write(audio[:, start : start + _BLOCK])
    return writer.path


class AudioReader:
    """Reads an audio file block by block; a context manager.

    Raises
    ------
    AudioError
        If the file is missing, is not audio, or holds NaN or infinite samples.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import soundfile

        self.path = Path(path)
        check_readable(self.path)
        try:
            self._file = soundfile.SoundFile(self.path)
        except (OSError, RuntimeError) as error:
            raise AudioError(read_failure(self.path, error)) from error
        self.sample_rate = int(self._file.samplerate)
        self.num_channels = int(self._file.channels)
        self.num_samples = int(self._file.frames)

    @property
    def duration_sec(self) -> float:
        """Length in seconds."""
        return self.num_samples / self.sample_rate

    @property
    def tags(self) -> dict[str, str]:
        """LIST INFO keys of what the file says about itself."""
        found = self._file.copy_metadata()
        keys = {"title": "INAM", "software": "ISFT", "comment": "ICMT", "date": "ICRD",
                "artist": "IART", "copyright": "ICOP"}  # fmt: skip
        return {key: found[name] for name, key in keys.items() if found.get(name)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def blocks(
        self, num_samples: int = _BLOCK, *, start: int = 0, stop: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Yield float32 (channels, samples) from one sample to another, the whole by default."""
        at, end = start, self.num_samples if stop is None else min(stop, self.num_samples)
        try:
            self._file.seek(start)
            while at < end:
                frames = self._file.read(
                    min(num_samples, end - at), dtype="float32", always_2d=True
                )
                if not len(frames):
                    return
                block = np.ascontiguousarray(frames.T)
                if not np.isfinite(np.sum(block)):
                    raise AudioError(
                        f"{self.path} holds NaN or infinite samples near "
                        f"{at / self.sample_rate:.1f} s; repair or render it again"
                    )
                at += block.shape[1]
                yield block
        except RuntimeError as error:
            raise AudioError(read_failure(self.path, error)) from error


def round_trip(
    audio: NDArray[np.float32], sample_rate: int, format: str | AudioFormat
) -> tuple[NDArray[np.float32], int]:
    """Encode and decode audio in memory: what a listener of the format hears.

    Returns
    -------
    audio : ndarray of float32, shape (channels, samples)
        At the rate of the format; decoders may add some samples at the end.
    sample_rate : int
    """
    import io

    import soundfile

    chosen = find_format(format)
    rate = sample_rate
    if chosen.rates_hz and sample_rate not in chosen.rates_hz:
        from leitmotiv.audio.resample import resample

        rate = _FALLBACK_HZ
        audio = resample(audio, sample_rate, rate)
    memory = io.BytesIO()
    with soundfile.SoundFile(
        memory, "w", rate, audio.shape[0], format=chosen.container, subtype=chosen.subtype
    ) as file:
        for start in range(0, audio.shape[1], _BLOCK):
            file.write(np.ascontiguousarray(audio[:, start : start + _BLOCK].T))
    memory.seek(0)
    with soundfile.SoundFile(memory) as file:
        decoded = file.read(dtype="float32", always_2d=True)
    return np.ascontiguousarray(decoded.T), rate
