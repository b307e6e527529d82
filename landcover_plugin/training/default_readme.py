"""``README.md`` of a shipped model: what it is, what it was trained on, how it was measured, where it fails."""

from __future__ import annotations

from ..core.model import ModelSpec

DATA = """\
The weights are the project's own work, licensed {licence}. Imagery: US National Agriculture Imagery Program
(public domain). Californian chips: GitHub `jonathanventura/urban-tree-detection-data`, CC BY 4.0 (Ventura et al.
2024, *Individual Tree Detection in Large-Scale Urban Environments using High-Resolution Multispectral Imagery*).
Ohio chips: imagery of GitHub `yinx111/U-Net-Semantic-Segmentation-on-Multispectral-Satellite-Imagery`. West Virginia:
test data of GitHub `calebrob6/land-cover`, labels of the Chesapeake Conservancy (2013/14).
The 2018 model that served as a weak teacher: GitHub `Azure/pixel_level_land_classification`, MIT."""

SEGMENTATION = """\
# {title}

{description}

| | |
| --- | --- |
| imagery | 8 bit, {bands} |
| ground pixel size | best {best} m, from {least} to {most} m |
| classes | {classes} |
| network | fully convolutional, {parameters} parameters; residual 3 × 3 convolutions at stride 8, skips at 2 and 4 |
| reach | {reach} pixels to each side of a tile that starts at a multiple of 8; halo {halo}, so tiles are exact |
| file | `{file}`, SHA-256 `{checksum}` |

## What it was trained on
- {chips} chips of 256 × 256 pixels: eight cities of California, farmland in southern Ohio (0.6 m), a quarter
  quadrangle in West Virginia (1 m, eight patches at two dates each); and 40 chips of generated landscapes, a fiftieth of
  the crops.
- {points} squares of 3 × 3 pixels read by eye, {own} of them by this project where a network was unsure
  (`landcover_plugin/training/labels`), as hard labels.
- Soft labels for all other pixels, by a weak teacher: extremely randomised trees over spectral and texture features and the
  2018 model's probabilities, fitted to the points of training places only. In Ohio the 2018 model's opinion is mixed in; in
  West Virginia the Chesapeake Conservancy's labels.{more}
- Varied in training: pixel size 0.67 to 1.9 times the chip's, exposure, contrast and colour, faded colours, browned
  vegetation, blur, sharpening, noise and JPEG blocks.

Fold 0 of five was held out, its pixels and its points: places (city and number) in California, cluster 03 in Ohio, the quad
`m_3708035_ne` in West Virginia. **All figures below are of the network that never saw them.** Once they were taken,
it went on for {refit} steps with the points of all folds, the quad still held out; those weights are shipped.

## How it was measured
**One fold of five, not five.** Points of one fold are few; the 95 % intervals stand beside every figure, and those of
different regions must not be averaged. The points were drawn evenly over spectral strata and leave out squares that two
covers share, so figures over all pixels would be lower. {chosen}

{figures}
{speed}
## Where it fails, and where it was not tried
{fails}
- Not tried: other states than California, Ohio and West Virginia, other countries, snow, haze and cloud, imagery of 16
  bits, satellite imagery coarser than 1.5 m, drone imagery finer than 0.4 m. Barren ground against dry grass is
  the least certain pair already in the points.

## Made by
`LANDCOVER_DATA=… landcover train default {name}` (seed and settings in `model.json` and in the run's checkpoint).{made}

## Licence and origin
{data}
"""


def segmentation_readme(
    spec: ModelSpec, figures: str, *, parameters: int, reach: int, chips: int, points: int, own: int,
    refit: int, speed: str, fails: str, more: str = "", made: str = "", chosen: str = "",
) -> str:  # fmt: skip
    """The text for a default segmentation model.

    Args:
        spec: as written.
        figures: Markdown of everything measured.
        parameters: of the network.
        reach: in pixels.
        chips: in training.
        points: read by eye, in training.
        own: how many of those are the project's own.
        refit: steps with the points of all folds after the figures were taken.
        speed: a section on speed, or nothing.
        fails: list of known faults.
        more: about the training data.
        made: about the run.
        chosen: what was chosen by looking at the held-out figures, if anything.
    """
    size = spec.pixel_size_m
    return SEGMENTATION.format(
        title=spec.title, description=spec.description, bands=", ".join(b.name for b in spec.bands),
        best=size.best, least=size.min, most=size.max, classes=", ".join(f"{c.id} {c.name}" for c in spec.legend),
        parameters=f"{parameters:,}", reach=reach, halo=spec.halo, file=spec.file, checksum=spec.sha256, chips=chips,
        points=f"{points:,}", own=own, refit=refit, more=more, chosen=chosen, figures=figures, speed=speed, fails=fails,
        name=spec.name, made=made, data=DATA.format(licence=spec.licence),
    )  # fmt: skip
