"""The check that a GPU does what the CPU does: on a double of CuPy it passes, and it can fail."""

from __future__ import annotations

import json

import numpy as np
import pytest

from minikd import equations, gpu_check, kernels


def run(device, path):
    return gpu_check.main(["--device", device, "--json", str(path)])


def test_it_passes_on_the_double_and_writes_a_record(fake_gpu, tmp_path, capsys):
    assert run("cuda", tmp_path / "g.json") == 0
    said = capsys.readouterr().out
    assert said.startswith("minikd on cuda: double\n")
    record = json.loads((tmp_path / "g.json").read_text())
    assert record["device"] == "cuda: double"
    assert record["benchmarks"] == "not asked for"
    checks = record["checks"]
    assert f"{len(checks)} of {len(checks)} checks passed" in said
    assert all(check["passed"] for check in checks.values())
    for name in (
        "softmax, float32",
        "add_scaled, float64",
        "gradient of logit matching",
        "transfers",
    ):
        assert name in checks
    # Every equation that there is, in both types.
    for name in equations.__all__ if hasattr(equations, "__all__") else ():
        assert {f"{name}, float32", f"{name}, float64"} <= set(checks), name


def test_without_a_gpu_it_says_what_to_install(capsys, tmp_path):
    if run("cuda", tmp_path / "g.json") != 2:
        pytest.skip("there is a GPU")
    said = capsys.readouterr().err
    assert said.startswith("gpu_check: device 'cuda'")
    assert said.count("\n") == 1


def test_a_file_that_cannot_be_written_is_noticed_before_the_checks(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "gpu_check.json"
    assert run("cpu", path) == 2
    said = capsys.readouterr()
    assert said.err.startswith("gpu_check: cannot write to the folder")
    assert not said.out


@pytest.mark.parametrize(
    ("module", "name", "wrong", "noticed"),
    [
        # A kernel that rounds to float64, one that forgets a factor, a gradient that lacks 1 / T.
        (kernels, "add_scaled", lambda y, factor, x: y.__setitem__(..., y + x), "add_scaled, float32"),
        (equations, "softmax", lambda z, T=1.0: np.exp(z) / np.exp(z).sum(-1, keepdims=True) + 1e-3,
         "softmax, float64"),
    ],
)  # fmt: skip
def test_it_fails_where_something_is_wrong_on_the_gpu_alone(
    module, name, wrong, noticed, fake_gpu, monkeypatch, tmp_path, capsys
):
    right = getattr(module, name)

    def elsewhere(first, *more, **named):
        on_gpu = type(first).__module__.startswith("cupy")
        return (wrong if on_gpu else right)(first, *more, **named)

    monkeypatch.setattr(module, name, elsewhere)
    assert run("cuda", tmp_path / "g.json") == 1
    assert f"FAILED {noticed}" in capsys.readouterr().out


def test_transfers_are_counted(fake_gpu, monkeypatch):
    (check,) = gpu_check.check_transfers("cuda")
    assert check.passed
    assert not check.found.startswith("0 arrays")
    # One array that is taken to the host in each step is noticed.
    from minikd import watch
    from minikd.backend import to_host

    real = watch.Watch.logits

    def looks_each_time(self, z, *more, **named):
        gpu_check.sys.modules["minikd.resume"].to_host(z)
        return real(self, z, *more, **named)

    assert gpu_check.sys.modules["minikd.resume"].to_host is to_host
    monkeypatch.setattr(watch.Watch, "logits", looks_each_time)
    (check,) = gpu_check.check_transfers("cuda")
    assert not check.passed
