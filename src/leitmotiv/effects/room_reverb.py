"""Room reverb: a living room or a small studio.

Purpose: closeness: reflections within milliseconds, a short tail; for drums, voices and parts that
should stand near without sounding dry.

Conventions: see :class:`~leitmotiv.effects.network_reverb.NetworkReverb` for every knob.

Public names: :class:`RoomReverb`.
"""

from __future__ import annotations

from typing import ClassVar

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import Parameter
from leitmotiv.effects.network_reverb import NetworkReverb, Voicing, network_parameters

__all__ = ["RoomReverb"]

_VOICING = Voicing(
    line_ms=(9.0, 37.0),
    spread_ms=(3.0, 7.0, 13.0),
    room_m=(6.2, 4.7, 2.9),
    num_early=14,
    reflection=0.76,
)


class RoomReverb(NetworkReverb):
    """A small room.

    Parameters
    ----------
    decay_sec : float
        RT60 in the middle of the spectrum, 0.1-60 s.
    low_decay_ratio, high_decay_ratio : float
        RT60 in the bass and at the top over ``decay_sec``.
    damping_hz : float
        Where the top begins: half way, in inverse RT60, to its plateau.
    size : float
        Scale of all lengths, 0.3-2; moving it glides the pitch of what sounds.
    pre_delay_ms : float
        Delay of the whole reverb against the dry sound, 0-500 ms.
    diffusion : float
        0 (single echoes at first) to 1 (dense at once).
    modulation_hz, modulation_depth : float
        How fast and how far energy is turned between the lines.
    low_cut_hz, high_cut_hz : float
        The part of the input that reverberates.
    early_level, late_level : float
        Gains of the first reflections and of the late sound.
    swell_level : float
        0 to 1: how much enters through the reverse-like build of ``swell_sec``.
    hold : float
        0 to 1; at 1 nothing decays and input is added to what sounds.
    freeze : float
        0 to 1; at 1 nothing decays and nothing enters.
    ducking_db : float
        How far the wet sound steps back while the input or the side chain is loud.
    duck_threshold_db : float
        Level, in dB of full scale, above which it steps back.
    attack_ms : float
        Time in which each onset fades in on its way into the reverb, 0-3000 ms.
    wet_level, dry_level : float
        Linear gains of the reverb and of the input.
    swell_sec : float
        Duration of the reverse-like build that ``swell_level`` blends in, 0.1-8 s.
    seed : int
        Another seed is another one of the same build.
    sample_rate : int
        Hz.
    num_channels : int
        1 or 2.

    Raises
    ------
    AudioError
        If a value is out of range.

    Examples
    --------
    >>> room = RoomReverb(decay_sec=3.0, low_decay_ratio=1.0, high_decay_ratio=0.5)
    >>> room.decay_at(100.0) > room.decay_at(10_000.0) > 1.5
    True
    """

    parameters: ClassVar[tuple[Parameter, ...]] = network_parameters(
        decay_sec=0.5,
        high_decay_ratio=0.6,
        damping_hz=6000.0,
        pre_delay_ms=2.0,
        low_cut_hz=60.0,
        early_level=0.8,
    )

    def __init__(
        self,
        *,
        decay_sec: float = 0.5,
        low_decay_ratio: float = 1.0,
        high_decay_ratio: float = 0.6,
        damping_hz: float = 6000.0,
        size: float = 1.0,
        pre_delay_ms: float = 2.0,
        diffusion: float = 1.0,
        modulation_hz: float = 0.8,
        modulation_depth: float = 0.6,
        low_cut_hz: float = 60.0,
        high_cut_hz: float = 16000.0,
        early_level: float = 0.8,
        late_level: float = 1.0,
        swell_level: float = 0.0,
        hold: float = 0.0,
        freeze: float = 0.0,
        ducking_db: float = 0.0,
        duck_threshold_db: float = -30.0,
        attack_ms: float = 0.0,
        wet_level: float = 0.3,
        dry_level: float = 1.0,
        swell_sec: float = 1.5,
        seed: int = 0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        super().__init__(locals(), _VOICING)
