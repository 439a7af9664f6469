"""A guitar cabinet before a microphone.

Purpose: what turns an amplifier's buzz into a guitar; and a player for impulse responses of
cabinets that a person has.

How it works: the response (synthesised, or from a file) is convolved sample by sample with the
loop that plays captures: no delay, the same result in blocks of any size.

Public names: :class:`Cabinet`.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.files import read_audio
from leitmotiv.audio.resample import resample
from leitmotiv.effects.cabinet_responses import cabinet_response
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.nam_file import NamFile
from leitmotiv.effects.nam_player import NamPlayer
from leitmotiv.errors import AudioError

__all__ = ["Cabinet"]

_MOST_SEC = 0.25


class Cabinet(AutomatedEffect):
    """A loudspeaker cabinet and a microphone.

    Parameters
    ----------
    output_gain_db : float
        -48 to 24 dB.
    wet_level, dry_level : float
        Of the cabinet and of the input, 0-2.
    cabinet : str
        ``open_1x12``, ``open_2x12``, ``closed_2x12``, ``closed_4x12`` or ``bass_4x10``.
    microphone : str
        ``dynamic``, ``ribbon`` or ``condenser``.
    position : float
        0 (before the cone's centre, bright) to 1 (its edge, dark).
    distance_cm : float
        1-200 cm from the grille.
    file : str
        An impulse response of your own instead; its first quarter of a second is used.
    sample_rate : int
        Hz.
    num_channels : int

    Raises
    ------
    AudioError
        If a name is unknown, a value out of range or the file no impulse response.

    Examples
    --------
    >>> import numpy as np
    >>> click = np.zeros((1, 512), np.float32)
    >>> click[0, 0] = 1.0
    >>> bool(np.abs(Cabinet(num_channels=1).process(click)).argmax() < 40)
    True
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("output_gain_db", 0.0, -48.0, 24.0, "dB"),
        Parameter("wet_level", 1.0, 0.0, 2.0),
        Parameter("dry_level", 0.0, 0.0, 2.0),
    )

    def __init__(
        self,
        *,
        output_gain_db: float = 0.0,
        wet_level: float = 1.0,
        dry_level: float = 0.0,
        cabinet: str = "open_2x12",
        microphone: str = "dynamic",
        position: float = 0.35,
        distance_cm: float = 5.0,
        file: str = "",
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("num_channels", num_channels, 1, 64, "")
        if file:
            self.response = _read_response(Path(file), sample_rate)
        else:
            self.response = cabinet_response(
                cabinet,
                microphone,
                position=position,
                distance_cm=distance_cm,
                sample_rate=sample_rate,
            )
        config = {"receptive_field": len(self.response), "bias": False}
        linear = NamFile("0.5.4", "Linear", config, self.response, sample_rate)
        self._players = [NamPlayer(linear) for _ in range(num_channels)]
        values = {
            "output_gain_db": output_gain_db,
            "wet_level": wet_level,
            "dry_level": dry_level,
        }
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def tail_sec(self) -> float:
        """Seconds that the response lasts."""
        return len(self.response) / self.sample_rate

    def _clear(self) -> None:
        self._together = True  # as long as all channels are alike, one player serves them
        for player in self._players:
            player.reset()

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        if self._together and not (block[1:] == block[0]).all():
            self._together = False
            for player in self._players[1:]:
                player.continue_as(self._players[0])
        wet = np.empty_like(block)
        for channel in range(1 if self._together else self.num_channels):
            wet[channel] = self._players[channel].play(block[channel])
        if self._together:
            wet[1:] = wet[0]
        wet_gain = 10.0 ** (curves["output_gain_db"] / 20.0) * curves["wet_level"]
        mixed = wet * wet_gain.astype(np.float32) + block * curves["dry_level"].astype(np.float32)
        return np.asarray(mixed, dtype=np.float32)


def _read_response(path: Path, sample_rate: int) -> NDArray[np.float32]:
    """The mono response of a file, at the session's rate, faded out at its end."""
    audio, file_rate = read_audio(path)
    if not audio.shape[1] or not np.isfinite(audio).all() or not np.abs(audio).max() > 0:
        raise AudioError(f"file={str(path)!r} is silent or holds NaN; name an impulse response")
    mono = audio.mean(axis=0)[None, : round(_MOST_SEC * file_rate)]
    if file_rate != sample_rate:
        # An impulse response is a density of taps: more of them must each weigh less.
        mono = resample(mono, file_rate, sample_rate) * np.float32(file_rate / sample_rate)
    response = mono[0].copy()
    fade = min(len(response) // 8, round(0.01 * sample_rate))
    if fade:
        response[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return np.ascontiguousarray(response, dtype=np.float32)
