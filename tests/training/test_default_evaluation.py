from __future__ import annotations

from dataclasses import replace

import pytest

from landcover_plugin.core.model_library import find_model
from landcover_plugin.training import default_evaluation
from landcover_plugin.training.earlier_run import HELD_OUT


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("fold 2 of 5 (places), and one quad", "Fold 2 of 5, held out."),
        (
            "fold 0 of 5 (places), and one quad",
            "it learned from the points below, so their figures count for nothing",
        ),
        ("", "does not say whether it learned from the points below"),
    ],
)
def test_figures_of_points_that_were_learned_are_told_apart(monkeypatch, held: str, told: str) -> None:
    monkeypatch.setattr(default_evaluation, "read_default_data", lambda: None)
    monkeypatch.setattr(default_evaluation, "measure", lambda predict, given, hold: [])
    spec = replace(find_model("naip-landcover"), provenance={HELD_OUT: held} if held else {})
    text = default_evaluation.evaluate_model(spec, 2)
    assert text.startswith("Fold 2 of 5") and told in text
