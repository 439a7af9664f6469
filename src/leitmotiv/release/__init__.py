"""Release: provenance, AI marks, pictures and the bundle."""

from leitmotiv.release.bundle import BundlePaths, is_bundle, write_bundle
from leitmotiv.release.marks import AiMark, mark_score, midi_texts, wav_tags
from leitmotiv.release.originality_picture import draw_originality
from leitmotiv.release.pictures import draw_piano_roll, draw_spectrogram
from leitmotiv.release.provenance import build_provenance, software_versions
from leitmotiv.release.review_picture import draw_review, ranked_findings

__all__ = [
    "AiMark",
    "BundlePaths",
    "build_provenance",
    "draw_originality",
    "draw_piano_roll",
    "draw_review",
    "draw_spectrogram",
    "is_bundle",
    "mark_score",
    "midi_texts",
    "ranked_findings",
    "software_versions",
    "wav_tags",
    "write_bundle",
]
