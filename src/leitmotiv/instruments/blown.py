"""Blown instruments: brass, reeds, pipes, free reeds.

Each is a source whose harmonics fall at a rate set by the dynamic level, seen through fixed
formants; odd harmonics stand out where the bore is a closed cylinder. Brass grows brighter far
faster than louder; flutes carry breath noise; free reeds beat.

References: J. Meyer, *Acoustics and the Performance of Music*, 5th ed., 2009, section 3 (formants
and spectra of the wind instruments); J.-C. Risset, *Computer Study of Trumpet Tones*, 1966.

Tuba and alto saxophone were measured on public-domain (CC0) recordings of single notes.

Public names: :data:`BLOWN`.
"""

from __future__ import annotations

from dataclasses import replace

from leitmotiv.instruments.spectra import Formant, formant_spectrum, measured_spectrum
from leitmotiv.instruments.sustained import SustainedVoice

__all__ = ["BLOWN"]


def _brass(
    formants: tuple[Formant, ...],
    knee: tuple[float, float],
    dark: float = 20.0,
    bright: float = 9.0,
) -> SustainedVoice:
    return SustainedVoice(
        spectrum=formant_spectrum(
            formants,
            dark_db_per_octave=dark,
            bright_db_per_octave=bright,
            knee_hz=knee,
            pulse=True,
        ),
        positions=4,
        attack_sec=0.04,
        release_sec=0.1,
        brightness_lag_sec=0.05,
        brightness_overshoot=0.08,
        vibrato_hz=5.2,
        vibrato_cents=5.0,
        vibrato_delay_sec=0.45,
        tremolo_db=0.5,
        drift_cents=1.2,
        drift_db=0.6,
        swell_db=0.8,
        scoop_cents=25.0,
        accent_db=1.5,
        noise_db=-46.0,
        attack_noise_db=-30.0,
        noise_band_hz=(400.0, 4000.0),
        portamento_sec=0.022,
        dip_db=5.0,
    )


_TRUMPET = _brass(((1200, 900, 6), (2300, 1200, 3)), (700.0, 2600.0))
_TROMBONE = replace(
    _brass(((520, 450, 5), (1500, 900, 2)), (420.0, 1700.0)), attack_sec=0.05, portamento_sec=0.05
)
# Half octaves from 43 Hz, four dynamics; residual of the fit over 108 notes: 3.4 dB.
_TUBA = replace(
    _brass((), (170.0, 520.0)),
    spectrum=measured_spectrum(
        43.0,
        (0.1, 0.4, 0.7, 1.0),
        (
            (0, -1, 0, -1, -3, -3, -2, -5, -15, -29, -40, -53, -62, -66, -73),
            (-7, -5, -2, -2, -3, -2, 0, -1, -5, -14, -24, -36, -48, -55, -63),
            (-9, -6, -2, -2, -3, -2, 0, -1, -4, -9, -18, -28, -38, -48, -60),
            (-10, -6, -2, -2, -4, -2, 0, -1, -3, -6, -13, -20, -28, -36, -45),
        ),
        (-0.3, 1.9, 2.1, 2.0, 1.9, 1.0),
    ),
    attack_sec=0.06,
    release_sec=0.14,
)
_HORN = replace(
    _brass(((340, 350, 5), (750, 500, 2)), (300.0, 1000.0), 22.0, 12.0), attack_sec=0.055
)
_MUTED = replace(
    _brass(((1600, 900, 9), (2600, 1200, 7), (4200, 1500, 3)), (900.0, 2800.0), 15.0, 8.0),
    attack_sec=0.03,
)
_SECTION = replace(
    _TRUMPET,
    spectrum=formant_spectrum(
        ((900, 900, 4), (1900, 1200, 2)),
        dark_db_per_octave=19.0,
        bright_db_per_octave=9.0,
        knee_hz=(500.0, 1900.0),
    ),
    players=3,
    detune_cents=7.0,
    width=0.6,
    vibrato_cents=3.0,
)


def _reed(
    formants: tuple[Formant, ...],
    knee: tuple[float, float],
    *,
    dark: float = 18.0,
    bright: float = 9.0,
    even_db: float = 0.0,
    vibrato_cents: float = 6.0,
) -> SustainedVoice:
    return SustainedVoice(
        spectrum=formant_spectrum(
            formants,
            dark_db_per_octave=dark,
            bright_db_per_octave=bright,
            knee_hz=knee,
            even_db=even_db,
        ),
        attack_sec=0.035,
        release_sec=0.09,
        brightness_lag_sec=0.03,
        vibrato_hz=5.3,
        vibrato_cents=vibrato_cents,
        vibrato_delay_sec=0.3,
        tremolo_db=0.8,
        drift_cents=1.3,
        drift_db=0.6,
        swell_db=1.0,
        noise_db=-42.0,
        attack_noise_db=-28.0,
        noise_band_hz=(1200.0, 9000.0),
        portamento_sec=0.018,
        dip_db=4.0,
    )


# Half octaves from 125 Hz, piano and forte; residual of the fit over 128 notes: 4.4 dB.
_SAX_ROWS = (
    (-1, -2, -1, 0, -1, -7, -15, -17, -22, -28, -32, -41, -49, -57),
    (-2, -2, -2, 0, -2, -6, -10, -15, -15, -19, -28, -33, -40, -46),
)
_SAX_HARMONICS = (3.3, 2.6, 2.7, 2.2, 3.0, 0.9)


def _saxophone(shift: float) -> SustainedVoice:
    """Saxophones of the family are alike but for size: soprano 1.4, tenor 0.75, baritone 0.55."""
    return replace(
        _reed((), (900.0, 2400.0), vibrato_cents=12.0),
        spectrum=measured_spectrum(125.0, (0.25, 0.8), _SAX_ROWS, _SAX_HARMONICS, shift=shift),
        scoop_cents=30.0,
        noise_db=-38.0,
    )


_OBOE = _reed(
    ((1100, 600, 9), (2800, 900, 6)), (1500.0, 3600.0), dark=22, bright=14, vibrato_cents=9.0
)
_CLARINET = _reed(
    ((1500, 900, 2), (3700, 1500, 2)),
    (800.0, 2200.0),
    dark=20,
    bright=11,
    even_db=-22.0,
    vibrato_cents=2.0,
)
_BASSOON = _reed(
    ((480, 240, 9), (1150, 500, 5), (2000, 800, 2)), (600.0, 1500.0), dark=20, bright=13
)

_FLUTE = SustainedVoice(
    spectrum=formant_spectrum(
        ((800, 900, 2),),
        dark_db_per_octave=26.0,
        bright_db_per_octave=14.0,
        knee_hz=(550.0, 1100.0),
    ),
    attack_sec=0.045,
    release_sec=0.1,
    brightness_lag_sec=0.04,
    vibrato_hz=5.3,
    vibrato_cents=8.0,
    vibrato_delay_sec=0.2,
    tremolo_db=1.3,
    drift_cents=1.6,
    drift_db=0.6,
    swell_db=1.0,
    noise_db=-29.0,
    attack_noise_db=-20.0,
    noise_band_hz=(900.0, 7000.0),
    portamento_sec=0.015,
    dip_db=4.0,
)


def _pipe(dark: float, bright: float, noise_db: float, vibrato_cents: float) -> SustainedVoice:
    return replace(
        _FLUTE,
        spectrum=formant_spectrum(
            (), dark_db_per_octave=dark, bright_db_per_octave=bright, knee_hz=(450.0, 900.0)
        ),
        noise_db=noise_db,
        vibrato_cents=vibrato_cents,
    )


_FREE_REED = SustainedVoice(
    spectrum=formant_spectrum(
        ((900, 900, 3), (2400, 1500, 3)),
        dark_db_per_octave=12.0,
        bright_db_per_octave=7.0,
        knee_hz=(700.0, 2200.0),
        even_db=-3.0,
    ),
    attack_sec=0.045,
    release_sec=0.09,
    players=2,
    detune_cents=6.0,
    width=0.35,
    drift_db=0.4,
    swell_db=0.8,
    noise_db=-48.0,
    attack_noise_db=-34.0,
    legato=False,
)

BLOWN: dict[int, SustainedVoice] = {
    21: _FREE_REED,
    22: replace(
        _FREE_REED, players=1, vibrato_cents=8.0, tremolo_db=1.5, scoop_cents=25, legato=True
    ),
    23: replace(_FREE_REED, detune_cents=3.0, attack_sec=0.03),
    56: _TRUMPET,
    57: _TROMBONE,
    58: _TUBA,
    59: _MUTED,
    60: _HORN,
    61: _SECTION,
    64: _saxophone(1.4),
    65: _saxophone(1.0),
    66: _saxophone(0.75),
    67: _saxophone(0.55),
    68: _OBOE,
    69: _reed(
        ((900, 450, 8), (2200, 800, 5)), (1100.0, 2800.0), dark=22, bright=14, vibrato_cents=9.0
    ),
    70: _BASSOON,
    71: _CLARINET,
    72: replace(_FLUTE, vibrato_cents=6.0, noise_db=-32.0),
    73: _FLUTE,
    74: _pipe(30.0, 20.0, -33.0, 4.0),
    75: replace(_pipe(22.0, 14.0, -22.0, 10.0), attack_noise_db=-12.0),
    76: replace(_pipe(36.0, 24.0, -20.0, 3.0), attack_noise_db=-14.0),
    77: replace(_pipe(22.0, 11.0, -21.0, 26.0), vibrato_hz=4.6, scoop_cents=50.0),
    78: replace(_pipe(40.0, 34.0, -27.0, 10.0), portamento_sec=0.06),
    79: _pipe(32.0, 24.0, -36.0, 4.0),
    109: replace(
        _FREE_REED,
        spectrum=formant_spectrum(
            ((1000, 700, 5), (2600, 1200, 6)),
            dark_db_per_octave=8,
            bright_db_per_octave=6,
            knee_hz=(1500.0, 2500.0),
        ),
        players=2,
        detune_cents=4.0,
        legato=True,
        dip_db=1.0,
    ),
    111: _reed(((1300, 600, 9), (3000, 900, 8)), (1600.0, 3600.0), vibrato_cents=16.0),
}
