"""What every test may use: one seeded generator, and hypothesis without clocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# A shared machine is slow at moments: a deadline would fail tests that are right.
settings.register_profile(
    "leitmotiv", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("leitmotiv")


@pytest.fixture
def rng() -> np.random.Generator:
    """The one generator of the tests; the same numbers in every run."""
    return np.random.default_rng(20_240)


@pytest.fixture(autouse=True, scope="session")
def own_sample_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded samples go to a folder of the tests, never to the user's."""
    folder = str(tmp_path_factory.mktemp("samples"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEITMOTIV_SAMPLE_CACHE", folder)
        yield
