"""Build small SoundFont files for tests: a few samples, zones written as plain lists."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
RANGE_ALL = 127 << 8


@dataclass(frozen=True)
class Sample:
    """Mono audio with its header; loop points in frames from its start."""

    audio: NDArray[np.float32]
    loop: tuple[int, int] = (0, 0)
    root_key: int = 60
    correction_cents: int = 0
    sample_rate: int = SAMPLE_RATE
    name: str = "sample"


@dataclass(frozen=True)
class Zone:
    """Generators as (number, amount), modulators as the five words of the file.

    ``target`` is the sample (in an instrument) or instrument (in a preset); None makes a global
    zone.
    """

    generators: tuple[tuple[int, int], ...] = ()
    modulators: tuple[tuple[int, int, int, int, int], ...] = ()
    target: int | None = 0


@dataclass(frozen=True)
class Preset:
    """Program, bank and zones."""

    program: int = 0
    bank: int = 0
    zones: tuple[Zone, ...] = (Zone(),)
    name: str = "preset"


@dataclass(frozen=True)
class Bank:
    """What a file holds; ``instruments`` is a list of zone lists."""

    samples: tuple[Sample, ...]
    instruments: tuple[tuple[Zone, ...], ...] = ((Zone(),),)
    presets: tuple[Preset, ...] = field(default_factory=lambda: (Preset(),))


def _chunk(tag: bytes, body: bytes) -> bytes:
    return tag + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def _zone_tables(
    groups: list[tuple[Zone, ...]], terminal: int
) -> tuple[list[int], bytes, bytes, bytes]:
    starts, bags, gens, mods = [], b"", b"", b""
    num_gens = num_mods = num_bags = 0
    for zones in groups:
        starts.append(num_bags)
        for zone in zones:
            bags += struct.pack("<HH", num_gens, num_mods)
            num_bags += 1
            generators = list(zone.generators)
            if zone.target is not None:
                generators.append((terminal, zone.target))
            for number, amount in generators:
                gens += struct.pack("<HH", number, amount & 0xFFFF)
            for source, destination, amount, amount_source, transform in zone.modulators:
                mods += struct.pack("<HHhHH", source, destination, amount, amount_source, transform)
            num_gens += len(generators)
            num_mods += len(zone.modulators)
    bags += struct.pack("<HH", num_gens, num_mods)
    return [*starts, num_bags], bags, gens + b"\0" * 4, mods + b"\0" * 10


def soundfont_bytes(bank: Bank, *, compressed: bool = False) -> bytes:
    """Return the file; ``compressed`` stores Ogg Vorbis as SF3 does."""
    smpl, shdr = b"", b""
    for sample in bank.samples:
        name = sample.name.encode()
        if compressed:
            stream = io.BytesIO()
            rate = sample.sample_rate
            soundfile.write(stream, sample.audio, rate, format="OGG", subtype="VORBIS")
            start, body, loop = len(smpl), stream.getvalue(), sample.loop
            end = start + len(body)
        else:
            start = len(smpl) // 2
            pcm = np.clip(np.rint(sample.audio * 32768.0), -32768, 32767).astype("<i2")
            end = start + len(pcm)
            body = pcm.tobytes() + bytes(92)  # the standard's 46 guard frames
            loop = (start + sample.loop[0], start + sample.loop[1])
        smpl += body
        row = (start, end, *loop, sample.sample_rate, sample.root_key, sample.correction_cents)
        shdr += struct.pack("<20sIIIIIBbHH", name, *row, 0, 0x11 if compressed else 1)
    shdr += struct.pack("<20sIIIIIBbHH", b"EOS", *([0] * 9))
    starts, ibag, igen, imod = _zone_tables(list(bank.instruments), 53)
    inst = b"".join(struct.pack("<20sH", b"instrument", start) for start in starts)
    starts, pbag, pgen, pmod = _zone_tables([preset.zones for preset in bank.presets], 41)
    phdr = b"".join(
        struct.pack("<20sHHHIII", p.name.encode(), p.program, p.bank, start, 0, 0, 0)
        for p, start in zip([*bank.presets, Preset(name="EOP")], starts, strict=True)
    )
    tables = {"phdr": phdr, "pbag": pbag, "pmod": pmod, "pgen": pgen, "inst": inst}
    tables |= {"ibag": ibag, "imod": imod, "igen": igen, "shdr": shdr}
    pdta = b"".join(_chunk(tag.encode(), body) for tag, body in tables.items())
    info = _chunk(b"ifil", struct.pack("<HH", 2, 4)) + _chunk(b"INAM", b"Tiny\0\0")
    lists = [b"INFO" + info, b"sdta" + _chunk(b"smpl", smpl), b"pdta" + pdta]
    return _chunk(b"RIFF", b"sfbk" + b"".join(_chunk(b"LIST", body) for body in lists))


def write_soundfont(path: Path, bank: Bank, *, compressed: bool = False) -> Path:
    """Write the file and return its path."""
    path.write_bytes(soundfont_bytes(bank, compressed=compressed))
    return path


def sine(frequency_hz: float, num_samples: int, amplitude: float = 0.5) -> NDArray[np.float32]:
    """A sine at 48 kHz."""
    phase = 2.0 * np.pi * frequency_hz * np.arange(num_samples) / SAMPLE_RATE
    return np.asarray(amplitude * np.sin(phase), dtype=np.float32)
