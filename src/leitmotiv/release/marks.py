"""AI marks: what every file that leaves Leitmotiv says about its making.

Purpose: one sentence and one machine-readable term, placed where each format has room.

Conventions: the term is an IPTC digital source type. Notes by the model alone make
``trainedAlgorithmicMedia``; notes by a person beside them, a theme they gave included, make
``compositeWithTrainedAlgorithmicMedia``; notes by style rules alone ``algorithmicMedia``; notes
by people alone carry no mark beyond the name of the software that made them sound.

Public names: :class:`AiMark`, :func:`mark_score`, :func:`midi_texts`, :func:`musicxml_fields`,
:func:`wav_tags`, :func:`release_date`.

References: IPTC NewsCodes, digital source type, http://cv.iptc.org/newscodes/digitalsourcetype/;
Regulation (EU) 2024/1689, article 50; EBU R 98 (coding history).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

import leitmotiv
from leitmotiv.audio import BroadcastExtension
from leitmotiv.errors import ReleaseError
from leitmotiv.score import Origin, Score

__all__ = ["AiMark", "mark_score", "midi_texts", "musicxml_fields", "release_date", "wav_tags"]

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_SENTENCES = {
    "trainedAlgorithmicMedia": "This music was composed by an AI model ({software}).",
    "compositeWithTrainedAlgorithmicMedia": (
        "This music was composed by an AI model together with notes written by a person "
        "({software})."
    ),
    "algorithmicMedia": "This music was written by rules without a trained model ({software}).",
    "digitalCreation": "This music was written by a person; {software} made it sound.",
}


@dataclass(frozen=True)
class AiMark:
    """An IPTC term, ``code``, and the sentence for people that goes with it."""

    code: str
    sentence: str

    @property
    def uri(self) -> str:
        """The term as IPTC writes it."""
        return IPTC + self.code


def mark_score(
    score: Score, *, theme_by_person: bool = False, software: str | None = None
) -> AiMark:
    """Decide the mark from the origins of the notes.

    ``theme_by_person`` says that the theme came with the brief; notes copied from a theme that
    the model wrote count as the model's.

    Examples
    --------
    >>> from leitmotiv.score import Part, Score, make_notes, Origin
    >>> part = Part("Violin", 40, notes=make_notes([0], [480], [69], origin=Origin.MODEL))
    >>> mark_score(Score((part,))).code
    'trainedAlgorithmicMedia'
    """
    software = software or f"Leitmotiv {leitmotiv.__version__}"
    origins: set[int] = set()
    for part in score.parts:
        origins.update(np.unique(part.notes["origin"]).tolist())
    by_model = {Origin.MODEL} if theme_by_person else {Origin.MODEL, Origin.THEME}
    by_person = bool(origins & {Origin.HUMAN, *({Origin.THEME} - by_model)})
    if origins & by_model:
        code = "compositeWithTrainedAlgorithmicMedia" if by_person else "trainedAlgorithmicMedia"
    elif Origin.STYLE in origins or not by_person:
        code = "algorithmicMedia"
    else:
        code = "digitalCreation"
    return AiMark(code, _SENTENCES[code].format(software=software))


def release_date() -> str | None:
    """Return SOURCE_DATE_EPOCH as ``yyyy-mm-dd``; None where it is not set.

    No other clock is read, so that equal input makes equal files.

    Raises
    ------
    ReleaseError
        If the variable is set to something else than whole seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return None
    if not re.fullmatch(r"\d{1,11}", epoch):
        raise ReleaseError(f"SOURCE_DATE_EPOCH={epoch!r} must be whole seconds since 1970")
    return time.strftime("%Y-%m-%d", time.gmtime(int(epoch)))


def midi_texts(provenance: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the meta texts for a MIDI file, ASCII."""
    mark = provenance["ai_mark"]
    return tuple(
        text.encode("ascii", "replace").decode("ascii")
        for text in (
            mark["statement"],
            f"Digital source type: {mark['digital_source_type']}",
            f"Seed {provenance['seed']}; plan {provenance['plan_sha256'] or 'none'}",
        )
    )


def musicxml_fields(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return the miscellaneous fields for a MusicXML file."""
    mark = provenance["ai_mark"]
    fields = {
        "ai-statement": mark["statement"],
        "digital-source-type": mark["digital_source_type"],
        "seed": str(provenance["seed"]),
    }
    if provenance["plan_sha256"]:
        fields["plan-sha256"] = provenance["plan_sha256"]
    return fields


def wav_tags(
    provenance: Mapping[str, Any],
    *,
    content: str,
    sample_rate: int,
    integrated_lufs: float | None = None,
    true_peak_dbtp: float | None = None,
) -> dict[str, Any]:
    """Return the tag arguments of :func:`leitmotiv.audio.write_wav` for one file.

    ``content`` is what the file holds, for example ``"master"`` or ``"stem: Violin"``.
    """
    mark = provenance["ai_mark"]
    title = provenance["title"] or "Untitled"
    software = f"Leitmotiv {provenance['software'].get('leitmotiv', leitmotiv.__version__)}"
    date = provenance.get("date") or ""
    comment = f"{mark['statement']} Digital source type: {mark['digital_source_type']}"
    info = {"INAM": f"{title} ({content})", "ISFT": software, "ICMT": comment}
    if date:
        info["ICRD"] = date
    bext = BroadcastExtension(
        description=f"{title} ({content}). {mark['statement']} {mark['code']}",
        originator=software,
        originator_reference=(provenance["plan_sha256"] or "")[:32],
        origination_date=date,
        integrated_lufs=integrated_lufs,
        true_peak_dbtp=true_peak_dbtp,
        coding_history=(
            f"A=PCM,F={sample_rate},W=24,M=stereo,T={software}; {mark['code']}; "
            f"seed {provenance['seed']}",
        ),
    )
    ixml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<BWFXML>\n"
        "<IXML_VERSION>3.01</IXML_VERSION>\n"
        f"<PROJECT>{escape(title)}</PROJECT>\n"
        f"<NOTE>{escape(comment)}</NOTE>\n"
        "<USER>\n"
        f"<CONTENT>{escape(content)}</CONTENT>\n"
        f"<DIGITAL_SOURCE_TYPE>{escape(mark['digital_source_type'])}</DIGITAL_SOURCE_TYPE>\n"
        f"<SOFTWARE>{escape(software)}</SOFTWARE>\n"
        f"<SEED>{provenance['seed']}</SEED>\n"
        f"<PLAN_SHA256>{provenance['plan_sha256'] or ''}</PLAN_SHA256>\n"
        "</USER>\n"
        "</BWFXML>\n"
    )
    return {"info": info, "bext": bext, "ixml": ixml}
