"""One inference server of a fleet: how to ask it, how much to ask of it, and how it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import BackendError, ModelError
from ..model import ModelSpec
from . import settings
from .addresses import Address
from .agreement import SAME_CLASSES, agree, canary, equal_share, numeric_kind
from .answers import AnswerCheck, answer_bytes, answer_shape
from .credentials import read_bearer, read_ca_file, request_headers
from .protocol import Arrays, Priority
from .remote import InferenceClient
from .window import LARGEST, Window

_SMOOTHING = 0.2


class ServerClient(Protocol):
    """What HTTP and gRPC offer alike; errors are those of :class:`InferenceClient`."""

    def server_metadata(self, *, deadline_s: float) -> Any:
        """Name, version and extensions of the server."""
        ...

    def model_metadata(self, model: str, *, deadline_s: float) -> Any:
        """Inputs, outputs and versions of a model."""
        ...

    def infer(
        self,
        model: str,
        chips: npt.NDArray[Any],
        outputs: Sequence[str],
        priority: Priority,
        *,
        deadline_s: float,
        answer_bytes: int,
        binary: bool = True,
        version: str | None = None,
        sha256: str | None = None,
    ) -> Arrays:
        """One inference."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True)
class Examination:
    """What a server said of itself, and how it answered a tiny inference.

    Args:
        numeric_kind: see :class:`Backend`.
        software: its name and version, for people.
        version: of the model.
        binary: whether raw tensors are understood.
        answer: to the canary, all outputs.
        seconds: that the canary took.
        values: of the canary's one chip.
    """

    numeric_kind: str
    software: str
    version: str | None
    binary: bool
    answer: Arrays
    seconds: float
    values: int = 1


class Endpoint:
    """One server. Its counters are guarded by the fleet's lock; asking it needs none.

    Attributes:
        window: requests worth having under way there.
        in_use: requests under way there.
        aside: why it is not asked; empty while it is.
        paused_until: it asked to be left alone until then (monotonic seconds).
        strikes: failures since its last real answer.
        seconds: that an answer takes, smoothed; 0 before the first.
        answers: real answers so far.
    """

    def __init__(self, address: Address, spec: ModelSpec) -> None:
        self.address = address
        self._spec, self._check = spec, AnswerCheck(spec)
        self._client = _client(address)
        self._facts: Examination | None = None
        self.window = Window()
        self.in_use = self.strikes = self.answers = 0
        self.aside = ""
        self.paused_until = self.seconds = 0.0

    @property
    def facts(self) -> Examination | None:
        """What its first examination that was accepted found."""
        return self._facts

    def accept(self, facts: Examination) -> None:
        """Take what an examination found as what this server is."""
        self._facts = facts

    def examine(self, deadline_s: float) -> Examination:
        """Read its metadata and run a tiny inference: a server that says ready need not be.

        Raises:
            LandcoverError: it does not answer, has no such model, or another one.
        """
        spec = self._spec
        end = time.monotonic() + deadline_s
        server = self._client.server_metadata(deadline_s=deadline_s)
        metadata = self._client.model_metadata(spec.name, deadline_s=_left(end))
        agreement = agree(spec, metadata, self.address.url)
        about = server if isinstance(server, dict) else {}
        extensions = about.get("extensions")
        announced = isinstance(extensions, list) and "binary_tensor_data" in extensions
        facts = Examination(
            "",
            f"{str(about.get('name', 'unknown server'))[:40]} {str(about.get('version', ''))[:20]}".strip(),
            agreement.version,
            announced if self.address.binary is None else self.address.binary,
            {},
            0.0,
        )
        started = time.monotonic()
        chip = canary(spec, agreement)
        answer = self._ask(facts, chip, spec.outputs, Priority.BATCH, _left(end))
        seconds = time.monotonic() - started
        kind = numeric_kind(agreement, server, metadata, answer)
        return replace(facts, numeric_kind=kind, answer=answer, seconds=seconds, values=chip.size)

    def compare(self, facts: Examination, other: Examination) -> None:
        """Refuse a server whose tiny inference gives other classes than another's.

        Raises:
            ModelError: it runs another model.
        """
        share = equal_share(facts.answer, other.answer)
        if share < SAME_CLASSES:
            raise ModelError(
                f"Model '{self._spec.name}' at {self.address.url} gives other classes than before or "
                f"than another server ({100 * share:.1f} % equal); serve the same model folder there."
            )

    def ask(
        self, chips: npt.NDArray[Any], outputs: Sequence[str], priority: Priority, deadline_s: float
    ) -> Arrays:
        """One inference; its answer fits the spec.

        Raises:
            LandcoverError: no answer, a refusal, or an answer that does not fit.
        """
        facts = self._facts
        if facts is None:
            raise BackendError(f"{self.address.url} has not answered yet; try another server.")
        return self._ask(facts, chips, outputs, priority, deadline_s)

    def _ask(
        self,
        facts: Examination,
        chips: npt.NDArray[Any],
        outputs: Sequence[str],
        priority: Priority,
        deadline_s: float,
    ) -> Arrays:
        answer = self._client.infer(
            self._spec.name,
            chips,
            outputs,
            priority,
            deadline_s=deadline_s,
            answer_bytes=answer_bytes(self._spec, outputs, chips.shape),
            binary=facts.binary,
            version=facts.version,
            sha256=self._spec.sha256,
        )
        answer = {name: np.require(a, a.dtype.newbyteorder("=")) for name, a in answer.items()}
        for name, array in answer.items():
            wanted = answer_shape(self._spec, name, chips.shape)
            if array.shape == (*wanted, 1):  # see agreement: Triton's class a chip
                answer[name] = array.reshape(wanted)
        self._check(answer, chips.shape)
        return answer

    def usual_s(self, values: int) -> float:
        """Seconds that an answer to a request of so many values takes; from the canary before there are any."""
        if self.answers >= 4 or self._facts is None:
            return self.seconds
        return self._facts.seconds * max(1.0, values / self._facts.values)

    def took(self, seconds: float) -> None:
        """Remember how long an answer took."""
        self.seconds += (seconds - self.seconds) * (_SMOOTHING if self.answers else 1.0)
        self.answers += 1

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


def _client(address: Address) -> ServerClient:
    read_bearer()  # so that a fault of the file is heard at once
    ca_file = read_ca_file()
    if address.scheme.startswith("grpc"):
        from .grpc import GrpcClient

        return GrpcClient(address.url, headers=request_headers, ca_file=ca_file)
    return InferenceClient(
        address.url,
        headers=request_headers,
        ca_file=ca_file,
        connections=LARGEST + 2,
        proxy=settings.proxy(address.url),
    )


def _left(end: float) -> float:
    return max(0.1, end - time.monotonic())
