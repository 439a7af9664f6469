"""Mix: balance, seats, a shared room, mastering."""

from leitmotiv.mix.balance import balance_stems, mix_down, trim_tail
from leitmotiv.mix.form import MixForm, bar_differences_lu, share_within
from leitmotiv.mix.master import master
from leitmotiv.mix.presets import PRESETS, MixPreset, find_preset
from leitmotiv.mix.profiles import PROFILES, MasterProfile, find_profile
from leitmotiv.mix.seating import Seat, seat_parts

__all__ = [
    "PRESETS",
    "PROFILES",
    "MasterProfile",
    "MixForm",
    "MixPreset",
    "Seat",
    "balance_stems",
    "bar_differences_lu",
    "find_preset",
    "find_profile",
    "master",
    "mix_down",
    "seat_parts",
    "share_within",
    "trim_tail",
]
