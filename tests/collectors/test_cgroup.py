"""The container's own numbers, on a recorded cgroup v2 tree: a pod of 1.5 cores and 1 GiB in a slice of 8 GiB."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dashboard.collectors.cgroup import Cgroup, found
from tests.clocks import HandClock
from tests.collectors.stage import RECORDED, sampled

POD = "sys/fs/cgroup/kubepods.slice/pod1.slice"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(RECORDED / "sys/fs", tmp_path / "sys/fs")
    (tmp_path / "proc/self").mkdir(parents=True)
    shutil.copy(RECORDED / "proc/self/cgroup", tmp_path / "proc/self/cgroup")
    return tmp_path


def collector(tree: Path, clock: HandClock) -> Cgroup:
    made = found(tree / "proc", tree / "sys", cores=8, monotonic=clock.monotonic)
    assert made is not None
    return made


def spend(level: Path, usage: int) -> None:
    (level / "cpu.stat").write_text(f"usage_usec {usage}\nnr_throttled 3\nthrottled_usec 4000000\n")


def test_least_limit_of_all_levels_binds(tree: Path) -> None:
    """Each resource is told by the level whose limit binds: of the pod's memory all its containers use a part."""
    clock = HandClock()
    cgroup = collector(tree, clock)
    clock.move(2)
    spend(tree / POD, 40_000_000 + 1_500_000)
    assert sampled(cgroup) == {
        "container_cpu_limit_cpus": 1.5,
        "container_cpu_utilization_ratio": 0.5,
        "container_cpu_throttled_seconds_total": 4,
        "container_memory_usage_bytes": 700_000_000,
        "container_memory_limit_bytes": 1 << 30,
        "container_memory_utilization_ratio": 0.6519,
        "container_memory_oom_kills_total": 3,
        "container_pids": 120,
        "container_pids_limit": 2000,
    }


def test_limit_that_is_lifted_shows_at_once(tree: Path) -> None:
    """The next level binds then; CPU use has to be read there twice before it is told."""
    clock = HandClock()
    cgroup = collector(tree, clock)
    (tree / POD / "cpu.max").write_text("max 100000\n")
    (tree / POD / "memory.max").write_text("max\n")
    clock.move(1)
    samples = sampled(cgroup)
    assert samples["container_cpu_limit_cpus"] == 2
    assert "container_cpu_utilization_ratio" not in samples
    assert samples["container_memory_limit_bytes"] == 8 << 30
    assert samples["container_memory_usage_bytes"] == 1_500_000_000


def test_cpu_time_that_falls_draws_no_spike(tree: Path) -> None:
    clock = HandClock()
    cgroup = collector(tree, clock)
    spend(tree / POD, 10)
    clock.move(1)
    assert "container_cpu_utilization_ratio" not in sampled(cgroup)
    spend(tree / POD, 750_010)
    clock.move(1)
    assert sampled(cgroup)["container_cpu_utilization_ratio"] == 0.5


def test_container_without_limits_tells_its_use_of_all_cores(tree: Path) -> None:
    """Seen from inside, the container's own cgroup is the root, and only there a root has a type."""
    root = tree / "sys/fs/cgroup"
    for file in (tree / POD).iterdir():
        if file.is_file():
            shutil.copy(file, root / file.name)
    (root / "cpu.max").write_text("max 100000\n")
    (root / "memory.max").write_text("max\n")
    (tree / "proc/self/cgroup").write_text("0::/\n")
    clock = HandClock()
    cgroup = collector(tree, clock)
    spend(root, 44_000_000)
    clock.move(1)
    samples = sampled(cgroup)
    assert samples["container_cpu_utilization_ratio"] == 0.5
    assert samples["container_memory_usage_bytes"] == 700_000_000
    assert not {"container_cpu_limit_cpus", "container_memory_limit_bytes"} & samples.keys()


def test_machine_without_limits_has_no_such_collector(tree: Path) -> None:
    (tree / "proc/self/cgroup").write_text("0::/\n")
    assert found(tree / "proc", tree / "sys", cores=8) is None


def test_machine_without_cgroup_v2_has_no_such_collector(tree: Path) -> None:
    (tree / "sys/fs/cgroup/cgroup.controllers").unlink()
    assert found(tree / "proc", tree / "sys", cores=8) is None
    (tree / "proc/self/cgroup").write_text("4:memory:/docker/1\n")
    assert found(tree / "proc", tree / "sys", cores=8) is None
    (tree / "proc/self/cgroup").unlink()
    assert found(tree / "proc", tree / "sys", cores=8) is None


def test_path_of_a_foreign_namespace_falls_back_to_the_root(tree: Path) -> None:
    (tree / "proc/self/cgroup").write_text("0::/../../elsewhere\n")
    assert found(tree / "proc", tree / "sys", cores=8) is None
