"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import device_double
import matplotlib as mpl
import numpy as np
import pytest

from minikd.data.mnist import SHA256, mnist_folder

mpl.use("Agg")

NAMESPACES = ["numpy", "numpy-readonly", "strict", "strict-device1", "strict-float32", "cupy"]


class Arrays:
    """Makes arrays of one library for a test, and takes them back."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.tolerance = 1e-5 if kind == "strict-float32" else 1e-12
        self.dtype = "float32" if kind == "strict-float32" else "float64"
        if kind.startswith("numpy"):
            self.xp: Any = np
        elif kind == "cupy":
            self.xp = pytest.importorskip("cupy", reason="CuPy is not installed")
            if not self.xp.cuda.is_available():
                pytest.skip("no CUDA device")
        else:
            self.xp = pytest.importorskip("array_api_strict")

    def __call__(self, values: Any) -> Any:
        values = np.asarray(values)
        is_float = np.issubdtype(values.dtype, np.floating)
        if self.xp is np:
            made = values.astype(self.dtype) if is_float else values.copy()
            made.flags.writeable = self.kind != "numpy-readonly"
            return made
        options: dict[str, Any] = {"dtype": getattr(self.xp, self.dtype)} if is_float else {}
        if self.kind == "strict-device1":
            options["device"] = self.xp.Device("device1")
        return self.xp.asarray(values, **options)

    def back(self, x: Any) -> Any:
        if self.kind == "cupy":
            return x.get()
        return np.asarray(
            x.to_device(self.xp.Device("CPU_DEVICE")) if "strict" in self.kind else x
        )


@pytest.fixture(params=NAMESPACES)
def arrays(request: pytest.FixtureRequest) -> Arrays:
    """Every array library that the equations must run on."""
    return Arrays(request.param)


@pytest.fixture
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Device 'cuda' is a double that refuses to mix host and device arrays, as CuPy does."""
    return device_double.install(monkeypatch)


@pytest.fixture
def mnist() -> Path:
    """The folder of the real MNIST, or a skip."""
    folder = mnist_folder()
    if not all((folder / name).exists() for name in SHA256):
        pytest.skip(f"MNIST is not in {folder}; set MINIKD_DATA_DIR or run 'minikd data mnist'")
    return folder


@pytest.fixture
def environment() -> dict[str, str]:
    """For subprocesses: no display, and warnings are errors there too."""
    return os.environ | {"MPLBACKEND": "Agg", "PYTHONWARNINGS": "error"}
