"""A runner that spreads the requests of one model over inference servers elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from secrets import SystemRandom
from statistics import median
from typing import Any

import numpy as np

from ..errors import BackendError, LandcoverError
from ..model import ModelSpec
from . import settings
from .addresses import Address, warn_of_open_addresses
from .agreement import combined_kind
from .credentials import request_headers
from .endpoint import Endpoint, Examination
from .protocol import Arrays, Priority
from .remote import ConnectionLostError, RefusedError
from .window import LARGEST

_MOST_THREADS = 512
_BUSY = (429, 503)
_SLOW_TIMES, _SLOW_AND_S = 10.0, 0.5


@dataclass(frozen=True)
class Patience:
    """How long a fleet waits for what, in seconds.

    Args:
        request: for an answer, all attempts together.
        attempt: for one attempt at most; ten times what a server usually takes, where that is less.
        least_attempt: for one attempt at least.
        gone: with no server that answers, before requests fail.
        probe: for a server's examination.
        first_pause: before a server that failed is probed, doubled from strike to strike.
        longest_pause: between two probes.
        attempts: of one request, pauses that servers asked for not counted.
    """

    request: float = 300.0
    attempt: float = 60.0
    least_attempt: float = 5.0
    gone: float = 20.0
    probe: float = 15.0
    first_pause: float = 0.1
    longest_pause: float = 15.0
    attempts: int = 8


class FleetRunner:
    """One model on one server or many.

    A request goes to the server with the most room in its window. A server that fails is set aside
    and probed by a tiny inference until it answers as before; its request goes to another one. What
    has been answered is never sent again.
    """

    def __init__(
        self, spec: ModelSpec, addresses: Sequence[Address], patience: Patience | None = None
    ) -> None:
        """Examine all servers at once; those that fail are set aside.

        Raises:
            LandcoverError: of the first server, where none can be used.
        """
        self._patience = patience or Patience()
        self._random = SystemRandom()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._last_sign = time.monotonic()
        warn_of_open_addresses(tuple(addresses), settings.warn)
        request_headers()  # what is wrong with them is no server's fault
        self._endpoints = [Endpoint(address, spec) for address in addresses]
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        kinds = [e.facts.numeric_kind for e in self._endpoints if e.facts]
        self._kinds = set(kinds)
        self.numeric_kind = combined_kind(kinds)
        self.description = self._describe()
        if len(self._kinds) > 1:
            settings.warn(
                f"The servers of model '{spec.name}' compute differently ({', '.join(sorted(self._kinds))}), "
                "so up to 0.5 % of the classes depend on which of them answers."
            )

    @property
    def in_flight(self) -> int:
        """What the windows hold, and a few that wait for the next room."""
        with self._changed:
            held = sum(e.window.size for e in self._endpoints if not e.aside)
        return max(2, held + 1 + len(self._endpoints) // 4)

    @property
    def concurrency(self) -> int:
        """Threads for all windows at their largest, and one for live requests."""
        return min(LARGEST * len(self._endpoints) + 1, _MOST_THREADS)

    @property
    def batch_concurrency(self) -> int:
        """All but the one for live requests."""
        return max(1, self.concurrency - 1)

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The servers, for a benchmark or a dock to look at."""
        return self._endpoints

    def run(self, chips: np.ndarray[Any, Any], outputs: Sequence[str], priority: Priority) -> Arrays:
        """Infer on one of the servers; asks again elsewhere where no good answer came."""
        end = time.monotonic() + self._patience.request
        failed: set[Endpoint] = set()
        attempts = 0
        while True:
            endpoint, was_full = self._acquire(priority, failed, end)
            started = time.monotonic()
            deadline = min(self._attempt_s(endpoint, chips.size), max(0.1, end - started))
            try:
                answer = endpoint.ask(chips, outputs, priority, deadline)
            except LandcoverError as e:
                self._release(endpoint)
                if isinstance(e, RefusedError) and e.status in _BUSY:
                    self._pause(endpoint, e)
                    continue
                attempts += 1
                failed.add(endpoint)
                if attempts >= self._patience.attempts or self._is_refused_by_all(e, failed):
                    raise
                self._set_aside(endpoint, str(e))
            except BaseException:
                self._release(endpoint)
                raise
            else:
                self._answered(endpoint, time.monotonic() - started, len(chips), was_full)
                return answer

    def stop_waiting(self) -> None:
        """Requests that wait for room or for a server to come back give up."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Close all connections."""
        self.stop_waiting()
        for endpoint in self._endpoints:
            endpoint.close()

    # -- choosing --------------------------------------------------------------------------------

    def _acquire(self, priority: Priority, failed: set[Endpoint], end: float) -> tuple[Endpoint, bool]:
        """A server with room, and whether its window is full now; waits for one."""
        with self._changed:
            while True:
                now = time.monotonic()
                if self._stopping.is_set():
                    raise BackendError("The backend was closed; open it again.")
                alive = [e for e in self._endpoints if not e.aside]
                if not alive and now - self._last_sign > self._patience.gone:
                    raise self._all_gone()
                if now > end:
                    raise self._too_late()
                # a live request may go over the window: the server orders what has arrived by priority
                over = 1 if priority is Priority.LIVE else 0
                untried = [e for e in alive if e not in failed] or alive
                free = [e for e in untried if e.in_use < e.window.size + over and e.paused_until <= now]
                if free:
                    chosen = min(free, key=lambda e: (e.in_use / e.window.size, e.seconds))
                    chosen.in_use += 1
                    return chosen, chosen.in_use >= chosen.window.size
                self._changed.wait(0.05)

    def _release(self, endpoint: Endpoint) -> None:
        with self._changed:
            endpoint.in_use -= 1
            self._changed.notify()

    def _answered(self, endpoint: Endpoint, seconds: float, chips: int, was_full: bool) -> None:
        with self._changed:
            endpoint.in_use -= 1
            endpoint.strikes = 0
            endpoint.took(seconds)
            endpoint.window.answered(chips, was_full)
            self._last_sign = time.monotonic()
            others = [e.seconds for e in self._endpoints if e is not endpoint and not e.aside and e.answers]
            self._changed.notify()
        if others and endpoint.answers > 4 and seconds > _SLOW_TIMES * median(others) + _SLOW_AND_S:
            self._set_aside(endpoint, f"it took {seconds:.1f} s where others take {median(others):.2f} s")

    def _attempt_s(self, endpoint: Endpoint, values: int) -> float:
        patience = self._patience
        return min(patience.attempt, max(patience.least_attempt, _SLOW_TIMES * endpoint.usual_s(values)))

    # -- setting aside and coming back -----------------------------------------------------------

    def _pause(self, endpoint: Endpoint, refusal: RefusedError) -> None:
        """The server has no room: leave it alone for as long as it says, and ask less of it."""
        with self._changed:
            now = time.monotonic()
            if endpoint.paused_until <= now:  # once for all that were refused together
                endpoint.window.troubled()
                endpoint.strikes += 1
            own = self._patience.first_pause * 2.0 ** min(endpoint.strikes, 10)
            asked = min(refusal.retry_after_s or own, self._patience.longest_pause)
            endpoint.paused_until = now + asked * self._random.uniform(1.0, 1.5)

    def _set_aside(self, endpoint: Endpoint, reason: str) -> None:
        with self._changed:
            if endpoint.aside:
                return
            endpoint.aside = reason
            endpoint.strikes += 1
            endpoint.window.troubled()
            if all(e.aside for e in self._endpoints):
                self._last_sign = time.monotonic()  # an idle hour before this is no sign of death
        threading.Thread(
            target=self._bring_back, args=(endpoint,), name="landcover-probe", daemon=True
        ).start()

    def _bring_back(self, endpoint: Endpoint) -> None:
        """Probe a server until it answers as it did, less and less often."""
        pause = self._patience.first_pause * 2.0 ** min(endpoint.strikes - 1, 12)
        while True:
            pause = min(pause, self._patience.longest_pause)
            if self._stopping.wait(pause * self._random.uniform(0.75, 1.25)):
                return
            try:
                facts = endpoint.examine(self._patience.probe)
                self._check_return(endpoint, facts)
            except LandcoverError as e:
                with self._changed:
                    endpoint.aside = str(e)
                pause *= 2
                continue
            with self._changed:
                if endpoint.facts is None or endpoint.facts.version != facts.version:
                    endpoint.accept(facts)
                endpoint.aside = ""
                self._last_sign = time.monotonic()
                self._changed.notify_all()
            return

    def _check_return(self, endpoint: Endpoint, facts: Examination) -> None:
        known = next(e.facts for e in self._endpoints if e.facts)
        endpoint.compare(facts, known)
        kinds = {endpoint.facts.numeric_kind} if endpoint.facts else self._kinds
        if facts.numeric_kind not in kinds:
            raise BackendError(
                f"{endpoint.address.url} now computes as {facts.numeric_kind}; open the backend again."
            )

    def _open(self) -> None:
        def examine(endpoint: Endpoint) -> Examination | LandcoverError:
            try:
                return endpoint.examine(self._patience.attempt)
            except LandcoverError as e:
                return e

        with ThreadPoolExecutor(min(32, len(self._endpoints))) as pool:
            found = list(pool.map(examine, self._endpoints))
        first = next((facts for facts in found if isinstance(facts, Examination)), None)
        if first is None:
            raise next(e for e in found if isinstance(e, LandcoverError))
        for endpoint, facts in zip(self._endpoints, found):
            try:
                if isinstance(facts, LandcoverError):
                    raise facts
                endpoint.compare(facts, first)
                endpoint.accept(facts)
            except LandcoverError as e:
                settings.warn(f"A server is not used until it answers: {e}")
                self._set_aside(endpoint, str(e))
        self._last_sign = time.monotonic()

    # -- what is said ----------------------------------------------------------------------------

    def _is_refused_by_all(self, error: LandcoverError, failed: set[Endpoint]) -> bool:
        """Whether the request itself is at fault: no server is left that might take it."""
        if not isinstance(error, RefusedError) or error.status >= 500:
            return False
        return failed.issuperset(self._endpoints)

    def _all_gone(self) -> BackendError:
        reasons = "; ".join(f"{e.address.url}: {e.aside.rstrip('.')}"[:200] for e in self._endpoints[:3])
        more = f"; and {len(self._endpoints) - 3} more" if len(self._endpoints) > 3 else ""
        return BackendError(
            f"No inference server answers ({reasons}{more}); check them and start the same job again, "
            "which goes on from its finished tiles."
        )

    def _too_late(self) -> BackendError:
        return ConnectionLostError(
            f"No inference server answered within {self._patience.request:.0f} s "
            f"({', '.join(e.address.url for e in self._endpoints[:3])}); check their load and start the "
            "same job again, which goes on from its finished tiles."
        )

    def _describe(self) -> str:
        first = next(e for e in self._endpoints if e.facts)
        software = first.facts.software if first.facts else ""
        if len(self._endpoints) == 1:
            return f"{software} at {first.address.url}"
        return f"{len(self._endpoints)} servers, {software} at {first.address.url} and others"
