"""FluidSynth as an independent player of the same notes and bank, and the measures we compare."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from leitmotiv.score.score import Part, Score, make_notes

SAMPLE_RATE = 48_000
TICKS_PER_SEC = 960  # 480 per quarter at 120 quarters a minute
NOTE_SEC, SLOT_SEC = 1.0, 1.75
FLUIDSYNTH = shutil.which("fluidsynth")


@dataclass(frozen=True)
class Slot:
    """One note of a comparison, alone in its slot."""

    program: int
    pitch: int
    velocity: int
    is_drum: bool = False


def _variable_length(value: int) -> bytes:
    out = bytes([value & 0x7F])
    while value := value >> 7:
        out = bytes([0x80 | (value & 0x7F)]) + out
    return out


def write_midi(events: list[tuple[int, bytes]], path: Path, end_tick: int) -> None:
    """Write (tick, message) as a format 0 file at 120 quarters a minute."""
    track, last = b"", 0
    for tick, message in [*sorted(events, key=lambda e: e[0]), (end_tick, b"\xff\x2f\x00")]:
        track += _variable_length(tick - last) + message
        last = tick
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)
    path.write_bytes(head + b"MTrk" + struct.pack(">I", len(track)) + track)


def play(bank: Path, midi: Path, folder: Path, *, gain: float = 1.0) -> NDArray[np.float32]:
    """Render a MIDI file with FluidSynth: dry, 48 kHz, float. Returns (2, samples)."""
    assert FLUIDSYNTH is not None
    wav = folder / "fluidsynth.wav"
    command = [FLUIDSYNTH, "-n", "-i", "-q", "-R", "0", "-C", "0", "-g", str(gain)]
    command += ["-r", str(SAMPLE_RATE), "-O", "float", "-T", "wav", "-F", str(wav)]
    subprocess.run([*command, str(bank), str(midi)], check=True, capture_output=True, timeout=600)
    audio, _ = soundfile.read(wav, dtype="float32")
    wav.unlink()
    return np.ascontiguousarray(audio.T)


def play_slots(bank: Path, slots: list[Slot], folder: Path) -> NDArray[np.float32]:
    """Render one note a slot. Returns (slots, 2, samples)."""
    step = int(SLOT_SEC * TICKS_PER_SEC)
    events: list[tuple[int, bytes]] = []
    for index, slot in enumerate(slots):
        channel = 9 if slot.is_drum else 0
        at = index * step
        events.append((max(at - 48, 0), bytes([0xB0 | channel, 120, 0])))  # all sound off
        events.append((at, bytes([0xC0 | channel, slot.program])))
        events.append((at + 96, bytes([0x90 | channel, slot.pitch, slot.velocity])))
        off = at + 96 + int(NOTE_SEC * TICKS_PER_SEC)
        events.append((off, bytes([0x80 | channel, slot.pitch, 0])))
    midi = folder / "slots.mid"
    write_midi(events, midi, len(slots) * step)
    audio = play(bank, midi, folder)
    length = int(SLOT_SEC * SAMPLE_RATE)
    audio = np.pad(audio, ((0, 0), (0, max(0, len(slots) * length - audio.shape[1]))))
    return audio[:, : len(slots) * length].reshape(2, len(slots), length).transpose(1, 0, 2)


def slot_score(slot: Slot) -> Score:
    """Return the same note as a Score of one part."""
    notes = make_notes([96], [int(NOTE_SEC * TICKS_PER_SEC)], [slot.pitch], slot.velocity)
    return Score(parts=(Part("slot", slot.program, slot.is_drum, notes=notes),))


def level_db(audio: NDArray[np.float32]) -> float:
    """Energy of a slot in dB."""
    return float(10.0 * np.log10(np.sum(audio.astype(np.float64) ** 2) + 1e-12))


def onset_difference_sec(audio: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Lag of the attack: where the first 0.2 s of both correlate best, within 40 ms."""
    first, length, span = int(0.05 * SAMPLE_RATE), int(0.25 * SAMPLE_RATE), int(0.04 * SAMPLE_RATE)
    mine, theirs = (x.sum(axis=0)[first : first + length] for x in (audio, reference))
    size = 1 << 16
    spectrum = np.fft.rfft(mine, size) * np.conj(np.fft.rfft(theirs, size))
    correlation = np.fft.irfft(spectrum, size)
    lags = np.concatenate([correlation[-span:], correlation[: span + 1]])
    return float(np.argmax(lags) - span) / SAMPLE_RATE


def pitch_difference_cents(
    audio: NDArray[np.float32], reference: NDArray[np.float32]
) -> float | None:
    """Shift of the spectrum's strongest peak; None where no peak stands out (noise, short hits)."""
    first = int((0.1 + 0.05) * SAMPLE_RATE)
    window = np.hanning(int(0.8 * SAMPLE_RATE))
    spectra = []
    for sound in (audio, reference):
        segment = sound.sum(axis=0)[first : first + len(window)] * window
        spectra.append(np.abs(np.fft.rfft(segment, 1 << 18)))
    mine, theirs = spectra
    peak = int(np.argmax(theirs))
    spread = max(int(peak * 0.06), 4)
    low = max(peak - spread, 1)
    around = np.delete(theirs, slice(peak - 12, peak + 13))[low : peak + spread]
    if len(around) == 0 or theirs[peak] < 4.0 * np.median(around) or theirs[peak] < 1e-3:
        return None
    nearby = low + int(np.argmax(mine[low : peak + spread]))
    return float(1200.0 * np.log2(_vertex(mine, nearby) / _vertex(theirs, peak)))


def _vertex(spectrum: NDArray[np.float64], index: int) -> float:
    a, b, c = np.log(spectrum[index - 1 : index + 2] + 1e-20)
    bottom = a - 2.0 * b + c
    return float(index + (0.5 * (a - c) / bottom if bottom else 0.0))
