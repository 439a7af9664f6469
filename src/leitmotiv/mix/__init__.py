"""Mix: balance, seats, a shared room, mastering."""

from leitmotiv.mix.balance import balance_stems, mix_down, trim_tail
from leitmotiv.mix.master import PROFILES, MasterProfile, master
from leitmotiv.mix.presets import PRESETS, MixPreset, find_preset
from leitmotiv.mix.seating import Seat, seat_parts

__all__ = [
    "PRESETS",
    "PROFILES",
    "MasterProfile",
    "MixPreset",
    "Seat",
    "balance_stems",
    "find_preset",
    "master",
    "mix_down",
    "seat_parts",
    "trim_tail",
]
