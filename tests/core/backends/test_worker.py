from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import requests

from landcover_plugin.core.backends import Priority, configure, open_backend
from landcover_plugin.core.backends.remote import RefusedError
from landcover_plugin.core.backends.worker import _attempt, run_task, worker_process
from landcover_plugin.core.errors import BackendError, ModelError
from landcover_plugin.core.legend import Legend
from landcover_plugin.core.model import read_model
from tests.tiny_model import write_tiny_model

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def this_python_runs_the_worker():
    configure(worker_python=sys.executable)
    yield
    configure()


@pytest.fixture()
def spec(tmp_path: Path):
    return write_tiny_model(tmp_path / "tiny", tile=256, halo=8, depth=4, width=32, kernel=5)


def chips(spec, count=1, seed=0):
    shape = (count, len(spec.bands), spec.chip, spec.chip)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_until(condition, seconds: float) -> float:
    started = time.monotonic()
    while not condition() and time.monotonic() - started < seconds:
        time.sleep(0.01)
    assert condition(), f"not within {seconds} s"
    return time.monotonic() - started


def test_the_worker_gives_the_bits_that_this_process_gives(spec) -> None:
    near, there = open_backend("onnxruntime:cpu", spec), open_backend("worker:", spec)
    assert there.numeric_kind == near.numeric_kind == "onnxruntime-cpu-float32"
    assert there.description == f"Worker process, {near.description}"
    for count in (1, 3):
        picture = chips(spec, count, seed=count)
        ours = near.submit(picture, spec.outputs).result(30)
        theirs = there.submit(picture, spec.outputs).result(30)
        for name in spec.outputs:
            assert ours[name].dtype == theirs[name].dtype
            assert np.array_equal(ours[name], theirs[name])
            assert theirs[name].flags.writeable
    near.close()
    there.close()


def test_all_models_share_one_process_which_ends_with_the_last(spec, tmp_path: Path) -> None:
    other = write_tiny_model(tmp_path / "other", classes=5)
    one, two = open_backend("worker:", spec), open_backend("worker:", other)
    process = worker_process()
    pid = process.pid
    assert one._queue.runner.process is two._queue.runner.process is process
    one.close()
    assert two.submit(chips(other)).result(20)["classes"].shape == (1, 64, 64)
    two.close()
    wait_until(lambda: not is_alive(pid), 5)
    assert process.pid is None
    wait_until(lambda: not any(t.name == "landcover-worker-watch" for t in threading.enumerate()), 10)
    with contextlib.closing(open_backend("worker:", spec)) as again:
        again.submit(chips(spec)).result(20)


def test_a_killed_worker_comes_back_and_no_answer_changes(spec) -> None:
    with contextlib.closing(open_backend("onnxruntime:", spec)) as near:
        wanted = [near.submit(chips(spec, seed=n)).result(30)["classes"] for n in range(40)]
    backend = open_backend("worker:", spec)
    first = worker_process().pid
    futures = [backend.submit(chips(spec, seed=n)) for n in range(40)]
    futures[3].result(30)
    os.kill(first, signal.SIGKILL)
    futures[20].result(30)
    second = worker_process().pid
    os.kill(second, signal.SIGKILL)
    answers = [future.result(60)["classes"] for future in futures]
    assert len({first, second, worker_process().pid}) == 3
    for ours, theirs in zip(wanted, answers):
        assert np.array_equal(ours, theirs)
    backend.close()


def test_a_model_that_its_user_before_unloads_late_is_loaded_again(spec) -> None:
    """A job that ends says so in a thread of its own, while the next one begins."""
    backend = open_backend("worker:", spec)
    wanted = backend.submit(chips(spec)).result(30)["classes"]
    process = worker_process()
    (name,) = [
        m["name"] for m in process.present_client().call("POST", "/v2/repository/index", {}, deadline_s=5)
    ]
    process.present_client().call("POST", f"/v2/repository/models/{name}/unload", {}, deadline_s=5)
    assert np.array_equal(backend.submit(chips(spec)).result(30)["classes"], wanted)
    backend.close()


def test_a_live_request_passes_a_batch_job_in_the_worker(spec) -> None:
    batch, live = open_backend("worker:", spec), open_backend("worker:", spec)
    picture = np.repeat(chips(spec), 4, axis=0)
    order: list[str] = []
    futures = []
    for n in range(30):
        futures.append(batch.submit(picture))
        futures[-1].add_done_callback(lambda _, n=n: order.append(f"b{n}"))
    futures[2].result(30)
    urgent = live.submit(picture, priority=Priority.LIVE)
    urgent.add_done_callback(lambda _: order.append("L"))
    answered = sum(future.done() for future in futures)
    for future in [*futures, urgent]:
        future.result(30)
    # behind those that were answered and the few under way, far before those that wait
    assert order.index("L") <= answered + 6 < len(futures)
    batch.close()
    live.close()


def test_a_worker_that_died_while_idle_is_started_for_the_next_request(spec) -> None:
    backend = open_backend("worker:", spec)
    backend.submit(chips(spec)).result(30)
    os.kill(worker_process().pid, signal.SIGKILL)
    wait_until(lambda: worker_process().pid is None, 2)
    assert backend.submit(chips(spec)).result(30)["classes"].shape == (1, 256, 256)
    backend.close()


def test_a_worker_that_dies_on_every_request_ends_in_one_sentence(spec) -> None:
    backend = open_backend("worker:", spec)
    stop = threading.Event()

    def kill_them_all() -> None:
        while not stop.wait(0.01):
            pid = worker_process().pid
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_them_all)
    future = backend.submit(np.repeat(chips(spec), 60, axis=0))
    killer.start()
    with pytest.raises(BackendError, match=r"^The worker (died 3 times|cannot start).*\.$"):
        future.result(120)
    stop.set()
    killer.join()
    backend.close()


OWNER = """
import sys, time
from pathlib import Path
from landcover_plugin.core.backends import Priority, configure, open_backend
from landcover_plugin.core.backends.worker import worker_process
from landcover_plugin.core.model import read_model
configure(worker_python=sys.executable)
backend = open_backend("worker:", read_model(Path(sys.argv[1])))
if sys.argv[2] == "fork":
    import os
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
print(worker_process().pid, flush=True)
if sys.argv[2] != "leave":
    time.sleep(60)
"""


def start_owner(spec, how: str) -> tuple[subprocess.Popen, int]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(spec.folder), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        start_new_session=True,
    )
    return owner, int(owner.stdout.readline())


@pytest.mark.parametrize("how", ["wait", "fork"])
def test_the_worker_ends_within_two_seconds_of_its_killed_owner(spec, how: str) -> None:
    owner, worker = start_owner(spec, how)
    assert is_alive(worker)
    owner.kill()
    owner.wait()
    wait_until(lambda: not is_alive(worker), 2)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(owner.pid, signal.SIGKILL)


def test_an_owner_that_forgets_to_close_leaves_no_worker_and_no_noise(spec) -> None:
    owner, worker = start_owner(spec, "leave")
    _, noise = owner.communicate(timeout=20)
    assert owner.returncode == 0
    assert noise == ""
    wait_until(lambda: not is_alive(worker), 2)


def test_without_the_bearer_nothing_is_answered(spec) -> None:
    backend = open_backend("worker:", spec)
    client = worker_process().present_client()
    url = client._url
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic d3Jvbmc6"}):
        for path in ("/v2", "/v2/health/live", "/nowhere"):
            assert requests.get(url + path, headers=headers, timeout=5).status_code == 401
    command = Path(f"/proc/{worker_process().pid}/cmdline").read_bytes().decode()
    assert client._session.headers["Authorization"].split()[1] not in command
    assert url.startswith("http://127.0.0.1:")
    backend.close()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (None, r"Python '.*no-such-python' cannot be started \(No such file or directory\)"),
        ("echo 'ImportError: No module named onnxruntime.' >&2; exit 1",
         r"\(ImportError: No module named onnxruntime\); install"),
        ("echo nonsense; sleep 9", r"cannot start with"),
        ("exit 0", r"it said nothing"),
    ],
)  # fmt: skip
def test_a_worker_that_cannot_start_quotes_its_last_words(spec, tmp_path, script, sentence) -> None:
    python = tmp_path / "no-such-python"
    if script is not None:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    configure(worker_python=lambda: str(python))
    with pytest.raises(BackendError, match=sentence):
        open_backend("worker:", spec)


def test_without_any_interpreter_the_error_says_what_to_set(spec, monkeypatch) -> None:
    configure()
    monkeypatch.delenv("LANDCOVER_PYTHON", raising=False)
    with pytest.raises(BackendError, match="set LANDCOVER_PYTHON to a Python that has onnxruntime"):
        open_backend("worker:", spec)
    monkeypatch.setenv("LANDCOVER_PYTHON", sys.executable)
    open_backend("worker:", spec).close()


def test_the_workers_errors_arrive_as_they_are(spec) -> None:
    with pytest.raises(ModelError, match="not in its legend"):
        open_backend("worker:", replace(spec, legend=Legend(spec.legend.classes[:2]), outputs=("classes",)))
    with pytest.raises(BackendError, match=r"no execution provider 'cuda' here \(available: cpu\)"):
        open_backend("worker:cuda", spec)
    spec.path.write_bytes(b"junk")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        open_backend("worker:", spec)
    assert worker_process().pid is None


def test_tasks_are_only_those_of_the_list(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="there is no such task"):
        run_task("os.system", {"command": "true"})


def test_models_are_exported_and_imported_in_the_worker(spec, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_task("export_model", {"folder": str(spec.folder), "out": "out.onnx"})
    found = run_task(
        "import_model", {"source": "out.onnx", "folder": "again", "overrides": {"title": "Again"}}
    )
    assert (found["name"], found["folder"]) == ("again", str(tmp_path / "again"))
    assert all(isinstance(note, str) for note in found["warnings"])
    again = read_model(tmp_path / "again")
    assert (again.title, len(again.bands), len(again.legend)) == ("Again", 4, 3)
    with pytest.raises(ModelError, match="nothing-there"):
        run_task("import_model", {"source": "nothing-there.onnx", "folder": "x"})
    assert worker_process().pid is None


def test_auto_takes_the_worker_where_this_python_has_no_runtime_and_numpy_where_there_is_none(
    spec, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with contextlib.closing(open_backend("auto", spec)) as backend:
        assert backend.description.startswith("Worker process, ONNX Runtime")
    configure()
    monkeypatch.delenv("LANDCOVER_PYTHON", raising=False)
    with contextlib.closing(open_backend("auto", spec)) as backend:
        assert backend.numeric_kind == "numpy-float32"


def test_auto_goes_on_in_numpy_where_the_worker_cannot_start_and_says_why(
    spec, monkeypatch, tmp_path
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    said: list[str] = []
    configure(worker_python=str(tmp_path / "gone"), warn=said.append)
    with contextlib.closing(open_backend("auto", spec)) as backend:
        assert backend.numeric_kind == "numpy-float32"
    assert len(said) == 1
    assert "gone' cannot be started" in said[0]
    with pytest.raises(BackendError, match="cannot be started"):
        open_backend("worker:", spec)


def test_proxies_of_the_environment_do_not_see_the_worker(spec, monkeypatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with contextlib.closing(open_backend("worker:", spec)) as backend:
        backend.submit(chips(spec)).result(20)


def test_memory_of_the_worker_does_not_grow_with_requests(spec) -> None:
    backend = open_backend("worker:", spec)
    picture = chips(spec)

    def megabytes() -> float:
        status = Path(f"/proc/{worker_process().pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    for _ in range(30):
        backend.submit(picture, spec.outputs).result(30)
    before = megabytes()
    for _ in range(150):
        backend.submit(picture, spec.outputs).result(30)
    assert megabytes() - before < 8
    backend.close()


@pytest.mark.parametrize(
    ("runs", "status", "asked"), [(False, 404, 2), (False, 401, 2), (True, 404, 1), (False, 400, 1)]
)
def test_a_port_that_another_server_took_is_no_refusal_of_the_worker(runs, status, asked) -> None:
    class Process:
        def client(self, *, lost=None):
            return None, 1 if lost is None else 2

        def is_running(self, generation):
            return runs

    generations = []

    def ask(client, generation):
        generations.append(generation)
        if generation == 1:
            raise RefusedError("there is no such model here.", status)
        return "answer"

    if asked == 2:
        assert _attempt(Process(), ask) == "answer"
    else:
        with pytest.raises(RefusedError):
            _attempt(Process(), ask)
    assert len(generations) == asked
