"""The border to Ray with a stub in its place; ``test_ray_cluster.py`` has the real one."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import types
from typing import Any

import pytest
from conftest import ask, fill

from bias_audit.backends import _ray, open_backend
from bias_audit.backends.ray.options import Engine
from bias_audit.backends.ray.worker import Worker
from bias_audit.errors import ModelLoadError, ScoringError, UsageError

RAY = Engine(name="ray")


class Reference:
    """An answer that is made when it is asked for."""

    def __init__(self, make: Any) -> None:
        self.make = make


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class ActorDiedError(RayError):
    pass


class Stub(types.ModuleType):
    """What this project uses of Ray, in this process."""

    def __init__(self, resources: dict[str, float]) -> None:
        super().__init__("ray")
        self.resources = resources
        self.inits: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.killed: list[Any] = []
        self.shutdowns = 0
        self.up = False
        self.exceptions = types.SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
        self.environment: dict[str, str | None] = {}
        self.refuse: BaseException | None = None
        self.fail: dict[str, Exception] = {}
        """Of a call by its name: what it raises."""

    def init(self, **given: Any) -> None:
        if self.refuse:
            raise self.refuse
        self.environment = dict(os.environ)
        self.inits.append(given)
        self.up = True
        if given["address"] == "local":  # as Ray does

            def end(*_: Any) -> None:
                self.shutdown()
                sys.exit(1)

            signal.signal(signal.SIGTERM, end)

    def is_initialized(self) -> bool:
        return self.up

    def shutdown(self) -> None:
        self.shutdowns += 1
        self.up = False

    def cluster_resources(self) -> dict[str, float]:
        self.trip("cluster_resources")
        return self.resources

    def trip(self, what: str) -> None:
        if what in self.fail:
            raise self.fail[what]

    def remote(self, **options: Any) -> Any:
        self.asked.append(options)

        def kind(worker: type) -> Any:
            def start(*arguments: Any) -> Any:
                self.trip("start")
                inner = worker(*arguments)
                methods = {
                    name: types.SimpleNamespace(
                        remote=lambda *a, n=name: (
                            self.trip(n) or Reference(lambda: getattr(inner, n)(*a))
                        )
                    )
                    for name in ("place", "load", "encoder", "rows", "readings")
                }
                return types.SimpleNamespace(**methods, arguments=arguments)

            return types.SimpleNamespace(remote=start)

        return kind

    def wait(self, references: list[Any], *, num_returns: int, timeout: float | None) -> Any:
        assert num_returns == 1
        self.trip("wait")
        return (references[:1], references[1:]) if timeout != 0 else ([], references)

    def get(self, reference: Reference) -> Any:
        self.trip("get")
        return reference.make()

    def kill(self, handle: Any) -> None:
        self.killed.append(handle)


@pytest.fixture
def stub(monkeypatch):
    """Ray in name only, on a cluster of four CPUs."""
    found = Stub({"CPU": 4.0})
    monkeypatch.setitem(sys.modules, "ray", found)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")  # so that it is as before afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(_ray, "_ours", set())
    before = signal.getsignal(signal.SIGTERM)
    yield found
    signal.signal(signal.SIGTERM, before)


def test_without_ray_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        UsageError, match=r"which is not installed\n  pip install 'bias-audit\[ray\]"
    ):
        open_backend("reference", engine="ray")


def test_a_model_is_scored_through_ray_as_without_it(stub, tiny):
    prompts = [ask("The man was a ", word) for word in ("nurse", "zebra", None)]
    backend = open_backend(str(tiny("bert")), engine=Engine(name="ray", workers=2), batch_size=2)
    local = open_backend(str(tiny("bert")), device="cpu", batch_size=2)
    mine, other = fill(backend, prompts), fill(local, prompts)
    assert mine[:2] == other[:2]
    assert mine[2].words.tobytes() == other[2].words.tobytes()
    backend.close()
    assert len(stub.killed) == 2
    assert stub.shutdowns == 1


def test_nothing_is_reported_to_anybody_and_a_cluster_of_its_own_is_small_and_quiet(stub):
    _, size = _ray.connect(RAY, "model", {"device": "auto"})
    assert size == 4
    assert stub.environment["RAY_USAGE_STATS_ENABLED"] == "0"
    (given,) = stub.inits
    assert given["address"] == "local"
    assert given["include_dashboard"] is False
    assert given["log_to_driver"] is False
    assert given["object_store_memory"] == _ray.STORE_BYTES
    assert stub.asked == [{"num_cpus": 1, "num_gpus": 0, "scheduling_strategy": "SPREAD"}]


def test_a_cluster_of_its_own_lets_nobody_else_in(stub, monkeypatch):
    monkeypatch.delitem(sys.modules, "ray")
    monkeypatch.setattr("builtins.__import__", importing(stub))
    _ray.connect(RAY, "model", {"device": "cpu"})
    token = stub.environment["RAY_AUTH_TOKEN"]
    assert len(token) == 64
    assert stub.at_import == "token", "Ray reads it once, when it is loaded"
    stub.up = False
    _ray.connect(RAY, "model", {"device": "cpu"})
    assert stub.environment["RAY_AUTH_TOKEN"] == token, "Ray reads it once in a process"


def importing(stub: Stub) -> Any:
    """Have the stub imported as a package is: for the first time, and into ``sys.modules``."""
    plain = __import__

    def load(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "ray" and "ray" not in sys.modules:
            stub.at_import = os.environ.get("RAY_AUTH_MODE")
            sys.modules["ray"] = stub
        return plain(name, *arguments, **named)

    return load


def test_settings_of_the_user_and_of_a_joined_cluster_are_left(stub, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/a/file")
    _ray.connect(RAY, "model", {"device": "cpu"})
    assert "RAY_AUTH_TOKEN" not in stub.environment
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH")
    stub.up = False
    _ray.connect(Engine(name="ray", address="auto"), "model", {"device": "cpu"})
    assert not {"RAY_AUTH_TOKEN", "RAY_AUTH_MODE"} & set(stub.environment)


def test_a_folder_of_the_name_is_not_ray(tmp_path, monkeypatch):
    (tmp_path / "ray").mkdir()
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "ray")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    importlib.invalidate_caches()
    for name in ("RAY_AUTH_MODE", "RAY_USAGE_STATS_ENABLED", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"):
        monkeypatch.setenv(name, "")
    with pytest.raises(
        UsageError, match=r"'ray' is not the package of that name, but .*ray'\]\n  r"
    ):
        open_backend("reference", engine="ray")


def test_a_run_that_is_told_to_end_does_not_look_like_a_failed_gate(stub):
    _ray.connect(RAY, "model", {"device": "cpu"})
    with pytest.raises(SystemExit) as caught:
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.code == 143
    assert stub.shutdowns == 1, "the processes of the cluster are ended first"


def test_an_address_joins_a_cluster_and_changes_nothing_there(stub, monkeypatch):
    for engine, where in ((Engine(name="ray", address="auto"), "auto"), (RAY, "head:6379")):
        monkeypatch.setenv("RAY_ADDRESS", "head:6379")
        _ray.connect(engine, "model", {"device": "cpu"})
        assert stub.inits[-1]["address"] == where
        assert not {"num_cpus", "object_store_memory", "include_dashboard"} & set(stub.inits[-1])
        stub.up = False


def test_a_connection_of_the_caller_is_used_and_left_open(stub):
    stub.up = True
    cluster, _ = _ray.connect(RAY, "model", {"device": "cpu"})
    assert not stub.inits
    cluster.close()
    assert not stub.shutdowns


def test_an_address_is_not_ignored_when_ray_is_connected_to_another(stub):
    stub.up = True
    for address in ("head:6379", "ray://head:1"):
        with pytest.raises(
            UsageError, match=f"connected already, and not by the address '{address}"
        ):
            _ray.connect(Engine(name="ray", address=address), "model", {"device": "cpu"})
    _ray.connect(Engine(name="ray", address="auto"), "model", {"device": "cpu"})
    assert (len(stub.inits), stub.shutdowns) == (0, 0)


def test_two_models_use_one_connection(stub):
    engine = Engine(name="ray", address="head:6379")
    first, _ = _ray.connect(engine, "model", {"device": "cpu"})
    second, _ = _ray.connect(engine, "other", {"device": "cpu"})
    assert len(stub.inits) == 1
    second.close()
    assert stub.up
    first.close()
    assert not stub.up


def test_a_cluster_of_our_own_has_room_for_every_worker_asked_for(stub):
    _, size = _ray.connect(Engine(name="ray", workers=300), "model", {"device": "auto"})
    assert size == 300
    assert stub.inits[0]["num_cpus"] >= 300


@pytest.mark.parametrize(
    ("device", "gpus", "cards", "size", "where"),
    [
        ("auto", 0, 0, 4, "cpu"),
        ("auto", 2, 1, 2, "cuda"),
        ("cuda", 2, 1, 2, "cuda"),
        ("cpu", 2, 0, 4, "cpu"),
    ],
)
def test_one_replica_for_each_gpu_or_else_for_each_cpu(stub, device, gpus, cards, size, where):
    stub.resources["GPU"] = float(gpus)
    cluster, found = _ray.connect(RAY, "model", {"device": device, "dtype": "bfloat16"})
    assert found == size
    assert stub.asked[0]["num_gpus"] == cards
    assert cluster.start().arguments == ("model", {"device": where, "dtype": "bfloat16"})
    assert cluster.described() == f"4 CPUs and {gpus} GPUs"


def test_a_gpu_that_is_not_there_is_an_error_of_loading(stub):
    with pytest.raises(ModelLoadError, match="the Ray cluster has no GPU"):
        _ray.connect(RAY, "model", {"device": "cuda"})
    assert stub.shutdowns == 1, "nothing is left running"


def test_machines_that_are_on_their_way_are_waited_for(stub, monkeypatch):
    stub.resources = {}
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        stub.resources = {"CPU": 8.0, "GPU": 2.0} if len(waits) == 3 else {}

    monkeypatch.setattr(_ray.time, "sleep", sleep)
    cluster, size = _ray.connect(Engine(name="ray", address="auto"), "model", {"device": "auto"})
    assert (len(waits), size) == (3, 2)
    assert cluster.start().arguments == ("model", {"device": "cuda"})


def test_a_cluster_that_stays_empty_is_left_and_one_that_need_not_be_known_is_not_waited_for(
    stub, monkeypatch
):
    stub.resources = {"memory": 1e9}
    monkeypatch.setattr(_ray, "PATIENCE_S", 0.0)
    for engine, device in ((RAY, "auto"), (RAY, "cuda"), (Engine(name="ray", workers=4), "auto")):
        with pytest.raises(ModelLoadError, match="neither a CPU nor a GPU for workers") as caught:
            _ray.connect(engine, "model", {"device": device})
        assert "--engine-workers" in caught.value.hint
        assert not stub.up
    for device in ("cpu", "cuda"):
        engine = Engine(name="ray", address="auto", workers=4)
        assert _ray.connect(engine, "model", {"device": device})[1] == 4
        stub.up = False


def test_whatever_ends_connecting_ends_ray(stub):
    stub.fail["cluster_resources"] = RayError("The head is gone\nlong story")
    with pytest.raises(ModelLoadError, match=r"^the Ray cluster is gone: The head is gone\n  see"):
        _ray.connect(RAY, "model", {"device": "cpu"})
    stub.fail["cluster_resources"] = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        _ray.connect(RAY, "model", {"device": "cpu"})
    assert stub.shutdowns == 2
    stub.refuse = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        _ray.connect(RAY, "model", {"device": "cpu"})
    assert stub.shutdowns == 3


@pytest.mark.parametrize("error", [RayError("GCS is down"), ConnectionError("GCS is down")])
@pytest.mark.parametrize("step", ["start", "place", "wait", "cluster_resources"])
def test_a_cluster_that_is_gone_before_the_model_is_loaded(stub, step, error):
    cluster, size = _ray.connect(RAY, "model", {"device": "cpu"})
    stub.fail[step] = error
    if step == "cluster_resources":
        stub.wait = lambda *_, **__: ([], [])
    gone = "the cluster is gone: GCS is down\n  when it is there"
    with pytest.raises(ModelLoadError, match=gone):
        Crew(cluster, size).hello()
    if step in {"start", "place"}:
        assert not stub.up, "it is let go of"


@pytest.mark.parametrize("step", ["rows", "wait", "get"])
def test_a_cluster_that_is_gone_midway_ends_the_run_and_what_is_asked_later(stub, tiny, step):
    backend = open_backend(str(tiny("bert")), engine=Engine(name="ray", workers=2), batch_size=2)
    prompts = [ask("The man was a ", word) for word in ("nurse", "zebra", "doctor", None)]
    stub.fail[step] = ConnectionError("GCS is down")
    for _ in range(2):
        with pytest.raises(ScoringError, match="the cluster is gone: GCS is down"):
            fill(backend, prompts)
        stub.fail = {}
    backend.close()


def test_ray_is_not_started_again_behind_our_back(stub):
    cluster, _ = _ray.connect(RAY, "model", {"device": "cpu"})
    stub.up = False
    for action in (cluster.start, cluster.described, lambda: cluster.wait([1], None)):
        with pytest.raises(ClusterLostError, match="Ray was shut down in this process"):
            action()


@pytest.mark.parametrize(
    ("engine", "where"),
    [
        (Engine(name="ray", address="ho:1"), "the Ray cluster at 'ho:1' could not be reached: Co"),
        (RAY, "no Ray cluster could be started on this machine: Could"),
    ],
)
def test_a_cluster_that_cannot_be_reached_is_wrong_use(stub, engine, where):
    stub.refuse = ConnectionError("Could not find any running Ray instance.\nPages of advice.")
    with pytest.raises(UsageError, match=where) as caught:
        _ray.connect(engine, "model", {"device": "cpu"})
    assert "running Ray instance.\n  " in str(caught.value), "the first line of Ray, and what to do"
    assert "Pages" not in str(caught.value)
    assert stub.shutdowns == 1, "nothing half started is left"
    assert caught.value.exit_code == 2


def test_a_lost_actor_is_told_from_a_mistake_in_the_program(stub):
    cluster, _ = _ray.connect(RAY, "model", {"device": "cpu"})

    def raising(error: Exception) -> Reference:
        def make() -> None:
            raise error

        return Reference(make)

    with pytest.raises(WorkerLostError, match=r"^The actor died$"):
        cluster.get(raising(ActorDiedError("\nThe actor died\nlong story")))
    with pytest.raises(RayTaskError, match="a bug"):
        cluster.get(raising(RayTaskError("a bug")))
    assert cluster.wait([1, 2], 0) is None
    assert cluster.wait([1, 2], None) == 1


def test_stopping_never_fails_and_never_brings_ray_back(stub, monkeypatch):
    cluster, _ = _ray.connect(RAY, "model", {"device": "cpu"})

    def gone(handle: Any) -> None:
        raise ValueError("no such actor")

    monkeypatch.setattr(stub, "kill", gone)
    cluster.stop("a")
    stub.up = False
    monkeypatch.setattr(stub, "kill", stub.killed.append)
    cluster.stop("b")
    cluster.close()
    assert not stub.killed
    assert not stub.shutdowns


def test_the_worker_class_is_found_by_name_on_other_machines():
    import pickle

    assert pickle.loads(pickle.dumps(Worker)) is Worker  # noqa: S301 - of this test
