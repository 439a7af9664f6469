"""Learning an amplifier from a dry and a wet recording of the same performance.

Purpose: a capture that plays anywhere, in minutes on a CPU at the light size.

How it works: the delay of the wet recording is found and taken out; the end of the recording is
held out; a :class:`~leitmotiv.training.amp_model.AmpNet` sees random windows of the rest. The loss
is the error-to-signal ratio, half of it behind a pre-emphasis, so that the treble that ears
listen for counts; the rate rises over the first steps and falls along a cosine. The weights that
did best on the held-out end are kept.

Conventions: float32 (samples,), mono, both recordings at one sample rate. Same data, options and
seed, same weights on the same machine. A run that is stopped goes on from its checkpoint.

Public names: :class:`AmpOptions`, :class:`AmpCapture`, :func:`train_amp`, :func:`find_delay`,
:func:`error_to_signal`, :func:`pre_emphasized`.

References: A. Wright and V. Välimäki, *Perceptual loss function for neural modelling of audio
systems*, ICASSP 2020 (error-to-signal ratio with pre-emphasis); C. Knapp and G. Carter, *The
generalized correlation method for estimation of time delay*, IEEE ASSP 24(4), 1976.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from leitmotiv.training.amp_model import SIZES, AmpNet
from leitmotiv.training.errors import TrainingError

__all__ = [
    "AmpCapture",
    "AmpOptions",
    "error_to_signal",
    "find_delay",
    "pre_emphasized",
    "train_amp",
]

PRE_EMPHASIS = 0.85
_LEAST_SEC, _LEAST_HELD_OUT_SEC, _MOST_HELD_OUT_SEC = 10.0, 2.0, 20.0
_BEFORE_THE_PEAK = 4  # samples; what a filter answers begins before it is loudest
_SAVE_EVERY_SEC = 60.0
_STEPS = {"nano": 5000, "light": 5000, "medium": 6000, "standard": 10_000}


@dataclass(frozen=True)
class AmpOptions:
    """How to train.

    ``num_steps`` and ``delay_samples`` are found where they are None; ``minutes`` ends the run
    early, whatever the step.
    """

    size: str = "light"
    num_steps: int | None = None
    minutes: float | None = None
    delay_samples: int | None = None
    learning_rate: float = 8e-3
    batch_size: int = 4
    window: int = 4096
    seed: int = 0
    num_threads: int | None = None


@dataclass(frozen=True)
class AmpCapture:
    """What was learnt; ``esr`` is of the held-out end, plain and behind the pre-emphasis."""

    config: dict[str, Any]
    weights: np.ndarray
    receptive_field: int
    delay_samples: int
    esr: float
    esr_emphasized: float
    num_steps: int
    duration_sec: float
    held_out_sec: float
    finished: bool


Report = Callable[[int, int, float, float], None]


def pre_emphasized(signal: np.ndarray) -> np.ndarray:
    """Return the signal with its treble lifted: each sample less 0.85 of the one before."""
    return np.asarray(signal[1:] - PRE_EMPHASIS * signal[:-1])


def error_to_signal(predicted: np.ndarray, target: np.ndarray) -> float:
    """Return the energy of the error as a share of the target's; infinite for a silent target."""
    energy = float(np.sum(np.square(target, dtype=np.float64)))
    error = float(np.sum(np.square(predicted.astype(np.float64) - target)))
    return error / energy if energy > 0 else math.inf


def find_delay(dry: np.ndarray, wet: np.ndarray, sample_rate: int, most_sec: float = 1.0) -> int:
    """Return by how many samples the wet recording lags behind the dry one.

    The recordings' cross-correlation is whitened, which makes it a narrow peak whatever the
    filters in between, and taken without its sign, as amplifiers turn polarity over.

    Raises
    ------
    TrainingError
        If one of the recordings is silent, or nothing in the wet one answers to the dry one.
    """
    count = min(len(dry), len(wet), 60 * sample_rate)
    size = 1 << (2 * count - 1).bit_length()
    spectra = []
    for name, signal in (("dry", dry), ("wet", wet)):
        part = signal[:count].astype(np.float64)
        if not np.any(part):
            raise TrainingError(f"the {name} recording is silent; check its channel and its file")
        spectra.append(np.fft.rfft(part, size))
    cross = spectra[1] * np.conj(spectra[0])
    # Bands where nothing was played say nothing about the delay.
    floor = 1e-4 * np.abs(cross).max()
    correlation = np.abs(np.fft.irfft(cross / np.maximum(np.abs(cross), floor), size))
    most = min(round(most_sec * sample_rate), count - 1)
    lags = np.concatenate([correlation[-most:], correlation[: most + 1]])
    best = int(np.argmax(lags))
    if lags[best] < 8.0 * np.sqrt(np.mean(np.square(lags))):
        raise TrainingError(
            "the wet recording does not answer to the dry one within a second; check that both "
            "are of the same performance, or give the delay"
        )
    return best - most - _BEFORE_THE_PEAK


def _aligned(dry: np.ndarray, wet: np.ndarray, delay: int) -> tuple[np.ndarray, np.ndarray]:
    """Both recordings with the delay taken out, of one length."""
    if delay >= 0:
        wet = wet[delay:]
    else:
        dry = dry[-delay:]
    count = min(len(dry), len(wet))
    return dry[:count], wet[:count]


def _check(dry: np.ndarray, wet: np.ndarray, sample_rate: int, options: AmpOptions) -> None:
    if options.size not in SIZES:
        raise TrainingError(f"size={options.size!r} must be one of {', '.join(SIZES)}")
    for name, signal in (("dry", dry), ("wet", wet)):
        if signal.ndim != 1 or not np.isfinite(signal).all():
            raise TrainingError(f"the {name} recording must be mono and free of NaN")
        if len(signal) < _LEAST_SEC * sample_rate:
            raise TrainingError(
                f"the {name} recording has {len(signal) / sample_rate:.1f} s; it must have at "
                f"least {_LEAST_SEC:g} s, two minutes are better"
            )
    for name, value in (("num_steps", options.num_steps), ("minutes", options.minutes)):
        if value is not None and not value > 0:
            raise TrainingError(f"{name}={value} must be above 0")


class _Run:
    """One training: network, optimiser, windows, and what has been best so far."""

    def __init__(
        self, dry: np.ndarray, wet: np.ndarray, sample_rate: int, options: AmpOptions
    ) -> None:
        held_out = int(
            sample_rate
            * min(max(0.1 * len(dry) / sample_rate, _LEAST_HELD_OUT_SEC), _MOST_HELD_OUT_SEC)
        )
        self.cut = len(dry) - held_out
        self.held_out_sec = held_out / sample_rate
        self.x, self.y = torch.from_numpy(dry.copy()), torch.from_numpy(wet.copy())
        self.num_steps = options.num_steps or _STEPS[options.size]
        self.options, self.step = options, 0
        power = self.y[: self.cut].square().mean()
        if not power > 0:
            raise TrainingError("the wet recording is silent; check its channel and its file")
        torch.manual_seed(options.seed)
        self.net = AmpNet(SIZES[options.size], 0.3 * math.sqrt(float(power)))
        self.power = power
        self.bright_power = self._bright(self.y[: self.cut]).square().mean()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=0.0, betas=(0.9, 0.99))
        self.rng = np.random.default_rng(options.seed)
        self.best: tuple[float, float] = (math.inf, math.inf)
        self.best_weights = {k: v.clone() for k, v in self.net.state_dict().items()}
        digest = hashlib.sha256(dry.tobytes() + wet.tobytes())
        settings = {k: v for k, v in asdict(options).items() if k not in ("minutes", "num_threads")}
        digest.update(repr(sorted(settings.items())).encode())
        self.identity = digest.hexdigest()

    @staticmethod
    def _bright(signal: torch.Tensor) -> torch.Tensor:
        return signal[..., 1:] - PRE_EMPHASIS * signal[..., :-1]

    def advance(self) -> float:
        """Take one step; return its loss."""
        options, reach = self.options, self.net.receptive_field - 1
        share = self.step / self.num_steps
        warm = min(1.0, (self.step + 1) / min(100, max(self.num_steps // 5, 1)))
        rate = options.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * share) + 1e-3)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        window = min(options.window, self.cut - reach - 1)
        starts = self.rng.integers(reach, self.cut - window, options.batch_size)
        x = torch.stack([self.x[s - reach : s + window] for s in starts])
        y = torch.stack([self.y[s : s + window] for s in starts])
        error = self.net(x) - y  # (batch, window)
        loss = 0.5 * error.square().mean() / self.power
        loss = loss + 0.5 * self._bright(error).square().mean() / self.bright_power
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def judge(self) -> tuple[float, float]:
        """Play the held-out end; keep the weights if they are the best; return its two ratios."""
        reach, piece = self.net.receptive_field - 1, 2**15
        played = [
            self.net(self.x[None, at - reach : min(at + piece, len(self.x))])[0]
            for at in range(self.cut, len(self.x), piece)
        ]
        predicted, target = torch.cat(played).numpy(), self.y[self.cut :].numpy()
        plain = error_to_signal(predicted, target)
        bright = error_to_signal(pre_emphasized(predicted), pre_emphasized(target))
        if plain + bright < sum(self.best):
            self.best = (plain, bright)
            self.best_weights = {k: v.clone() for k, v in self.net.state_dict().items()}
        return plain, bright

    def save(self, path: Path) -> None:
        """Write the checkpoint whole or not at all."""
        state = {
            "identity": self.identity,
            "step": self.step,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "best_weights": self.best_weights,
            "rng": str(self.rng.bit_generator.state),
        }
        part = path.with_name(path.name + ".part")
        torch.save(state, part)
        os.replace(part, path)

    def resume(self, path: Path) -> bool:
        """Go on from a checkpoint of the same data and options; others are left alone."""
        import ast

        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if state["identity"] != self.identity:
                return False
            self.net.load_state_dict(state["net"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.best = int(state["step"]), tuple(state["best"])
            self.best_weights = state["best_weights"]
            self.rng.bit_generator.state = ast.literal_eval(state["rng"])
        except Exception:  # a checkpoint that cannot be read is no loss: the run begins anew
            return False
        return True


def _learn(run: _Run, started: float, checkpoint: Path | None, report: Report | None) -> None:
    """Take steps to the end or until the time is up, judging twenty times on the way."""
    minutes, saved, out_of_time = run.options.minutes, started, False
    judge_every = max(run.num_steps // 20, 1)
    while run.step < run.num_steps and not out_of_time:
        run.advance()
        now = time.monotonic()
        out_of_time = minutes is not None and now - started > 60 * minutes
        if run.step % judge_every == 0 or run.step == run.num_steps or out_of_time:
            plain, bright = run.judge()
            if report is not None:
                report(run.step, run.num_steps, plain, bright)
        if checkpoint is not None and now - saved > _SAVE_EVERY_SEC:
            run.save(checkpoint)
            saved = now


def train_amp(
    dry: np.ndarray,
    wet: np.ndarray,
    sample_rate: int,
    options: AmpOptions | None = None,
    *,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> AmpCapture:
    """Learn what turns one recording into the other.

    Parameters
    ----------
    dry, wet : ndarray of float32, shape (samples,)
    sample_rate : int
        Hz.
    options : AmpOptions, optional
    checkpoint : Path, optional
        Where the run is saved every minute and when it is stopped, and goes on from; removed when
        it is done.
    report : callable, optional
        Called with step, number of steps and the two ratios of the held-out end.

    Raises
    ------
    TrainingError
        If the recordings or options cannot be used.
    """
    options = options or AmpOptions()
    dry = np.ascontiguousarray(dry, np.float32)
    wet = np.ascontiguousarray(wet, np.float32)
    _check(dry, wet, sample_rate, options)
    delay = options.delay_samples
    delay = find_delay(dry, wet, sample_rate) if delay is None else delay
    dry, wet = _aligned(dry, wet, delay)
    if len(dry) < _LEAST_SEC * sample_rate:
        raise TrainingError(
            f"delay_samples={delay} leaves less than {_LEAST_SEC:g} s to learn from"
        )
    threads = torch.get_num_threads()
    torch.set_num_threads(options.num_threads or threads)
    try:
        run = _Run(dry, wet, sample_rate, options)
        if checkpoint is not None and checkpoint.is_file():
            run.resume(checkpoint)
        started = time.monotonic()
        try:
            _learn(run, started, checkpoint, report)
        except BaseException:
            # Ctrl-C, too: the same command goes on from here.
            if checkpoint is not None:
                run.save(checkpoint)
            raise
    finally:
        torch.set_num_threads(threads)
    run.net.load_state_dict(run.best_weights)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return AmpCapture(
        config=run.net.export_config(),
        weights=run.net.export_weights(),
        receptive_field=run.net.receptive_field,
        delay_samples=delay,
        esr=run.best[0],
        esr_emphasized=run.best[1],
        num_steps=run.step,
        duration_sec=time.monotonic() - started,
        held_out_sec=run.held_out_sec,
        finished=run.step >= run.num_steps,
    )
