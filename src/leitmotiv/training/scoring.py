"""How surprised a checkpoint is: nats of given events under a PyTorch model.

The counterpart of ``leitmotiv.models.evaluation`` for checkpoints that are not exported yet.

Shapes: ``T`` events, ``E`` conditions, four fields.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from leitmotiv.training.export import load_checkpoint


class CheckpointScorer:
    """Teacher-forced losses of a checkpoint's averaged weights, on the CPU."""

    def __init__(self, path: Path):
        self.model, self.state = load_checkpoint(path)
        self.vocabulary_version = int(self.state["data"]["vocabulary_version"])
        self.num_parameters = sum(p.numel() for p in self.model.parameters())

    @torch.no_grad()
    def nats(
        self, events: np.ndarray, conditions: np.ndarray, time: np.ndarray, targets: np.ndarray
    ) -> np.ndarray:
        """Return nats (T, 4) of ``targets`` (T, 4); 0 where a target is 0."""
        hidden = self.model.backbone(
            torch.from_numpy(events)[None],
            torch.from_numpy(conditions)[None],
            torch.from_numpy(time.astype(np.float32))[None],
        )[0]
        answers = torch.from_numpy(targets)
        logits = self.model.heads(hidden, answers[:, :3])
        columns = [
            F.cross_entropy(logits[field].double(), answers[:, field], reduction="none")
            * (answers[:, field] > 0)
            for field in range(4)
        ]
        return torch.stack(columns, dim=1).numpy()
