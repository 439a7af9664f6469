"""Infinite reverb: a bed that never ends.

Purpose: endless sound: with ``hold`` at 1, the default, nothing decays; what is played joins the
bed, and the oldest gives way once the bed is full. ``freeze`` closes the door and keeps what is
there.

Conventions: see :class:`~leitmotiv.effects.network_reverb.NetworkReverb` for every knob.

Public names: :class:`InfiniteReverb`.
"""

from __future__ import annotations

from typing import ClassVar

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import Parameter
from leitmotiv.effects.network_reverb import NetworkReverb, Voicing, network_parameters

__all__ = ["InfiniteReverb"]

_VOICING = Voicing(
    line_ms=(97.0, 331.0),
    spread_ms=(23.0, 71.0, 173.0),
    ceiling_db=-15.0,
)


class InfiniteReverb(NetworkReverb):
    """A reverb that holds.

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
    octave_level, fifth_level : float
        How much of the sound is played back higher within the loop, by either interval.
    attack_ms : float
        Time in which each onset fades in on its way into the reverb, 0-3000 ms.
    wet_level, dry_level : float
        Linear gains of the reverb and of the input.
    swell_sec : float
        Duration of the reverse-like build that ``swell_level`` blends in, 0.1-8 s.
    seed : int
        Another seed is another one of the same build.
    octave_semitones, fifth_semitones : float
        Intervals of the two voices in the loop, -24 to 24; heard with ``octave_level`` and
        ``fifth_level``.
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
    >>> infinite = InfiniteReverb(
    ...     decay_sec=3.0, low_decay_ratio=1.0, high_decay_ratio=0.5, hold=0.0
    ... )
    >>> infinite.decay_at(100.0) > infinite.decay_at(10_000.0) > 1.5
    True
    """

    parameters: ClassVar[tuple[Parameter, ...]] = network_parameters(
        shimmer=True,
        decay_sec=12.0,
        high_decay_ratio=0.6,
        damping_hz=5000.0,
        modulation_hz=0.1,
        modulation_depth=0.4,
        low_cut_hz=90.0,
        high_cut_hz=5000.0,
        early_level=0.0,
        hold=1.0,
        attack_ms=120.0,
        wet_level=0.5,
    )

    def __init__(
        self,
        *,
        decay_sec: float = 12.0,
        low_decay_ratio: float = 1.0,
        high_decay_ratio: float = 0.6,
        damping_hz: float = 5000.0,
        size: float = 1.0,
        pre_delay_ms: float = 0.0,
        diffusion: float = 1.0,
        modulation_hz: float = 0.1,
        modulation_depth: float = 0.4,
        low_cut_hz: float = 90.0,
        high_cut_hz: float = 5000.0,
        early_level: float = 0.0,
        late_level: float = 1.0,
        swell_level: float = 0.0,
        hold: float = 1.0,
        freeze: float = 0.0,
        ducking_db: float = 0.0,
        duck_threshold_db: float = -30.0,
        octave_level: float = 0.0,
        fifth_level: float = 0.0,
        attack_ms: float = 120.0,
        wet_level: float = 0.5,
        dry_level: float = 1.0,
        octave_semitones: float = 12.0,
        fifth_semitones: float = 7.0,
        swell_sec: float = 1.5,
        seed: int = 0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        super().__init__(locals(), _VOICING, intervals=(octave_semitones, fifth_semitones))
