"""Section 3 leaves out the 3. Here each digit is left out in turn, from a student of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd import plots
from minikd.data import Digits
from minikd.evaluate import errors, errors_per_class, with_bias
from minikd.experiments.experiment import Experiment, Metric
from minikd.experiments.kept import Kept
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.run import seconds
from minikd.experiments.unseen import Unseen, distil, transfer_sets


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


@plots.in_house_style
def plot_omitted_each(record: dict[str, Any]) -> Any:
    """For each digit, what a student that never saw it gets right of it, before and after.

    Parameters
    ----------
    record : dict
        Of ``omitted-each``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plots.plt.subplots(figsize=(13, 5))
    m, digits = record["metrics"], np.arange(10)
    right = {
        role: np.array([
            100 * (1 - np.mean(m[f"{role}_{d}"]) / np.mean(m[f"cases_{d}"])) for d in digits
        ])
        for role in ("before", "after", "honest_after")
    }  # fmt: skip
    axes.vlines(digits, right["before"], right["honest_after"], color="0.8", lw=2, zorder=0.5)
    # A large bias would get all of the unseen digit right, and cost others: so both are shown.
    for role, total, label, color, marker, aside in (
        ("before", "errors_before", "as trained", plots.ORANGE, "o", 0),
        ("after", "errors_after", "bias tuned on the test set (paper)", plots.BLUE, "^", -0.06),
        ("honest_after", "honest_errors_after", "bias chosen without labels", plots.GREEN, "v", 0.06),
    ):  # fmt: skip
        said = f"{label}: {plots.count(np.mean(m[total]))} errors on all digits"
        axes.plot(
            digits + aside, right[role], marker, color=color, label=said, ms=8, clip_on=False
        )
    lowest = min(r.min() for r in right.values())
    axes.set(xticks=digits, xlabel="the digit that the student never saw")
    axes.set_ylim(lowest - 0.15 * (100 - lowest), 100)
    axes.set_ylabel("test cases of that digit right (%)")
    axes.grid(axis="y", color="0.93")
    axes.set_axisbelow(True)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    plots.say(
        figure,
        f"Leave out any digit: at worst, the student gets {right['before'].min():.1f} % of it right, "
        f"and {right['honest_after'].min():.1f} % with a bias chosen without labels",
        plots.footer(record, record["config"]["each"]["T"]),
    )
    return figure


def omitted_each_findings(record: dict[str, Any]) -> list[str]:
    """How the claim for the 3 does for the other digits.

    Parameters
    ----------
    record : dict
        Of ``omitted-each``.

    Returns
    -------
    list of str
    """
    m = record["metrics"]
    before, after = (
        [100 * (1 - np.mean(m[f"{role}_{d}"]) / np.mean(m[f"cases_{d}"])) for d in range(10)]
        for role in ("before", "honest_after")
    )
    return [
        f"Of the digit that it never saw, a student gets {min(before):.1f} to {max(before):.1f} % "
        f"right; the {np.argmin(before)} is the hardest. With a bias chosen without labels it gets "
        f"{min(after):.1f} to {max(after):.1f} %; the {np.argmin(after)} is the hardest."
    ]


METRICS = (
    Metric("teacher_errors", "teacher", "errors"),
    Metric("errors_before", "mean of the ten students", "errors"),
    Metric("errors_after", "mean of the ten students, bias tuned on the test set", "errors"),
    Metric(
        "honest_errors_after", "mean of the ten students, bias chosen without labels", "errors"
    ),
    *(
        Metric(
            f"{metric}_{digit}", f"errors on the unseen {digit}{after}", "errors", control=True
        )
        for digit in range(10)
        for metric, after in (
            ("before", ""),
            ("after", ", bias tuned on the test set"),
            ("honest_after", ", bias chosen without labels"),
        )
    ),
)

EXPERIMENT = Experiment(
    name="omitted-each",
    section="3",
    question="does what holds for the 3 hold for every other digit?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_omitted_each,
    findings=omitted_each_findings,
    cells=cells,
    together=together,
    chosen=(("errors_after", "bias of the unseen class, mean of ten digits"),),
)
