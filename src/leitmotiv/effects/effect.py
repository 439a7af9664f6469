"""What every effect has in common.

Purpose: one small interface, so that effects chain, stream and are automated alike.

Conventions: ``process`` takes the next block, float32 ``(channels, samples)`` of any length, and
returns a block of the same shape. The state lives in the effect, so the output does not depend
on how the audio was cut into blocks. An effect that looks ahead answers ``latency_samples``
later; :func:`apply` takes that delay out again.

An :class:`AutomatedEffect` has *parameters*, which may move at every sample, and *options*,
which are fixed when it is made. A parameter moves in two ways: by ``automation``, one value a
sample, taken as it stands; or by :meth:`AutomatedEffect.set`, from where the knob is to where it
should be in a straight line over the parameter's ``smoothing_ms``, so that no step is heard.

Public names: :class:`Effect`, :class:`AutomatedEffect`, :class:`Parameter`, :class:`Curves`,
:func:`apply`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError

__all__ = [
    "AutomatedEffect",
    "Curves",
    "Effect",
    "Parameter",
    "apply",
    "check_block",
    "check_range",
]

_BLOCK = 2**16  # samples at a time in `apply`; whole frames and pieces of every effect


@runtime_checkable
class Effect(Protocol):
    """A streaming effect."""

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input."""

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block of output, the same shape as the input."""

    def reset(self) -> None:
        """Forget everything heard so far."""


@dataclass(frozen=True)
class Parameter:
    """One knob of an effect, its name with the unit: ``cutoff_hz``, ``feedback``, ``decay_sec``.

    ``scale`` is how the knob feels: ``log`` where equal steps are equal ratios (frequencies,
    times), so that a morph half way from 100 Hz to 10 kHz stands at 1 kHz.
    """

    name: str
    default: float
    low: float
    high: float
    unit: str = ""
    scale: Literal["linear", "log"] = "linear"
    smoothing_ms: float = 20.0

    def check(self, value: float) -> float:
        """Return the value as a float.

        Raises
        ------
        AudioError
            If it is out of range.
        """
        check_range(self.name, value, self.low, self.high, self.unit)
        return float(value)


class Curves:
    """The values of every parameter over one block; ``still`` are known not to move."""

    def __init__(
        self,
        num_samples: int,
        arrays: Mapping[str, NDArray[np.float64]],
        still: frozenset[str] = frozenset(),
    ) -> None:
        self.num_samples = num_samples
        self._arrays, self._still = arrays, still

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return one value a sample, float64 (samples,), contiguous; not to be written to."""
        return self._arrays[name]

    def value(self, name: str) -> float:
        """Return the value at the first sample."""
        return float(self._arrays[name][0])

    def moves(self, name: str) -> bool:
        """Return whether the parameter moves within the block."""
        if name in self._still:
            return False
        array = self._arrays[name]
        return bool(array[0] != array[-1] or (array != array[0]).any())


class _Knob:
    """Where a parameter stands, and the straight line to where it was set."""

    def __init__(self, parameter: Parameter, value: float, sample_rate: int) -> None:
        self.parameter = parameter
        self._glide = max(round(parameter.smoothing_ms * 1e-3 * sample_rate), 1)
        self._constant = np.empty(0)
        self.land(value)

    def land(self, value: float) -> None:
        """Stand at a value at once."""
        self.start = self.target = value
        self.done, self.span = 0, 0

    def move(self, value: float) -> None:
        """Set out for a value from where the knob stands."""
        here = self.here()
        if value != here:
            self.start, self.target, self.done, self.span = here, value, 0, self._glide
        else:
            self.land(value)

    @property
    def rests(self) -> bool:
        """Whether the knob has arrived where it was set."""
        return self.done >= self.span

    def here(self) -> float:
        """Return where the knob stands now."""
        if self.rests:
            return self.target
        return self.start + (self.target - self.start) * self.done / self.span

    def next(self, num_samples: int) -> NDArray[np.float64]:
        """Return the next values, one a sample."""
        if self.rests:
            if len(self._constant) < num_samples or self._constant[0] != self.target:
                self._constant = np.full(num_samples, self.target)
                self._constant.flags.writeable = False
            return self._constant[:num_samples]
        # One formula of the position alone: the same values however the blocks are cut.
        position = np.minimum(np.arange(self.done + 1, self.done + 1 + num_samples), self.span)
        self.done += num_samples
        line = self.start + (self.target - self.start) * (position / self.span)
        line[position == self.span] = self.target
        line.flags.writeable = False  # as constants are: one type, so kernels compile once
        return line


class AutomatedEffect(ABC):
    """An effect whose parameters may move at every sample.

    A subclass names its ``parameters``, has a constructor with a keyword for each of them and for
    each option, and implements :meth:`_run` and :meth:`_clear`.

    Parameters
    ----------
    values : mapping of parameter name to float
        Where each knob starts; parameters left out start at their defaults.
    sample_rate : int
        Hz.
    num_channels : int
        Channels of every block.

    Raises
    ------
    AudioError
        If a value is out of range or names no parameter.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    takes_side_chain: ClassVar[bool] = False

    def __init__(
        self, values: Mapping[str, float], *, sample_rate: int, num_channels: int = 2
    ) -> None:
        check_range("sample_rate", sample_rate, 8_000, 192_000, "Hz")
        check_range("num_channels", num_channels, 1, 64, "")
        self.sample_rate, self.num_channels = int(sample_rate), int(num_channels)
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in values:
            if name not in known:
                raise AudioError(self._no_parameter(name))
        self._knobs = {
            name: _Knob(
                parameter, parameter.check(values.get(name, parameter.default)), sample_rate
            )
            for name, parameter in known.items()
        }
        self.reset()

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input."""
        return 0

    @property
    def tail_sec(self) -> float:
        """Seconds for which the effect may sound on after its input, at least; may be infinite."""
        return 0.0

    def get(self, name: str) -> float:
        """Return where a parameter is set."""
        return self._knob(name).target

    def set(self, name: str, value: float) -> None:
        """Turn a knob; it glides there over the parameter's ``smoothing_ms``.

        Raises
        ------
        AudioError
            If there is no such parameter or the value is out of range.
        """
        knob = self._knob(name)
        knob.move(knob.parameter.check(value))

    def reset(self) -> None:
        """Forget everything heard so far; knobs stand where they were set."""
        for knob in self._knobs.values():
            knob.land(knob.target)
        self._clear()

    def process(
        self,
        block: NDArray[np.float32],
        *,
        automation: Mapping[str, NDArray[np.floating]] | None = None,
        side_chain: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return the next block.

        Parameters
        ----------
        block : ndarray of float32, shape (num_channels, samples)
        automation : mapping of parameter name to ndarray, shape (samples,), optional
            Values of moving parameters, one a sample; values out of range are held at the range's
            end. A parameter stays where its automation ended.
        side_chain : ndarray of float32, shape (num_channels, samples), optional
            What a dynamics effect listens to instead of the block.

        Returns
        -------
        ndarray of float32, shape (num_channels, samples)

        Raises
        ------
        AudioError
            If a shape or dtype is wrong, a sample is not finite, or a name is unknown.
        """
        check_block(block, self.num_channels)
        num_samples = block.shape[1]
        if side_chain is not None:
            if not self.takes_side_chain:
                raise AudioError(f"{type(self).__name__} listens to no side chain; leave it out")
            if side_chain.shape != block.shape or side_chain.dtype != np.float32:
                raise AudioError(
                    f"side_chain has dtype {side_chain.dtype} and shape {side_chain.shape}; it "
                    f"must be float32 with shape {block.shape}, as the block"
                )
        arrays = self._automated(automation or {}, num_samples)
        if not num_samples:
            return block.copy()
        for heard in (block, side_chain):
            if heard is not None and not np.isfinite(heard).all():
                raise AudioError(
                    f"the input of {type(self).__name__} holds NaN or infinite samples; "
                    "check the file or the effect before it"
                )
        still = frozenset(
            name for name, knob in self._knobs.items() if name not in arrays and knob.rests
        )
        for name, knob in self._knobs.items():
            if name not in arrays:
                arrays[name] = knob.next(num_samples)
        return self._run(block, Curves(num_samples, arrays, still), side_chain)

    def _automated(
        self, automation: Mapping[str, NDArray[np.floating]], num_samples: int
    ) -> dict[str, NDArray[np.float64]]:
        arrays: dict[str, NDArray[np.float64]] = {}
        for name, values in automation.items():
            knob = self._knob(name)
            if values.shape != (num_samples,):
                raise AudioError(
                    f"automation of {name} has shape {values.shape}; it must have one value a "
                    f"sample, ({num_samples},)"
                )
            array = np.ascontiguousarray(values, dtype=np.float64)
            if not np.isfinite(array).all():
                raise AudioError(f"automation of {name} holds NaN or infinite values")
            arrays[name] = np.clip(array, knob.parameter.low, knob.parameter.high)
            arrays[name].flags.writeable = False
            if num_samples:
                knob.land(float(arrays[name][-1]))
        return arrays

    def _knob(self, name: str) -> _Knob:
        if name not in self._knobs:
            raise AudioError(self._no_parameter(name))
        return self._knobs[name]

    def _no_parameter(self, name: str) -> str:
        legal = ", ".join(parameter.name for parameter in self.parameters) or "none"
        return f"{type(self).__name__} has no parameter {name!r}; it has {legal}"

    @abstractmethod
    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """Process a checked block of at least one sample."""

    @abstractmethod
    def _clear(self) -> None:
        """Make all state anew: delay lines, filter memories, generators."""


def check_block(block: NDArray[np.float32], num_channels: int) -> None:
    """Validate a block against the effect's channel count.

    Raises
    ------
    AudioError
        If the block is not float32 (num_channels, samples).
    """
    if block.dtype != np.float32 or block.ndim != 2 or block.shape[0] != num_channels:
        raise AudioError(
            f"block has dtype {block.dtype} and shape {block.shape}; it must be float32 with "
            f"shape ({num_channels}, samples)"
        )


def check_range(name: str, value: float, low: float, high: float, unit: str) -> None:
    """Validate one parameter.

    Raises
    ------
    AudioError
        If the value is outside [low, high] or not a number.
    """
    if not low <= value <= high:
        raise AudioError(f"{name}={value:g} must be between {low:g} and {high:g} {unit}".rstrip())


def apply(
    audio: NDArray[np.float32], *effects: Effect, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Run whole audio through effects one after another, their latency taken out.

    Parameters
    ----------
    audio : ndarray of float32, shape (channels, samples)
    *effects : Effect
    out : ndarray of float32, optional
        Where the result goes, the shape of ``audio``; may be ``audio`` itself, which then takes
        no memory beside it. A new buffer by default.
    """
    out = np.empty_like(audio) if out is None else out
    source = audio
    for effect in effects:
        _run(effect, source, out)
        source = out
    if source is not out:
        out[:] = source
    return out


def _run(effect: Effect, audio: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Process block by block; what is written never lies ahead of what was read."""
    num_samples, latency = audio.shape[1], effect.latency_samples
    for start in range(0, num_samples + latency, _BLOCK):
        stop = start + _BLOCK
        block = audio[:, start:stop]
        missing = min(stop, num_samples + latency) - max(start, num_samples)
        if missing > 0:
            flush = np.zeros((audio.shape[0], missing), dtype=np.float32)
            block = np.concatenate([block, flush], axis=1)
        done = effect.process(block)
        written = max(start - latency, 0)
        late = min(max(latency - start, 0), done.shape[1])
        out[:, written : written + done.shape[1] - late] = done[:, late:]
