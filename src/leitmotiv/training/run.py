"""One training run: its state, its folder, its loop.

A run lasts ``minutes`` of wall clock or ``steps`` updates, whichever ends first; learning rate and
curriculum follow the share that has passed, over all resumed sessions. In its folder:

=============  ===================================================================================
``last.pt``    where the run stands, written whole at least every two minutes
``best.pt``    the best average on held-out pieces
``log.csv``    losses, validations, novelty, reasons
``curves.png`` the same as a picture, where matplotlib is installed
=============  ===================================================================================

Public names: :class:`Run`, :class:`Report`, :func:`evaluate`, :func:`print_report`.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from leitmotiv.training.batches import Arrays, Batches, Supply, to_device, validation_batches
from leitmotiv.training.checkpoints import (
    CHECKPOINT_VERSION,
    merge_data,
    read_checkpoint,
    save_checkpoint,
)
from leitmotiv.training.curves import RunLog, draw_curves
from leitmotiv.training.distributed import World
from leitmotiv.training.errors import TrainingError
from leitmotiv.training.model import ModelConfig, ScoreModel
from leitmotiv.training.novelty import Novelty
from leitmotiv.training.optimisation import Updater, learning_rate
from leitmotiv.training.recipes import Recipe, check_recipe
from leitmotiv.training.stopping import Stopping
from leitmotiv.training.windows import Pack

__all__ = ["Base", "Report", "Run", "evaluate", "print_report"]

FIELD_SIZES = (195, 257, 113, 9)
CONDITION_SIZES = (20, 3, 20, 9, 33, 7, 3, 99, 99, 99, 8, 17, 7, 130, 18, 4, 9, 3)
PULSE_SECONDS = 0.5
DRAW_SECONDS = 30.0


@dataclass(frozen=True)
class Report:
    """Something to tell: ``kind`` is pulse, train, valid, base, novelty or note.

    ``progress`` runs from 0 to 1; ``text`` is a line for people, empty for a pulse.
    """

    kind: str
    progress: float
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def print_report(report: Report) -> None:
    """Print what has a text."""
    if report.text:
        print(report.text, flush=True)


@dataclass(frozen=True)
class Base:
    """What a fine-tuning starts from: a checkpoint, and the pack it was trained on if at hand."""

    name: str
    state: dict[str, Any]
    pack: Pack | None = None


@torch.no_grad()
def evaluate(model: ScoreModel, batches: list[Arrays], device: torch.device) -> dict[str, float]:
    """Bits a note (all fields but velocity, ends of cells included) and nats per field."""
    was_training = model.training
    model.eval()
    totals: dict[str, float] = {}
    for batch in batches:
        _, report = model.losses(to_device(batch, device))
        for name, value in report.items():
            totals[name] = totals.get(name, 0.0) + float(value)
    model.train(was_training)
    notes = max(totals["pitch_count"], 1.0)
    result = {
        name: totals[name] / max(totals[f"{name}_count"], 1.0)
        for name in ("position", "pitch", "duration", "velocity")
    }
    nats = totals["position"] + totals["pitch"] + totals["duration"]
    return {"bits_per_note": nats / notes / math.log(2), **result}


class Run:
    """One training run: its state, its folder, its log."""

    def __init__(
        self,
        recipe: Recipe,
        pack: Pack,
        folder: Path,
        device: torch.device,
        seed: int = 1,
        *,
        base: Base | None = None,
        world: World | None = None,
        report: Callable[[Report], None] = print_report,
    ):
        self.recipe = check_recipe(recipe, fine_tuning=base is not None)
        self.pack, self.folder, self.device, self.seed = pack, folder, device, seed
        self.base, self.tell = base, report
        self.world = replace(world or World(), device=device)
        self.data = pack.header
        torch.manual_seed(seed)
        if base is None:
            self.config = ModelConfig(FIELD_SIZES, CONDITION_SIZES, **self.recipe["model"])
        else:
            dropout = {"dropout": self.recipe["model"]["dropout"]}
            self.config = ModelConfig(**{**base.state["config"], **dropout})
            self.data = merge_data(base.state["data"], pack.header)
            if base.pack is not None and self.recipe["data"]["rehearsal"]:
                self.data = merge_data(self.data, base.pack.header)
        self.model = ScoreModel(self.config).to(device)
        if base is not None:
            self.model.load_state_dict(base.state["average"])
        self.average = ScoreModel(self.config).to(device)
        self.average.load_state_dict(self.model.state_dict())
        self.average.eval()
        anchor = None
        if base is not None:
            anchor = [p.detach().clone() for p in self.model.parameters()]
        torch.manual_seed(seed + 1000 * self.world.rank)  # each process drops other units
        self.updater = Updater(
            self.model, self.average, self.recipe["schedule"], self.world, anchor=anchor
        )
        self.stopping = Stopping(self.recipe["stopping"])
        self.step, self.seconds, self.events, self.best = 0, 0.0, 0, math.inf
        self.progress = 0.0
        self.reason = ""
        self.novelty: Novelty | None = None
        self.num_validations = 0
        self.drawn = -math.inf
        self.log = RunLog(folder)

    # -- state -----------------------------------------------------------------------------------

    def resume(self) -> None:
        """Load ``last.pt`` where a run of the same sizes left one."""
        path = self.folder / "last.pt"
        if not path.exists():
            return
        state = read_checkpoint(path, self.device)
        if ModelConfig(**state["config"]) != self.config:
            raise TrainingError(
                f"{path} is of other sizes than the recipe; choose another --out folder, or "
                "delete this one"
            )
        if (state.get("base") or "") != (self.base.name if self.base else ""):
            begun = f"--from {state['base']}" if state.get("base") else "no --from"
            raise TrainingError(
                f"{path} was begun with {begun}; go on the same way, or choose another --out folder"
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.updater.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for name in ("step", "seconds", "events", "best"):
            setattr(self, name, state[name])
        if "stopping" in state:
            self.stopping.restore(state["stopping"])
        self._note(f"resumed at step {self.step}, {self.seconds / 60:.1f} min")

    def save(self, name: str = "last.pt", **extra: object) -> None:
        """Write a checkpoint."""
        if not self.world.leads:
            return
        save_checkpoint(
            self.folder / name,
            {
                "version": CHECKPOINT_VERSION,
                "config": self.config.to_dict(),
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimizers": [o.state_dict() for o in self.updater.optimizers],
                "step": self.step,
                "seconds": self.seconds,
                "events": self.events,
                "best": self.best,
                "stopping": self.stopping.state(),
                "recipe": self.recipe,
                "data": self.data,
                "base": self.base.name if self.base else "",
                **extra,
            },
        )

    # -- training --------------------------------------------------------------------------------

    def train_step(
        self, batches: dict[str, torch.Tensor] | list[dict[str, torch.Tensor]], rate: float
    ) -> float:
        """One update from one batch or several; returns the loss over all processes."""
        return float(self._update(batches if isinstance(batches, list) else [batches], rate))

    def _update(self, batches: list[dict[str, torch.Tensor]], rate: float) -> torch.Tensor:
        loss, events = self.updater.step(batches, rate, self.step)
        self.step += 1
        self.events += events
        return loss

    def fit(self, minutes: float | None = None) -> str:
        """Train until the time or the steps are spent, or there is a reason to stop; returns it.

        ``minutes`` overrides the recipe's. Ctrl-C or a request to end saves and returns.
        """
        schedule = self.recipe["schedule"]
        minutes = minutes or schedule["minutes"]
        supplies = [Supply.of(self.pack, self.recipe)]
        if self.base is not None and self.base.pack is not None:
            supplies.append(Supply.of(self.base.pack, self.recipe))
        held_out = validation_batches(self.pack, self.recipe) if self.world.leads else []
        if self.world.leads:
            self.log.begin(self.step)
            self._before(held_out)
        seed = self.seed + self.step + 7919 * self.world.rank
        batches = Batches(supplies, self.recipe, seed)
        try:
            with self._signals():
                self._loop(batches, held_out, minutes)
        finally:
            batches.close()
        if self.world.leads:
            self._after(held_out)
        return self.reason

    def _loop(self, batches: Batches, held_out: list[Arrays], minutes: float | None) -> None:
        schedule = self.recipe["schedule"]
        losses: list[torch.Tensor] = []
        begun = time.monotonic()
        started = begun - self.seconds
        reported = saved = validated = pulsed = begun
        events_before = self.events
        while True:
            shares = [self.seconds / 60 / minutes if minutes else 0.0]
            shares.append(self.step / schedule["steps"] if schedule["steps"] else 0.0)
            if max(shares) >= 1 and not self.reason:
                self.reason = "done"
            progress, stop = self.world.agree(max(shares), float(bool(self.reason)))
            self.progress = batches.progress = min(progress, 1.0)
            if stop:
                return
            taken = [to_device(batches.take(), self.device) for _ in range(schedule["accumulate"])]
            rate = learning_rate(schedule, self.step, self.progress)
            losses.append(self._update(taken, rate))
            now = time.monotonic()
            self.seconds = now - started
            if not self.world.leads:
                losses.clear()
                continue
            if now - pulsed > PULSE_SECONDS:
                self._pulse(float(losses[-1]), rate)
                pulsed = now
            if now - reported > schedule["report_seconds"]:
                speed = (self.events - events_before) / (now - reported)
                self._report_loss(float(torch.stack(losses).mean()), rate, speed, minutes)
                losses, reported, events_before = [], now, self.events
            due = now - validated > schedule["validate_seconds"]
            if now - saved > schedule["save_seconds"] or due:  # a validation may take a while
                self.save()
                saved = time.monotonic()
            if due:
                self._validate(held_out)
                self._measure_novelty()
                self._draw()
                validated = time.monotonic()

    def _before(self, held_out: list[Arrays]) -> None:
        if not held_out:
            self._note("no held-out pieces: nothing to validate on, the run ends by time alone")
        if self.base is None or self.step:
            return
        if held_out:
            scores = evaluate(self.average, held_out, self.device)
            self._report_scores("own", "own held-out pieces, before", scores)
            # What only makes it worse on the person's own pieces must not become the best.
            self.best = self.stopping.best = scores["bits_per_note"]
            self.save("best.pt", scores=scores)
        self._base_loss(self.average, "before")

    def _after(self, held_out: list[Arrays]) -> None:
        if self.reason != "stopped":
            self._validate(held_out, last=True)
            self._measure_novelty(last=True)
            if self.base is not None:
                best = read_checkpoint(self.folder / "best.pt", self.device)
                model = ScoreModel(self.config).to(self.device).eval()
                model.load_state_dict(best["average"])
                if held_out:
                    scores = evaluate(model, held_out, self.device)
                    self._report_scores("own", "own held-out pieces, after", scores)
                self._base_loss(model, "after")
        self.save()
        self._note(f"ended: {self.reason}")
        self._draw()

    def _base_loss(self, model: ScoreModel, when: str) -> None:
        """Report the loss on the base's own held-out pieces: is it forgotten?"""
        if self.base is None:
            return
        if self.base.pack is None:
            if when == "before":
                self._note(
                    "without --base-pack the loss on the base's own pieces cannot be reported"
                )
            return
        batches = validation_batches(self.base.pack, self.base.state["recipe"])
        if batches:
            scores = evaluate(model, batches, self.device)
            self._report_scores("base", f"base's held-out pieces, {when}", scores)

    # -- reporting -------------------------------------------------------------------------------

    def _validate(self, held_out: list[Arrays], *, last: bool = False) -> None:
        if not held_out:
            if last:
                self.save("best.pt")
            return
        self.num_validations += 1
        scores = evaluate(self.average, held_out, self.device)
        self._report_scores("valid", "   valid", scores)
        reason = self.stopping.after_validation(scores["bits_per_note"])
        if scores["bits_per_note"] < self.best:
            self.best = scores["bits_per_note"]
            self.save("best.pt", scores=scores)
        if reason and not last:
            self.reason = reason

    def _measure_novelty(self, *, last: bool = False) -> None:
        table = self.recipe["novelty"]
        wanted = last or self.num_validations % table["every"] == 0
        if not table["continuations"] or not wanted:
            return
        if self.novelty is None:
            self.novelty = Novelty(self.pack, self.recipe)
        measured = self.novelty.measure(self.average)
        if measured is None:
            return
        self.log.add("novelty", self.step, self.seconds, self.events, **measured.to_dict())
        self._tell("novelty", f" novelty  {measured}", measured.to_dict())
        reason = self.stopping.after_novelty(measured, self.progress)
        if reason and not last:
            self.reason = reason

    def _report_loss(self, loss: float, rate: float, speed: float, minutes: float | None) -> None:
        values = {"loss": loss, "learning_rate": rate, "events_per_sec": speed}
        self.log.add("train", self.step, self.seconds, self.events, **values)
        length = f"/{minutes:g}" if minutes else ""
        text = (
            f"{self.seconds / 60:6.1f}{length} min  step {self.step}  "
            f"loss {loss:.4f}  {speed:,.0f} events/s"
        )
        self._tell("train", text, values)

    def _report_scores(self, kind: str, name: str, scores: dict[str, float]) -> None:
        self.log.add(kind, self.step, self.seconds, self.events, **scores, message=name.strip())
        shown = "  ".join(f"{key} {value:.4f}" for key, value in scores.items())
        self._tell(kind, f"{name}  {shown}", scores)

    def _note(self, text: str) -> None:
        if self.world.leads:
            if self.log.path.exists():
                self.log.add("note", self.step, self.seconds, self.events, message=text)
            self._tell("note", text)

    def _pulse(self, loss: float, rate: float) -> None:
        values = {"loss": loss, "learning_rate": rate, "step": self.step, "seconds": self.seconds}
        self.tell(Report("pulse", self.progress, "", {**values, "events": self.events}))

    def _tell(self, kind: str, text: str, values: dict[str, Any] | None = None) -> None:
        self.tell(Report(kind, self.progress, text, dict(values or {})))

    def _draw(self) -> None:
        if not self.reason and time.monotonic() - self.drawn < DRAW_SECONDS:
            return
        draw_curves(self.log.path, self.folder / "curves.png")
        self.drawn = time.monotonic()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C and requests to end let the step finish and save; a second one ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {}

        def stop(number: int, frame: object) -> None:
            self.reason = "stopped"
            restore()

        def restore() -> None:
            for which, handler in before.items():
                signal.signal(which, handler)

        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop)
        try:
            yield
        finally:
            restore()
