"""The training loop: steps, checkpoints, and going on after a kill.

One process or many (``torchrun``) run the same code: every process draws the plan of the same global
batch and trains on its share of it. All random choices of a step follow from (seed, step).
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .augmentation import Radiometry, varied
from .checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from .crops import Crops, CropSource, share_of
from .curves import Curves
from .network import NetworkShape, SegmentationNetwork


@dataclass(frozen=True)
class LoopPlan:
    """How long and how fast a network learns.

    Args:
        steps: of the whole run.
        batch: crops of one step, over all processes.
        rate: learning rate after the warm-up.
        warm_up: steps in which the rate rises.
        cool_down: share of the steps, at the end, in which the rate falls to nothing.
        weight_decay: of AdamW.
        hard_share: weight of the labelled pixels' loss beside that of the soft labels.
        smoothing: of hard labels.
        average: how much of the averaged weights is kept in a step.
        pretrained_share: of the rate, at which an encoder learns that has learned from photographs.
        seed: of everything random.
        check_every: steps between checks on the validation set, and checkpoints.
        precision: ``float32``, ``bfloat16``, or ``auto`` (bfloat16 where the processor has it).
    """

    steps: int
    batch: int = 32
    rate: float = 2e-3
    warm_up: int = 200
    cool_down: float = 0.25
    weight_decay: float = 0.02
    hard_share: float = 0.6
    smoothing: float = 0.05
    average: float = 0.999
    pretrained_share: float = 0.3
    seed: int = 1
    check_every: int = 500
    precision: str = "auto"

    def rate_at(self, step: int) -> float:
        """Learning rate of a step: warm-up, a plateau, and a straight fall at the end."""
        left = (self.steps - step) / max(1.0, self.cool_down * self.steps)
        return self.rate * min(1.0, (step + 1) / max(1, self.warm_up)) * min(1.0, max(left, 0.0))


@dataclass(frozen=True)
class Place:
    """Where a process runs and which part of the work is its own."""

    rank: int
    world: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and says things."""
        return self.rank == 0


@contextlib.contextmanager
def place(device: str = "auto") -> Iterator[Place]:
    """This process' place; joins the others where ``torchrun`` started several."""
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    has_gpu = torch.cuda.is_available()
    name = ("cuda" if has_gpu else "cpu") if device == "auto" else device
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    if world > 1:
        torch.distributed.init_process_group("nccl" if name.startswith("cuda") else "gloo")
    try:
        yield Place(rank, world, torch.device(name))
        if world > 1:  # torchrun stops the one that still writes when another ends badly
            torch.distributed.barrier()
    finally:
        if world > 1:
            gc.collect()  # what wraps a network for several processes holds itself in a circle, and the group with it
            torch.distributed.destroy_process_group()


Validate = Callable[[SegmentationNetwork], dict[str, float]]
Report = Callable[[int, int, dict[str, float]], None]


class TrainingLoop:
    """Trains one network; call :meth:`run` once.

    Not for several threads. Checkpoints go to ``folder/checkpoint.pt``; a run in a folder that
    holds one goes on from it.
    """

    def __init__(
        self,
        shape: NetworkShape,
        source: CropSource,
        plan: LoopPlan,
        radiometry: Radiometry,
        where: Place,
        folder: Path,
        start: dict[str, Tensor] | None = None,
    ) -> None:
        self.plan, self.source, self.radiometry, self.where = plan, source, radiometry, where
        self.folder = folder
        torch.manual_seed(plan.seed)
        self.network = SegmentationNetwork(shape)
        if start:
            self.network.load_state_dict(start)
        self.network.to(where.device, memory_format=torch.channels_last)
        self.averaged = SegmentationNetwork(shape)
        self.averaged.load_state_dict(self.network.state_dict())
        self.averaged.to(where.device)
        self.optimiser = torch.optim.AdamW(
            _parameters(self.network, plan.pretrained_share), plan.rate, weight_decay=plan.weight_decay
        )
        self.curves = Curves(folder)
        self.step = 0
        self._resume()
        self._trained: nn.Module = self.network
        if where.world > 1:
            self._trained = nn.parallel.DistributedDataParallel(self.network)
        self._lower = _lower_precision(plan.precision, where.device)

    def run(self, validate: Validate | None = None, report: Report | None = None) -> SegmentationNetwork:
        """Train to the end of the plan and give the averaged network."""
        share = share_of(self.plan.batch, self.where.rank, self.where.world)
        seen: list[dict[str, float]] = []
        began, began_at = time.monotonic(), self.step
        while self.step < self.plan.steps:
            crops = self.source.crops(self.step, self.plan.batch, share)
            seen.append(self._learn(crops))
            self.step += 1
            if self.step % self.plan.check_every == 0 or self.step == self.plan.steps:
                speed = (self.step - began_at) * self.plan.batch / (time.monotonic() - began)
                self._check(seen, speed, validate, report)
                seen = []
        self._trained = self.network  # lets go of the process group, which must not outlive its place
        return self.averaged

    def _learn(self, crops: Crops) -> dict[str, float]:
        device = self.where.device
        for group in self.optimiser.param_groups:
            group["lr"] = group["share"] * self.plan.rate_at(self.step)
        seed = (self.plan.seed, self.step, self.where.rank)
        images = varied(crops.images, self.radiometry, seed).to(device, memory_format=torch.channels_last)
        self._trained.train()
        with torch.autocast(device.type, torch.bfloat16, enabled=self._lower):
            logits = self._trained(images)
        loss, figures = crop_loss(logits.float(), crops, self.plan.hard_share, self.plan.smoothing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self._average()
        return figures

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.plan.average, (1 + self.step) / (10 + self.step))
        means, values = self.averaged.state_dict(), self.network.state_dict()
        real = [k for k in means if means[k].dtype.is_floating_point]
        torch._foreach_lerp_([means[k] for k in real], [values[k] for k in real], 1 - keep)

    def _check(
        self, seen: list[dict[str, float]], speed: float, validate: Validate | None, report: Report | None
    ) -> None:
        if not self.where.leads:
            return
        figures = {key: float(np.mean([s[key] for s in seen])) for key in seen[0]}
        figures["crops_per_s"] = speed
        if validate is not None:
            figures.update(validate(self.averaged.eval()))
        self.curves.add(self.step, figures)
        write_checkpoint(self.folder / "checkpoint.pt", self._checkpoint())
        if report is not None:
            report(self.step, self.plan.steps, figures)

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            shape=self.network.shape,
            step=self.step,
            plan={**asdict(self.plan), "radiometry": asdict(self.radiometry)},
            network=self.network.state_dict(),
            averaged=self.averaged.state_dict(),
            optimiser=self.optimiser.state_dict(),
        )

    def _resume(self) -> None:
        stored = read_checkpoint(self.folder / "checkpoint.pt", self.network.shape)
        if stored is None:
            return
        self.network.load_state_dict(stored.network)
        self.averaged.load_state_dict(stored.averaged)
        self.optimiser.load_state_dict(stored.optimiser)
        self.step = stored.step
        self.curves.keep_until(stored.step)


def _parameters(network: SegmentationNetwork, pretrained_share: float) -> list[dict[str, Any]]:
    """What is learned, in groups with their shares of the learning rate."""
    own = [p for name, p in network.named_parameters() if not name.startswith("pretrained.")]
    groups: list[dict[str, Any]] = [{"params": own, "share": 1.0}]
    if network.shape.pretrained:
        groups.append({"params": list(network.pretrained.parameters()), "share": pretrained_share})
    return groups


def crop_loss(
    logits: Tensor, crops: Crops, hard_share: float, smoothing: float
) -> tuple[Tensor, dict[str, float]]:
    """Cross entropy against soft labels and against labelled pixels, each a weighted mean.

    Both are one sum over pixels, so that the logarithms are taken once.

    Returns:
        The loss, and figures for the curves.
    """
    device, count = logits.device, logits.shape[1]
    logs = functional.log_softmax(logits, 1)
    hard, weight = crops.hard.to(device), crops.hard_weight.to(device)
    where = weight.nonzero(as_tuple=True)
    truth, weight = hard[where], weight[where]
    weight = weight / weight.sum().clamp_min(1.0)
    chosen = logs[where[0], :, where[1], where[2]]
    picked = chosen.gather(1, truth[:, None])[:, 0]
    hard_loss = -(((1 - smoothing) * picked + smoothing / count * chosen.sum(1)) * weight).sum()
    right = ((chosen.argmax(1) == truth) * weight).sum()
    figures = {"hard_loss": float(hard_loss.detach()), "hard_accuracy": float(right)}
    if crops.soft is None:
        return hard_loss, {"loss": figures["hard_loss"], **figures}
    soft_weight = crops.soft_weight.to(device)
    target = crops.soft.to(device) * (soft_weight / soft_weight.sum().clamp_min(1.0))[:, None]
    soft_loss = -(logs * target).sum()
    loss = hard_share * hard_loss + (1 - hard_share) * soft_loss
    return loss, {"loss": float(loss.detach()), **figures, "soft_loss": float(soft_loss.detach())}


def _lower_precision(precision: str, device: torch.device) -> bool:
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    has: Any = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(has and has())
