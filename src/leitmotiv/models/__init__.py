"""Models: ids in, ids out. ONNX sessions, samplers and logit filters; knows no music."""

from leitmotiv.models.decoding import (
    DecodeOptions,
    LogitFilter,
    Prompt,
    RowState,
    TargetCell,
    decode,
)
from leitmotiv.models.sampling import sample_id
from leitmotiv.models.session import EventModel, load_model, open_model

__all__ = [
    "DecodeOptions",
    "EventModel",
    "LogitFilter",
    "Prompt",
    "RowState",
    "TargetCell",
    "decode",
    "load_model",
    "open_model",
    "sample_id",
]
