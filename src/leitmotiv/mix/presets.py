"""Mix presets: rooms and role balances for kinds of ensembles.

Conventions: ``role_level_lu`` is loudness against the melody in LU; ``send_db`` is the level of
the room against the direct sound of a part in the middle of the stage.

Public names: :class:`MixPreset`, :data:`PRESETS`, :func:`find_preset`, :data:`ROLES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from leitmotiv.errors import AudioError

__all__ = ["PRESETS", "ROLES", "MixPreset", "find_preset"]

ROLES = ("melody", "counter", "harmony", "bass", "pad", "drums")


@dataclass(frozen=True)
class MixPreset:
    """A room and a balance.

    ``seating`` is ``"stage"`` (an orchestra's places by instrument), ``"band"`` (rhythm section
    in the centre, the rest by turns left and right) or ``"choir"`` (an even arc in part order).
    ``levelling`` is the share of each part's deviation from its role's level that is corrected:
    0 keeps the players' own balance, 1 forces the table. ``melody_over_lu`` is the band in which
    the melody stands over everything else while it plays; ``duck_db`` how far a role goes down
    under each kick; ``tone`` the genre curve of the master.
    """

    name: str
    seating: str
    decay_sec: float
    high_decay_ratio: float
    pre_delay_ms: float
    size: float
    early_level: float
    send_db: float
    role_level_lu: Mapping[str, float]
    role_send_db: Mapping[str, float]  # added to send_db
    levelling: float = 0.8
    width: float = 1.0  # scale of all pans
    melody_over_lu: tuple[float, float] = (-3.0, 6.0)
    duck_db: Mapping[str, float] = field(default_factory=dict)
    tone: str = "balanced"


def _roles(
    melody: float, counter: float, harmony: float, bass: float, pad: float, drums: float
) -> Mapping[str, float]:
    values = (melody, counter, harmony, bass, pad, drums)
    return MappingProxyType(dict(zip(ROLES, values, strict=True)))


PRESETS: Mapping[str, MixPreset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            MixPreset(
                "concert", "stage", 2.1, 0.42, 22.0, 1.0, 0.6, -6.0,
                _roles(0, -2.5, -4.5, -3.0, -7.5, -4.0), _roles(0, 0, 0, -2, 2, -1),
                tone="orchestral",
            ),
            MixPreset(
                "chamber", "stage", 1.3, 0.5, 12.0, 0.6, 0.7, -8.0,
                _roles(0, -2.0, -3.5, -2.5, -7.0, -4.0), _roles(0, 0, 0, -2, 2, -1),
                levelling=0.7, width=0.8, tone="acoustic",
            ),
            MixPreset(
                "band", "band", 1.1, 0.5, 18.0, 0.6, 0.5, -13.0,
                _roles(0, -3.0, -5.0, -2.5, -9.0, -1.5), _roles(2, 1, 0, -12, 5, -3),
                melody_over_lu=(-3.5, 5.0), duck_db={"bass": 1.5}, tone="pop",
            ),
            MixPreset(
                "electronic", "band", 1.6, 0.5, 24.0, 0.8, 0.4, -12.0,
                _roles(0, -3.0, -5.0, -2.0, -7.0, -1.0), _roles(2, 1, 0, -14, 4, -5),
                width=1.1, melody_over_lu=(-4.0, 5.0),
                duck_db={"pad": 6.0, "bass": 4.5, "harmony": 2.5}, tone="electronic",
            ),
            MixPreset(
                "choir", "choir", 2.8, 0.38, 28.0, 1.2, 0.5, -4.0,
                _roles(0, -1.5, -2.5, -1.5, -6.0, -5.0), _roles(0, 0, 0, -1, 1, -2),
                levelling=0.7, melody_over_lu=(-3.0, 5.0), tone="orchestral",
            ),
            MixPreset(
                "ambient", "band", 4.5, 0.4, 30.0, 1.4, 0.35, -3.0,
                _roles(0, -2.0, -3.5, -3.0, -3.5, -5.0), _roles(1, 1, 0, -8, 2, -3),
                width=1.1, melody_over_lu=(-4.0, 6.0), tone="ambient",
            ),
            MixPreset(
                "intimate", "band", 0.7, 0.45, 8.0, 0.4, 0.7, -12.0,
                _roles(0, -2.5, -4.0, -3.0, -7.0, -3.0), _roles(1, 0, 0, -8, 3, -2),
                width=0.7, tone="acoustic",
            ),
        )
    }
)  # fmt: skip


# Genres and style sheets name what they are; this table says where they sound.
_OF_GENRE = {
    "default": "concert",
    "orchestral": "concert",
    "march": "concert",
    "classical": "chamber",
    "waltz": "chamber",
    "baroque": "chamber",
    "nocturne": "chamber",
    "tango": "chamber",
    "folk": "chamber",
    "celtic": "chamber",
    "ragtime": "chamber",
    "hymn": "choir",
    "choral": "choir",
    "rock": "band",
    "pop": "band",
    "funk": "band",
    "synthwave": "electronic",
    "chiptune": "intimate",
    "jazz": "intimate",
    "blues": "band",
    "bossa": "intimate",
    "lo-fi": "intimate",
    "lofi": "intimate",
    "hip-hop": "intimate",
}


def find_preset(preset: str | MixPreset) -> MixPreset:
    """Return a preset by its name or a genre's, or the preset itself.

    >>> find_preset("rock").name
    'band'

    Raises
    ------
    AudioError
        If there is no such preset.
    """
    if isinstance(preset, MixPreset):
        return preset
    name = _OF_GENRE.get(preset, preset)
    if name not in PRESETS:
        raise AudioError(f"preset={preset!r} must be one of {', '.join(PRESETS)}, or a genre")
    return PRESETS[name]
