"""Train the timbre network on a pack of analysed notes.

    python -m leitmotiv.training.timbre_train recipes/timbre.toml --pack notes.npz --out runs/timbre

The loss adds three distances in dB: of harmonics and of noise bands, weighted by how much they
matter beside the loudest, and of the mel spectrum that both together would give. Latents come from
the table for most notes, and from the encoder, looking at another note of the same instrument, for
the rest. A run stops after the minutes of its recipe and takes up its ``last.pt`` where it was
killed; notes of the split ``test`` are measured and never trained on.

Public names: :func:`train_timbre`, :func:`load_notes`, :func:`mel_of_levels`, :class:`Notes`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from leitmotiv.training.errors import TrainingError
from leitmotiv.training.timbre_model import TimbreModel, TimbreSizes

__all__ = ["Notes", "load_notes", "mel_of_levels", "train_timbre"]

LEVEL_UNIT_DB, LEVEL_MIDDLE_DB = 20.0, -40.0
MEL_RANGE_DB = 70.0
STEADY_SEC = 0.05  # a mel frame before that sees the silence in front of the note
TOP_HZ = 18_000.0
MAX_B = -4.0


@dataclass
class Notes:
    """A pack as tensors; ``N`` notes of 64 moments."""

    instrument: Tensor
    pitch: Tensor
    velocity: Tensor
    split: Tensor
    time: Tensor
    harmonic: Tensor
    noise: Tensor
    mel: Tensor
    encoder: Tensor
    note_values: Tensor
    note_known: Tensor
    groups_to_mel: Tensor
    noise_to_mel: Tensor
    group_inside: Tensor
    names: list[str]

    def __len__(self) -> int:
        return len(self.instrument)


def load_notes(path: str | os.PathLike[str]) -> Notes:
    """Read a pack that ``leitmotiv sounds pack`` wrote.

    Raises
    ------
    TrainingError
        If it is missing or no pack of notes.
    """
    try:
        file = np.load(path)
        data = {key: file[key] for key in file.files}
        edges, response = data["group_edges"], data["mel_response"]
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"pack={str(path)!r} is no pack of notes; make one first") from error
    step_hz = float(data["sample_rate"]) / float(data["n_fft"]) / float(data["response_steps"])
    order = np.arange(1, int(edges[-1]) + 1)
    group = np.searchsorted(edges, order) - 1
    f0 = 440.0 * 2.0 ** ((data["pitch"] - 69 + data["cents"] / 100) / 12)
    stiffness = data["inharmonicity"]
    hz = order * f0[:, None] * np.sqrt(1 + stiffness[:, None] * order**2)
    inside = hz < TOP_HZ
    row = np.minimum(np.rint(hz / step_hz).astype(np.int64), len(response) - 1)
    maps = np.zeros((len(f0), len(edges) - 1, response.shape[1]), np.float16)
    for g in range(len(edges) - 1):
        members = np.flatnonzero(group == g)
        # 16-bit floats reach far enough once levels are dB of amplitude 1.
        total = (response[row[:, members]] * inside[:, members, None]).sum(1)
        maps[:, g] = total.astype(np.float16)
    first = np.array([np.flatnonzero(group == g)[0] for g in range(len(edges) - 1)])
    release = data["release"]
    values = np.stack(
        [
            np.log10(np.maximum(stiffness, 1e-5)) + 4.0,
            np.log10(np.nan_to_num(release, nan=100)) - 2,
        ],
        1,
    )
    known = np.stack([np.ones(len(f0)), ~np.isnan(release)], 1)
    return Notes(
        torch.tensor(data["instrument"]).long(),
        torch.tensor(data["pitch"]).float(),
        torch.tensor(data["velocity"]).float(),
        torch.tensor(data["split"]).long(),
        torch.tensor(data["time"]),
        torch.tensor(data["harmonic"]),
        torch.tensor(data["noise"]),
        torch.tensor(data["mel"]),
        torch.tensor(data["encoder"]),
        torch.tensor(values).float(),
        torch.tensor(known).float(),
        torch.tensor(maps),
        torch.tensor(data["noise_response"]).float(),
        torch.tensor(inside[:, first]),
        [str(name) for name in data["names"]],
    )


def mel_of_levels(levels_db: Tensor, groups_to_mel: Tensor, noise_to_mel: Tensor) -> Tensor:
    """Mel spectrum in dB (B, F, M) of harmonics and noise (B, F, G + N) added in power.

    ``groups_to_mel`` (B, G, M) and ``noise_to_mel`` (N, M) hold power per unit of power.
    """
    power = torch.pow(10.0, levels_db / 10.0)
    num_groups = groups_to_mel.shape[1]
    mel = torch.bmm(power[..., :num_groups], groups_to_mel)
    mel = mel + power[..., num_groups:] @ noise_to_mel
    return 10.0 * torch.log10(mel + 1e-14)


def _levels(stored: Tensor) -> Tensor:
    return stored.float() * 0.5 - 100.0


def _loss(
    model: TimbreModel, notes: Notes, index: Tensor, frame: Tensor, latent: Tensor, options: Any
) -> tuple[Tensor, dict[str, float]]:
    """Loss of notes (B,) at moments (B, F) decoded from latents (B, Z)."""
    rows = index[:, None]
    out, values = model.decode(
        latent, notes.pitch[index], notes.velocity[index], notes.time[rows, frame]
    )
    level = (out * LEVEL_UNIT_DB + LEVEL_MIDDLE_DB).clamp(-110.0, 35.0)
    harmonic, noise = _levels(notes.harmonic[rows, frame]), _levels(notes.noise[rows, frame])
    wanted = torch.cat([harmonic, noise], -1)
    loudest = _levels(notes.harmonic[index].amax((1, 2)))[:, None, None]
    bottom = loudest - 85.0
    gap = (level.maximum(bottom) - wanted.maximum(bottom)).abs()
    weight = ((wanted - (loudest - 80.0)) / 30.0).clamp(0.08, 1.0)
    num_groups = harmonic.shape[-1]
    inside = notes.group_inside[index][:, None, :].float()
    weight = torch.cat([weight[..., :num_groups] * inside, weight[..., num_groups:]], -1)
    part_h = (gap * weight)[..., :num_groups].sum() / (weight[..., :num_groups].sum() + 1e-6)
    part_n = (gap * weight)[..., num_groups:].sum() / (weight[..., num_groups:].sum() + 1e-6)

    mel_wanted = _levels(notes.mel[rows, frame])
    mel_bottom = _levels(notes.mel[index].amax((1, 2)))[:, None, None] - MEL_RANGE_DB
    mel = mel_of_levels(level, notes.groups_to_mel[index].float(), notes.noise_to_mel)
    steady = (notes.time[rows, frame] > STEADY_SEC).float()[..., None]
    mel_gap = (mel.maximum(mel_bottom) - mel_wanted.maximum(mel_bottom)).abs() * steady
    part_m = mel_gap.sum() / (steady.sum() * mel.shape[-1] + 1e-6)

    note_gap = (values - notes.note_values[index]).abs() * notes.note_known[index]
    loss = (
        options["harmonic"] * part_h
        + options["noise"] * part_n
        + options["mel"] * part_m
        + 2.0 * note_gap.mean()
    )
    parts = {"harmonic": part_h, "noise": part_n, "mel": part_m}
    told = {name: float(part.detach()) for name, part in parts.items()}
    return loss, told


@torch.no_grad()
def _measure(model: TimbreModel, notes: Notes, index: Tensor, *, encoded: bool) -> dict[str, float]:
    """Mean mel distance in dB of each instrument over notes (index,), at all steady moments."""
    sums: dict[int, list[float]] = {}
    for chunk in index.split(64):
        pitch, velocity = notes.pitch[chunk], notes.velocity[chunk]
        if encoded:
            latent = model.encode(notes.encoder[chunk].float(), pitch, velocity)
        else:
            latent = model.latents(notes.instrument[chunk])
        out, _ = model.decode(latent, pitch, velocity, notes.time[chunk])
        level = (out * LEVEL_UNIT_DB + LEVEL_MIDDLE_DB).clamp(-110.0, 35.0)
        mel = mel_of_levels(level, notes.groups_to_mel[chunk].float(), notes.noise_to_mel)
        wanted = _levels(notes.mel[chunk])
        bottom = wanted.amax((1, 2), keepdim=True) - MEL_RANGE_DB
        gap = (mel.maximum(bottom) - wanted.maximum(bottom)).abs().mean(-1)
        steady = (notes.time[chunk] > STEADY_SEC).float()
        mean = (gap * steady).sum(1) / steady.sum(1).clamp_min(1)
        for number, value in zip(notes.instrument[chunk].tolist(), mean.tolist(), strict=True):
            sums.setdefault(number, []).append(value)
    return {notes.names[n]: float(np.mean(v)) for n, v in sorted(sums.items())}


def _save(path: Path, state: dict[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    torch.save(state, part)
    os.replace(part, path)


def train_timbre(
    recipe: dict[str, Any], pack: str | os.PathLike[str], out: str | os.PathLike[str]
) -> Path:
    """Train until the minutes of the recipe are used up; returns the path of ``last.pt``.

    ``recipe`` has the tables ``model`` (sizes), ``schedule`` (minutes, batch_notes, batch_moments,
    learning_rate, weight_decay, ema, save_seconds, seed) and ``loss`` (harmonic, noise, mel,
    encoded, pull, jitter). A ``last.pt`` in ``out`` is taken up.
    """
    torch.set_num_threads(int(recipe["schedule"].get("threads", 1)))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    notes = load_notes(pack)
    plan, weights = recipe["schedule"], recipe["loss"]
    seed = int(plan.get("seed", 1))
    torch.manual_seed(seed)
    sizes = TimbreSizes(num_instruments=len(notes.names), **recipe.get("model", {}))
    model = TimbreModel(sizes)
    optimiser = torch.optim.AdamW(
        model.parameters(),
        lr=float(plan["learning_rate"]),
        weight_decay=float(plan["weight_decay"]),
        betas=(0.9, 0.98),
    )
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    step, used = 0, 0.0
    last = folder / "last.pt"
    if last.exists():
        state = torch.load(last, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        average, step, used = state["average"], state["step"], state["used_sec"]
        torch.manual_seed(seed + step)

    train = torch.nonzero(notes.split == 0)[:, 0]
    test = torch.nonzero(notes.split == 1)[:, 0]
    members = [train[notes.instrument[train] == n] for n in range(len(notes.names))]
    sizes_of = torch.tensor([len(m) for m in members], dtype=torch.float)
    # Small instruments are seen more often, but not as often as large ones.
    chance = sizes_of.sqrt()
    limit = 60.0 * float(plan["minutes"])
    batch, moments = int(plan["batch_notes"]), int(plan["batch_moments"])
    from_encoder = int(batch * float(weights["encoded"]))
    began, saved, told = time.monotonic(), time.monotonic(), time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    while used < limit:
        done = used / limit
        rate = float(plan["learning_rate"]) * min(1.0, (step + 1) / 300)
        rate *= 0.5 * (1 + np.cos(np.pi * min(done, 1.0))) + 0.004
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        kind = torch.multinomial(chance, batch, replacement=True)
        index = torch.stack([members[k][torch.randint(len(members[k]), ())] for k in kind.tolist()])
        frame = torch.randint(notes.time.shape[1], (batch, moments))
        latent = model.latents(notes.instrument[index])
        latent = latent + float(weights["jitter"]) * torch.randn_like(latent)
        shown = kind[:from_encoder].tolist()
        other = torch.stack([members[k][torch.randint(len(members[k]), ())] for k in shown])
        # A third of the encoder's notes are to be rebuilt themselves.
        other[: from_encoder // 3] = index[: from_encoder // 3]
        seen = notes.encoder[other].float()
        seen = seen + 0.02 * torch.randn_like(seen)
        coded = model.encode(seen, notes.pitch[other], notes.velocity[other])
        pull = (coded - model.latents(notes.instrument[other])).square().mean()
        latent = torch.cat([coded, latent[from_encoder:]])
        loss, parts = _loss(model, notes, index, frame, latent, weights)
        loss = loss + float(weights["pull"]) * (pull + 0.05 * model.latents.weight.square().mean())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        decay = min(float(plan["ema"]), (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                average[name].lerp_(value, 1 - decay)
        for name, number in parts.items():
            sums[name] = sums.get(name, 0.0) + number
        count += 1
        now = time.monotonic()
        used += now - began
        began = now
        if now - told > float(plan.get("report_seconds", 30)):
            line = {name: round(total / count, 3) for name, total in sums.items()}
            print(json.dumps({"step": step, "minutes": round(used / 60, 2), **line}), flush=True)
            sums, count, told = {}, 0, now
        if now - saved > float(plan["save_seconds"]) or used >= limit:
            saved = now
            trial = TimbreModel(sizes)
            trial.load_state_dict(average)
            trial.eval()
            found = _measure(trial, notes, test, encoded=False)
            coded_found = _measure(trial, notes, test, encoded=True)
            mean, mean_coded = (float(np.mean(list(f.values()))) for f in (found, coded_found))
            print(
                json.dumps(
                    {"step": step, "test_db": round(mean, 3), "encoded_db": round(mean_coded, 3)}
                ),
                flush=True,
            )
            _save(
                last,
                {
                    "model": model.state_dict(),
                    "average": average,
                    "optimiser": optimiser.state_dict(),
                    "step": step,
                    "used_sec": used,
                    "sizes": asdict(sizes),
                    "names": notes.names,
                    "test_db": found,
                    "encoded_db": coded_found,
                },
            )
            began = time.monotonic()
    return last


def main() -> None:
    """Read a recipe and train."""
    parser = argparse.ArgumentParser(description="Train the timbre network.")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    recipe = tomllib.loads(given.recipe.read_text(encoding="utf-8"))
    print(train_timbre(recipe, given.pack, given.out))


if __name__ == "__main__":
    main()
