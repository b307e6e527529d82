"""``python kserve_server.py PORT GRPC_PORT NAME/1/model.onnx …``: models of the tests in KServe's server."""

from __future__ import annotations

import sys
from pathlib import Path

import grpc
import kserve
import onnxruntime
import uvicorn

TYPES = {
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(int16)": "INT16",
    "tensor(float)": "FP32",
}


class OnnxModel(kserve.Model):
    """Runs an ONNX file."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name)
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.ready = True

    def predict(self, payload: kserve.InferRequest, headers=None, response_headers=None):
        chips = {i.name: i.as_numpy() for i in payload.inputs}
        names = [o.name for o in payload.request_outputs or []]
        names = names or [o.name for o in self._session.get_outputs()]
        outputs = []
        for name, array in zip(names, self._session.run(names, chips)):
            kind = {"uint8": "UINT8", "float32": "FP32"}[array.dtype.name]
            output = kserve.InferOutput(name, list(array.shape), kind)
            output.set_data_from_numpy(array, binary_data=True)
            outputs.append(output)
        return kserve.InferResponse(
            response_id=payload.id,
            model_name=self.name,
            infer_outputs=outputs,
            requested_outputs=payload.request_outputs,
            use_binary_outputs=payload.use_binary_outputs,
        )

    def get_input_types(self):
        return [self._described(i) for i in self._session.get_inputs()]

    def get_output_types(self):
        return [self._described(o) for o in self._session.get_outputs()]

    def _described(self, tensor):
        shape = [side if isinstance(side, int) else -1 for side in tensor.shape]
        return {"name": tensor.name, "datatype": TYPES[tensor.type], "shape": shape}


def listen_on_the_loopback() -> None:
    """KServe listens on all addresses, and has no option to change that."""
    configure, add_port = uvicorn.Config.__init__, grpc.aio.Server.add_insecure_port

    def configured(self, *arguments, **options):
        configure(self, *arguments, **{**options, "host": "127.0.0.1"})

    uvicorn.Config.__init__ = configured
    grpc.aio.Server.add_insecure_port = lambda self, address: add_port(
        self, address.replace("[::]", "127.0.0.1")
    )


if __name__ == "__main__":
    listen_on_the_loopback()
    server = kserve.ModelServer(http_port=int(sys.argv[1]), grpc_port=int(sys.argv[2]), workers=1)
    server.start([OnnxModel(Path(file).parts[-3], file) for file in sys.argv[3:]])
