from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from landcover_plugin.core.errors import ModelError
from landcover_plugin.training.augmentation import NONE
from landcover_plugin.training.crops import CropPlan, Crops, CropSource
from landcover_plugin.training.loop import LoopPlan, TrainingLoop, crop_loss, place
from landcover_plugin.training.network import NetworkShape
from landcover_plugin.training.prediction import classes

from .conftest import SMALL

PLAN = LoopPlan(steps=12, batch=4, check_every=4, warm_up=2, average=0.5, precision="float32")


def _loop(chips, folder, plan=PLAN, shape=SMALL) -> TrainingLoop:
    folder.mkdir(exist_ok=True)
    with place("cpu") as where:
        return TrainingLoop(shape, CropSource(chips, CropPlan(side=32), 5, 1), plan, NONE, where, folder)


def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(striped_chips, tmp_path) -> None:
    whole = _loop(striped_chips, tmp_path / "whole").run()

    class Killed(Exception):
        pass

    def kill(step: int, _: int, figures: dict[str, float]) -> None:
        if step == 8:
            raise Killed

    with pytest.raises(Killed):
        _loop(striped_chips, tmp_path / "killed").run(report=kill)
    again = _loop(striped_chips, tmp_path / "killed")
    assert again.step == 8
    for a, b in zip(whole.state_dict().values(), again.run().state_dict().values()):
        assert torch.equal(a, b)
    rows = (tmp_path / "killed" / "curves.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "4", "8", "12"]


def test_classes_told_by_brightness_are_learned_in_two_hundred_steps(striped_chips, tmp_path) -> None:
    plan = LoopPlan(
        steps=200, batch=8, check_every=200, warm_up=10, rate=1e-2, average=0.9, precision="float32"
    )
    network = _loop(striped_chips, tmp_path / "run", plan).run()
    assert (classes(network, striped_chips.images) == striped_chips.hard).mean() > 0.85


def test_a_checkpoint_of_another_network_is_refused(striped_chips, tmp_path) -> None:
    _loop(striped_chips, tmp_path / "run").run()
    with pytest.raises(ModelError, match="belongs to another network"):
        _loop(striped_chips, tmp_path / "run", shape=NetworkShape(4, 5, (8, 8, 16), (0, 1, 1)))


def test_a_damaged_checkpoint_is_named(striped_chips, tmp_path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError, match=r"checkpoint\.pt is not a checkpoint"):
        _loop(striped_chips, tmp_path / "run")


def test_unlabelled_pixels_and_pixels_of_no_weight_do_not_teach() -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    hard = torch.full((1, 4, 4), 255)
    hard[0, 0, 0], hard[0, 3, 3] = 1, 2
    weight = torch.zeros(1, 4, 4)
    weight[0, 0, 0] = 1
    crops = Crops(torch.zeros(1), hard, weight, None, torch.zeros(1, 4, 4), torch.ones(1))
    loss, figures = crop_loss(logits, crops, 1.0, 0.0)
    loss.backward()
    assert logits.grad[0, :, 0, 0].abs().sum() > 0
    assert logits.grad[0, :, 1:].abs().sum() == 0
    wanted = -torch.log_softmax(logits, 1)[0, 1, 0, 0]
    assert figures["loss"] == pytest.approx(float(wanted))


def test_soft_labels_pull_towards_their_shares() -> None:
    logits = torch.zeros(1, 2, 2, 2, requires_grad=True)
    soft = torch.tensor([0.8, 0.2]).reshape(1, 2, 1, 1).expand(1, 2, 2, 2)
    none = torch.full((1, 2, 2), 255)
    crops = Crops(torch.zeros(1), none, torch.zeros(1, 2, 2), soft, torch.ones(1, 2, 2), torch.ones(1))
    crop_loss(logits, crops, 0.4, 0.0)[0].backward()
    assert torch.allclose(logits.grad.sum((2, 3))[0], torch.tensor([-0.18, 0.18]), atol=1e-6)


SCRIPT = """
import sys, numpy as np
from pathlib import Path
from landcover_plugin.training.chips import empty_set
from tests.training.test_loop import train_stripes
folder = Path(sys.argv[1])
train_stripes(folder)
sys.exit(0 if (folder / "loss").exists() else "it ended before the leading process had written")
"""


def train_stripes(folder: Path) -> None:
    """What the processes of the test below run."""
    rng = np.random.default_rng(1)
    from landcover_plugin.training.chips import empty_set

    labels = np.broadcast_to(
        np.repeat(np.arange(5, dtype=np.uint8), [52, 51, 51, 51, 51]), (4, 256, 256)
    ).copy()
    images = (30 + 45 * labels[:, None].repeat(4, 1) + rng.integers(-6, 7, (4, 4, 256, 256))).astype(np.uint8)
    chips = empty_set([str(i) for i in range(4)], images, np.zeros(4, np.int64), ["all"])
    chips.hard, chips.hard_weight = labels, np.full(labels.shape, 64, np.uint8)
    plan = LoopPlan(steps=120, batch=32, check_every=30, warm_up=10, rate=1e-2, cool_down=0.6,
                    precision="float32")  # fmt: skip
    folder.mkdir(exist_ok=True)
    with place("cpu") as where:
        source = CropSource(chips, CropPlan(side=32, zoom=(1, 1), turned=0), 5, 1)
        loop = TrainingLoop(SMALL, source, plan, NONE, where, folder)
        loop.run()
        if where.leads:
            time.sleep(1)
            (folder / "loss").write_text(str(loop.curves.rows[-1]["loss"]))


def test_two_processes_train_as_well_as_one(tmp_path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--master-port",
        "29731",
    ]
    subprocess.run([*launcher, str(script), str(tmp_path / "two")], check=True, env=environment, timeout=240)
    train_stripes(tmp_path / "one")
    one, two = (float((tmp_path / name / "loss").read_text()) for name in ("one", "two"))
    assert two == pytest.approx(one, abs=0.1)
    assert max(one, two) < 1.0, "a guess among five classes has 1.6"
