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
from minikd.experiments.protocols import taught, transfer_sets
from minikd.experiments.run import seconds
from minikd.experiments.unseen import Unseen, chosen_without_labels, tuned_on_test


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
    """Train the teacher, and by each protocol a student that never sees a digit.

    No student of hard labels is trained here: it gets none of an unseen class.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for :func:`together`.
    """
    each = replace(config.each, omitted=(digit,), moved=(digit,))
    teacher, _ = kept.teacher(each, digits, each.paper.teacher)
    protocols = {"": each.paper, "best_": each.best}
    sets = {prefix: transfer_sets(of, each, digits, kept) for prefix, of in protocols.items()}
    shared, test = kept.seconds, digits.test
    answers, biases = {}, {}
    for prefix, protocol in protocols.items():
        transfer, held_out = sets[prefix]
        student = taught(protocol, each, kept, transfer, (digit,))
        answers[f"{prefix}before"] = z = student(test.x)
        choices = {prefix: tuned_on_test(each, z, test)}
        if held_out is not None:
            choices[f"honest_{prefix}"] = chosen_without_labels(each, student, held_out)
        for how, sweep in choices.items():
            answers[f"{how}after"] = with_bias(z, (digit,), sweep.best)
            biases[f"{how}bias_{digit}"] = sweep.best
    return {
        "seconds": round(kept.seconds, 1),
        "shared_seconds": round(shared, 1),
        "metrics": {
            "test_cases": len(test),
            "teacher_errors": errors(teacher(test.x), test.y),
            f"cases_{digit}": int((test.y == digit).sum()),
            **biases,
            **{
                f"{which}_{digit}": int(errors_per_class(z, test.y)[digit])
                for which, z in answers.items()
            },
        },
        "curves": {which: errors(z, test.y) for which, z in answers.items()},
    }


def together(config: OmittedEach, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The findings of a seed from those of its digits."""
    totals = {which: [part["curves"][which] for part in parts] for which in parts[0]["curves"]}
    metrics = {metric: value for part in parts for metric, value in part["metrics"].items()}
    for which, of_digits in totals.items():
        prefix, _, when = which.rpartition("_")
        metrics[f"{prefix}_errors_{when}".removeprefix("_")] = float(np.mean(of_digits))
    return {"seconds": seconds(parts), "metrics": metrics, "curves": {"errors": totals}}


def _preset(data: str, learning_rate: float) -> OmittedEach:
    others = OMITTED_3[data]
    # Twenty students instead of two, so fewer epochs for each; and none of them may diverge.
    student = replace(others.paper.student, epochs=20, learning_rate=learning_rate)
    each = replace(
        others, name="omitted-each",
        paper=replace(others.paper, student=student), best=replace(others.best, student=student),
    )  # fmt: skip
    return OmittedEach("omitted-each", data, each)


PRESETS = {"glyphs": _preset("glyphs", 0.02), "mnist": _preset("mnist", 0.03)}


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
        for role in ("before", "after", "best_before", "honest_best_after")
    }  # fmt: skip
    # A large bias would get all of the unseen digit right, and cost others: so both are shown.
    for before, after, words, how, color, marker, aside in (
        ("before", "after", "paper's protocol", "bias tuned on the test set", plots.BLUE, "^", -0.08),
        ("best_before", "honest_best_after", "best protocol", "bias chosen without labels",
         plots.GREEN, "v", 0.08),
    ):  # fmt: skip
        axes.vlines(digits + aside, right[before], right[after], color=color, alpha=0.3, lw=2)
        for role, said, fill in ((before, "as trained", "none"), (after, how, color)):
            total = plots.count(np.mean(m[_total(role)]))
            axes.plot(
                digits + aside, right[role], marker, color=color, mfc=fill, ms=8, clip_on=False,
                label=f"{words}, {said}: {total} errors on all digits",
            )  # fmt: skip
    lowest = min(r.min() for r in right.values())
    axes.set(xticks=digits, xlabel="the digit that the student never saw")
    axes.set_ylim(lowest - 0.15 * (100 - lowest), 100)
    axes.set_ylabel("test cases of that digit right (%)")
    axes.grid(axis="y", color="0.93")
    axes.set_axisbelow(True)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    plots.say(
        figure,
        "Leave out any digit: by the paper's protocol the student gets at worst "
        f"{right['before'].min():.1f} % of it right, and {right['after'].min():.1f} % with a higher bias",
        plots.footer(record, record["config"]["each"]["T"]),
    )
    return figure


def _total(role: str) -> str:
    """The metric of all errors of a role: ``honest_best_errors_after``."""
    prefix, _, when = role.rpartition("_")
    return f"{prefix}_errors_{when}".removeprefix("_")


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
    said = []
    for protocol, how, before, after in (
        ("the paper's", "tuned on the test set", "before", "after"),
        ("the best", "chosen without labels", "best_before", "honest_best_after"),
    ):
        was, became = (
            [
                100 * (1 - np.mean(m[f"{role}_{d}"]) / np.mean(m[f"cases_{d}"]))
                for d in range(10)
            ]
            for role in (before, after)
        )
        said.append(
            f"By {protocol} protocol, of the digit that it never saw a student gets {min(was):.1f} to "
            f"{max(was):.1f} % right; the {np.argmin(was)} is the hardest. With a bias {how} it gets "
            f"{min(became):.1f} to {max(became):.1f} %; the {np.argmin(became)} is the hardest."
        )
    return said


_ROLES = {
    "before": "paper's protocol",
    "after": "paper's protocol, bias tuned on the test set",
    "best_before": "best protocol",
    "best_after": "best protocol, bias tuned on the test set",
    "honest_best_after": "best protocol, bias chosen without labels",
}
METRICS = (
    Metric("teacher_errors", "teacher", "errors"),
    *(
        Metric(_total(role), f"mean of the ten students: {words}", "errors")
        for role, words in _ROLES.items()
    ),
    *(
        Metric(f"{role}_{d}", f"errors on the unseen {d}: {words}", "errors", control=True,
               of=f"cases_{d}")
        for d in range(10)
        for role, words in _ROLES.items()
    ),
)  # fmt: skip

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
    chosen=(("best_errors_after", "bias of the unseen class, mean of ten digits"),),
)
