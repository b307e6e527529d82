"""A model of the tests inside MLServer, which has no runtime of its own for ONNX."""

from __future__ import annotations

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):
    """Runs the ONNX file that the model's settings name."""

    async def load(self) -> bool:
        self._session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, providers=["CPUExecutionProvider"]
        )
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        chips = {i.name: NumpyCodec.decode_input(i) for i in payload.inputs}
        names = [o.name for o in payload.outputs or []] or [o.name for o in self._session.get_outputs()]
        outputs = [NumpyCodec.encode_output(n, a) for n, a in zip(names, self._session.run(names, chips))]
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=outputs)
