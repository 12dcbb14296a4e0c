"""Every fused kernel, compiled for GPUs of several kinds on a machine that has none.

    python proofs/fused.py

CuPy makes a kernel's source as it would for a call, from arrays that lie nowhere; NVRTC, CUDA's compiler,
compiles it. It needs ``pip install 'cupy-cuda12x[ctk]'``, and no device, and looks into CuPy, so another
version may do it otherwise. Whether a kernel computes the right thing is for ``minikd.gpu_check`` to say.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import measured
import numpy as np

from minikd import kernels

# By their compute capability, the GPUs that are best known.
GPUS = {75: "T4", 80: "A100", 89: "RTX 40", 90: "H100", 100: "B200", 120: "RTX 50"}
DTYPES = ("float32", "float64")
# How CuPy counts the arguments of a kernel.
_ARRAY, _INDEXER, _SCALAR = 1, 2, 3
_HEADERS = ("complex.cuh", "carray.cuh", "atomics.cuh", "math_constants.h")


def fused_functions() -> Iterator[tuple[str, Callable[..., None]]]:
    """What :func:`minikd.kernels.fused` makes kernels of."""
    for name, function in vars(kernels).items():
        if inspect.isfunction(function) and hasattr(function, "__wrapped__"):
            yield name.lstrip("_"), function.__wrapped__


def source(function: Callable[..., None], dtype: str) -> str:
    """The source that CuPy makes of a function, for arrays of a dtype."""
    import cupy
    from cupy._core import _kernel, fusion
    from cupy._core._carray import Indexer

    def array() -> Any:
        nowhere = cupy.cuda.UnownedMemory(1 << 30, 1 << 10, None, 0)
        return cupy.ndarray((12,), dtype, memptr=cupy.cuda.MemoryPointer(nowhere, 0))

    kinds = [p.annotation for p in inspect.signature(function).parameters.values()]
    arguments = [0.5 if kind == "float" else array() for kind in kinds]
    fusion_of = fusion.Fusion(function, None)
    with suppress(
        cupy.cuda.runtime.CUDARuntimeError
    ):  # with the kernel made, there is no device
        fusion_of(*arguments)
    ((made, *_),) = fusion_of._memo.values()
    info, number = _kernel._ArgInfo, np.dtype(dtype).type
    told = [
        info(_SCALAR, float, p.dtype.type, 0, True, True) if kind == "float"
        else info(_ARRAY, cupy.ndarray, number, 1, True, True)
        for kind, p in zip(kinds, (*made.in_params, *made.out_params), strict=True)
    ]  # fmt: skip
    code = _kernel._get_elementwise_kernel_code(
        (*told, info(_INDEXER, Indexer, None, 1, True, True)), _kernel._TypeMap(()),
        tuple(made.params), made.operation, made.name, made.preamble,
    )  # fmt: skip
    return "".join(f"#include <cupy/{header}>\n" for header in _HEADERS) + str(code)


def types_of(code: str) -> list[str]:
    """The types of C in which a kernel computes: those that its operations take."""
    taken = re.findall(r"__device__ void \w+\(([^)]*)\)", code)
    return sorted({kind for of in taken for kind in re.findall(r"(\w+) &", of)} - {"bool"})


def compiled(code: str, architecture: int) -> int:
    """Compile it: the size of the binary in bytes.

    Raises
    ------
    RuntimeError
        With what the compiler says.
    """
    import cupy
    from cupy._core import core
    from cupy_backends.cuda.libs import nvrtc

    places = [Path(cupy.__file__).parent / "_core" / "include"]
    with suppress(ModuleNotFoundError):  # where CUDA is not from wheels, CuPy knows where it is
        found = importlib.util.find_spec("nvidia.cuda_runtime")
        places += [
            Path(p) / "include" for p in (found and found.submodule_search_locations) or ()
        ]
    program = nvrtc.createProgram(code, "fused.cu", (), ())
    options = ["-std=c++17", f"-arch=sm_{architecture}", *core._get_cccl_include_options()]
    try:
        nvrtc.compileProgram(program, [*options, *(f"-I{place}" for place in places)])
    except nvrtc.NVRTCError as error:
        raise RuntimeError(nvrtc.getProgramLog(program)) from error
    return len(nvrtc.getCUBIN(program))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", type=Path, help="write what came of it as JSON")
    arguments = parser.parse_args()
    import cupy

    rows = []
    for name, function in fused_functions():
        for dtype in DTYPES:
            code = source(function, dtype)
            sizes = [compiled(code, architecture) for architecture in GPUS]
            rows.append(
                {"kernel": name, "dtype": dtype, "computes in": types_of(code), "bytes": sizes}
            )
            print(rows[-1])
    if arguments.record:
        found = {"cupy": cupy.__version__, "architectures": list(GPUS), "rows": rows}
        measured.write(arguments.record, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
