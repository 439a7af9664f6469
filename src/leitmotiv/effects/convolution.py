"""Convolution: any impulse response, streamed, without latency if wanted.

Purpose: place a sound in a recorded or synthesised space, or in anything else that is linear: a
cabinet, a telephone, a sound played backwards.

Conventions: an impulse response has one channel (all channels alike), two (left to left, right
to right) or four (true stereo: left to left, left to right, right to left, right to right).
It is resampled to the effect's rate. With ``normalize`` it is scaled to unit energy, so noise
comes back as loud as it went in.

How it works: the response is cut into partitions that grow eightfold, each level convolved by
FFT once its block is full (overlap-save with a line of spectra). What is due before the first
block is full, 256 samples, is convolved directly, which takes no latency; with
``block_length`` set, the first level waits for its block instead, and that is the latency.

Public names: :class:`Convolution`, :func:`read_impulse_response`.

References: Gardner, *Efficient convolution without input-output delay* (JAES 43, 1995);
Wefers, *Partitioned convolution algorithms for real-time auralization* (2014).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.audio.files import read_audio
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.impulse_responses import impulse_response
from leitmotiv.errors import AudioError

__all__ = ["Convolution", "read_impulse_response"]

_HEAD = 256  # samples convolved directly where no latency is allowed
_GROWTH = 8
_LARGEST = 32_768  # samples of a partition
_LONGEST_SEC = 60.0
_SILENT = 1e-9

_Paths = tuple[tuple[int, int], ...]


@compiled
def _direct(
    out: NDArray[np.float32],  # (outputs, samples), added to
    heard: NDArray[np.float32],  # (inputs, taps - 1 + samples)
    taps: NDArray[np.float32],  # (paths, taps), a multiple of four
    paths: NDArray[np.int64],  # (paths, 2): input, output
) -> None:
    """Convolve with the first taps; every sum in one order, whatever the block."""
    num_samples, num_taps = out.shape[1], taps.shape[1]
    for path in range(paths.shape[0]):
        source, target = heard[paths[path, 0]], out[paths[path, 1]]
        for tap in range(0, num_taps, 4):  # four at a time: fewer trips to the memory
            a, b = taps[path, tap], taps[path, tap + 1]
            c, d = taps[path, tap + 2], taps[path, tap + 3]
            shift = num_taps - 1 - tap
            for t in range(num_samples):
                here = t + shift
                target[t] += (
                    a * source[here]
                    + b * source[here - 1]
                    + c * source[here - 2]
                    + d * source[here - 3]
                )


@compiled
def _multiply(
    total: NDArray[np.float32],  # (outputs, 2, bins): real and imaginary parts, added to
    heard: NDArray[np.float32],  # (inputs, blocks, 2, bins)
    spectra: NDArray[np.float32],  # (paths, partitions, 2, bins)
    paths: NDArray[np.int64],
    newest: int,
) -> None:
    """Multiply each partition with the block as many steps ago and add up."""
    num_blocks = heard.shape[1]
    for path in range(paths.shape[0]):
        real, imaginary = total[paths[path, 1], 0], total[paths[path, 1], 1]
        for part in range(num_blocks):
            block = heard[paths[path, 0], (newest + part) % num_blocks]
            a, b = block[0], block[1]
            c, d = spectra[path, part, 0], spectra[path, part, 1]
            for k in range(total.shape[2]):
                real[k] += a[k] * c[k] - b[k] * d[k]
                imaginary[k] += a[k] * d[k] + b[k] * c[k]


class _Level:
    """Partitions of one size: spectra of the response and of the last blocks heard."""

    def __init__(self, response: NDArray[np.float32], size: int, paths: _Paths) -> None:
        from scipy.fft import rfft

        self.size, self._paths = size, np.asarray(paths, dtype=np.int64)
        self.num_inputs = 1 + max(path[0] for path in paths)
        self.num_outputs = 1 + max(path[1] for path in paths)
        count = max(math.ceil(response.shape[1] / size), 1)
        padded = np.pad(response, ((0, 0), (0, count * size - response.shape[1])))
        parts = padded.reshape(len(response), count, size)
        spectra = rfft(parts, 2 * size, axis=2)
        self.spectra = np.stack([spectra.real, spectra.imag], axis=2).astype(np.float32)
        self.clear()

    def clear(self) -> None:
        """Forget what was heard."""
        self._past = np.zeros((self.num_inputs, 2 * self.size), dtype=np.float32)
        shape = self.num_inputs, self.spectra.shape[1], 2, self.size + 1
        self._heard = np.zeros(shape, dtype=np.float32)
        self._newest = 0
        self.ready = np.zeros((self.num_outputs, self.size), dtype=np.float32)

    def listen(self, piece: NDArray[np.float32], at: int) -> None:
        """Take samples that end within the current block."""
        self._past[:, self.size + at : self.size + at + piece.shape[1]] = piece

    def advance(self) -> None:
        """The block is full: convolve it and make the next samples ready."""
        from scipy.fft import irfft, rfft

        self._newest = (self._newest - 1) % self._heard.shape[1]
        heard = rfft(self._past, axis=1)
        self._heard[:, self._newest, 0], self._heard[:, self._newest, 1] = heard.real, heard.imag
        parts = np.zeros((self.num_outputs, 2, self.size + 1), dtype=np.float32)
        _multiply(parts, self._heard, self.spectra, self._paths, self._newest)
        total = parts[:, 0] + np.complex64(1j) * parts[:, 1]
        self.ready = irfft(total, axis=1)[:, self.size :]
        self._past[:, : self.size] = self._past[:, self.size :]


class Convolution(AutomatedEffect):
    """Convolve with an impulse response.

    Parameters
    ----------
    wet_level, dry_level : float
        Linear gains of the convolved sound and of the input.
    file : str
        An audio file with the impulse response; empty for a synthesised one.
    kind, seed : str, int
        The synthesised space, a name of :data:`~leitmotiv.effects.impulse_responses.SPACES`.
    length_sec : float
        Cut the response there with a fade; 0 for all of it.
    reverse : bool
        Whether the response is played backwards: a build instead of a decay.
    normalize : bool
        Whether the response is scaled to unit energy.
    block_length : int
        0 for no latency; or a power of two from 64 to 8192, which is then the latency in
        samples and takes less time.
    sample_rate : int
        Hz.
    num_channels : int
        Any number with a response of one channel; 1 or 2 with others.

    Raises
    ------
    AudioError
        If a value is out of range, or the file is missing, silent, broken, too long or has
        another number of channels.

    Examples
    --------
    >>> import numpy as np
    >>> click = np.zeros((2, 4800), np.float32)
    >>> click[:, 0] = 1.0
    >>> room = Convolution(kind="living_room", dry_level=0.0)
    >>> room.process(click).shape, room.latency_samples
    ((2, 4800), 0)
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("wet_level", 0.3, 0.0, 4.0),
        Parameter("dry_level", 1.0, 0.0, 4.0),
    )

    def __init__(
        self,
        *,
        wet_level: float = 0.3,
        dry_level: float = 1.0,
        file: str = "",
        kind: str = "concert_hall",
        seed: int = 0,
        length_sec: float = 0.0,
        reverse: bool = False,
        normalize: bool = True,
        block_length: int = 0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("length_sec", length_sec, 0.0, _LONGEST_SEC, "seconds")
        if block_length and block_length not in (64, 128, 256, 512, 1024, 2048, 4096, 8192):
            raise AudioError(
                f"block_length={block_length} must be 0 (no latency) or a power of two from 64 "
                "to 8192 samples"
            )
        if file:
            response = read_impulse_response(file, sample_rate=sample_rate)
        else:
            response = impulse_response(kind, sample_rate=sample_rate, seed=seed)
        if length_sec:
            response = _cut(response, round(length_sec * sample_rate))
        if reverse:
            response = np.ascontiguousarray(response[:, ::-1])
        paths, response = _paths(response, num_channels)
        if normalize:
            response = response / _energy_norm(response, paths)
        self._tail_sec = response.shape[1] / sample_rate
        self._block_length = int(block_length)
        self._plan(np.asarray(response, dtype=np.float32), paths)
        values = {"wet_level": wet_level, "dry_level": dry_level}
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def latency_samples(self) -> int:
        """0, or ``block_length``."""
        return self._block_length

    @property
    def tail_sec(self) -> float:
        """The length of the response in seconds."""
        return self._tail_sec

    def _plan(self, response: NDArray[np.float32], paths: _Paths) -> None:
        """Cut the response: direct taps, then levels of growing partitions.

        A level of size S is ready for the samples after its block, so it serves the taps from
        S (less the latency) on, up to where the next level begins.
        """
        size, latency = self._block_length or _HEAD, self._block_length
        self._path_table = np.asarray(paths, dtype=np.int64)
        head = 0 if latency else min(_HEAD, response.shape[1])
        self._head = np.pad(response[:, :head], ((0, 0), (0, -head % 4)))
        self._levels: list[_Level] = []
        begin = head
        while begin < response.shape[1]:
            following = size * _GROWTH
            last = following > _LARGEST
            end = response.shape[1] if last else min(following - latency, response.shape[1])
            self._levels.append(_Level(response[:, begin:end], size, paths))
            begin, size = end, following
        self._step = self._levels[0].size if self._levels else _HEAD

    def _clear(self) -> None:
        for level in self._levels:
            level.clear()
        num_inputs = 1 + int(self._path_table[:, 0].max())
        self._tail = np.zeros((num_inputs, max(self._head.shape[1] - 1, 0)), dtype=np.float32)
        self._waiting = np.zeros((self.num_channels, self._block_length), dtype=np.float32)
        self._position = 0

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        num_samples = block.shape[1]
        wet = np.zeros((self.num_channels, num_samples), dtype=np.float32)
        start = 0
        while start < num_samples:
            stop = min(start + self._step - self._position % self._step, num_samples)
            for level in self._levels:
                at = self._position % level.size
                wet[:, start:stop] += level.ready[:, at : at + stop - start]
                level.listen(block[:, start:stop], at)
            self._position += stop - start
            for level in self._levels:
                if self._position % level.size == 0:
                    level.advance()
            start = stop
        if self._head.shape[1]:
            heard = np.concatenate([self._tail, block], axis=1)
            for begin in range(0, num_samples, 2048):  # pieces that stay in the cache
                piece = wet[:, begin : begin + 2048]
                reach = heard[:, begin : begin + piece.shape[1] + self._tail.shape[1]]
                done = np.zeros(piece.shape, dtype=np.float32)
                _direct(done, np.ascontiguousarray(reach), self._head, self._path_table)
                piece += done
            self._tail = heard[:, num_samples:]
        dry = block
        if self._block_length:
            dry = np.concatenate([self._waiting, block], axis=1)
            self._waiting = dry[:, num_samples:].copy()
            dry = dry[:, :num_samples]
        return np.asarray(curves["dry_level"] * dry + curves["wet_level"] * wet, dtype=np.float32)


def read_impulse_response(file: str | Path, *, sample_rate: int) -> NDArray[np.float32]:
    """Read an impulse response and bring it to a sample rate.

    Returns
    -------
    ndarray of float32, shape (1, 2 or 4, samples)

    Raises
    ------
    AudioError
        If the file is missing, no audio, empty, silent, not finite, longer than a minute or has
        another number of channels.
    """
    from scipy.signal import resample_poly

    audio, file_rate = read_audio(file)
    seconds = audio.shape[1] / file_rate
    if audio.shape[0] not in (1, 2, 4):
        raise AudioError(
            f"impulse response {file} has {audio.shape[0]} channels; it must have 1, 2 or 4 "
            "(left-left, left-right, right-left, right-right)"
        )
    if seconds > _LONGEST_SEC:
        raise AudioError(
            f"impulse response {file} lasts {seconds:.0f} s; it must be at most "
            f"{_LONGEST_SEC:g} s, so check that it is one"
        )
    if not np.isfinite(audio).all():
        raise AudioError(f"impulse response {file} holds NaN or infinite samples")
    if np.abs(audio).max(initial=0.0) < _SILENT:
        raise AudioError(f"impulse response {file} is silent or empty; give a file that sounds")
    if file_rate != sample_rate:
        divisor = math.gcd(file_rate, sample_rate)
        audio = resample_poly(audio, sample_rate // divisor, file_rate // divisor, axis=1)
        audio = audio * (file_rate / sample_rate)  # the same gain at every frequency
    return np.ascontiguousarray(audio, dtype=np.float32)


def _cut(response: NDArray[np.float32], num_samples: int) -> NDArray[np.float32]:
    """Shorten a response, with a fade over its last eighth."""
    cut = response[:, : max(num_samples, 1)].copy()
    if cut.shape[1] < response.shape[1]:
        fade = max(cut.shape[1] // 8, 1)
        cut[:, -fade:] *= np.cos(0.5 * np.pi * np.arange(1, fade + 1) / fade) ** 2
    return cut


def _paths(response: NDArray[np.float32], num_channels: int) -> tuple[_Paths, NDArray[np.float32]]:
    """Which input reaches which output by which channel of the response."""
    if len(response) == 1:
        paths = tuple((channel, channel) for channel in range(num_channels))
        return paths, np.repeat(response, num_channels, axis=0)
    if num_channels == 1:
        return ((0, 0),), response.mean(axis=0, keepdims=True)
    if num_channels != 2:
        raise AudioError(
            f"num_channels={num_channels} must be 1 or 2 with an impulse response of "
            f"{len(response)} channels"
        )
    if len(response) == 2:
        return ((0, 0), (1, 1)), response
    return ((0, 0), (0, 1), (1, 0), (1, 1)), response


def _energy_norm(response: NDArray[np.float32], paths: _Paths) -> float:
    """Root of the energy that a unit of noise in every input brings to an output, on average."""
    num_outputs = 1 + max(path[1] for path in paths)
    energy = float(np.square(response, dtype=np.float64).sum()) / num_outputs
    return math.sqrt(energy) if energy > 0 else 1.0
