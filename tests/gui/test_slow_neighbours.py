"""A live layer that paints as its tiles come lets slow layers beside it finish their frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gui.window import drive, qgis_command

pytestmark = [
    pytest.mark.skipif(not qgis_command(), reason="xvfb-run and qgis are needed to drive a window"),
    pytest.mark.xdist_group("window"),
]

SLOW = """
from qgis.core import QgsMapLayerRenderer, QgsPluginLayer

FRAMES = []  # [is it QGIS' look ahead of the view, how it ended]

class SlowRenderer(QgsMapLayerRenderer):
    def __init__(self, layer_id, context):
        super().__init__(layer_id, context)
        self._context = context
    def render(self):
        frame = [self._context.testFlag(QgsRenderContext.RenderPreviewJob), 'begun']
        FRAMES.append(frame)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            if self._context.renderingStopped():
                frame[1] = 'cut off'
                return False
            time.sleep(0.02)
        frame[1] = 'finished'
        return True

KEPT = []

class SlowLayer(QgsPluginLayer):
    def __init__(self, like):
        super().__init__('slow', 'slow')
        self.setValid(True)
        self.setCrs(like.crs())
        self.like = like
    def extent(self):
        return self.like.extent()
    def setTransformContext(self, context):
        pass
    def createMapRenderer(self, context):
        KEPT.append(SlowRenderer(self.id(), context))
        return KEPT[-1]

def live():
    return next(l for l in QgsProject.instance().mapLayers().values() if l.providerType() == 'landcover')

def slow_inference():
    from landcover_plugin.core.backends.onnxruntime import OnnxRuntimeRunner
    real = OnnxRuntimeRunner.run
    def run(self, *given):
        time.sleep(0.25)
        return real(self, *given)
    OnnxRuntimeRunner.run = run

def begin():
    layer = load(FOLDER + '/image.tif')
    plugin()._gui.show_dock(); QTest.qWait(300)
    native(layer)
    QTest.qWait(600); wait(settled)  # QGIS draws a map once more half a second after it got its size
    slow_inference()
    click(button())
    wait(lambda: feed(live()).setup is not None)
    return layer
"""


def test_a_layer_of_two_seconds_a_frame_is_never_cut_off_by_the_live_layer(folder: Path):
    result = drive(
        SLOW
        + """
def main():
    layer = begin()
    slow = SlowLayer(layer)
    QgsProject.instance().addMapLayer(slow)
    repaints = []
    live().repaintRequested.connect(lambda: repaints.append(feed(live()).queue.waiting))
    for n in range(2):
        wait(lambda: len(repaints) >= 3 and FRAMES and FRAMES[0][1] != 'begun', 40)
        RESULT['frames%d' % n] = [how for ahead, how in FRAMES if not ahead]
        if not n:
            wait(settled)
            FRAMES.clear(); repaints.clear()
            plugin()._gui._session.cache.clear()  # and so tiles stream in once more
            slow.triggerRepaint(); live().triggerRepaint()
    QgsProject.instance().removeMapLayer(slow.id())
    QTest.qWait(300)
run(main)
""",
        folder,
        {"models_folder": folder / "models", "disk_mb": 0},
    )
    for n in range(2):
        # a frame is drawn to its end, and kept by QGIS while the live layer is painted again and again
        assert result[f"frames{n}"] == ["finished"]
