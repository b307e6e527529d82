"""What tests of several rooms share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from landcover_plugin.training.landscape import Landscape


@pytest.fixture(scope="session")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Landscape:
    """The sample scene at both dates: 1024 × 1024 px of 1 m, with its truth."""
    from landcover_plugin.training.landscape import generate

    return generate(tmp_path_factory.mktemp("landscape"))
