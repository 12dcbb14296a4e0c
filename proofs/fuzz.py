"""Damaged and hostile files: what every reader of minikd says of them, and how much memory it takes.

    python proofs/fuzz.py --cases 10000

Each case takes a good file of a format, and flips bits, cuts, doubles, overwrites, or makes a number in it
huge. A reader may give what the file holds, or raise ValueError in one line; anything else is a failure,
and so is memory that the size of the file does not justify. Every file that makes a reader fail is
written to --failures.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import shutil
import struct
import sys
import tempfile
import tracemalloc
import warnings
import wave
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measured
import numpy as np

from minikd import MLP
from minikd.checkpoint import load_checkpoint, save_checkpoint
from minikd.data.idx import read_idx
from minikd.data.speech import read_recordings, read_wav
from minikd.data.unpack import MOST_TIMES
from minikd.experiments import findings, read_record
from minikd.experiments.record import checksum
from minikd.logits import read_logits

ROOT = Path(__file__).parents[1]
# What Python, NumPy and the unpacked form of a small file take at any rate.
LEAST_MEMORY = 4_000_000


@dataclass(frozen=True)
class Format:
    """A kind of file: good examples, and what reads it.

    Attributes
    ----------
    ending : str
        Of the file's name.
    good : list of bytes
    read : callable
        From a path; what it returns is not looked at.
    times : int
        How many times the size of a file reading it may take in memory.
    inside : tuple of str
        Words that say which file it is as well as its name does.
    wrap : callable
        What is damaged is put into a file by it: so that damage gets past a checksum.
    """

    ending: str
    good: list[bytes]
    read: Callable[[Path], Any]
    times: int = 40
    inside: tuple[str, ...] = ()
    wrap: Callable[[bytes], bytes] = bytes


def idx(array: Any, code: int = 0x08) -> bytes:
    """An array as an IDX file."""
    shape = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return shape + array.tobytes()


def sound(samples: int = 400) -> bytes:
    """A short WAV file."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 2, 8000, samples, "NONE", ""))
        file.writeframes(np.arange(samples, dtype="<i2").tobytes())
    return made.getvalue()


def archive(method: int) -> bytes:
    """A zip file of three recordings."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as file:
        for k in range(3):
            file.writestr(f"a/{k}_anna_{k}.wav", sound())
    return made.getvalue()


def checkpoints() -> list[bytes]:
    """A network, and the state of a run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        MLP([6, 5, 3], rng=0).save(path)
        network = path.read_bytes()
        save_checkpoint(path, {"p0": np.zeros((3, 2)), "u0": np.ones(3, "f4")}, {"run": "x"})
        return [network, path.read_bytes()]


def in_npz(member: str) -> Callable[[bytes], bytes]:
    """Puts bytes in place of a member of a good network's file, with the right checksum."""
    network = checkpoints()[0]

    def wrap(content: bytes) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(network)) as of, zipfile.ZipFile(made, "w") as file:
            for name in of.namelist():
                file.writestr(name, content if name == member else of.read(name))
        return made.getvalue()

    return wrap


def member_of_network(member: str) -> bytes:
    """What a good network's file holds under a name."""
    with zipfile.ZipFile(io.BytesIO(checkpoints()[0])) as of:
        return of.read(member)


def in_zip(content: bytes) -> bytes:
    """A recording as the only one of a zip file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("0_anna_0.wav", content)
    return made.getvalue()


def npy(array: Any) -> bytes:
    """An array as a .npy file."""
    made = io.BytesIO()
    np.save(made, array)
    return made.getvalue()


def records() -> list[bytes]:
    """Records that come with minikd, without their checksums, which :func:`with_checksum` adds."""
    found = []
    for path in sorted((ROOT / "results").glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        record.pop("sha256", None)
        found.append(json.dumps(record).encode())
    return sorted(found, key=len)[:6]


def with_checksum(content: bytes) -> bytes:
    """A record with the right checksum, so that damage gets further, if it can have one."""
    try:
        record = json.loads(content)
        return json.dumps({**record, "sha256": checksum(record)}).encode()
    except (ValueError, TypeError, RecursionError):
        return content


def read_and_tell(path: Path) -> Any:
    """A record, and what is said of it."""
    return findings(read_record(path))


def read_network_and_state(path: Path) -> Any:
    """A file as the state of a run, and then as a network."""
    load_checkpoint(path)
    return MLP.load(path)


def formats() -> dict[str, Format]:
    """Every kind of file that minikd reads."""
    images = idx(np.arange(60, dtype="u1").reshape(3, 4, 5))
    numbers = idx(np.arange(6, dtype=">f4").reshape(2, 3), 0x0D)
    return {
        "IDX": Format("", [images, numbers], read_idx),
        "IDX in gzip": Format(
            ".gz", [gzip.compress(images), gzip.compress(numbers)], read_idx, 4 * MOST_TIMES
        ),
        "npz": Format(".npz", checkpoints()[1:], load_checkpoint),
        **{
            f"npz, {member}": Format(
                ".npz", [member_of_network(member)], read_network_and_state, wrap=in_npz(member)
            )
            for member in ("meta.npy", "p0.npy", "p3.npy")
        },
        "npy": Format(".npy", [npy(np.eye(3)), npy(np.arange(4))], read_logits),
        "CSV": Format(".csv", [b"a,b,c\n1,2,3\n0.5,-1e3,4\n", b"1,2\n3,4\n"], read_logits, 200),
        "WAV": Format(".wav", [sound()], lambda path: read_wav(path.read_bytes(), path.name)),
        "zip": Format(
            ".zip", [archive(zipfile.ZIP_STORED), archive(zipfile.ZIP_DEFLATED)],
            read_recordings, 4 * MOST_TIMES,
        ),
        "zip, recording": Format(".zip", [sound()], read_recordings, wrap=in_zip),
        "record": Format(".json", records(), read_and_tell, 200, ("record ",), with_checksum),
    }  # fmt: skip


# ---------------------------------------------------------------- damage


def flip_bits(content: bytearray, rng: np.random.Generator) -> None:
    """One bit or some."""
    for at in rng.integers(0, len(content), rng.choice([1, 1, 1, 2, 8, 64])):
        content[at] ^= 1 << int(rng.integers(8))


def cut(content: bytearray, rng: np.random.Generator) -> None:
    """The end is missing, or a piece in the middle."""
    start = int(rng.integers(len(content)))
    stop = len(content) if rng.random() < 0.5 else start + int(rng.integers(1, 40))
    del content[start:stop]


def double(content: bytearray, rng: np.random.Generator) -> None:
    """A piece comes again, somewhere."""
    start, stop = np.sort(rng.integers(0, len(content) + 1, 2))
    at = int(rng.integers(len(content) + 1))
    content[at:at] = content[start : min(stop, start + 300)]


def overwrite(content: bytearray, rng: np.random.Generator) -> None:
    """A piece is replaced by zeros, by ones, or by noise."""
    at, size = int(rng.integers(len(content))), int(rng.integers(1, 60))
    fill = rng.choice(3)
    noise = rng.bytes(size) if fill == 2 else bytes([255 * int(fill)]) * size
    content[at : at + size] = noise[: len(content) - at]


def huge_number(content: bytearray, rng: np.random.Generator) -> None:
    """Four or eight bytes that may be a size become a very large one, or a negative one."""
    size, order = int(rng.choice([4, 8])), rng.choice(["little", "big"])
    value = int(rng.choice([2**31 - 1, 2**32 - 1, 2**24, 10**6])) << (8 * (size - 4))
    at = int(rng.integers(max(1, min(len(content), 200) - size)))
    if rng.random() < 0.5:
        at = len(content) - 1 - at
    content[at : at + size] = value.to_bytes(size, str(order))  # type: ignore[arg-type]


def digits(content: bytearray, rng: np.random.Generator) -> None:
    """A digit in text becomes many, a word, or another sign."""
    places = [k for k, byte in enumerate(content[:5000]) if 48 <= byte <= 57] or [0]
    at = int(rng.choice(places))
    words = [b"99999999999999999999", b"-1", b"1e999", b"NaN", b"null", b"[]", b"{}", b'"x"', b"", b"true",
             b"[[[[[[[[", b"0x10", b"1_0", b"9" * 5000]  # fmt: skip
    content[at : at + 1] = words[int(rng.integers(len(words)))]


DAMAGE = (flip_bits, cut, double, overwrite, huge_number, digits)


def bombs() -> dict[str, bytes]:
    """Small files that claim, or unpack to, very much, by the name of their format and a word."""
    packed_idx = gzip.compress(idx(np.zeros((2000, 28, 28 * 28), "u1")))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("0_anna_0.wav", sound()[:44] + bytes(40_000_000))
    packed_npz = io.BytesIO()
    np.savez_compressed(packed_npz, meta=np.array("{}"), p0=np.zeros(5_000_000))
    header = npy(np.zeros(4))
    claims = header.replace(b"(4,)", b"(17592186044416,)").replace(b" " * 17, b" " * 4, 1)
    lying = io.BytesIO()
    with zipfile.ZipFile(lying, "w") as file:
        file.writestr("meta.npy", claims)
    axes = struct.pack(">BBBB65I", 0, 0, 8, 65, *([1] * 65)) + b"\0"
    return {
        "IDX in gzip: 40 MB of zeros": packed_idx, "IDX: 65 axes": axes,
        "IDX: claims 2^96 bytes": struct.pack(">BBBB3I", 0, 0, 8, 3, *([2**32 - 1] * 3)),
        "IDX: an axis of 0 beside huge ones": struct.pack(">BBBB3I", 0, 0, 8, 3, 0, 2**32 - 1, 2**32 - 1),
        "zip: 40 MB of silence": made.getvalue(), "npz: 40 MB, packed": packed_npz.getvalue(),
        "npz: a header that claims 128 TiB": lying.getvalue(), "npy: claims 128 TiB": claims,
        "zip: a size that lies": lying_zip(), "zip: one name many times": same_name_zip(),
        "WAV: a format chunk of 4 GiB": sound()[:16] + b"\xff\xff\xff\xff" + sound()[20:],
        "record: 100,000 brackets": b"[" * 100_000,
    }  # fmt: skip


def lying_zip() -> bytes:
    """A recording of 20 MB, whose directory claims a hundred bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("0_anna_0.wav", sound()[:44] + bytes(20_000_000))
    content = bytearray(made.getvalue())
    size = (20_000_044).to_bytes(4, "little")
    while (at := content.find(size)) >= 0:
        content[at : at + 4] = (100).to_bytes(4, "little")
    return bytes(content)


def same_name_zip() -> bytes:
    """A hundred empty entries under the name of one of 1.4 MB."""
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        warnings.simplefilter("ignore")
        for _ in range(100):
            file.writestr("0_anna_0.wav", b"")
        file.writestr("0_anna_0.wav", sound(700_000))
    return made.getvalue()


# ---------------------------------------------------------------- a case


def outcome(of: Format, path: Path) -> str:
    """``read``, ``refused``, or what went wrong."""
    size = path.stat().st_size
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            of.read(path)
        said = "read"
    except ValueError as error:
        if type(error) is not ValueError:
            said = f"wrong: {type(error).__name__}: {error}"
        else:
            said = "refused" if "\n" not in str(error) else f"wrong: more than a line: {error}"
            # A message of NumPy or Python knows no file; minikd's own name it, or what is in it.
            if not any(word in str(error) for word in (path.stem, *of.inside)):
                said = f"wrong: names no file: {error}"
    except Exception as error:
        said = f"wrong: {type(error).__name__}: {error}"
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if most > LEAST_MEMORY + of.times * size:
        said = f"wrong: {most} bytes of memory for a file of {size}"
    return said


def fuzz(
    cases: int, seed: int = 0, failures: Path | None = None, only: str | None = None
) -> dict[str, Counter[str]]:
    """So many damaged files of each format, or of one, and all bombs: the outcomes by format."""
    counts: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, of) in enumerate(formats().items()):
            if only not in (None, name):
                continue
            rng, counted = np.random.default_rng([seed, number]), Counter[str]()
            path = Path(folder) / f"q7x{of.ending}"
            for content in of.good:  # what is imported on the way is no memory of a file
                path.write_bytes(of.wrap(content))
                of.read(path)
            for case in range(cases):
                content = bytearray(of.good[case % len(of.good)])
                for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
                    if content:
                        DAMAGE[int(rng.integers(len(DAMAGE)))](content, rng)
                path.write_bytes(of.wrap(bytes(content)))
                said = outcome(of, path)
                counted[said[:160]] += 1
                if said.startswith("wrong") and failures is not None:
                    failures.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, failures / f"{name}-{case}{of.ending}")
            counts[name] = counted
        for name, content in bombs().items() if only in (None, "bombs") else ():
            of = formats()[name.partition(":")[0]]
            path = Path(folder) / f"q7x{of.ending}"
            path.write_bytes(content)
            said = outcome(of, path)
            counts[f"bomb: {name}"] = Counter([said if said != "read" else "wrong: read"])
    return counts


def failed(counts: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    """What went wrong, by format."""
    wrong = {
        name: {said: n for said, n in of.items() if said.startswith("wrong")}
        for name, of in counts.items()
    }
    return {name: of for name, of in wrong.items() if of}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000, help="of each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[*formats(), "bombs"])
    parser.add_argument("--failures", type=Path, default=Path("out/fuzz"))
    parser.add_argument(
        "--record",
        type=Path,
        help="write the counts as JSON; with --only, those of the others stay",
    )
    arguments = parser.parse_args()
    counts = fuzz(arguments.cases, arguments.seed, arguments.failures, arguments.only)
    for name, of in counts.items():
        print(name, dict(of.most_common(8)))
    wrong = failed(counts)
    if arguments.record:
        found: dict[str, Any] = {"cases": arguments.cases, "formats": {}}
        if arguments.only and arguments.record.exists():
            found, _ = measured.read(arguments.record)
        found["formats"] |= {
            name: {"read": of["read"], "refused": of["refused"],
                   "wrong": sum(wrong.get(name, {}).values())}
            for name, of in counts.items()
        }  # fmt: skip
        if found["cases"] != arguments.cases:
            parser.error(
                f"--cases is {arguments.cases}; the record has {found['cases']} of each"
            )
        measured.write(arguments.record, found, counts if arguments.only else None)
    print("nothing went wrong" if not wrong else f"WRONG: {wrong}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
