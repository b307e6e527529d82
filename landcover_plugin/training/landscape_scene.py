"""Where things lie in the generated landscape: fields, woods, water, roads, houses, trees.

Places are fractions of the scene's side, so that a small scene has what a large one has; roads,
houses and crowns keep their size in metres.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .landscape_covers import CROWNS, Cover
from .landscape_shapes import Canvas, Floats, Mask, curve, smooth_noise

RIVER = [(0.20, -0.06), (0.23, 0.13), (0.13, 0.33), (0.26, 0.51), (0.22, 0.71), (0.37, 0.85), (0.34, 1.06)]
LAKE = (0.80, 0.19, 0.075)
MAIN_ROAD = [(-0.06, 0.63), (0.18, 0.60), (0.44, 0.55), (0.62, 0.60), (0.80, 0.71), (1.06, 0.75)]
LANES = [
    [(0.505, 0.562), (0.53, 0.36), (0.47, 0.19), (0.53, -0.06)],
    [(0.455, 0.552), (0.475, 0.72), (0.44, 0.88), (0.47, 1.06)],
]
STREETS = [
    [(0.61, 0.597), (0.585, 0.74), (0.66, 0.89), (0.645, 1.06)],
    [(0.765, 0.688), (0.735, 0.80), (0.79, 0.92), (0.77, 1.06)],
    [(0.595, 0.75), (0.735, 0.80), (0.87, 0.85), (1.06, 0.865)],
    [(0.655, 0.89), (0.72, 0.905), (0.785, 0.915), (0.92, 0.965), (1.06, 0.97)],
]
TRACK = [(0.508, 0.275), (0.58, 0.265), (0.635, 0.30)]
FARM = (0.63, 0.315)
STORE = (0.54, 0.665)
WOODS = [(0.87, 0.45, 0.13), (0.06, 0.15, 0.12), (0.07, 0.86, 0.12), (0.65, 0.10, 0.065), (0.30, 0.20, 0.05),
         (0.97, 0.05, 0.07)]  # fmt: skip
NEW_STREETS = [[(0.526, 0.385), (0.44, 0.40), (0.365, 0.35), (0.35, 0.27)], [(0.43, 0.395), (0.42, 0.47)]]
FELLED = (0.90, 0.40, 0.085)

FIELDS = (
    Cover.PASTURE,
    Cover.MEADOW,
    Cover.CROP,
    Cover.SOIL,
    Cover.HAY,
    Cover.PASTURE,
    Cover.CROP,
    Cover.MEADOW,
)
# What each field bears at the second date: still the same class, but another crop or cut.
SECOND_FIELDS = {Cover.HAY: Cover.MEADOW, Cover.CROP: Cover.HAY, Cover.MEADOW: Cover.PASTURE}
FIELD_ANGLE = 0.32


class Scene:
    """The ground of one date, drawn at a few pixels a metre.

    Attributes:
        cover: ``(row, col)`` uint8, a :class:`Cover`; under crowns that of the ground.
        tone: ``(row, col)`` float32, brightness against the cover's mean, in its spreads.
        height: ``(row, col)`` float32, metres above the ground.
        crown: ``(row, col)`` int8, the kind of tree that is seen; -1 where none is.
    """

    def __init__(self, size: int, seed: int, second_date: bool, scale: int = 2) -> None:
        self.canvas = Canvas(size, scale)
        self.second_date = second_date
        self._seed = seed
        shape = (self.canvas.pixels, self.canvas.pixels)
        self.cover: npt.NDArray[np.uint8] = np.zeros(shape, np.uint8)
        self.tone: Floats = np.zeros(shape, np.float32)
        self.height: Floats = np.zeros(shape, np.float32)
        self.crown: npt.NDArray[np.int8] = np.full(shape, -1, np.int8)
        self._taken: Mask = np.zeros(shape, np.bool_)
        self._small = min(1.0, size / 700)
        self._fields()
        self._woods()
        self._water()
        self._roads_and_houses()
        self._trees()

    def random(self, feature: int) -> np.random.Generator:
        """Randomness of one feature, so that a change in one leaves the others as they were."""
        return np.random.default_rng([self._seed, feature])

    def _place(self, fraction: float) -> float:
        return fraction * self.canvas.size

    def _line(self, points: list[tuple[float, float]]) -> npt.NDArray[np.float64]:
        return curve(np.asarray(points, np.float64) * self.canvas.size)

    def noise(self, feature: int, wavelength: float, octaves: int = 1) -> Floats:
        """Noise of one feature over the scene; ``wavelength`` in metres."""
        c = self.canvas
        return smooth_noise(self.random(feature), c.pixels, wavelength * c.scale, octaves)

    def _fields(self) -> None:
        rng, c = self.random(1), self.canvas
        wander = self.noise(2, 130, 2) * 4
        cos, sin = np.cos(FIELD_ANGLE), np.sin(FIELD_ANGLE)
        along = c.x * np.float32(cos) + c.y * np.float32(sin) + wander
        self.across = c.y * np.float32(cos) - c.x * np.float32(sin) + wander * 0.6
        reach = 1.5 * c.size
        columns = np.cumsum(rng.uniform(105, 215, 40)) - reach
        column = np.searchsorted(columns, along)
        self.to_boundary: Floats = np.full(along.shape, 99, np.float32)
        for edge in columns[(columns > -reach / 2) & (columns < 1.5 * c.size)]:
            np.minimum(self.to_boundary, np.abs(along - np.float32(edge)), out=self.to_boundary)
        self._grazed: Mask = np.zeros(along.shape, np.bool_)
        last = 0
        for number in range(int(column.min()), int(column.max()) + 1):
            rows = np.cumsum(rng.uniform(90, 240, 40)) - reach
            here = column == number
            v = self.across[here]
            row = np.searchsorted(rows, v)
            near = np.minimum(np.abs(v - rows[np.maximum(row - 1, 0)]), np.abs(v - rows[np.minimum(row, 39)]))
            self.to_boundary[here] = np.minimum(self.to_boundary[here], near.astype(np.float32))
            # A shuffled round of the covers: neighbours differ, and all of them occur.
            bears = np.array(
                [FIELDS[(3 * int(number) + k + last) % len(FIELDS)] for k in range(41)], np.uint8
            )
            last += int(rng.integers(1, 4))
            self._grazed[here] = np.isin(bears, [Cover.PASTURE, Cover.MEADOW])[row]
            if self.second_date:
                bears = np.array([SECOND_FIELDS.get(Cover(b), b) for b in bears], np.uint8)
            self.cover[here] = bears[row]
            self.tone[here] = rng.uniform(-1, 1, 41).astype(np.float32)[row]
        self.cover[self.to_boundary < 2.2] = Cover.MEADOW

    def _woods(self) -> None:
        ragged = self.noise(3, 90, 4)
        self.wood: Mask = np.zeros(self.cover.shape, np.bool_)
        for x, y, radius in WOODS:
            self.wood |= self._blob(x, y, radius, ragged)
        self.cover[self.wood] = Cover.UNDERSTOREY
        if self.second_date:
            felled = self.wood & self._blob(*FELLED, self.noise(4, 60, 3))
            self.wood &= ~felled
            self.cover[felled] = Cover.SOIL
            self.tone[felled] = 0

    def _blob(self, x: float, y: float, radius: float, ragged: Floats) -> Mask:
        c = self.canvas
        far = np.hypot(c.x - np.float32(self._place(x)), c.y - np.float32(self._place(y)))
        return far < self._place(radius) * (1 + 0.28 * ragged)

    def _water(self) -> None:
        small, ragged = self._small, self.noise(5, 40, 3)
        width = (15 + 3.5 * self.noise(6, 200)) * np.float32(small) + ragged
        self.to_river: Floats = self.canvas.distance_to(self._line(RIVER), 60) - width
        bar = (self.to_river < 7 * small) & (self.noise(7, 110, 2) > 0.9)
        bank = (self.to_river < 9 * small) & ~bar
        lake = self._blob(*LAKE, self.noise(8, 80 * np.sqrt(small), 4) * 1.1)
        lake |= self._blob(LAKE[0] + 0.06, LAKE[1] + 0.04, LAKE[2] * 0.6, self.noise(15, 70, 4))
        shore = self._blob(LAKE[0] + 0.02, LAKE[1] + 0.015, LAKE[2] * 1.35, self.noise(8, 80, 3))
        self.cover[bank & ~self.wood] = Cover.PASTURE
        self.cover[shore & ~self.wood] = Cover.PASTURE
        self.cover[bar] = Cover.PALE_SOIL
        self.cover[self.to_river < 0] = Cover.RIVER
        self.cover[lake] = Cover.POND
        self.water: Mask = (self.to_river < 0) | lake
        self.tone[self.water | bar | shore | bank] = 0
        self._taken |= self.water

    def _roads_and_houses(self) -> None:
        main, track = self._line(MAIN_ROAD), self._line(TRACK)
        lanes, streets = [self._line(p) for p in LANES], [self._line(p) for p in STREETS]
        added = [self._line(p) for p in NEW_STREETS] if self.second_date else []
        roads = [(main, 9.0, Cover.ASPHALT), *((p, 6.0, Cover.ASPHALT) for p in lanes + streets)]
        roads += [(p, 7.0, Cover.CONCRETE) for p in added] + [(track, 4.0, Cover.GRAVEL)]
        surfaces = [(self.canvas.distance_to(line, 14), width, cover) for line, width, cover in roads]
        for away, width, _ in surfaces:
            self._taken |= away < width / 2 + 2
        for (x, y), reach in ((STORE, 52), (FARM, 30)):
            at = self.canvas.window(self._place(x), self._place(y), reach * self._small)
            if at is not None:
                self._taken[at] = True
        sites = [(line, 20 + k) for k, line in enumerate([*streets, lanes[1][: len(lanes[1]) // 2]])]
        houses = [h for line, feature in sites for h in self._sites_along(line, feature)]
        houses += [h for k, line in enumerate(added) for h in self._sites_along(line, 40 + k)]
        self.houses = houses
        for number, house in enumerate(houses):
            self._garden(*house, self.random(1000 + number))
        for away, width, _ in surfaces:
            verge = (away < width / 2 + 2.5) & (self.cover != Cover.RIVER)
            self.cover[verge] = Cover.MEADOW
            self.tone[verge] = 0
        for away, width, cover in reversed(surfaces):
            self.cover[away < width / 2] = cover
            self.tone[away < width / 2] = 0
        for number, house in enumerate(houses):
            self._house(*house, self.random(2000 + number))
        self._store()
        self._farm()
        self._cars([main, *lanes, *streets])

    def _sites_along(self, line: npt.NDArray[np.float64], feature: int) -> list[tuple[float, float, float]]:
        """Places of houses on both sides of a street: x, y and the direction to the street."""
        rng, found = self.random(feature), []
        steps = np.hypot(*np.diff(line, axis=0).T)
        at = np.concatenate([[0], np.cumsum(steps)])
        for side in (-1, 1):
            where = float(rng.uniform(14, 24))
            while where < at[-1] - 12:
                x, y = (float(np.interp(where, at, line[:, k])) for k in (0, 1))
                k = min(int(np.searchsorted(at, where)), len(line) - 1)
                dx, dy = (line[k] - line[k - 1]) / max(steps[k - 1], 1e-6)
                back = float(rng.uniform(16.5, 19))
                x, y = x - side * dy * back, y + side * dx * back
                where += float(rng.uniform(18, 24))
                if self._claim(x, y, 8.5):
                    found.append((x, y, float(np.arctan2(-side * dx, side * dy))))
        return found

    def _claim(self, x: float, y: float, reach: float) -> bool:
        at = self.canvas.window(x, y, reach)
        if (
            at is None
            or self._taken[at].any()
            or not 0 < x < self.canvas.size
            or not 0 < y < self.canvas.size
        ):
            return False
        self._taken[at] = True
        return True

    def _fill(
        self, x: float, y: float, length: float, width: float, angle: float, cover: Cover, tone: float,
        over: tuple[Cover, ...] = (),
    ) -> None:  # fmt: skip
        drawn = self.canvas.box(x, y, length, width, angle)
        if drawn is None:
            return
        at, inside, _ = drawn
        inside &= ~np.isin(self.cover[at], [Cover.RIVER, Cover.POND, *over])
        self.cover[at][inside] = cover
        self.tone[at][inside] = tone

    def _garden(self, x: float, y: float, towards: float, rng: np.random.Generator) -> None:
        worn = rng.random() < 0.12
        cover = Cover.SOIL if worn else Cover.LAWN
        self._fill(x, y, 34, 23, towards, cover, float(rng.uniform(-1.6, 1.6)))
        dx, dy = np.cos(towards), np.sin(towards)
        self._fill(
            x + 9 * dx + 4 * dy, y + 9 * dy - 4 * dx, 15, 3.2, towards, Cover.CONCRETE, float(rng.normal())
        )
        if rng.random() < 0.5:
            self._fill(x - 8 * dx, y - 8 * dy, 5, 7, towards, Cover.CONCRETE, float(rng.normal()))

    def _house(self, x: float, y: float, towards: float, rng: np.random.Generator) -> None:
        roof = [Cover.DARK_ROOF, Cover.DARK_ROOF, Cover.RED_ROOF, Cover.CONCRETE][int(rng.integers(4))]
        length, width = rng.uniform(11, 16), rng.uniform(8, 10.5)
        turned = towards + np.pi / 2 * float(rng.random() < 0.75) + float(rng.normal(0, 0.04))
        self.roof(x, y, length, width, turned, roof, float(rng.normal(0, 0.8)))
        if rng.random() < 0.5:
            dx, dy = np.cos(turned), np.sin(turned)
            wing = (x + 3 * dx - 4.5 * dy, y + 3 * dy + 4.5 * dx)
            self.roof(*wing, 8, 6.5, turned + np.pi / 2, roof, float(rng.normal(0, 0.3)))

    def roof(
        self, x: float, y: float, length: float, width: float, angle: float, cover: Cover, tone: float,
        eaves: float = 3.5, ridge: float = 6.5,
    ) -> None:  # fmt: skip
        """A building: its roof's two sides and its height."""
        drawn = self.canvas.box(x, y, length, width, angle)
        if drawn is None:
            return
        at, inside, across = drawn
        self.cover[at][inside] = cover
        # The sun is in the south south-east: the side that falls that way is the brighter one.
        south = np.float32(np.cos(angle) * 0.87 - np.sin(angle) * 0.5)
        pitched = 1.6 * np.sign(across) * south if ridge > eaves else np.zeros_like(across)
        self.tone[at][inside] = (tone + pitched)[inside]
        self.height[at][inside] = (ridge - (ridge - eaves) * np.abs(across))[inside]
        self._taken[at] |= inside

    def _store(self) -> None:
        x, y, k = self._place(STORE[0]), self._place(STORE[1]), self._small
        self._fill(x, y, 104 * k, 62 * k, 0.16, Cover.ASPHALT, 0.8)
        self._fill(x + 4 * k, y + 12 * k, 56 * k, 2, 0.16, Cover.LAWN, 0)
        self.roof(x - 18 * k, y - 12 * k, 58 * k, 28 * k, 0.16, Cover.LIGHT_ROOF, 0.3, 8, 8)
        self.roof(x - 30 * k, y - 10 * k, 7 * k, 5 * k, 0.16, Cover.CONCRETE, 0, 10, 10)
        self.roof(x - 4 * k, y - 8 * k, 5 * k, 5 * k, 0.16, Cover.CONCRETE, 0, 10, 10)
        rng = self.random(9)
        for row in (14.0, 20.0, 26.0):
            for place in np.arange(-44, 46, 3.2):
                if rng.random() < 0.45:
                    self._car(
                        x + (place - 0.16 * row) * k, y + (row + 0.16 * place) * k, 0.16 + np.pi / 2, rng
                    )

    def _farm(self) -> None:
        x, y, k = self._place(FARM[0]), self._place(FARM[1]), self._small
        self._fill(x, y, 58 * k, 46 * k, FIELD_ANGLE, Cover.SOIL, -0.5)
        self._fill(x - 6 * k, y - 4 * k, 34 * k, 24 * k, FIELD_ANGLE, Cover.GRAVEL, 0)
        self.roof(x + 16 * k, y + 8 * k, 30 * k, 14 * k, FIELD_ANGLE, Cover.LIGHT_ROOF, 0, 5, 8)
        self.roof(x - 14 * k, y + 14 * k, 20 * k, 10 * k, FIELD_ANGLE, Cover.RED_ROOF, 0, 4, 7)
        self.roof(x - 18 * k, y - 14 * k, 14 * k, 10 * k, FIELD_ANGLE + 1.57, Cover.DARK_ROOF, 0)

    def _cars(self, lines: list[npt.NDArray[np.float64]]) -> None:
        rng = self.random(10)
        for line in lines:
            for k in range(1, len(line)):
                if rng.random() < 0.10:
                    dx, dy = line[k] - line[k - 1]
                    angle, side = float(np.arctan2(dy, dx)), 1.8 if rng.random() < 0.5 else -1.8
                    self._car(
                        line[k, 0] - side * np.sin(angle), line[k, 1] + side * np.cos(angle), angle, rng
                    )

    def _car(self, x: float, y: float, angle: float, rng: np.random.Generator) -> None:
        cover = [Cover.LIGHT_ROOF, Cover.DARK_ROOF, Cover.RED_ROOF, Cover.DARK_ROOF][int(rng.integers(4))]
        self.roof(x, y, 4.6, 1.9, angle, cover, float(rng.normal()), 1.4, 1.4)

    def _trees(self) -> None:
        c, rng = self.canvas, self.random(11)
        step = 4.6
        grid = np.arange(-step, c.size + step, step)
        x, y = (a.ravel() + rng.uniform(-0.48, 0.48, a.size) * step for a in np.meshgrid(grid, grid))
        chance, kind_at, growth, *form = rng.random((7, x.size))
        row = np.clip((y * c.scale).astype(int), 0, c.pixels - 1)
        col = np.clip((x * c.scale).astype(int), 0, c.pixels - 1)
        riparian = (self.to_river > 2) & (self.to_river < 22 * self._small) & (self.noise(12, 70, 2) > -0.1)
        hedge = (self.to_boundary < 2.6) & (self.noise(13, 160, 2) > 0.15)
        # Of the first date's fields, so that a tree does not come and go with the crop.
        grassy = self._grazed & np.isin(self.cover, [Cover.PASTURE, Cover.MEADOW, Cover.HAY])
        wanted = np.zeros(x.size, np.float32)
        for mask, density in ((grassy, 0.006), (self.cover == Cover.LAWN, 0.17), (hedge, 0.95), (riparian, 0.7),
                              (self.wood, 1.0)):  # fmt: skip
            wanted = np.maximum(wanted, mask[row, col] * np.float32(density))
        wanted[self._taken[row, col] & ~(self.cover[row, col] == Cover.LAWN)] = 0
        wanted[np.isin(self.cover[row, col], _NO_TREES)] = 0
        in_wood, stand = self.wood[row, col], self.noise(14, 90, 2)[row, col]
        for i in np.flatnonzero(chance < wanted):
            radius = 2.0 + 2.9 * growth[i] if in_wood[i] else 1.3 + 3.4 * growth[i] ** 1.6
            kind = int((kind_at[i] * 3 + 1.1 * stand[i]) % len(CROWNS))
            self._crown(x[i], y[i], radius, kind, [float(f[i]) for f in form])

    def _crown(self, x: float, y: float, radius: float, kind: int, form: list[float]) -> None:
        """A tree: a lumpy dome that hides what is lower; ``form`` is four chances, 0 to 1."""
        at = self.canvas.window(x, y, radius * 1.3)
        if at is None:
            return
        lobes, turn = 3 + int(4 * form[0]), 6.28 * form[1]
        top, tone = radius * (1.9 + 0.8 * form[2]) + 1, 3.4 * (form[3] - 0.5)
        dx, dy = self.canvas.x[:, at[1]] - np.float32(x), self.canvas.y[at[0]] - np.float32(y)
        angle = np.arctan2(dy, dx)
        edge = radius * (1 + 0.10 * np.cos(lobes * angle + turn) + 0.07 * np.cos((lobes + 3) * angle - turn))
        dome = 1 - np.square(np.hypot(dx, dy) / edge)
        high = top * (0.45 + 0.55 * np.sqrt(np.maximum(dome, 0)))
        seen = (dome > 0) & (high > self.height[at])
        self.height[at][seen] = high[seen]
        self.crown[at][seen] = kind
        self.tone[at][seen] = tone


_NO_TREES = [Cover.RIVER, Cover.POND, Cover.ASPHALT, Cover.CONCRETE, Cover.GRAVEL, Cover.SOIL, Cover.DARK_ROOF,
             Cover.RED_ROOF, Cover.LIGHT_ROOF]  # fmt: skip
