"""Master profiles: what each kind of listener's platform wants.

Conventions: loudness is integrated over the whole piece (BS.1770-4), the ceiling is a true peak
of what the listener hears, after lossy encoding where the file is encoded.

==============  ======  ======  =====================================================
profile         LUFS    dBTP    for
==============  ======  ======  =====================================================
streaming       -14     -1      music services (AES TD1008 asks for -14 at most for albums)
film            -23     -2      broadcast and film music stems (EBU R 128)
game            -23     -1      home consoles and computers (Sony ASWG-R001: -23 +-2)
game-portable   -18     -1      hand-held devices (ASWG-R001: -18 +-2)
loop            -18     -1      a loop: no fade, processed as if it went round for ever
raw             --      --      the mix as it is
==============  ======  ======  =====================================================

Public names: :class:`MasterProfile`, :data:`PROFILES`, :func:`find_profile`.

References: EBU R 128 (2023); AES TD1008 (2021); Sony ASWG-R001 (2013).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from leitmotiv.errors import AudioError

__all__ = ["PROFILES", "MasterProfile", "find_profile"]


@dataclass(frozen=True)
class MasterProfile:
    """What a listener's platform wants.

    ``integrated_lufs`` is the target, None to leave the mix as it is; ``ceiling_dbtp`` the highest
    true peak; ``compression`` the ratio of the multiband dynamics, 1 for none; ``fade_sec`` the
    fade at the very end; ``is_loop`` says that the end runs into the start.
    """

    name: str
    integrated_lufs: float | None
    ceiling_dbtp: float
    compression: float
    fade_sec: float = 0.05
    is_loop: bool = False

    @property
    def is_raw(self) -> bool:
        """Whether nothing is done to the sound."""
        return self.integrated_lufs is None


PROFILES: Mapping[str, MasterProfile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            MasterProfile("streaming", -14.0, -1.0, 1.6),
            MasterProfile("film", -23.0, -2.0, 1.0),
            MasterProfile("game", -23.0, -1.0, 1.3),
            MasterProfile("game-portable", -18.0, -1.0, 1.5),
            MasterProfile("loop", -18.0, -1.0, 1.3, fade_sec=0.0, is_loop=True),
            MasterProfile("raw", None, 0.0, 1.0, fade_sec=0.0),
        )
    }
)


def find_profile(profile: str | MasterProfile) -> MasterProfile:
    """Return a profile by its name, or the profile itself.

    >>> find_profile("film").integrated_lufs
    -23.0

    Raises
    ------
    AudioError
        If there is no such profile.
    """
    if isinstance(profile, MasterProfile):
        return profile
    if profile not in PROFILES:
        raise AudioError(f"profile={profile!r} must be one of {', '.join(PROFILES)}")
    return PROFILES[profile]
