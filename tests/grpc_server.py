"""A gRPC server of the Open Inference Protocol, with the service that tritonclient's own package describes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from landcover_plugin.core.model import ModelSpec
from landcover_plugin.server.inference import tensors_of

DATATYPES = {"uint8": "UINT8", "float32": "FP32"}


@contextlib.contextmanager
def serving_grpc(
    spec: ModelSpec, network: Any, certificate: tuple[bytes, bytes] | None = None
) -> Iterator[tuple[str, Any, Any]]:
    """Serve a model; gives the URL, the service with its ``fault`` and ``bearers``, and the module ``grpc``.

    Args:
        spec: of the model; takes whole numbers of 8 bits.
        network: the backend that answers, closed at the end.
        certificate: key and certificate for TLS.
    """
    pytest.importorskip("tritonclient.grpc", reason="tritonclient[grpc] is not installed")
    import grpc
    from tritonclient.grpc import service_pb2 as pb
    from tritonclient.grpc import service_pb2_grpc

    class Service(service_pb2_grpc.GRPCInferenceServiceServicer):
        fault: Any = None
        bearers: list[str] = []

        def ServerMetadata(self, request: Any, context: Any) -> Any:
            return pb.ServerMetadataResponse(name="peer", version="1")

        def ModelMetadata(self, request: Any, context: Any) -> Any:
            if request.name != spec.name:
                context.abort(grpc.StatusCode.NOT_FOUND, "unknown model")
            tensor = pb.ModelMetadataResponse.TensorMetadata
            tensors = {k: [tensor(**t) for t in given] for k, given in tensors_of(spec, False).items()}
            return pb.ModelMetadataResponse(name=spec.name, versions=["1"], **tensors)

        def ModelInfer(self, request: Any, context: Any) -> Any:
            self.bearers += [v for k, v in context.invocation_metadata() if k == "authorization"]
            if self.fault:
                self.fault(context)
            chips = np.frombuffer(request.raw_input_contents[0], np.uint8).reshape(request.inputs[0].shape)
            answer = network.submit(chips, tuple(o.name for o in request.outputs)).result(60)
            response = pb.ModelInferResponse(model_name=spec.name, model_version="1", id=request.id)
            for name, array in reversed(answer.items()):
                response.outputs.add(name=name, datatype=DATATYPES[array.dtype.name], shape=array.shape)
                response.raw_output_contents.append(array.tobytes())
            return response

    peer, service = grpc.server(ThreadPoolExecutor(4)), Service()
    service.bearers = []
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(service, peer)
    if certificate is None:
        scheme, port = "grpc", peer.add_insecure_port("127.0.0.1:0")
    else:
        credentials = grpc.ssl_server_credentials([certificate])
        scheme, port = "grpcs", peer.add_secure_port("127.0.0.1:0", credentials)
    peer.start()
    try:
        yield f"{scheme}://127.0.0.1:{port}", service, grpc
    finally:
        peer.stop(0)
        network.close()
