"""Timbre transfer: the same music, note for note, as another kind of instrument would sound it.

The network (:mod:`~leitmotiv.instruments.timbre_network`) hears the source's mel bands and says
which levels the target class would have there. Each spectral frame of the source is then brought
to these levels: a filter that changes 94 times a second. Phases are the source's own, so timing,
pitch, tempo, length and stereo image stay. A filter can only pass what is there; where the target
wants harmonics that the source has not, the spectrum stretched to twice and three times its
frequency fills in, which is in tune with every note of a chord.

Conventions: audio is float32 ``(channels, samples)``; both channels of a stereo source get the same
filter. The result has the source's active level. Blocks of any size give the same audio as
the whole.

Public names: :class:`TimbreTransfer`, :func:`transfer_timbre`, :func:`level_of_blocks`.

References: Nagel and Disch, *A harmonic bandwidth extension method for audio codecs*, ICASSP 2009
(the stretched copies); Serra and Smith, *Spectral modeling synthesis*, CMJ 14(4), 1990.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.spectrogram import IstftStream, StftStream
from leitmotiv.errors import AudioError, RenderError
from leitmotiv.instruments.timbre_bands import (
    FLOOR_DB,
    LEVEL_DB,
    TimbreBands,
    active_level_db,
)
from leitmotiv.instruments.timbre_network import TimbreNetwork, shipped_network

__all__ = ["TimbreTransfer", "level_of_blocks", "transfer_timbre"]

Float = NDArray[np.float32]

_CHUNK_FRAMES = 128
_FILTER_DB = 18.0  # a filter's boost beyond which stretched copies fill in
_FILL_DB = 40.0  # boost of the copies
_CUT_DB = 60.0
_RUMBLE_HZ, _RUMBLE_BOOST_DB = 90.0, 3.0  # below, recordings hold rumble more often than notes
_SILENT_DB = -92.0  # what the source has below is nothing, or noise of its format: no boost


def _stretched(spectrum: NDArray[Any], factor: int) -> NDArray[Any]:
    """Spectra (..., bins, frames) with every partial at ``factor`` times its frequency.

    Bin ``factor * k + j`` takes the geometric mean of ``factor - j`` parts bin ``k`` and ``j``
    parts bin ``k + 1`` and the sum of as many phases: a partial's phase then advances ``factor``
    times as fast, as it must, and its two flanks stay in step.
    """
    bins = spectrum.shape[-2]
    magnitude = np.abs(spectrum)
    unit = spectrum / np.maximum(magnitude, np.float32(1e-20))
    source = np.arange(-(-bins // factor))
    result = np.zeros_like(spectrum)
    for part in range(factor):
        target = factor * source + part
        low, high = source[target < bins], np.minimum(source[target < bins] + 1, bins - 1)
        share = part / factor
        level = magnitude[..., low, :] ** (1 - share) * magnitude[..., high, :] ** share
        phase = unit[..., low, :] ** (factor - part) * unit[..., high, :] ** part
        result[..., target[target < bins], :] = level * phase
    return result


class TimbreTransfer:
    """A stream: push the source block by block, get the transferred audio back.

    Audio comes out later than it goes in (about 1.8 s of it is held); :meth:`finish` hands out the
    rest, and all of it together is as long as the source.

    Parameters
    ----------
    to : str
        A class of the network: strings, brass, woodwind, orchestra, choir, piano, guitar, organ,
        synth or pad.
    sample_rate : int
        Hz, 8,000 to 192,000.
    num_channels : int
    amount : float
        0 leaves the source as it is, 1 is the target; half the way in decibels at 0.5.
    level_db : float
        The source's active level, from :func:`level_of_blocks`: the network hears all music
        equally loud.
    fill : bool
        Whether stretched copies supply harmonics that the source lacks.
    network : TimbreNetwork, optional
        Another than the shipped one.

    Raises
    ------
    RenderError
        If ``amount`` or ``sample_rate`` is out of range.
    ModelError
        If the network does not know the class.
    """

    def __init__(
        self,
        to: str,
        *,
        sample_rate: int,
        num_channels: int,
        amount: float = 1.0,
        level_db: float = LEVEL_DB,
        fill: bool = True,
        network: TimbreNetwork | None = None,
    ) -> None:
        if not 0.0 <= amount <= 1.0:
            raise RenderError(f"amount={amount:g} must be 0-1; 1 is the target's timbre")
        if not 8_000 <= sample_rate <= 192_000:
            raise RenderError(f"sample_rate={sample_rate} must be 8000-192000 Hz")
        self._network = shipped_network() if network is None else network
        self._label = self._network.index_of(to)
        self._bands = TimbreBands(sample_rate)
        self._amount, self._fill = amount, fill
        self._gain_db = LEVEL_DB - level_db
        bands = self._bands
        self._ahead = StftStream(num_channels, bands.n_fft, bands.hop_length)
        self._back = IstftStream(num_channels, bands.n_fft, bands.hop_length)
        context = self._network.context_frames
        # Levels begin with a context of silence; spectra wait until the frames after are known.
        self._levels = np.full((len(bands.centres_hz), context), FLOOR_DB, np.float32)
        self._spectra = np.zeros((num_channels, bands.n_fft // 2 + 1, 0), np.complex64)
        self._num_in = self._num_out = 0

    def push(self, block: NDArray[Any]) -> Float:
        """Take samples (channels, n), return the finished ones (channels, m).

        Raises
        ------
        AudioError
            If the shape is wrong or a sample is not finite.
        """
        if not np.isfinite(np.sum(block)):
            raise AudioError("audio holds NaN or infinite samples; repair the source first")
        self._num_in += block.shape[-1]
        self._take(self._ahead.push(np.asarray(block, dtype=np.float32)))
        return self._emit(self._run(last=False))

    def finish(self) -> Float:
        """Return the rest; the stream is then at its end."""
        self._take(self._ahead.finish())
        context = self._network.context_frames
        self._levels = np.pad(self._levels, ((0, 0), (0, context)), constant_values=FLOOR_DB)
        pieces = [self._emit(self._run(last=True)), self._emit(self._back.finish())]
        return np.concatenate(pieces, axis=1)

    def _take(self, spectra: NDArray[Any]) -> None:
        power = self._bands.power(spectra).mean(axis=0) * np.float32(10 ** (self._gain_db / 10))
        self._levels = np.concatenate([self._levels, self._bands.levels_db(power)], axis=1)
        self._spectra = np.concatenate([self._spectra, spectra], axis=2)

    def _run(self, *, last: bool) -> NDArray[Any]:
        """Transfer the frames whose context is complete, in chunks of fixed places."""
        context = self._network.context_frames
        done = []
        while True:
            ready = self._levels.shape[1] - 2 * context
            count = _CHUNK_FRAMES if ready >= _CHUNK_FRAMES else ready if last else 0
            if count <= 0:
                break
            heard = self._levels[:, : count + 2 * context]
            # A chunk is always as long, so that its sums round alike whatever the blocks were.
            short = _CHUNK_FRAMES - count
            if short:
                heard = np.pad(heard, ((0, 0), (0, short)), constant_values=FLOOR_DB)
            answer = self._network.answer_db(heard, self._label)
            keep = slice(context, context + count)
            changed = self._change(self._spectra[:, :, :count], heard[:, keep], answer[:, keep])
            done.append(self._back.push(changed))
            self._levels = self._levels[:, count:]
            self._spectra = self._spectra[:, :, count:]
        return np.concatenate(done, axis=1) if done else self._back.push(self._spectra[:, :, :0])

    def _change(self, spectra: NDArray[Any], heard: Float, answer: Float) -> NDArray[Any]:
        """Bring spectra (channels, bins, k) from levels (bands, k) to others."""
        wish = (answer - heard) * np.float32(self._amount)
        boost = np.where(heard < _SILENT_DB, 0.0, _FILTER_DB if self._fill else _FILL_DB)
        low = self._bands.centres_hz < _RUMBLE_HZ
        boost[low] = np.minimum(boost[low], _RUMBLE_BOOST_DB)
        direct = np.clip(wish, -_CUT_DB, boost).astype(np.float32)
        result = spectra * self._to_bins(direct)
        missing = (wish > boost) & ~low[:, None]
        if self._fill and missing.any():
            target = np.minimum(heard + wish, 0.0)
            lacking = 10 ** (target / 10) - 10 ** ((heard + direct) / 10)
            lacking = np.where(missing, np.maximum(lacking, 0.0), 0.0)
            copy = _stretched(spectra, 2) + _stretched(spectra, 3)
            scale = np.float32(10 ** (self._gain_db / 10))
            has = self._bands.levels_db(self._bands.power(copy).mean(axis=0) * scale)
            wanted = 10 * np.log10(np.maximum(lacking, 1e-20)) - has
            wanted = np.where(has < _SILENT_DB, -200.0, np.minimum(wanted, _FILL_DB))
            result = result + copy * self._to_bins(wanted.astype(np.float32))
        return result.astype(np.complex64)

    def _to_bins(self, gain_db: Float) -> Float:
        return np.power(np.float32(10), (self._bands.spread @ gain_db) / 20, dtype=np.float32)

    def _emit(self, audio: NDArray[Any]) -> Float:
        """Cut to the source's length: the last frames reach beyond it."""
        allowed = self._num_in - self._num_out
        audio = audio[:, :allowed]
        self._num_out += audio.shape[1]
        return np.asarray(audio, dtype=np.float32)


def level_of_blocks(blocks: Iterable[NDArray[Any]], sample_rate: int) -> float:
    """Active level of a source that comes in blocks, as :class:`TimbreTransfer` wants it.

    Returns
    -------
    float
        dB; :data:`~leitmotiv.instruments.timbre_bands.LEVEL_DB` of silence or of nothing.
    """
    bands = TimbreBands(sample_rate)
    stream: StftStream | None = None
    powers: list[NDArray[np.float32]] = []
    for block in blocks:
        if stream is None:
            stream = StftStream(block.shape[0], bands.n_fft, bands.hop_length)
        powers.append(bands.power(stream.push(block)).mean(axis=0).sum(axis=0))
    if stream is not None:
        powers.append(bands.power(stream.finish()).mean(axis=0).sum(axis=0))
    return active_level_db(np.concatenate(powers)) if powers else LEVEL_DB


def transfer_timbre(
    audio: NDArray[Any],
    sample_rate: int,
    to: str,
    *,
    amount: float = 1.0,
    fill: bool = True,
    network: TimbreNetwork | None = None,
) -> Float:
    """Transfer audio to another timbre.

    Parameters
    ----------
    audio : ndarray, shape (channels, samples)
    sample_rate : int
        Hz.
    to, amount, fill, network
        See :class:`TimbreTransfer`.

    Returns
    -------
    ndarray, float32, shape (channels, samples)
        As long as the source; silence and empty audio come back as they are. Peaks may pass full
        scale where the target's crest is higher.

    Raises
    ------
    AudioError
        If the shape is wrong or a sample is not finite.
    RenderError, ModelError
        If an option is out of range.

    Examples
    --------
    >>> time = np.arange(24000) / 48000
    >>> tone = 0.3 * np.sin(2 * np.pi * 440 * time)[None].astype(np.float32)
    >>> transfer_timbre(tone, 48000, "synth").shape
    (1, 24000)
    """
    if audio.ndim != 2 or audio.shape[0] < 1:
        raise AudioError(f"audio has shape {audio.shape}; it must be (channels, samples)")
    source = np.asarray(audio, dtype=np.float32)
    if not np.isfinite(np.sum(source)):
        raise AudioError("audio holds NaN or infinite samples; repair the source first")
    stream = TimbreTransfer(
        to,
        sample_rate=sample_rate,
        num_channels=source.shape[0],
        amount=amount,
        level_db=level_of_blocks([source], sample_rate),
        fill=fill,
        network=network,
    )
    result = np.concatenate([stream.push(source), stream.finish()], axis=1)
    # The network hears the level only roughly; the ear hears every decibel of a change.
    before, after = _rms(source), _rms(result)
    if before > 0.0 and after > 0.0:
        result *= np.float32(math.sqrt(before / after))
    return result


def _rms(audio: Float) -> float:
    return float(np.mean(np.square(audio, dtype=np.float64))) if audio.size else 0.0
