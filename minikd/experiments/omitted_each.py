"""Section 3 leaves out the 3. Here each digit is left out in turn, from a student of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd.data import Digits
from minikd.evaluate import errors, errors_per_class, with_bias
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.run import Kept
from minikd.experiments.unseen import Unseen, distil, transfer_sets

CLAIM = "what holds for the 3 holds for every digit that a student never saw"

# The metrics that a table shows, in order.
SHOWN = {
    "teacher_errors": "teacher",
    "errors_before": "students, mean of the ten",
    "errors_after": "the same, bias tuned on the test set",
    "honest_errors_after": "the same, bias chosen without labels",
    **{
        f"{metric}_{digit}": f"errors on the unseen {digit}{after}"
        for digit in range(10)
        for metric, after in (
            ("before", ""),
            ("after", ", bias tuned on the test set"),
            ("honest_after", ", bias chosen without labels"),
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
    totals: dict[str, list[int]] = {"before": [], "after": [], "honest_after": []}
    metrics: dict[str, Any] = {
        "test_cases": len(y),
        "teacher_errors": errors(teacher(digits.test.x), y),
    }
    for digit in range(10):
        # No student of hard labels is trained here: it gets none of an unseen class.
        without = replace(config.each, omitted=(digit,), moved=(digit,))
        sets = transfer_sets(without, digits, kept, over_views)
        z, paper, honest = distil(without, digits, kept, *sets)
        metrics |= {
            f"cases_{digit}": int((y == digit).sum()),
            f"before_{digit}": int(errors_per_class(z, y)[digit]),
            f"bias_{digit}": paper.best,
            f"honest_bias_{digit}": honest.best,
        }
        for metric, bias in (("after", paper.best), ("honest_after", honest.best)):
            moved = with_bias(z, (digit,), bias)
            metrics[f"{metric}_{digit}"] = int(errors_per_class(moved, y)[digit])
            totals[metric].append(errors(moved, y))
        totals["before"].append(errors(z, y))
    metrics |= {
        "errors_before": float(np.mean(totals["before"])),
        "errors_after": float(np.mean(totals["after"])),
        "honest_errors_after": float(np.mean(totals["honest_after"])),
    }
    curves = {"errors": totals}
    return {"seconds": round(kept.seconds, 1), "metrics": metrics, "curves": curves}


def _preset(data: str, epochs: int) -> OmittedEach:
    # Ten students instead of one, so fewer epochs for each.
    others = OMITTED_3[data]
    student = replace(others.student, epochs=epochs)
    each = replace(others, name="omitted-each", student=student)
    return OmittedEach("omitted-each", data, each)


PRESETS = {"glyphs": _preset("glyphs", epochs=20), "mnist": _preset("mnist", epochs=20)}
