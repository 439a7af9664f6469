"""Spectra of held tones: by rule (slope, knee, formants) or by measurement.

A spectrum maps harmonic frequencies, the pitch and the dynamic level 0-1 to complex amplitudes;
only its shape matters, since tables are normalised in loudness.

References: J. Meyer, *Acoustics and the Performance of Music*, 5th ed., 2009, section 3.

Public names: :func:`formant_spectrum`, :func:`measured_spectrum`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.sustained import Spectrum

__all__ = ["Formant", "formant_spectrum", "measured_spectrum"]

Formant = tuple[float, float, float]
"""Centre Hz, bandwidth Hz, height in dB above the slope."""


def formant_spectrum(
    formants: tuple[Formant, ...],
    *,
    dark_db_per_octave: float,
    bright_db_per_octave: float,
    knee_hz: tuple[float, float],
    even_db: float = 0.0,
    even_until_hz: float = 2500.0,
    fundamental_db: float = 0.0,
    pulse: bool = False,
) -> Spectrum:
    """Build a spectrum: a slope above a knee, formants, and weak even harmonics.

    Parameters
    ----------
    formants : tuple of (centre Hz, bandwidth Hz, height dB)
    dark_db_per_octave, bright_db_per_octave : float
        Fall above the knee at level 0 and 1, positive.
    knee_hz : (float, float)
        Where the fall begins at level 0 and 1.
    even_db : float
        Level of even harmonics against odd ones at low frequency, fading by ``even_until_hz``.
    fundamental_db : float
        Extra level of harmonic 1.
    pulse : bool
        Align the phases into pulses, as lips do; else sines.
    """

    def spectrum(frequency: NDArray[np.float64], f0: float, level: float) -> NDArray[np.complex128]:
        slope = dark_db_per_octave + (bright_db_per_octave - dark_db_per_octave) * level
        knee = knee_hz[0] * (knee_hz[1] / knee_hz[0]) ** level
        decibel = -slope / 2 * np.log2(1 + (frequency / knee) ** 2)
        for centre, width, height in formants:
            decibel += height / (1 + ((frequency - centre) / (0.5 * width)) ** 2)
        order = np.rint(frequency / f0)
        if even_db:
            share = np.clip(1 - frequency / even_until_hz, 0.0, 1.0)
            decibel += np.where(order % 2 == 0, even_db * share, 0.0)
        decibel[order == 1] += fundamental_db
        turn = np.pi / 2 if pulse else 0.0
        # A slight spread of phases lowers the crest without changing what is heard.
        angle = turn + 0.35 * np.sin(order * 1.7)
        result: NDArray[np.complex128] = 10 ** (decibel / 20) * np.exp(1j * angle)
        return result

    return spectrum


def measured_spectrum(
    lowest_hz: float,
    levels: tuple[float, ...],
    rows_db: tuple[tuple[float, ...], ...],
    harmonic_db: tuple[float, ...] = (),
    *,
    shift: float = 1.0,
) -> Spectrum:
    """Build a spectrum from an envelope measured on recordings.

    Parameters
    ----------
    lowest_hz : float
        Frequency of the first column; each further one is half an octave higher.
    levels : tuple of float
        Dynamic level (0-1) of each row, rising; between and beyond them dB are linear.
    rows_db : tuple of tuple of float
        Envelope in dB at each level.
    harmonic_db : tuple of float
        Correction of harmonics 1, 2, ... on top of the envelope.
    shift : float
        Factor on the frequencies of the table, to make a smaller or larger relative.
    """
    table = np.array(rows_db, dtype=np.float64)
    grid = np.log2(lowest_hz * shift) + 0.5 * np.arange(table.shape[1])
    marks = np.array(levels, dtype=np.float64)

    def spectrum(frequency: NDArray[np.float64], f0: float, level: float) -> NDArray[np.complex128]:
        row = min(int(np.searchsorted(marks, level, side="right")), len(marks) - 1)
        row = max(row, 1)
        share = (level - marks[row - 1]) / (marks[row] - marks[row - 1])
        envelope = table[row - 1] + share * (table[row] - table[row - 1])
        octaves = np.log2(frequency)
        decibel = np.interp(octaves, grid, envelope)
        beyond = np.maximum(octaves - grid[-1], 0.0)
        decibel -= 18.0 * beyond
        order = np.rint(frequency / f0)
        for number, correction in enumerate(harmonic_db, start=1):
            decibel[order == number] += correction
        angle = np.pi / 2 + 0.35 * np.sin(order * 1.7)
        result: NDArray[np.complex128] = 10 ** (decibel / 20) * np.exp(1j * angle)
        return result

    return spectrum
