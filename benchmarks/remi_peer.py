"""The peer that the token benchmarks compare with: MidiTok's REMI tokens and a plain Llama.

Purpose: one place for the peer's settings, so that every benchmark measures the same opponent.

Conventions: REMI (Huang and Yang, "Pop Music Transformer", 2020) as MidiTok writes it, all parts in
one stream with a Program token before each note. ``lossless=True`` gives it the grid of our tokens
(24 steps a quarter, our durations) and leaves velocity out, which is how bits are compared;
otherwise MidiTok's defaults with programs and time signatures, which is how it is commonly run.

Public names: :func:`remi_tokenizer`, :func:`llama`, :func:`pick_files`.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

TIME_SIGNATURES = {
    1: [1, 2, 3, 4],
    2: list(range(1, 9)),
    4: list(range(1, 17)),
    8: list(range(1, 25)),
    16: list(range(1, 33)),
}


def remi_tokenizer(*, lossless: bool) -> Any:
    """Return MidiTok's REMI."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from miditok import REMI, TokenizerConfig

        if not lossless:
            return REMI(TokenizerConfig(use_programs=True, use_time_signatures=True))
        return REMI(
            TokenizerConfig(
                pitch_range=(0, 127),
                beat_res={(0, 2): 24, (2, 4): 12, (4, 8): 4, (8, 32): 1},
                use_programs=True,
                use_time_signatures=True,
                use_velocities=False,
                time_signature_range=TIME_SIGNATURES,
            )
        )


def llama(vocab_size: int, *, context: int = 1024, width: int = 192, layers: int = 6) -> Any:
    """Return transformers' Llama of about the size of our model (2.9 M parameters)."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocab_size,
            hidden_size=width,
            intermediate_size=512,
            num_hidden_layers=layers,
            num_attention_heads=width // 32,
            num_key_value_heads=2,  # as in our model: a small cache
            max_position_embeddings=context,
            tie_word_embeddings=False,
            attention_dropout=0.0,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
    )


def pick_files(
    corpus: Path, wanted: set[str] | None, count: int, seed: int
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield manifest entry and MIDI bytes of ``count`` random pieces of tier A.

    ``wanted`` limits the choice to these piece ids. The same seed gives the same pieces.
    """
    with open(corpus / "manifest.jsonl", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    entries = [
        entry
        for entry in entries
        if entry.get("tier") == "A" and (wanted is None or entry["id"] in wanted)
    ]
    chosen = np.random.default_rng(seed).permutation(len(entries))[:count]
    archives: dict[str, zipfile.ZipFile] = {}
    for index in chosen:
        entry = entries[index]
        source = entry["source"]
        if source not in archives:
            archives[source] = zipfile.ZipFile(corpus / f"{source}.zip")
        yield entry, archives[source].read(entry["file"])
