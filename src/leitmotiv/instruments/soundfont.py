"""SoundFont 2 and 3 banks: presets, zones, modulators and samples of an untrusted file.

Purpose: turn an ``.sf2`` or ``.sf3`` file into flat :class:`Region` objects that a sampler can
play, reading only the header tables when the bank is opened and one sample at a time later.

Conventions:

- A region is one preset zone crossed with one instrument zone: generators already summed,
  modulators already merged with the defaults, key and velocity ranges already intersected.
- A region's ``generators`` is one float64 value for each generator number, in the units of the
  standard (cents, timecents, centibels, tenths of a percent).
- Sample offsets count frames from the start of the sample. An SF3 sample is one Ogg Vorbis
  stream; its header holds byte offsets and loop points that are already relative.
- Every offset read from the file is checked before it is used; what does not fit raises
  :class:`~leitmotiv.errors.RenderError` in one line.

References: SoundFont Technical Specification 2.04 (2006), sections 5 (RIFF), 7 (pdta), 8
(enumerators, defaults) and 9.4-9.5 (precedence).

Public names: :class:`SoundFont`, :class:`Region`, :class:`SampleHeader`, :data:`DRUM_BANK`.
"""

from __future__ import annotations

import io
import mmap
import os
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import RenderError
from leitmotiv.instruments.generators import (
    DEFAULT_GENERATORS,
    DEFAULT_MODULATORS,
    INSTRUMENT_ONLY,
    NUM_GENERATORS,
    VELOCITY_TO_CUTOFF,
    Gen,
    Modulator,
)
from leitmotiv.instruments.sample_cache import SampleCache, default_cache

__all__ = [
    "DRUM_BANK",
    "Region",
    "SampleHeader",
    "SoundFont",
]

DRUM_BANK = 128
"""Bank number that holds the drum kits."""

MAX_HEADER_BYTES = 64 << 20  # the largest real banks need about 3 MiB
MAX_REGIONS = 20_000  # of one preset
MAX_SAMPLE_FRAMES = 32 << 20  # 11 minutes at 48 kHz
MAX_COMPRESSED_BYTES = 64 << 20


@dataclass(frozen=True)
class SampleHeader:
    """One sample as the header table names it; offsets not yet resolved."""

    name: str
    start: int
    end: int
    loop_start: int
    loop_end: int
    sample_rate: int
    root_key: int
    correction_cents: int
    is_compressed: bool


@dataclass(frozen=True, eq=False)
class Region:
    """One playable layer of a preset; see the module header."""

    key_low: int
    key_high: int
    velocity_low: int
    velocity_high: int
    generators: NDArray[np.float64]
    modulators: tuple[Modulator, ...]
    sample_index: int


@dataclass(frozen=True)
class _Zone:
    """Generators and modulators of one bag; ``target`` is the instrument or sample it plays."""

    values: dict[int, int]
    ranges: tuple[int, int, int, int]
    modulators: dict[tuple[int, int, int, bool], Modulator]
    target: int | None


_PRESET = np.dtype(
    [("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12")]
)
_INSTRUMENT = np.dtype([("name", "S20"), ("bag", "<u2")])
_BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
_GENERATOR = np.dtype([("number", "<u2"), ("amount", "<i2")])
_MODULATOR = np.dtype(
    [
        ("source", "<u2"),
        ("destination", "<u2"),
        ("amount", "<i2"),
        ("amount_source", "<u2"),
        ("transform", "<u2"),
    ]
)
_SAMPLE = np.dtype(
    [
        ("name", "S20"),
        ("start", "<u4"),
        ("end", "<u4"),
        ("loop_start", "<u4"),
        ("loop_end", "<u4"),
        ("sample_rate", "<u4"),
        ("root_key", "u1"),
        ("correction", "i1"),
        ("link", "<u2"),
        ("kind", "<u2"),
    ]
)
_TABLES = {
    b"phdr": _PRESET,
    b"pbag": _BAG,
    b"pmod": _MODULATOR,
    b"pgen": _GENERATOR,
    b"inst": _INSTRUMENT,
    b"ibag": _BAG,
    b"imod": _MODULATOR,
    b"igen": _GENERATOR,
    b"shdr": _SAMPLE,
}
_COMPRESSED, _ROM = 0x10, 0x8000


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("latin-1").strip()


class SoundFont:
    """A bank on disk: header tables in memory, samples read when asked for.

    Parameters
    ----------
    path : path
        ``.sf2`` or ``.sf3`` file; the content decides, not the suffix. It is mapped into memory
        when a sample is first read.
    cache : SampleCache, optional
        Where decoded samples of compressed banks are kept; the user's by default, None for none.

    Raises
    ------
    RenderError
        If the file cannot be read, is not a SoundFont or is cut short.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, cache: SampleCache | Literal["user"] | None = "user"
    ) -> None:
        self.path = Path(path)
        self.cache = default_cache() if cache == "user" else cache
        self._map: mmap.mmap | None = None
        self._regions: dict[tuple[int, int], tuple[Region, ...]] = {}
        self._instrument_zones: dict[int, tuple[_Zone, ...]] = {}
        try:
            with self.path.open("rb") as file:
                self._read_tables(file)
        except OSError as error:
            self._refuse(f"cannot be read ({error.strerror or error})")
        self.presets: dict[tuple[int, int], str] = {}
        self._preset_rows: dict[tuple[int, int], int] = {}
        for row, preset in enumerate(self._tables[b"phdr"][:-1]):
            number = (int(preset["bank"]), int(preset["program"]))
            if number not in self.presets:  # the first one wins, as in other players
                self.presets[number] = _text(preset["name"])
                self._preset_rows[number] = row
        if not self.presets:
            self._refuse("holds no preset")

    def _refuse(self, problem: str) -> NoReturn:
        raise RenderError(
            f"soundfont={str(self.path)!r} {problem}; it must be a complete SoundFont 2 or 3 file: "
            "name another one or render with engine='modelled'"
        ) from None

    # ---- RIFF (section 5) ---------------------------------------------------------------------

    def _read_tables(self, file: BinaryIO) -> None:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"sfbk":
            self._refuse("is empty" if not size else "is not a SoundFont (no 'RIFF' 'sfbk' header)")
        stated = 8 + struct.unpack("<I", head[4:8])[0]
        if stated > size + 1:  # one missing pad byte is common
            self._refuse(f"is cut short ({size} of {stated} bytes)")
        self._smpl = self._sm24 = (0, 0)
        self.name = ""
        pdta: bytes | None = None
        position = 12
        while position + 12 <= size:
            file.seek(position)
            tag, length, kind = struct.unpack("<4sI4s", file.read(12))
            body, end = position + 12, position + 8 + length
            if length < 4 or end > size:
                if tag != b"LIST":
                    break  # padding after the last chunk
                self._refuse(f"is cut short (chunk at byte {position} needs {length} bytes)")
            if tag == b"LIST" and kind == b"sdta":
                self._find_sample_data(file, body, end)
            elif tag == b"LIST" and kind == b"INFO":
                if length <= MAX_HEADER_BYTES:
                    info = dict(self._chunks(file.read(length - 4)))
                    self.name = _text(info.get(b"INAM", b""))
            elif tag == b"LIST" and kind == b"pdta":
                if length > MAX_HEADER_BYTES:
                    self._refuse(f"has {length} bytes of header tables, over {MAX_HEADER_BYTES}")
                pdta = file.read(length - 4)
            # Chunks are padded to even length, except by some SF3 writers.
            file.seek(end)
            position = end if file.read(4) == b"LIST" else end + (length & 1)
        if pdta is None:
            self._refuse("has no header tables (chunk 'pdta')")
        chunks = dict(self._chunks(pdta))
        self._tables: dict[bytes, NDArray[Any]] = {}
        for tag, dtype in _TABLES.items():
            raw = chunks.get(tag)
            if raw is None or len(raw) < dtype.itemsize or len(raw) % dtype.itemsize:
                self._refuse(f"has a broken table {tag.decode()!r}")
            self._tables[tag] = np.frombuffer(raw, dtype=dtype)
        self._check_indices()
        self.samples = tuple(
            SampleHeader(
                name=_text(row["name"]),
                start=int(row["start"]),
                end=int(row["end"]),
                loop_start=int(row["loop_start"]),
                loop_end=int(row["loop_end"]),
                sample_rate=int(row["sample_rate"]),
                root_key=int(row["root_key"]) if row["root_key"] <= 127 else 60,
                correction_cents=int(row["correction"]),
                is_compressed=bool(row["kind"] & _COMPRESSED),
            )
            for row in self._tables[b"shdr"][:-1]
        )

    def _chunks(self, raw: bytes) -> list[tuple[bytes, bytes]]:
        found, position = [], 0
        while position + 8 <= len(raw):
            tag, length = struct.unpack_from("<4sI", raw, position)
            if position + 8 + length > len(raw):
                self._refuse(f"is cut short (table {tag.decode('latin-1')!r})")
            found.append((tag, raw[position + 8 : position + 8 + length]))
            position += 8 + length + (length & 1)
        return found

    def _find_sample_data(self, file: BinaryIO, position: int, end: int) -> None:
        while position + 8 <= end:
            file.seek(position)
            tag, length = struct.unpack("<4sI", file.read(8))
            if position + 8 + length > end:
                self._refuse("is cut short (sample data)")
            if tag == b"smpl":
                self._smpl = (position + 8, length)
            elif tag == b"sm24":
                self._sm24 = (position + 8, length)
            position += 8 + length + (length & 1)

    def _check_indices(self) -> None:
        """Every table that points into another must do so in order and in range."""
        tables = self._tables
        for owner, column, target in (
            (b"phdr", "bag", b"pbag"),
            (b"inst", "bag", b"ibag"),
            (b"pbag", "generator", b"pgen"),
            (b"pbag", "modulator", b"pmod"),
            (b"ibag", "generator", b"igen"),
            (b"ibag", "modulator", b"imod"),
        ):
            index = tables[owner][column].astype(np.int64)
            # Some editors leave a modulator table with no more than its end record, or none used.
            if np.any(np.diff(index) < 0) or index[-1] > len(tables[target]):
                self._refuse(f"has a broken index from {owner.decode()!r} to {target.decode()!r}")

    # ---- zones (sections 7 and 9.4) -----------------------------------------------------------

    def _zones(self, level: str, first: int, last: int) -> tuple[_Zone, ...]:
        """Return the zones of bags first..last, the global zone folded into the others."""
        tables = self._tables
        bags = tables[b"pbag" if level == "p" else b"ibag"]
        generators = tables[b"pgen" if level == "p" else b"igen"]
        modulators = tables[b"pmod" if level == "p" else b"imod"]
        terminal = Gen.INSTRUMENT if level == "p" else Gen.SAMPLE_ID
        base = _Zone({}, (0, 127, 0, 127), {}, None)
        zones: list[_Zone] = []
        for bag in range(first, last):
            low, high = int(bags["generator"][bag]), int(bags["generator"][bag + 1])
            values, ranges, target = dict(base.values), base.ranges, None
            for number, amount in generators[low:high].tolist():
                if number == Gen.KEY_RANGE:
                    ranges = (amount & 0xFF, (amount >> 8) & 0xFF, *ranges[2:])
                elif number == Gen.VELOCITY_RANGE:
                    ranges = (*ranges[:2], amount & 0xFF, (amount >> 8) & 0xFF)
                elif number == terminal:
                    target = amount & 0xFFFF
                    break  # what follows the terminal generator is to be ignored
                elif number < NUM_GENERATORS:
                    values[number] = amount
            low, high = int(bags["modulator"][bag]), int(bags["modulator"][bag + 1])
            merged = dict(base.modulators)
            for source, destination, amount, amount_source, transform in modulators[
                low:high
            ].tolist():
                # Links between modulators (bit 15) are not supported, as in most players.
                if destination >= NUM_GENERATORS or (source & 0xFF) == 127:
                    continue
                modulator = Modulator(
                    source, destination, float(amount), amount_source, transform == 2
                )
                merged[modulator.identity] = modulator
            zone = _Zone(values, ranges, merged, target)
            if target is not None:
                zones.append(zone)
            elif bag == first:
                base = zone
        return tuple(zones)

    def _zones_of_instrument(self, index: int) -> tuple[_Zone, ...]:
        if index not in self._instrument_zones:
            table = self._tables[b"inst"]
            if index >= len(table) - 1:
                self._refuse(f"names instrument {index} of {len(table) - 1}")
            zones = self._zones("i", int(table["bag"][index]), self._bag_end(b"inst", index))
            self._instrument_zones[index] = zones
        return self._instrument_zones[index]

    def _bag_end(self, tag: bytes, index: int) -> int:
        # The last bag is an end record: zones need the next bag's index.
        bags = self._tables[b"pbag" if tag == b"phdr" else b"ibag"]
        return min(int(self._tables[tag]["bag"][index + 1]), len(bags) - 1)

    def find_preset(self, program: int, *, is_drum: bool = False, bank: int = 0) -> tuple[int, int]:
        """Return the (bank, program) to play, falling back to the plain bank or drum kit.

        Raises
        ------
        RenderError
            If the bank has no such sound.
        """
        if is_drum:
            wanted = [(DRUM_BANK, program), (DRUM_BANK, 0)]
            wanted += sorted(number for number in self.presets if number[0] == DRUM_BANK)
        else:
            wanted = [(bank, program), (0, program)]
        for number in wanted:
            if number in self.presets:
                return number
        sound = "drum kit" if is_drum else f"program {program} (0-127)"
        raise RenderError(
            f"soundfont={str(self.path)!r} has no {sound}; name a General MIDI bank or render "
            "with engine='modelled'"
        )

    def regions(self, bank: int, program: int) -> tuple[Region, ...]:
        """Return every region of a preset that :attr:`presets` lists."""
        number = (bank, program)
        if number not in self._regions:
            row = self._preset_rows[number]
            first = int(self._tables[b"phdr"]["bag"][row])
            regions: list[Region] = []
            for outer in self._zones("p", first, self._bag_end(b"phdr", row)):
                assert outer.target is not None
                offsets = np.zeros(NUM_GENERATORS)
                for key, value in outer.values.items():
                    offsets[key] = value
                offsets[INSTRUMENT_ONLY] = 0.0
                for inner in self._zones_of_instrument(outer.target):
                    region = self._cross(outer, offsets, inner)
                    if region is not None:
                        regions.append(region)
                if len(regions) > MAX_REGIONS:
                    self._refuse(f"has over {MAX_REGIONS} regions in preset {number}")
            self._regions[number] = tuple(regions)
        return self._regions[number]

    def _cross(self, outer: _Zone, offsets: NDArray[np.float64], inner: _Zone) -> Region | None:
        a, b = outer.ranges, inner.ranges
        key_low, key_high = max(a[0], b[0]), min(a[1], b[1], 127)
        velocity_low, velocity_high = max(a[2], b[2]), min(a[3], b[3], 127)
        assert inner.target is not None
        if key_low > key_high or velocity_low > velocity_high:
            return None
        if inner.target >= len(self.samples):
            self._refuse(f"names sample {inner.target} of {len(self.samples)}")
        generators = DEFAULT_GENERATORS.copy()
        for key, value in inner.values.items():
            generators[key] = value
        generators += offsets
        generators.flags.writeable = False
        merged = {modulator.identity: modulator for modulator in DEFAULT_MODULATORS}
        merged.update(inner.modulators)  # an instrument's modulator replaces, a preset's adds
        for identity, modulator in outer.modulators.items():
            known = merged.get(identity)
            amount = modulator.amount + (known.amount if known else 0.0)
            merged[identity] = replace(modulator, amount=amount)
        active = tuple(
            modulator
            for modulator in merged.values()
            if modulator.amount
            and (modulator.source, modulator.destination, modulator.amount_source)
            not in VELOCITY_TO_CUTOFF
        )
        return Region(
            key_low, key_high, velocity_low, velocity_high, generators, active, inner.target
        )

    # ---- samples ------------------------------------------------------------------------------

    def decode_sample(self, index: int) -> tuple[NDArray[np.float32], int, int]:
        """Read one sample.

        Returns
        -------
        audio : float32, shape (frames,)
            Mono, -1 to 1. Silent (one frame) for ROM samples and empty ones.
        loop_start, loop_end : int
            Frames from the start of the sample, clipped to it; ``loop_end`` is one past the last.

        Raises
        ------
        RenderError
            If the sample lies outside the file, is too large or does not decode.
        """
        header = self.samples[index]
        if header.is_compressed:
            audio = self._decode_vorbis(header)
            loop_start, loop_end = header.loop_start, header.loop_end
        else:
            if header.end <= header.start or self._tables[b"shdr"]["kind"][index] & _ROM:
                return np.zeros(1, dtype=np.float32), 0, 0
            audio = self._read_pcm(header)
            loop_start, loop_end = header.loop_start - header.start, header.loop_end - header.start
        frames = len(audio)
        return audio, min(max(loop_start, 0), frames), min(max(loop_end, 0), frames)

    def _read_bytes(self, position: int, length: int) -> memoryview:
        """Return a part of the file, mapped; what was cut off since it was opened is refused."""
        try:
            if self._map is None:
                with self.path.open("rb") as file:
                    self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            size = min(self._map.size(), len(self._map))
        except (OSError, ValueError) as error:
            self._refuse(f"cannot be read ({getattr(error, 'strerror', None) or error})")
        if position + length > size:  # reading beyond the file's end would end the program
            self._refuse("became shorter while it was open")
        return memoryview(self._map)[position : position + length]

    def _read_pcm(self, header: SampleHeader) -> NDArray[np.float32]:
        offset, length = self._smpl
        frames = header.end - header.start
        if 2 * header.end > length:
            self._refuse(f"has sample {header.name!r} outside its sample data")
        if frames > MAX_SAMPLE_FRAMES:
            self._refuse(f"has sample {header.name!r} of {frames} frames, over {MAX_SAMPLE_FRAMES}")
        raw = self._read_bytes(offset + 2 * header.start, 2 * frames)
        audio = np.frombuffer(raw, dtype="<i2").astype(np.float32) * np.float32(2.0**-15)
        offset24, length24 = self._sm24
        if length24 >= header.end:  # the low byte of 24-bit samples
            low = np.frombuffer(self._read_bytes(offset24 + header.start, frames), dtype=np.uint8)
            audio += low.astype(np.float32) * np.float32(2.0**-23)
        return audio

    def _decode_vorbis(self, header: SampleHeader) -> NDArray[np.float32]:
        import soundfile  # loads libsndfile; a plain SF2 bank does without it

        offset, length = self._smpl
        if header.end <= header.start:
            return np.zeros(1, dtype=np.float32)
        if header.end > length or header.end - header.start > MAX_COMPRESSED_BYTES:
            self._refuse(f"has sample {header.name!r} outside its sample data")
        raw = bytes(self._read_bytes(offset + header.start, header.end - header.start))
        if self.cache is not None:
            key = self.cache.key(raw, soundfile.__libsndfile_version__)
            known = self.cache.get(key)
            if known is not None:
                return known
        try:
            with soundfile.SoundFile(io.BytesIO(raw)) as stream:
                if stream.frames > MAX_SAMPLE_FRAMES or stream.channels != 1:
                    self._refuse(f"has sample {header.name!r} that is too long or not mono")
                audio = stream.read(dtype="float32")
        except (RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, RenderError):
                raise
            self._refuse(f"has sample {header.name!r} that does not decode as Ogg Vorbis")
        audio = np.nan_to_num(np.asarray(audio, dtype=np.float32).reshape(-1))
        if not len(audio):
            return np.zeros(1, dtype=np.float32)
        if self.cache is not None:
            self.cache.put(key, audio)
        return audio
