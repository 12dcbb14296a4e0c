"""Section 3 leaves out the 3. Here each digit is left out in turn, from a student of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from minikd.data import Digits
from minikd.evaluate import errors, errors_per_class, with_bias
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.run import Kept
from minikd.experiments.unseen import Unseen, distil, transfer_sets

CLAIM = "what holds for the 3 holds for every digit that a student never saw"

# The metrics that a table shows, in order.
SHOWN = {
    "teacher_errors": "teacher",
    **{
        f"{metric}_{digit}": what.format(digit)
        for digit in range(10)
        for metric, what in (
            ("cases", "test cases of class {}"),
            ("before", "never saw a {}: errors on it"),
            ("after", "never saw a {}: errors on it, bias tuned on the test set"),
            ("honest_after", "never saw a {}: errors on it, bias chosen without labels"),
        )
    },
}


@dataclass(frozen=True)
class OmittedEach:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist"}
    each : Unseen
        Of every student; the digit that it omits and whose bias is moved is put in.
    """

    name: str
    data: str
    each: Unseen


def one_seed(config: OmittedEach, digits: Digits, kept: Kept) -> dict[str, Any]:
    """Train the teacher, and for each digit a student that never sees it.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record.
    """
    teacher, over_views = kept.teacher(config.each, digits)
    y = digits.test.y
    metrics = {"test_cases": len(y), "teacher_errors": errors(teacher(digits.test.x), y)}
    for digit in range(10):
        # The hard control is trained here for no digit: it gets none of an unseen class.
        without = replace(config.each, omitted=(digit,), moved=(digit,))
        sets = transfer_sets(without, digits, kept, over_views)
        z, paper, honest = distil(without, digits, kept, *sets)
        metrics |= {
            f"cases_{digit}": int((y == digit).sum()),
            f"before_{digit}": int(errors_per_class(z, y)[digit]),
            f"bias_{digit}": paper.best,
            f"honest_bias_{digit}": honest.best,
            f"errors_{digit}": errors(z, y),
            f"errors_after_{digit}": int(paper.errors.min()),
        }
        for metric, bias in (("after", paper.best), ("honest_after", honest.best)):
            moved = with_bias(z, (digit,), bias)
            metrics[f"{metric}_{digit}"] = int(errors_per_class(moved, y)[digit])
    return {"seconds": round(kept.seconds, 1), "metrics": metrics, "curves": {}}


def _preset(data: str, epochs: int) -> OmittedEach:
    # Ten students instead of one, so fewer epochs for each.
    others = OMITTED_3[data]
    each = replace(others, student=replace(others.student, epochs=epochs))
    return OmittedEach("omitted-each", data, each)


PRESETS = {"glyphs": _preset("glyphs", epochs=20), "mnist": _preset("mnist", epochs=20)}
