"""Gradient checkers in the zoo: what each catches, misses, names, and how long it takes.

``python benchmarks/gradcheck_zoo.py`` shows every right layer and every mistake of ``zoo/`` to each
checker that is installed. ``--write`` keeps the result in ``results/benchmarks/gradcheck.json`` and
puts the table into ``docs/gradcheck.md``, between its markers. ``--said`` measures nothing: it keeps
what minikd says of each in ``results/benchmarks/gradcheck_said.json``, to which a test compares it.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import traceback
import warnings
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from gradcheck_peers import CHECKERS, LEFT_OUT, Check
from zoo import ZOO, Bug, Entry
from zoo import said as zoo_said
from zoo.named import asks_for_the_input_alone, names, wrong_hints

from minikd import GradcheckError
from minikd.checkpoint import write_atomically

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "results" / "benchmarks" / "gradcheck.json"
SAID = ROOT / "results" / "benchmarks" / "gradcheck_said.json"
PAGE = ROOT / "docs" / "gradcheck.md"
MINIKD, TORCH = "minikd.gradcheck", "torch.autograd.gradcheck"


def verdict(who: str, check: Check, entry: Entry, bug: Bug | None = None) -> tuple[str, str]:
    """What a checker makes of a layer: "passed", "caught" or "crashed", and its words.

    minikd catches only by its own error. Of the others, whatever they raise counts, unless it
    comes out of the layer itself: such a crash says nothing about the gradient.
    """
    layer = entry.wrong(bug) if bug else entry.right()
    try:
        check(layer, entry.inputs(), _differentiable(entry))
    except GradcheckError as error:
        return "caught", str(error)
    except Exception as error:
        own = "<zoo:" in "".join(traceback.format_exception(error))
        return (
            "crashed" if own or who == MINIKD else "caught",
            f"{type(error).__name__}: {error}",
        )
    return "passed", ""


def _differentiable(entry: Entry) -> list[int]:
    """Which inputs the right layer gives a gradient to."""
    out, backward = entry.right()(*entry.inputs())
    outs = out if isinstance(out, tuple) else (out,)
    grads = backward(*(np.ones(np.shape(o)) for o in outs))
    grads = grads if isinstance(grads, (tuple, list)) else (grads,)
    return [i for i, g in enumerate(grads) if g is not None]


def examine(who: str, check: Check) -> dict[str, Any]:
    """One checker, all layers and all mistakes."""
    found: dict[str, Any] = {
        key: [] for key in ("caught", "missed", "crashed", "false_alarms", "named", "unnamed",
                            "wrong_hints")
    }  # fmt: skip
    beyond = 0
    for entry in ZOO:
        said, words = verdict(who, check, entry)
        if said != "passed":
            found["false_alarms"].append(f"{entry.name}: {said}: {_first(words)}")
        for bug in entry.bugs:
            name = f"{entry.name}: {bug.note}"
            said, words = verdict(who, check, entry, bug)
            found["missed" if said == "passed" else said].append(name)
            if said != "caught":
                continue
            named = names(words, bug.cause)
            beyond += named and not asks_for_the_input_alone(bug.cause)
            found["named" if named else "unnamed"].append(
                f"{name} {bug.cause}: {_first(words)}"
            )
            if hints := wrong_hints(words, bug.cause, bug.also):
                found["wrong_hints"].append(f"{name} {bug.cause}: {hints}: {_first(words)}")
    found["named_beyond"] = beyond
    return found


def _first(words: str) -> str:
    return " ".join(words.split())[:300]


def take_turns(rounds: int) -> dict[str, list[list[float]]]:
    """Seconds of each checker on each right layer, round by round; the checkers take turns."""
    seconds: dict[str, list[list[float]]] = {who: [] for who in CHECKERS}
    which = [_differentiable(entry) for entry in ZOO]
    for _ in range(rounds):
        of_round: dict[str, list[float]] = {who: [] for who in CHECKERS}
        for entry, differentiable in zip(ZOO, which, strict=True):
            for who, check in CHECKERS.items():
                layer, inputs = entry.right(), entry.inputs()
                start = perf_counter()
                with suppress(Exception):  # a false alarm, which is counted elsewhere
                    check(layer, inputs, differentiable)
                of_round[who].append(perf_counter() - start)
        for who, times in of_round.items():
            seconds[who].append(times)
    return seconds


def ratio(seconds: dict[str, list[list[float]]], alarms: set[str]) -> float | None:
    """minikd's time by PyTorch's: the median over the layers, each the median of its rounds.

    Only layers count that both pass: an alarm ends a check early.
    """
    if TORCH not in seconds:
        return None
    pairs = zip(np.array(seconds[MINIKD]).T, np.array(seconds[TORCH]).T, strict=True)
    each = [float(np.median(own / its)) for own, its in pairs]
    return statistics.median(r for r, e in zip(each, ZOO, strict=True) if e.name not in alarms)


def measure(rounds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record, and in it numbers only; and what each checker said."""
    bugs = [bug for entry in ZOO for bug in entry.bugs]
    said = {}
    for who, check in CHECKERS.items():
        print(f"{who} ...", file=sys.stderr, flush=True)
        said[who] = examine(who, check)
    seconds = take_turns(rounds)
    alarms = {
        line.partition(":")[0]
        for who in (MINIKD, TORCH) if who in said for line in said[who]["false_alarms"]
    }  # fmt: skip
    versions = {}
    for name in ("numpy", "scipy", "torch", "jax", "autograd"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    record: dict[str, Any] = {
        "versions": versions, "rounds": rounds, "right": len(ZOO), "bugs": len(bugs),
        "more_than_the_input": sum(not asks_for_the_input_alone(bug.cause) for bug in bugs),
        "left_out": LEFT_OUT, "minikd_by_torch": ratio(seconds, alarms), "checkers": {},
    }  # fmt: skip
    for who, found in said.items():
        counts = {key: len(value) for key, value in found.items() if isinstance(value, list)}
        record["checkers"][who] = counts | {
            "named_beyond": found["named_beyond"],
            "seconds": statistics.median(sum(times) for times in seconds[who]),
        }
    return record, said


def table(record: dict[str, Any]) -> str:
    """The record as a table in Markdown."""
    lines = [
        "| checker | bugs caught | missed | crashed | false alarms | cause named "
        "| named, of those that take more than the input's name | wrong hints | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for who, found in record["checkers"].items():
        named = found["named"] / record["bugs"]
        beyond = found["named_beyond"] / record["more_than_the_input"]
        lines.append(
            f"| `{who}` | {found['caught']} of {record['bugs']} | {found['missed']} | "
            f"{found['crashed']} | {found['false_alarms']} of {record['right']} | {named:.0%} | "
            f"{beyond:.0%} | {found['wrong_hints']} | {found['seconds']:.2f} |"
        )
    by_torch = record["minikd_by_torch"]
    if by_torch is not None:
        lines += [
            "",
            f"minikd's time by PyTorch's, the median over the layers that both pass: {by_torch:.2f}.",
        ]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    lines += ["", f"With {versions}."]
    if record["left_out"]:
        lines[-1] += f" Left out, because not installed: {', '.join(record['left_out'])}."
    return "\n".join(lines)


def page(text: str, record: dict[str, Any]) -> str:
    """The page with the table between its markers."""
    pattern = r"(<!-- gradcheck -->\n).*?(<!-- end -->)"
    if not re.search(pattern, text, re.DOTALL):
        raise ValueError(f"{PAGE.name} has no <!-- gradcheck --> … <!-- end -->")
    return re.sub(
        pattern, lambda m: f"{m[1]}{table(record)}\n{m[2]}", text, count=1, flags=re.DOTALL
    )


def main() -> int:
    """Examine, time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="the record and the page")
    parser.add_argument("--said", action="store_true", help="minikd's words, and nothing else")
    parser.add_argument(
        "--verbose", action="store_true", help="list what was missed or unnamed"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="of timing (default: %(default)s)"
    )
    asked = parser.parse_args()
    if asked.rounds < 1:
        parser.error(f"--rounds is {asked.rounds}; expected at least 1")
    if asked.said:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            text = json.dumps(zoo_said.record(), indent=1, ensure_ascii=False) + "\n"
        write_atomically(SAID, text.encode())
        print(f"wrote {SAID.relative_to(ROOT)}")
        return 0
    if LEFT_OUT:
        print(f"left out, because not installed: {', '.join(LEFT_OUT)}", file=sys.stderr)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        record, said = measure(asked.rounds)
    if asked.verbose:
        for who, found in said.items():
            for key in ("false_alarms", "missed", "crashed", "unnamed", "wrong_hints"):
                for line in found[key]:
                    print(f"{who}, {key.replace('_', ' ')}: {line}")
    print(table(record))
    if asked.write:
        write_atomically(RECORD, (json.dumps(record, indent=1) + "\n").encode())
        write_atomically(PAGE, page(PAGE.read_text(encoding="utf-8"), record).encode())
        print(f"wrote {PAGE.relative_to(ROOT)} and {RECORD.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
