"""What the covers of the generated landscape look like: figures measured on real aerial imagery."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

WATER, TREE, LOW_VEGETATION, BARREN, IMPERVIOUS = 1, 2, 3, 4, 5
"""The classes of the truth; "tree" is tree and shrub."""


class Cover(IntEnum):
    """A kind of ground that looks alike; several make a class."""

    RIVER = 0
    POND = 1
    UNDERSTOREY = 2
    MEADOW = 3
    PASTURE = 4
    CROP = 5
    HAY = 6
    LAWN = 7
    SOIL = 8
    PALE_SOIL = 9
    ASPHALT = 10
    CONCRETE = 11
    DARK_ROOF = 12
    RED_ROOF = 13
    LIGHT_ROOF = 14
    GRAVEL = 15


class Look(NamedTuple):
    """Digital numbers (0 to 255) of one cover: red, green, blue, near infrared."""

    class_id: int
    mean: tuple[float, float, float, float]
    spread: float
    """Standard deviation from place to place, within one such cover."""
    texture: float
    """Standard deviation within 3 m."""


# How measured: the 5x5 px around each labelled point on NAIP chips of California and southern Ohio
# (0.6 m, 8 bit). For each class and each of the two landscapes the points were sorted by
# brightness and cut into three equal groups (dark, middle, light); mean = the group's mean, spread
# = a third to a half of the group's standard deviation (the rest is light and camera, which one
# photograph does not have), texture = the median standard deviation within the 5x5 px. The red
# roof is the middle impervious group with the red and blue of tiled roofs read off by eye.
LOOKS: dict[Cover, Look] = {
    Cover.RIVER: Look(WATER, (52, 69, 84, 16), 3, 1.2),  # Ohio, dark
    Cover.POND: Look(WATER, (72, 83, 88, 30), 4, 1.2),  # Ohio, middle
    Cover.UNDERSTOREY: Look(TREE, (51, 67, 60, 145), 5, 6),  # California, dark
    Cover.MEADOW: Look(LOW_VEGETATION, (139, 151, 100, 220), 6, 3.5),  # Ohio, middle
    Cover.PASTURE: Look(LOW_VEGETATION, (108, 128, 92, 204), 8, 4),  # Ohio, dark
    Cover.CROP: Look(LOW_VEGETATION, (67, 81, 65, 166), 7, 4),  # California, dark
    Cover.HAY: Look(LOW_VEGETATION, (178, 171, 124, 218), 6, 4),  # Ohio, light
    Cover.LAWN: Look(LOW_VEGETATION, (108, 128, 92, 204), 8, 4),  # Ohio, dark
    Cover.SOIL: Look(BARREN, (148, 141, 128, 138), 6, 5),  # California, middle
    Cover.PALE_SOIL: Look(BARREN, (199, 179, 147, 194), 6, 4),  # Ohio, all
    Cover.ASPHALT: Look(IMPERVIOUS, (114, 114, 113, 96), 4, 5),  # California, middle
    Cover.CONCRETE: Look(IMPERVIOUS, (162, 160, 155, 140), 7, 6),  # California, light
    Cover.DARK_ROOF: Look(IMPERVIOUS, (73, 77, 85, 61), 7, 6),  # California, dark
    Cover.RED_ROOF: Look(IMPERVIOUS, (138, 110, 98, 110), 8, 6),  # California, middle, see above
    Cover.LIGHT_ROOF: Look(IMPERVIOUS, (216, 214, 203, 210), 8, 5),  # Ohio, light
    Cover.GRAVEL: Look(IMPERVIOUS, (168, 169, 159, 164), 6, 7),  # Ohio, middle
}

CROWNS: tuple[Look, ...] = (
    Look(TREE, (68, 89, 83, 207), 7, 8),  # Ohio, middle
    Look(TREE, (87, 110, 89, 218), 7, 8),  # Ohio, light
    Look(TREE, (66, 84, 72, 156), 7, 7),  # California, middle
    Look(TREE, (51, 67, 60, 145), 6, 7),  # California, dark
)
"""Kinds of tree."""

SHADE: tuple[float, float, float, float] = (0.42, 0.47, 0.60, 0.36)
"""Brightness left in a shadow, by band: blue sky light fills it, near infrared least (by eye)."""
