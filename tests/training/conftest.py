"""Every test of training computes on one thread: toy matrices gain nothing from more."""

from __future__ import annotations

import pytest

collect_ignore = ["two_processes.py"]  # a program that test_distributed starts, no test


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
