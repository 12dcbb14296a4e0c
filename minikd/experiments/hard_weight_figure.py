"""What a record of ``hard-weight`` says and shows: errors and biases by the weight of hard targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minikd import plots, values
from minikd.experiments.experiment import Metric, Record
from minikd.experiments.measured import MEASURES, predictions
from minikd.experiments.omitted_3 import METRICS as OF_OMITTED_3
from minikd.experiments.sevens_and_eights import METRICS as OF_SEVENS_AND_EIGHTS
from minikd.experiments.teacher_student import METRICS as OF_TEACHER_STUDENT
from minikd.statistics import mean_of

WORDS = {"all": "all digits", "no-3": "without 3", "only-7-8": "only 7 and 8"}
_UNSEEN = {"before": "errors_before", "unseen_before": "omitted_errors_before", "bias": "bias",
           "after": "errors_after", "unseen_after": "omitted_errors_after"}  # fmt: skip
_SOURCES = {
    "all": (OF_TEACHER_STUDENT, {"before": "distilled_errors"}),
    "no-3": (OF_OMITTED_3, _UNSEEN),
    "only-7-8": (OF_SEVENS_AND_EIGHTS, _UNSEEN),
}


def paper_figures(record: Record) -> dict[str, dict[str, float]]:
    """What the paper reports of each transfer set: errors among 10,000 cases, and biases.

    Empty where the record is of other data.
    """
    if record["data"] != "mnist":
        return {}
    found: dict[str, dict[str, float]] = {}
    for name, (metrics, names) in _SOURCES.items():
        of = {metric.name: (metric.paper, metric.unit) for metric in metrics if metric.paper}
        found[name] = {
            what: of[metric][0].value * (100 if of[metric][1] == "% of cases" else 1)
            for what, metric in names.items()
            if metric in of
        }
    return found


def metric_of(which: str, what: str, weight: float) -> str:
    """The name of a metric: ``no_3_before_w2``."""
    return f"{which}_{what}_w{weight:g}".replace("-", "_")


def hard_weight_metrics(sets: Iterable[str], weights: Sequence[float]) -> tuple[Metric, ...]:
    """Of the first teacher at the paper's temperature: what each weight gives."""
    kinds = (
        ("before", "errors", "errors"),
        ("unseen_before", "errors on unseen classes", "errors"),
        ("bias", "bias tuned on the test set", "logits"),
        ("after", "errors with that bias", "errors"),
        ("unseen_after", "errors on unseen classes with that bias", "errors"),
    )
    return (
        Metric("teacher_errors", "teacher", "errors"),
        *(
            Metric(
                metric_of(which, what, weight), f"{WORDS[which]}, weight {weight:g}: {words}", unit,
                "neither" if unit == "logits" else "less", control=True,
            )
            for which in sets
            for weight in weights
            for what, words, unit in (kinds[:1] if which == "all" else kinds)
        ),
    )  # fmt: skip


def lead_in_balance(hard_weight: float, classes: int, lead: float = 0.0) -> float:
    """The lead of an unseen class over the label, where soft and hard targets are in balance.

    A case on which the teacher gives the unseen class c a lead of v_c - v_y over the label y, and
    almost nothing to all others, at high T: the solution of l = v_c - v_y - 2 N w / (1 + exp(-l)).
    Where the teacher is of two minds, it is the s = -l of s (1 + exp(s)) = 2 N w.

    Parameters
    ----------
    hard_weight : float
        w ≥ 0.
    classes : int
        N.
    lead : float
        v_c - v_y, of the teacher.

    Examples
    --------
    >>> round(lead_in_balance(2.0, 10), 2)
    -2.65
    """
    from scipy.optimize import brentq
    from scipy.special import expit

    weight, classes = (
        values.finite("hard_weight", hard_weight),
        values.whole("classes", classes, 2),
    )
    if weight < 0:
        raise values.refused("hard_weight", hard_weight, "a number of 0 or more")
    lead, strength = values.finite("lead", lead), 2 * classes * weight
    if strength == 0:
        return lead
    return float(
        brentq(lambda at: at - lead + strength * expit(at), lead - strength - 1, lead + 1)
    )


def over_seeds(
    record: Record, what: str, teacher: str, T: float, which: str
) -> dict[float, Any]:
    """A number by weight, for each seed: of a teacher, a temperature and a transfer set."""
    found: dict[float, list[float]] = {}
    for rows in record["curves"]["rows"]:
        for row in rows:
            if [row["teacher"], row["T"], row["set"]] == [teacher, T, which] and what in row:
                found.setdefault(row["weight"], []).append(row[what])
    return {weight: np.array(found[weight]) for weight in sorted(found)}


def nearness(record: Record) -> dict[float, Any]:
    """How far each weight is from the paper, for each seed: of the first teacher at its T.

    The mean over all that the paper reports of how far the logarithm of here / paper is from 0; e to
    its power, less 1, is a relative distance.
    """
    teacher, T = next(iter(record["config"]["teachers"])), record["config"]["T"]
    logs: dict[float, list[Any]] = {}
    for which, figures in paper_figures(record).items():
        for what, paper in figures.items():
            for weight, found in over_seeds(record, what, teacher, T, which).items():
                # A bias of the other sign is no nearer than one of a hundredth of the size.
                ratio = np.maximum(found / paper, 0.01)
                logs.setdefault(weight, []).append(np.abs(np.log(ratio)))
    return {weight: np.mean(of, axis=0) for weight, of in logs.items()}


def nearest(record: Record) -> float:
    """The weight that comes nearest to the paper; see :func:`nearness`."""
    near = nearness(record)
    return min(near, key=lambda weight: float(near[weight].mean()))


def hard_weight_findings(record: Record) -> list[str]:
    """What the weight changes, which comes nearest to the paper, and what the teacher has to do with it."""
    config = record["config"]
    teachers, T, weights = list(config["teachers"]), config["T"], config["weights"]
    least, most = min(weights), max(weights)
    cases = np.mean(record["metrics"]["test_cases"])

    def mean(what: str, teacher: str, which: str, weight: float) -> float:
        return float(np.mean(over_seeds(record, what, teacher, T, which)[weight]))

    first = teachers[0]
    said = []
    for which in config["sets"]:
        start, end = (mean("before", first, which, w) for w in (least, most))
        if which == "all":
            said.append(
                f"Hard targets of weight {least:g} to {most:g} beside T² times the soft ones (T = {T:g}) "
                f"take a student of all digits from {plots.count(start)} errors to {plots.count(end)}."
            )
            continue
        done, ended = (mean("after", first, which, w) for w in (least, most))
        biases = [mean("bias", first, which, w) for w in (least, most)]
        said.append(
            f"A student that saw {'no 3' if which == 'no-3' else 'only sevens and eights'}: its errors "
            f"go from {100 * start / cases:.2f} to {100 * end / cases:.2f} % before the bias is moved, "
            f"and from {100 * done / cases:.2f} to {100 * ended / cases:.2f} % after; the best bias from "
            f"{plots.signed(biases[0])} to {plots.signed(biases[1])}."
        )
    near = nearness(record)
    if near:
        best = nearest(record)
        off = mean_of(100 * np.expm1(near[best]))
        said.append(
            f"Nearest to all figures of the paper at once is the weight {best:g}: on average "
            f"{off.words(0)} % off (weight {least:g}: {100 * np.expm1(near[least].mean()):.0f} %, "
            f"{most:g}: {100 * np.expm1(near[most].mean()):.0f} %)."
        )
    if len(teachers) > 1:
        doubt = {who: _of_teacher(record, who, "doubt") for who in teachers}
        grown = {
            who: mean("before", who, "only-7-8", most) / mean("before", who, "only-7-8", least)
            for who in teachers
        }
        each = "; ".join(
            f"{who}: {100 * doubt[who]:.2f} %, {grown[who]:.2f} times as many"
            for who in sorted(doubt, key=doubt.__getitem__)
        )
        by_doubt = [grown[who] for who in sorted(doubt, key=doubt.__getitem__)]
        more = "change more" if by_doubt == sorted(by_doubt) else "do not always change more"
        said.append(
            f"Hard targets {more} where the teacher is more in doubt. Its probability on other classes than "
            "the label, mean over the training cases, and how many errors a student of sevens and eights "
            f"makes at weight {most:g} beside {least:g}: {each}."
        )
    return said + _predicted(record)


def _predicted(record: Record) -> list[str]:
    """What could have told, before they taught, which teacher has the better students."""
    T, all_digits, no_3, least = record["config"]["T"], [], [], min(record["config"]["weights"])
    of_seeds = record["curves"]["teachers"]
    teachers = [of for seed in of_seeds for of in seed.values()]
    if len(teachers) < 5 or any(not of.keys() >= MEASURES.keys() for of in teachers):
        return []
    for k, seed in enumerate(of_seeds):
        for who in seed:
            all_digits.append(over_seeds(record, "before", who, T, "all")[least][k])
            no_3.append(over_seeds(record, "unseen_before", who, T, "no-3")[least][k])
    of_all, of_3 = predictions(teachers, all_digits), predictions(teachers, no_3)
    ranks = "; ".join(
        f"{MEASURES[name]} {of_all[name]:.2f} and {of_3[name]:.2f}"
        for name in of_all
        if name in of_3
    )
    if not ranks:
        return []
    return [
        f"What tells of a teacher how its students will do: over {len(teachers)} teachers, rank "
        "correlations with the errors of its student of soft targets alone, and with the errors on threes "
        f"of one that saw no 3, its bias not moved: {ranks}."
    ]


def _of_teacher(record: Record, who: str, what: str) -> float:
    return float(np.mean([seed[who][what] for seed in record["curves"]["teachers"]]))


def hard_weight_tables(record: Record) -> str:
    """Every teacher, temperature and weight beside the paper, as Markdown."""
    config, cases = record["config"], np.mean(record["metrics"]["test_cases"])
    lines = [
        "| teacher | T | weight | all digits | without 3 (of them threes), before → after | at a bias of "
        "| only 7 and 8, before → after | at a bias of |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    paper = paper_figures(record)
    if paper:
        lines.append(_row(("the paper", f"{config['T']:g}", "?"), paper, 10_000))
    first, *_ = config["teachers"]
    for who in config["teachers"]:
        for T in [config["T"], *(config["other_temperatures"] if who == first else [])]:
            for weight in over_seeds(record, "before", who, T, "all"):
                means = {
                    which: {
                        what: float(found[weight].mean())
                        for what in _UNSEEN
                        if weight in (found := over_seeds(record, what, who, T, which))
                    }
                    for which in config["sets"]
                }
                lines.append(_row((who, f"{T:g}", f"{weight:g}"), means, cases))
    return "\n".join(lines)


def _row(names: tuple[str, ...], means: dict[str, dict[str, float]], cases: float) -> str:
    no_3, only = means["no-3"], means["only-7-8"]
    return " | ".join((
        "| " + names[0], *names[1:], plots.count(means["all"]["before"]),
        f"{plots.count(no_3['before'])} ({plots.count(no_3['unseen_before'])}) → "
        f"{plots.count(no_3['after'])} ({plots.count(no_3['unseen_after'])})",
        plots.signed(no_3["bias"]),
        f"{100 * only['before'] / cases:.1f} → {100 * only['after'] / cases:.1f} %",
        plots.signed(only["bias"]) + " |",
    ))  # fmt: skip


@plots.in_house_style
def plot_hard_weight(record: Record) -> Any:
    """Errors before and after the bias as the weight grows, and the bias of the unseen class.

    Parameters
    ----------
    record : dict
        Of ``hard-weight``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plots.plt.subplots(1, 3, figsize=(15, 5.6))
    _plot_errors(axes[0], record, "no-3", legend=True)
    _plot_errors(axes[1], record, "only-7-8", legend=False)
    _plot_bias(axes[2], record)
    plots.say(
        figure, _finding(record),
        f"{plots.footer(record, record['config']['T'])}; the weight is that of the hard targets beside T² "
        "times the soft ones",
    )  # fmt: skip
    return figure


_COLORS = (plots.BLUE, plots.GREEN, plots.ORANGE)


def _plot_errors(ax: Any, record: Record, which: str, legend: bool) -> None:
    cases, T, paper = (
        np.mean(record["metrics"]["test_cases"]),
        record["config"]["T"],
        paper_figures(record),
    )
    for who, color in zip(record["config"]["teachers"], _COLORS, strict=False):
        for what, style, words in (
            ("before", "o-", "as trained"),
            ("after", "^--", "bias moved"),
        ):
            found = over_seeds(record, what, who, T, which)
            ax.plot(list(found), [100 * e.mean() / cases for e in found.values()], style, color=color,
                    label=f"{who}: {words}" if legend else None)  # fmt: skip
    if paper:
        at = nearest(record)
        ax.plot([at, at], [paper[which][what] / 100 for what in ("before", "after")], "k*", ms=10,
                label="the paper, at the weight that is nearest" if legend else None)  # fmt: skip
    ax.set(xlabel="weight of the hard targets", ylabel="test error (%)", yscale="log")
    low, high = ax.get_ylim()
    ticks = [t for t in (0.5, 1, 2, 3, 5, 10, 20, 30, 50, 100) if low <= t <= high]
    ax.set_yticks(ticks, labels=[f"{t:g}" for t in ticks])
    ax.minorticks_off()
    title = f"Transfer set: {WORDS[which]}"
    if legend:
        plots.legend_above(ax, title, 1, fontsize=8)
    else:
        ax.set_title(title)


def _plot_bias(ax: Any, record: Record) -> None:
    config, paper = record["config"], paper_figures(record)
    for who, color in zip(config["teachers"], _COLORS, strict=False):
        biases = over_seeds(record, "bias", who, config["T"], "no-3")
        ax.plot(list(biases), [b.mean() for b in biases.values()], "o-", color=color)
    weights = np.linspace(0, max(config["weights"]), 100)
    classes = len(config["sets"]["only-7-8"]["omitted"]) + 2
    ax.plot(weights, [-lead_in_balance(w, classes) for w in weights], "--", color=plots.GREY,
            label="in theory: taken where the teacher hesitates")  # fmt: skip
    if paper:
        ax.plot(nearest(record), paper["no-3"]["bias"], "k*", ms=10, label="the paper")
    ax.set(
        xlabel="weight of the hard targets", ylabel="best bias of 3 (logits)", ylim=(0, None)
    )
    plots.legend_above(ax, "The bias that gives it back", 1, fontsize=8)


def _finding(record: Record) -> str:
    near = nearness(record)
    if near:
        best = nearest(record)
        off = 100 * np.expm1(near[best].mean())
        return (
            f"With hard targets of weight {best:g}, the figures of Section 3 come out together, {off:.0f} % "
            "off on average"
        )
    who, T = next(iter(record["config"]["teachers"])), record["config"]["T"]
    found = over_seeds(record, "before", who, T, "only-7-8")
    start, end = (
        100 * found[w].mean() / np.mean(record["metrics"]["test_cases"])
        for w in (min(found), max(found))
    )
    return (
        f"Hard targets take a student of sevens and eights from {start:.1f} to {end:.1f} % of errors before "
        "its biases are moved"
    )
