"""A captured amplifier in the rack: any ``.nam`` file, or one of the captures that come along.

Conventions: captures are mono; every channel is played by a copy of its own (one copy as long as
all channels are alike). A capture made at another sample rate is played at its own and brought
back, with a delay that is reported. ``normalized`` brings captures that name their loudness to
-18 dB, so that they can be exchanged for one another.

Public names: :class:`NeuralAmp`, :func:`capture_names`, :func:`capture_file`.

The built-in captures were trained on our own :class:`~leitmotiv.effects.tube_amp.TubeAmp`; see
docs/amp.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.nam_file import read_nam
from leitmotiv.effects.nam_player import NamPlayer
from leitmotiv.effects.nam_rate import RateBridge
from leitmotiv.errors import AudioError

__all__ = ["NeuralAmp", "capture_file", "capture_names"]

NORMAL_LOUDNESS_DB = -18.0
_DATA = Path(__file__).parent / "data"


def capture_names() -> tuple[str, ...]:
    """Return the names of the built-in captures.

    >>> "edge" in capture_names()
    True
    """
    return tuple(sorted(path.stem for path in _DATA.glob("*.nam")))


def capture_file(name: str) -> Path:
    """Return the file of a built-in capture.

    Raises
    ------
    AudioError
        If there is none of this name.
    """
    if name not in capture_names():
        raise AudioError(
            f"capture={name!r} must be one of {', '.join(capture_names())}; "
            "a capture of your own is given by file"
        )
    return _DATA / f"{name}.nam"


class NeuralAmp(AutomatedEffect):
    """An amplifier, pedal or preamplifier played from a capture.

    Parameters
    ----------
    input_gain_db : float
        -48 to 48 dB, how hard the amplifier is driven.
    output_gain_db : float
        -48 to 48 dB, behind it.
    wet_level, dry_level : float
        Of the amplifier and of the untouched input, 0-2.
    capture : str
        A built-in capture (see :func:`capture_names`); of no effect where ``file`` is given.
    file : str
        A ``.nam`` file.
    slim : float
        Of captures that hold several sizes: 0 (fastest) to 1 (full).
    normalized : bool
        Whether a capture that names its loudness is brought to -18 dB.
    sample_rate : int
        Hz.
    num_channels : int

    Raises
    ------
    AudioError
        If a value is out of range or the capture is unknown.
    ModelError
        If the file cannot be read or played.

    Examples
    --------
    >>> import numpy as np
    >>> amp = NeuralAmp(capture="edge", num_channels=1)
    >>> amp.process(np.zeros((1, 64), np.float32)).shape
    (1, 64)
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("input_gain_db", 0.0, -48.0, 48.0, "dB"),
        Parameter("output_gain_db", 0.0, -48.0, 48.0, "dB"),
        Parameter("wet_level", 1.0, 0.0, 2.0),
        Parameter("dry_level", 0.0, 0.0, 2.0),
    )

    def __init__(
        self,
        *,
        input_gain_db: float = 0.0,
        output_gain_db: float = 0.0,
        wet_level: float = 1.0,
        dry_level: float = 0.0,
        capture: str = "edge",
        file: str = "",
        slim: float = 1.0,
        normalized: bool = True,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("slim", slim, 0.0, 1.0, "")
        check_range("num_channels", num_channels, 1, 64, "")
        self.model = read_nam(file) if file else read_nam(capture_file(capture))
        self._players = [NamPlayer(self.model, slim=slim) for _ in range(num_channels)]
        self._bridges = [
            RateBridge(player.play, sample_rate, player.sample_rate, player.rest)
            for player in self._players
            if player.sample_rate != sample_rate
        ]
        self._rest = np.float32(self._players[0].rest)
        loudness_db = self.model.loudness_db
        self._gain_db = 0.0
        if normalized and loudness_db is not None:
            self._gain_db = float(np.clip(NORMAL_LOUDNESS_DB - loudness_db, -48.0, 48.0))
        values = {
            "input_gain_db": input_gain_db,
            "output_gain_db": output_gain_db,
            "wet_level": wet_level,
            "dry_level": dry_level,
        }
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind; none at the capture's own sample rate."""
        return self._bridges[0].latency_samples if self._bridges else 0

    @property
    def tail_sec(self) -> float:
        """Seconds for which the capture sounds on."""
        player = self._players[0]
        return player.receptive_field / player.sample_rate

    def _clear(self) -> None:
        self._together = True  # as long as all channels are alike, one player serves them
        for player in self._players:
            player.reset()
        for bridge in self._bridges:
            bridge.reset()
        self._before = np.zeros((self.num_channels, self.latency_samples), np.float32)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        if self._together and not (block[1:] == block[0]).all():
            self._together = False
            for player in self._players[1:]:
                player.continue_as(self._players[0])
            for bridge in self._bridges[1:]:
                bridge.continue_as(self._bridges[0])
        driven = block * _gain(curves["input_gain_db"])
        wet = np.empty_like(block)
        for channel in range(1 if self._together else self.num_channels):
            voice = self._bridges[channel] if self._bridges else self._players[channel]
            # Some captures rest off zero; a node must not pass that on as a step.
            wet[channel] = voice.play(driven[channel]) - self._rest
        if self._together:
            wet[1:] = wet[0]
        heard = np.concatenate([self._before, block], axis=1)
        self._before = heard[:, block.shape[1] :].copy()
        dry = heard[:, : block.shape[1]]
        wet_gain = _gain(curves["output_gain_db"] + self._gain_db)
        wet_gain = wet_gain * curves["wet_level"].astype(np.float32)
        return np.asarray(
            wet * wet_gain + dry * curves["dry_level"].astype(np.float32), dtype=np.float32
        )


def _gain(gain_db: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(10.0 ** (gain_db / 20.0), dtype=np.float32)
