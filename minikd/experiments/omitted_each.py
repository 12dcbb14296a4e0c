"""Section 3 leaves out the 3. Here each digit is left out in turn, from a student of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd.data import Digits
from minikd.evaluate import errors, errors_per_class, with_bias
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.run import Kept, seconds
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


def cells(config: OmittedEach) -> list[Any]:
    """One for each digit."""
    return list(range(10))


def one_cell(config: OmittedEach, digits: Digits, kept: Kept, digit: int) -> dict[str, Any]:
    """Train the teacher, and a student that never sees a digit.

    No student of hard labels is trained here: it gets none of an unseen class.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for :func:`together`.
    """
    teacher, over_views = kept.teacher(config.each, digits)
    shared, y = kept.seconds, digits.test.y
    without = replace(config.each, omitted=(digit,), moved=(digit,))
    sets = transfer_sets(without, digits, kept, over_views)
    z, paper, honest = distil(without, digits, kept, *sets)
    answers = {
        "before": z,
        "after": with_bias(z, (digit,), paper.best),
        "honest_after": with_bias(z, (digit,), honest.best),
    }
    return {
        "seconds": round(kept.seconds, 1),
        "shared_seconds": round(shared, 1),
        "metrics": {
            "test_cases": len(y),
            "teacher_errors": errors(teacher(digits.test.x), y),
            f"cases_{digit}": int((y == digit).sum()),
            f"before_{digit}": int(errors_per_class(z, y)[digit]),
            f"bias_{digit}": paper.best,
            f"honest_bias_{digit}": honest.best,
            **{
                f"{which}_{digit}": int(errors_per_class(answers[which], y)[digit])
                for which in ("after", "honest_after")
            },
        },
        "curves": {which: errors(logits, y) for which, logits in answers.items()},
    }


def together(config: OmittedEach, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The findings of a seed from those of its digits."""
    totals = {which: [part["curves"][which] for part in parts] for which in parts[0]["curves"]}
    metrics = {metric: value for part in parts for metric, value in part["metrics"].items()}
    metrics |= {
        "errors_before": float(np.mean(totals["before"])),
        "errors_after": float(np.mean(totals["after"])),
        "honest_errors_after": float(np.mean(totals["honest_after"])),
    }
    return {"seconds": seconds(parts), "metrics": metrics, "curves": {"errors": totals}}


def _preset(data: str, epochs: int) -> OmittedEach:
    # Ten students instead of one, so fewer epochs for each.
    others = OMITTED_3[data]
    student = replace(others.student, epochs=epochs)
    each = replace(others, name="omitted-each", student=student)
    return OmittedEach("omitted-each", data, each)


PRESETS = {"glyphs": _preset("glyphs", epochs=20), "mnist": _preset("mnist", epochs=20)}
