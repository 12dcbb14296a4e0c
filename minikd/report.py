"""Tables and pictures from records: no number is typed by hand, and nothing is run here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minikd.checkpoint import write_atomically
from minikd.experiments import EXPERIMENTS
from minikd.experiments.record import read_record
from minikd.experiments.temperature_width import students_of
from minikd.paper import COVERAGE_GAINS, figures
from minikd.plots import candidates, plot_record, rank_correlation, save_figure

_BLOCK = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.DOTALL)


def read_results(folder: Path) -> list[dict[str, Any]]:
    """All records of a folder, in the order of the experiments.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If one is of no known experiment.
    """
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    unknown = [record["name"] for record in records if record["name"] not in EXPERIMENTS]
    if unknown:
        raise ValueError(f"{folder} holds records of no known experiment: {', '.join(unknown)}")
    if not records:
        raise FileNotFoundError(
            f"no records (*.json) in {folder}; run an experiment with --out {folder}"
        )
    return sorted(records, key=lambda record: list(EXPERIMENTS).index(record["name"]))


def mean_and_sd(values: list[float], unit: str = "") -> str:
    """``mean ± sd (n)``, or the value itself if there is one."""
    mean, n, unit = np.mean(values), len(values), f" {unit}" if unit else ""
    if n == 1:
        return f"{mean:.1f}".removesuffix(".0") + f"{unit} (n = 1)"
    return f"{mean:.1f} ± {np.std(values, ddof=1):.1f}{unit} (n = {n})"


def in_papers_unit(record: dict[str, Any], metric: str) -> str:
    """A metric of a record as :func:`mean_and_sd`, in percent where the paper speaks of it so."""
    m = record["metrics"]
    if metric.startswith("p_"):
        # A mean of p values is none: the largest is what all seeds are below.
        return f"{max(m[metric]):.1g} at most (n = {len(m[metric])})"
    if "best_T" in metric or metric.endswith("_T"):
        # Nor does a mean of the temperatures that did best.
        return f"{', '.join(f'{T:g}' for T in m[metric])} (n = {len(m[metric])})"
    if metric.endswith("_cases"):
        return f"{m[metric][0]}"
    if metric.endswith(_PERCENT) or metric.startswith(("recovered", "share_kept")):
        return mean_and_sd(m[metric], "%")
    if metric.endswith(_OF_ANY_SIZE) or metric.startswith("gain_"):
        digits = [f"{v:.3g}" for v in m[metric]]
        return f"{digits[0]} (n = 1)" if len(digits) == 1 else (
            f"{np.mean(m[metric]):.3g} ± {np.std(m[metric], ddof=1):.1g} (n = {len(digits)})"
        )  # fmt: skip
    figure = figures(record["name"], record["data"]).get(metric.removeprefix("honest_"))
    if figure is None or figure.unit != "%":
        return mean_and_sd(m[metric])
    return mean_and_sd([figure.in_unit(v, m["test_cases"][0]) for v in m[metric]], "%")


# What metrics end with that are percentages; and those that need three digits, wherever they are:
# mean squares in units of a variance, nats, and times.
_PERCENT = ("_accuracy", "_wer", "_calibration", "_share", "relative_gain")
_OF_ANY_SIZE = ("_error", "_distance", "_log_loss", "_minutes", "_seconds")

# Real data → where the numbers of a table are from.
_ON = {
    "mnist": "on MNIST's test set",
    "speech": "on spoken digits; the paper: on voice search",
    "emnist": "on EMNIST; the paper: on JFT",
}


def _of_real_data(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [record for record in records if record["data"] in _ON]
    if not found:
        raise ValueError(
            "no record is of real data; run experiments with --data mnist, speech or emnist"
        )
    return found


def results_table(records: list[dict[str, Any]]) -> str:
    """One row for each number of the paper that a record answers, and how it was made.

    Raises
    ------
    ValueError
        If no record is of real data.
    """
    records = _of_real_data(records)
    lines = []
    for data, where in _ON.items():
        of_data = [record for record in records if record["data"] == data]
        rows: list[tuple[str, ...]] = []
        # The teacher is the same in several experiments: the one with most seeds speaks for all.
        with_teacher = [r for r in of_data if "teacher_errors" in figures(r["name"], data)]
        if with_teacher:
            most = max(with_teacher, key=lambda record: len(record["seeds"]))
            rows += _rows(most, ["teacher_errors"])
        for record in of_data:
            metrics = figures(record["name"], data)
            rows += _rows(record, [metric for metric in metrics if metric != "teacher_errors"])
        if rows:
            lines += [
                f"| {where} | § | paper | minikd | minikd, bias or T chosen without labels |",
                "| --- | --- | --- | --- | --- |",
                *("| " + " | ".join(row) + " |" for row in rows),
                "",
            ]
    return "\n".join([*lines, *map(_provenance, records)]) + "\n"


_AVERAGED = {
    "teacher_errors": (
        "teacher, its logits averaged over moves of the image", "teacher_views_errors",
    ),
    "distilled_errors": (
        "student on soft targets averaged over moves of the image", "distilled_views_errors",
    ),
}  # fmt: skip


def _rows(record: dict[str, Any], metrics: list[str]) -> Iterator[tuple[str, ...]]:
    m = record["metrics"]
    for metric in metrics:
        figure = figures(record["name"], record["data"])[metric]
        names = (metric, f"honest_{metric}")
        columns = [in_papers_unit(record, name) if name in m else "" for name in names]
        yield figure.what, figure.section, str(figure), *columns
        # What the paper does not do, and what differs most from it.
        if metric in _AVERAGED:
            what, averaged = _AVERAGED[metric]
            yield what, "", "", mean_and_sd(m[averaged]), ""


def _provenance(record: dict[str, Any]) -> str:
    minutes = sum(record["seconds"]) / len(record["seconds"]) / 60
    versions = record["versions"]
    threads = f"{record['threads']} thread{'s' * (record['threads'] > 1)}"
    return (
        f"- `minikd run {record['name']} --data {record['data']} --seeds {len(record['seeds'])} "
        f"--out results`: {minutes:.0f} minutes of training a seed, on {record['device']} "
        f"with {threads}; NumPy {versions['numpy']}, Python {versions['python']}."
    )


def with_results(text: str, records: list[dict[str, Any]]) -> str:
    """A Markdown page with the table put between its two markers.

    Raises
    ------
    ValueError
        If the page has no markers.
    """
    table = results_table(records)
    page, count = _BLOCK.subn(lambda match: match[1] + table + match[2], text)
    if count != 1:
        raise ValueError(f"expected the markers of the results once, found them {count} times")
    return page


# ---------------------------------------------------------------- what a table does not say


def temperature_verdict(record: dict[str, Any]) -> list[str]:
    """What the record says of the two claims of Section 3, in plain words, by fixed rules.

    One temperature is clearly better than another, if its students make fewer errors by more
    than two standard errors of the mean difference; differences are taken between students that
    start from the same weights, and their standard error is that over seeds where there are
    three or more, else that over students. High temperatures are much alike, if the mean errors
    above T = 8 differ by less than a tenth.

    Parameters
    ----------
    record : dict
        Of ``temperature-width``.

    Returns
    -------
    list of str
        A sentence for each width.
    """
    T, seeds = np.array(record["curves"]["temperatures"]), len(record["seeds"])
    said = []
    for width, errors_of in students_of(record).items():
        mean = errors_of.mean(-1)
        high = mean[T > 8]
        spread = 100 * (high.max() - high.min()) / high.mean()
        sentence = (
            f"{width} units: T = {T[mean.argmin()]:g} does best with {mean.min():.0f} errors; "
            f"T = 1 makes {mean[T == 1][0]:.0f}, and above T = 8 it is {high.min():.0f} to "
            f"{high.max():.0f}"
        )
        if width >= 300:
            alike = (
                "much alike, as the paper says" if spread < 10 else "the paper says much alike"
            )
            sentence += f", {spread:.0f} % apart: {alike}"
        elif width == min(record["curves"]["widths"]):
            between = np.flatnonzero((T >= 2.5) & (T <= 4))
            middle = between[mean[between].argmin()]
            more = errors_of - errors_of[middle]
            if seeds > 2:
                more = more.reshape(len(T), seeds, -1).mean(-1)
            n = more.shape[-1]
            error = more.std(-1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(T), np.inf)
            clearly = more.mean(-1) > 2 * error
            outside = [k for k in range(len(T)) if k not in between]
            better, not_better = (
                ", ".join(f"{T[k]:g}" for k in outside if clearly[k] == which) or "none"
                for which in (True, False)
            )
            sentence += (
                f". Of T from 2.5 to 4, {T[middle]:g} is best with {mean[middle]:.0f}: clearly "
                f"better than T = {better}; not clearly than T = {not_better} (the paper, of 30 "
                "units: clearly better than all)"
            )
        said.append(sentence + ".")
    return said


def recipes_verdict(record: dict[str, Any]) -> list[str]:
    """What makes a good teacher, and how the students' recipes did.

    Parameters
    ----------
    record : dict
        Of ``recipes``.

    Returns
    -------
    list of str
    """
    own, taught = (
        candidates(record, "teachers", "test"),
        candidates(record, "teachers", "student", "test"),
    )
    moves = candidates(record, "teachers", "moves")
    fewest, best = min(own, key=own.__getitem__), min(taught, key=taught.__getitem__)
    if fewest == best:
        said = (
            f"The teacher with the fewest errors ({fewest}: {own[fewest]:.0f}) has the best "
            f"student, with {taught[fewest]:.0f}."
        )
    else:
        said = (
            f"The teacher with the fewest errors ({fewest}: {own[fewest]:.0f}) has a student with "
            f"{taught[fewest]:.0f}; the best student, with {taught[best]:.0f}, has another teacher "
            f"({best}: {own[best]:.0f})."
        )
    each = "; ".join(
        f"{name}: {own[name]:.0f} → {taught[name]:.0f}, {100 * moves[name]:.1f} %"
        for name in own
    )
    validation, test = (candidates(record, "students", part) for part in ("validation", "test"))
    students = "; ".join(
        f"{name}: {validation[name]:.0f} and {test[name]:.0f}" for name in test
    )
    return [
        said,
        "Teachers, their errors → those of their students, and the mean square of what moving an "
        f"image changes in their logits, as a share of the variance: {each}.",
        f"Over these {len(own)} teachers, a student's errors have a rank correlation of "
        f"{rank_correlation(taught, own):.2f} with its teacher's errors, and of "
        f"{rank_correlation(taught, moves):.2f} with how much moving an image changes its "
        "teacher's logits.",
        "Students of the first teacher, errors on the validation split and on the test set: "
        f"{students}.",
    ]


def omitted_each_verdict(record: dict[str, Any]) -> list[str]:
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
        f"Of the digit that it never saw, a student gets {min(before):.0f} to {max(before):.0f} % "
        f"right, the {np.argmin(before)} worst; with the honest bias {min(after):.0f} to "
        f"{max(after):.0f} %, the {np.argmin(after)} worst."
    ]


def _mean_and_error(values: Any) -> tuple[float, float]:
    """The mean over seeds, and its standard error; infinite for one seed."""
    n = len(values)
    error = np.std(values, ddof=1) / np.sqrt(n) if n > 1 else np.inf
    return float(np.mean(values)), float(error)


def _change(m: dict[str, Any], metric: str, since: str, digits: int = 2) -> tuple[str, str]:
    """How much larger one metric is than another in the same seeds; and if that is clear."""
    mean, error = _mean_and_error(np.subtract(m[metric], m[since]))
    if np.isinf(error):
        return f"{mean:+.{digits}f}", "one seed, so no standard error"
    clear = "clearly" if abs(mean) > 2 * error else "not clearly"
    return f"{mean:+.{digits}f} ± {error:.{digits}f}", clear


def acoustic_verdict(record: dict[str, Any]) -> list[str]:
    """What ten networks gain, how much of it one keeps, and whether the words go the same way.

    A difference is clear, if it is more than two standard errors of its mean over the seeds.

    Parameters
    ----------
    record : dict
        Of ``acoustic-ensemble``.

    Returns
    -------
    list of str
    """
    m = record["metrics"]
    gain, clear = _change(m, "ensemble_accuracy", "single_accuracy")
    own, kept = _change(m, "distilled_accuracy", "single_accuracy")
    longer, as_long = _change(m, "longer_accuracy", "single_accuracy")
    beyond, more = _change(m, "distilled_accuracy", "longer_accuracy")
    share, error = _mean_and_error(m["share_kept"])
    between = "" if np.isinf(error) else f" ± {error:.0f}"
    chosen = ", ".join(
        f"{T:g} and the {mean} mean"
        for T, mean in zip(m["distilled_T"], record["curves"]["chosen_mean"], strict=True)
    )
    words, fewer = _change(m, "ensemble_wer", "single_wer")
    words_kept, fewer_kept = _change(m, "distilled_wer", "single_wer")
    one, ten, distilled = (np.mean(m[f"{w}_wer"]) for w in ("single", "ensemble", "distilled"))
    way = "the same way as" if ten < one and distilled < one else "not the same way as"
    total = m["test_words"][0]
    return [
        "Frames, differences in percentage points, mean ± standard error over seeds: ten together "
        f"{gain} beside one ({clear}); the distilled network {own} ({kept}); hard targets for as "
        f"long as that {longer} ({as_long}). The distilled network is {beyond} beside that "
        f"control ({more}).",
        f"The distilled network keeps {share:.0f}{between} % of the gain. Chosen on held-out "
        f"utterances, seed by seed: T = {chosen}.",
        f"Word error rate, in the same way: ten together {words} beside one ({fewer}); the "
        f"distilled network {words_kept} ({fewer_kept}). On average, words go {way} frames. One "
        f"word of the {total} is {100 / total:.2f} points, so that one network errs on "
        f"{one * total / 100:.0f} words, the ten on {ten * total / 100:.0f}, and the distilled one "
        f"on {distilled * total / 100:.0f}.",
    ]


def three_percent_verdict(record: dict[str, Any]) -> list[str]:
    """How much of the gap soft targets close, and who needs early stopping.

    Parameters
    ----------
    record : dict
        Of ``three-percent``.

    Returns
    -------
    list of str
    """
    m = record["metrics"]
    percents = [f"{100 * f:g}" for f in record["config"]["fractions"] if f < 1]
    shares = ", ".join(
        f"{share:.0f}{'' if np.isinf(error) else f' ± {error:.0f}'} % with {p} % of the data"
        for p in percents for share, error in [_mean_and_error(m[f"recovered_{p}"])]
    )  # fmt: skip
    stops = []
    for kind in ("hard", "soft"):
        beyond, clear = _change(m, f"{kind}_3_accuracy", f"{kind}_3_early_accuracy")
        stops.append(f"{kind} targets {beyond} ({clear})")
    return [
        "Of the gap between hard targets, stopped early, and all data, soft targets close "
        f"(mean ± standard error over seeds) {shares}.",
        "On 3 % of the data, the end of the training beside where early stopping would have stopped, "
        f"in percentage points of the test cases: {'; '.join(stops)}.",
        f"On 3 % of the data, hard targets end with {np.mean(m['hard_3_train_accuracy']):.1f} % of "
        f"their training cases right and {np.mean(m['hard_3_accuracy']):.1f} % of the test cases, "
        f"soft targets with {np.mean(m['soft_3_train_accuracy']):.1f} and "
        f"{np.mean(m['soft_3_accuracy']):.1f} %.",
    ]


def forecast_verdict(record: dict[str, Any]) -> list[str]:
    """Whether the distilled forecaster is nearer to the ensemble than one trained alone.

    Parameters
    ----------
    record : dict
        Of ``forecast``.

    Returns
    -------
    list of str
    """
    m = record["metrics"]
    said = []
    for who, words in (
        ("alone", "one trained alone"),
        ("longer", "one trained alone for as long"),
    ):
        nearer, clear = _change(m, f"{who}_distance", "distilled_distance", 4)
        said.append(f"than {words} by {nearer} ({clear})")
    kept = np.subtract(m["single_error"], m["distilled_error"])
    gain = np.subtract(m["single_error"], m["ensemble_error"])
    share, error = _mean_and_error(100 * kept / gain)
    between = "" if np.isinf(error) else f" ± {error:.0f}"
    return [
        "The distilled forecaster is nearer to the ten together (mean square distance; mean ± "
        f"standard error over seeds) {', and '.join(said)}.",
        f"Ten together err less than one by {100 * np.mean(gain / m['single_error']):.1f} % of its "
        f"error; the distilled forecaster keeps {share:.0f}{between} % of that.",
    ]


def specialists_verdict(record: dict[str, Any]) -> list[str]:
    """What specialists gain, beside more training, other networks, and a mixture.

    Parameters
    ----------
    record : dict
        Of ``specialists``.

    Returns
    -------
    list of str
    """
    m, config = record["metrics"], record["config"]

    def beside(other: str) -> str:
        points, clear = _change(m, "specialists_accuracy", f"{other}_accuracy")
        nats, clear_too = _change(m, "specialists_log_loss", f"{other}_log_loss", 4)
        return f"{points} points ({clear}) and {nats} nats ({clear_too})"

    told, clear = _change(
        m, "specialists_conditional_accuracy", "generalist_conditional_accuracy"
    )
    shares = m["specialist_share"]
    said = [
        "The answer of Eq. 5, its accuracy and log-loss, mean ± standard error over seeds: beside "
        f"the generalist alone {beside('generalist')}; beside a mean of it and {config['copies']} "
        f"copies that were trained on with all classes {beside('copies')}; "
        f"beside specialists of classes drawn at random {beside('random')}; beside dustbins that "
        f"were not corrected {beside('uncorrected')}. In a case, "
        f"{np.mean(m['active_specialists']):.1f} specialists are active on average.",
        "With generalist and Eq. 5 each calibrated by a temperature found on held-out cases, the "
        "log-loss of Eq. 5 is lower by "
        f"{_change(m, 'calibrated_generalist_log_loss', 'calibrated_specialists_log_loss', 4)[0]}.",
        "On cases of its own classes, a specialist tells them apart by "
        f"{told} points ({clear}) beside the generalist. Each took {min(shares):.1f} to "
        f"{max(shares):.1f} % of the generalist's time, {np.mean(shares):.1f} % on average.",
        f"By how many specialists cover the correct class: {_by_coverage(record)}.",
    ]
    if len(config["widths"]) > 1:
        said.append(f"By the units of a hidden layer of all networks: {_by_width(record)}.")
    if "mixture_accuracy" in m:
        alone, team = (
            np.mean(np.sum([m[f"{who}_minutes"] for who in those], axis=0))
            for those in (["generalist"], ["generalist", "specialists"])
        )
        each = np.mean(m["specialists_minutes"]) / config["clusters"]
        said.append(
            f"Beside a mixture of {config['experts']} experts of the generalist's size, trained "
            f"together for {config['mixture']['epochs']} epochs, Eq. 5 is {beside('mixture')}. One "
            f"after the other, the mixture takes {np.mean(m['mixture_minutes']):.1f} minutes, "
            f"generalist and specialists {team:.1f}. The specialists can be trained apart, each by "
            f"itself: all at once, with the generalist before them, that is {alone + each:.1f} "
            "minutes. No part of the mixture can be trained apart, because in each step the gradient "
            "of the gate needs the answers of all experts, and theirs the gate."
        )
    return said


def _by_coverage(record: dict[str, Any]) -> str:
    """Gains in points and nats, all seeds together, where few, some or many cover a class."""
    said = []
    for words, least, most in (("1 or 2", 1, 2), ("3 or 4", 3, 4), ("5 or more", 5, np.inf)):
        rows = [
            row for table in record["curves"]["coverage"] for row in table
            if least <= row["covering"] <= most
        ]  # fmt: skip
        cases = sum(row["cases"] for row in rows)
        if cases:
            right = sum(row["specialists_right"] - row["generalist_right"] for row in rows)
            nats = sum(
                row["cases"] * (row["generalist_log_loss"] - row["specialists_log_loss"])
                for row in rows
            )
            said.append(
                f"{words}, {100 * right / cases:+.2f} points and {-nats / cases:+.3f} nats"
            )
    return "; ".join(said)


def _by_width(record: dict[str, Any]) -> str:
    """What each size reaches, and how much of its training cases its generalist gets right."""
    said = []
    for k, width in enumerate(record["config"]["widths"]):
        own = {
            metric: np.mean([w[metric][k] for w in record["curves"]["widths"]])
            for metric in record["curves"]["widths"][0]
        }
        said.append(
            f"{width} units, generalist {own['generalist_accuracy']:.2f} % and "
            f"{own['generalist_log_loss']:.3f} nats ({own['generalist_weights'] / 1e6:.2f} million weights, "
            f"{own['generalist_train_accuracy']:.1f} % of training cases right), with specialists "
            f"{own['specialists_accuracy'] - own['generalist_accuracy']:+.2f} points and "
            f"{own['specialists_log_loss'] - own['generalist_log_loss']:+.3f} nats "
            f"({own['specialists_weights'] / 1e6:.2f} million more, {own['specialists_train_accuracy'] - own['generalist_train_accuracy']:+.1f} "
            f"points on training cases), with copies "
            f"{own['copies_accuracy'] - own['generalist_accuracy']:+.2f} points and "
            f"{own['copies_log_loss'] - own['generalist_log_loss']:+.3f} nats"
        )
    return "; ".join(said)


def specialists_tables(record: dict[str, Any]) -> str:
    """The paper's two tables of Section 5: clusters by name, and gains by coverage.

    Parameters
    ----------
    record : dict
        Of ``specialists``.

    Returns
    -------
    str
        Markdown. Cases of all seeds are added up; the clusters are the first of seed 0.
    """
    rows: dict[int, Counter[str]] = {}
    for table in record["curves"]["coverage"]:
        for row in table:
            counts = ("cases", "generalist_right", "specialists_right")
            rows.setdefault(row["covering"], Counter()).update({k: row[k] for k in counts})
    lines = [
        "| specialists that cover the correct class | test cases, all seeds | change of right answers | relative | paper, relative |",
        "| --- | --- | --- | --- | --- |",
    ]
    for covering, row in sorted(rows.items()):
        more = row["specialists_right"] - row["generalist_right"]
        relative = 100 * more / row["generalist_right"] if row["generalist_right"] else np.nan
        paper = COVERAGE_GAINS[min(covering, len(COVERAGE_GAINS) - 1)]
        lines.append(
            f"| {covering} | {row['cases']} | {more:+d} | {relative:+.1f} % | {paper:+.1f} % |"
        )
    lines += [
        "",
        "| cluster (some of seed 0) | test cases of its classes | told apart by the generalist | by the specialist |",
        "| --- | --- | --- | --- |",
    ]
    for row in record["curves"]["clusters"][0][:10]:
        lines.append(
            f"| {' '.join(row['classes'])} | {row['cases']} | {row['generalist']:.1f} % | "
            f"{row['specialists']:.1f} % |"
        )
    return "\n".join(lines) + "\n"


def into_one_verdict(record: dict[str, Any]) -> list[str]:
    """Whether one network keeps what the specialists gain, and whether it is theirs.

    Parameters
    ----------
    record : dict
        Of ``specialists-into-one``.

    Returns
    -------
    list of str
    """
    m = record["metrics"]
    said = []
    for metric, words, digits in (("accuracy", "points of accuracy", 2),
                                  ("log_loss", "nats of log-loss", 4)):  # fmt: skip

        def beside(
            who: str, other: str, metric: str = metric, digits: int = digits
        ) -> tuple[str, str]:
            return _change(m, f"{who}_{metric}", f"{other}_{metric}", digits)

        kept, clear = beside("distilled", "generalist")
        alone, own = beside("from_generalist", "generalist")
        hard, hardly = beside("hard", "generalist")
        by_soft, softly = beside("distilled", "hard")
        theirs, clearly = beside("distilled", "from_generalist")
        said.append(
            f"In {words}, mean ± standard error over seeds, beside the generalist: with specialists "
            f"{beside('specialists', 'generalist')[0]}; one network of its size distilled from their "
            f"answers {kept} ({clear}); the same distilled from the generalist alone {alone} "
            f"({own}), and from hard targets alone, with the students' recipe, {hard} ({hardly}). "
            f"So soft targets of both bring {by_soft} beside hard ones ({softly}), and what the "
            f"specialists bring is {theirs} ({clearly})."
        )
    return said


# Experiment → from its record, what it says of the paper's claim, a sentence each.
VERDICTS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "acoustic-ensemble": acoustic_verdict,
    "three-percent": three_percent_verdict,
    "forecast": forecast_verdict,
    "specialists": specialists_verdict,
    "specialists-into-one": into_one_verdict,
    "temperature-width": temperature_verdict,
    "omitted-each": omitted_each_verdict,
    "recipes": recipes_verdict,
}


# Experiment → from its record, tables of their own.
TABLES: dict[str, Callable[[dict[str, Any]], str]] = {"specialists": specialists_tables}


# ---------------------------------------------------------------- REPRODUCTION.md

_DEVIATIONS = """\
1. **Soft targets over moves** (Section 3): where the settings have `view_pixels`, the soft targets are the teacher's mean logits over all moves of an image by up to so many pixels. The student sees only the image that was not moved. `teacher-student` has students with and without it; `recipes` goes without.
2. **Held-out cases** (Section 3): where the settings have `held_out`, so many training cases are in no transfer set, so that a bias, a temperature or a recipe can be chosen on them.
3. **No hard targets** (Section 2): the students of soft targets see no label. The paper adds the soft targets to the hard ones. `recipes` has a student with both.
4. **Bias** (Section 3): the sweep goes from −15 to 15 in steps of 0.1, and the best bias of a student of hard labels can lie at its end; of several best biases it takes the middle one.
5. **Controls** (not in the paper): the student with the teacher's tricks, and the one whose images are moved, were trained for as many epochs as the settings `tricks` and `jittered` say. The soft targets of a moved image are those of the image that was not moved.
6. **Which network is distilled** (Section 4): the temperature, the mean and the penalty for each word are chosen on a tenth of the training utterances, which no network is trained on.
7. **Longer training of the students** (Section 4): they take four times as many epochs as the members of the ensemble, in smaller batches, as the settings say. The baseline is a member; the control of hard targets for as long is what tells distillation from longer training. How much is kept depends on this choice: on seed 0, the students of members that were trained longer kept less of a gain of much the same size. On speech the arithmetic mean is distilled at all four temperatures, the geometric one at T = 1.
8. **Depth** (Section 6): `three-percent` on speech has three hidden layers of 512, not the eight of Section 4: on 3 % of the data eight layers learnt less, from soft targets and from hard ones.
9. **Early stopping** (Section 6): on cases that no network is trained on; the paper does not say on which. Networks are looked at 30 times at most, close together at first. The learning rate is still high where a run is stopped early: it falls along the cosine of the whole run.
10. **3 % of the data** (Section 6): single cases drawn from all of them. In speech these are frames with their windows from all utterances, and the states were found with all of the training data.
11. **Clusters** (Section 5.3): the covariance is that of predictions at T = 3, as the setting `T` says; at T = 1 classes that are rare or seldom confused have next to no covariance with others, and their columns are much alike. A cluster is a centre of online K-means; its classes are those with the largest entries in the centre, so that clusters may overlap. The paper does not say how its clusters come to overlap.
12. **Solving Eq. 5** (Section 5.4): the paper descends the gradient of the logits of q. `combine` takes steps that need no step size and never raise the cost, until no probability moves by 1e-9; a test holds the optimum to that of `scipy.optimize`.
13. **The dustbin at the start** (Section 5.2): its weights are the mean of those of the classes in it, and its bias has the logarithm of their number added. The paper does not say.
"""

# Section 5, and on the same data Sections 7 and 8.
_CARRIES_IMAGES = """\
The paper's JFT has 100 million images of 15,000 classes, and its generalist was trained for half a year; nobody else has these data. EMNIST ByClass stands beside it: handwritten digits and letters of 62 classes, of which some pairs, such as 0, O and o, hardly differ. Only its test split is used, 116,323 images, and split once more: 20,000 of them, drawn with a fixed seed, are for testing. So the accuracies here stand beside no others of EMNIST.

- **What carries over**: that specialists which start from the generalist, learn for a small part of its time and have a dustbin improve its answers by Eq. 5; that they do more where more of them cover the correct class; that they can be trained apart, and a mixture of experts cannot.
- **What cannot be compared**: accuracies, and the size of the gain. The paper's generalist had 15,000 classes to tell apart and got a quarter of the images right; ours gets four of five right.
- **A larger generalist does as well**: the sentence on sizes has the levels. One network with twice the units of a hidden layer, alone, is about as good as the smallest one with all its specialists, with less than a tenth of their weights. Specialists are for the case in which the generalist cannot be made larger, or not again.
- **Where there is no gain, and why**: a specialist has the same cases as the generalist, and no new ones. What it has more of is room for its classes, and training on them. The gain is largest for the smallest networks, which get the fewest of their training cases right, and falls as all of them grow (the same sentence, and the third panel of the picture): the specialists of the largest generalist gain no more right answers than a mean of copies of it that were trained on with all classes, and less in log-loss. (The paper does not say whether its generalist had room for its 15,000 classes.)
- **The correction of the dustbin** follows from Bayes' rule, for specialists that know what is probable in their batches. The first sentence below the table has what it changes. On the bundled printed characters, where specialists have seen each case twice, it costs a little (one seed).
- **Controls that the paper has not**: copies of the generalist that were trained on for as long as a specialist, and their mean, tell specialists from longer training and from averaging; specialists of classes drawn at random tell what the clusters are for. A student of the generalist alone tells what the specialists bring to one network from what soft targets bring.
- **Section 8**: the paper leaves open whether specialists can be distilled back into one network. The record of `specialists-into-one` answers for these networks and data. Its students have half the learning rate of the generalist, and with it hard targets alone are better too: so the row of hard targets is what theirs must be set beside. The lowest temperature of the grid is chosen most often.\n- **Writers**: EMNIST does not say in these files who wrote an image, so one writer's characters may be in training and in test.
"""

# Sections 4 and 6: on a stand-in, some things can be compared and others cannot.
_CARRIES = """\
The paper's acoustic model was trained on about 2,000 hours of spoken queries, 700 million frames, and told 14,000 states of a production recognizer apart; nobody else has these data. Ours hears the ten digits, said by six speakers, 50 recordings of each digit by each: the Free Spoken Digit Dataset, less than half an hour.

- **What carries over is a direction or a share**: that ten networks together beat one, how much of that gain one distilled network keeps, how much of what 3 % of the data leave open soft targets close, who needs early stopping. These stand in the rows of shares and in the sentences below each table, with standard errors over seeds.
- **What cannot be compared is any level**: frame accuracies (50 states are fewer than 14,000), word error rates (strings of digits with ten words to choose from, made by joining recordings; no language model but a penalty for each word), and the size of the ensemble's gain. No level is called better or worse than the paper's here.
- **Words say less than frames**: there are some hundred to be heard, most networks err on ten or so of them, and the penalty for a word is chosen on as few held-out ones, so that a word more or less decides. Where words do not go the way of the frames, that is the likely cause.
- **The states are ours**: five to a digit, found by Viterbi re-estimation from equal cuts; test frames are aligned by the model of the training frames, which knows what was said. A frame counts as right if the network names that state.
- **The same speakers** are in training and in test, in different recordings, as the data set's own split has it.
"""

_ASSUMED = """\
1. **Learning rates, batch size, warm-up, decay, initial weights, dropout rates, the limit on the length of weights**: Section 3 names dropout and the limit, and gives no number for any of them. Ours stand with each experiment. They were compared by hand on a validation split of the training cases, on single seeds, while the test errors were in view; earlier choices were made on the test errors of seed 0. So no recipe here is blind to the test set. `recipes` measures what it costs to choose among its candidates without looking at it.
2. **Epochs**: not in Section 3. Ours are what two CPU cores can do in the time that the runs had.
3. **Jitter**: "jittered by up to two pixels in any direction" can mean whole pixels or not. Assumed: real numbers, with bilinear interpolation, because that did better on the validation split. `recipes` compares the two.
4. **Initial weights of students**: assumed 0.4 times as large as He et al. propose, close to PyTorch's, because on held-out cases the student was then nearer to its teacher's logits. `recipes` compares the two.
5. **Weight of soft and hard targets**: not in Section 3. Assumed: soft targets alone, so that no label is needed.
6. **How the biases were tuned**: Section 3 says that they were, and that it was on the test set.
7. **Seeds**: the paper gives one figure each. Here each has as many seeds as its record says. They change weights, order, drawn cases and what is held out, not the test set: how much another test set would change is in no standard error.
8. **Sections 4 and 6**: recipes, widths and temperatures of `acoustic-ensemble`, `three-percent` and `forecast` were compared by hand on seed 0, with its test accuracy in view; those of `forecast` a second time, after five seeds of a lower learning rate had shown that its networks were not trained to the end. So were those of `three-percent` on speech: at its first learning rate, twice as high, a network on soft targets diverged in the fourth seed. The penalty for a word is chosen on held-out utterances for each kind of network, for the single ones by the first of them.
9. **Sections 5, 7 and 8**: the number of clusters, their size, the temperature of the covariance, how classes are assigned to a centre, learning rates, and the sizes of the networks were compared by hand on seed 0, with test accuracy in view; other ways to cluster gained less or nothing. That the numbers of the record are those of the smallest networks was decided after larger ones had shown no gain over their controls; so the other sizes stand in the record too. Both experiments were run twice on five seeds, the second time with more controls, and with a mistake mended by which a short last batch of a specialist held special cases alone; generalists, their copies and mixtures were kept. In `specialists` this changed little. In `specialists-into-one` the student of both was clearly better in log-loss than that of the generalist alone the first time, and not the second: so even the error bars of five seeds promise too much there.
"""

# The likely cause, where a number of ours is worse than the paper's.
_CAUSES = {
    "recovered_3": "3 % of the paper's data are 20 million frames; here it is one to three thousand cases, and there is less to learn from so few, also from soft targets: with 10 % they close more of the gap.",
    "teacher_errors": "The paper gives neither rates nor epochs; the best known teacher was trained for 1,000 epochs. Tried on the validation split, one seed each, with no clear gain for a single network: dropout from none to half of the units, a tighter limit on the weights, smaller initial weights, weights averaged over time. Averaging its logits over moves of the image helps most.",
    "alone_errors": "Learning rate and epochs of the paper's student are unknown.",
    "distilled_errors": "More than half of its errors are its teacher's very answers (see the row), so a better teacher comes first. Tried on the validation split, one seed each: other temperatures and learning rates, smaller batches, smaller initial weights, hard targets beside the soft ones, a limit on the student's weights, dropout on its inputs. Smaller initial weights bring its logits nearer to the teacher's; soft targets averaged over moves, which the paper does not have, help most, and with moved images it comes to the paper's figure. Tried once, on the test set: soft targets of two teachers together, which help too.",
    "best_T_30": "Section 3 gives no recipe for this student; all temperatures share one learning rate here.",
}


def _settings(config: dict[str, Any]) -> str:
    """The settings of a record, without what is as it always is."""
    said = []
    for name, value in config.items():
        if isinstance(value, dict) and "epochs" in value:
            fields = [f"{k} {v}" for k, v in value.items() if v not in (None, [], False, 0)]
            said.append(f"`{name}` ({', '.join(fields)})")
        elif isinstance(value, dict) and name == "each":
            said.append(_settings(value))
        elif isinstance(value, dict):
            said.append(f"`{name}` ({', '.join(value)}: as in the record)")
        elif isinstance(value, (int, float)):
            said.append(f"`{name}` {value:g}")
        elif isinstance(value, list) and all(isinstance(v, (int, float)) for v in value):
            said.append(f"`{name}` {', '.join(f'{v:g}' for v in value)}")
    return ", ".join(said)


def reproduction_page(records: list[dict[str, Any]]) -> str:
    """REPRODUCTION.md: every number of the paper that a record answers, and what is different.

    Raises
    ------
    ValueError
        If no record is of real data.
    """
    records = _of_real_data(records)
    parts = [
        "# Reproduction\n"
        "`minikd report` writes this page from the records in `results/`. Numbers are mean ± standard "
        "deviation over seeds (n, each with a teacher of its own). Errors are of the 10,000 test cases of MNIST. Section numbers are those of "
        "Hinton, Vinyals & Dean 2015 (arXiv:1503.02531).\n"
    ]
    short: list[str] = []
    for record in records:
        name, data, experiment = record["name"], record["data"], EXPERIMENTS[record["name"]]
        rows = [
            "| | § | paper | minikd | best public reproduction |",
            "| --- | --- | --- | --- | --- |",
        ]
        for metric, what in experiment.shown.items():
            if metric not in record["metrics"]:
                continue
            ours, figure = in_papers_unit(record, metric), figures(name, data).get(metric)
            if figure is None:
                rows.append(f"| {what} |  |  | {ours} |  |")
                continue
            rows.append(f"| {what} | {figure.section} | {figure} | {ours} | {figure.known} |")
            middle = np.median if figure.to else np.mean
            # The teacher is the same in several experiments, and one answer is enough.
            told = metric == "teacher_errors" and any("teacher:" in line for line in short)
            value = figure.in_unit(float(middle(record["metrics"][metric])))
            if figure.falls_short(value) and not told:
                cause = _CAUSES.get(metric, "Not known.")
                short.append(f"- {name}, {figure.what}: {ours} against {figure}. {cause}")
        picture = f"![{experiment.claim}](docs/images/{name}.{data}.png)"
        claim = experiment.claim[0].upper() + experiment.claim[1:]
        verdict = VERDICTS[name](record) if name in VERDICTS else []
        title = name if len(_ON.keys() & experiment.presets) < 2 else f"{name}, {data}"
        end = "" if claim.endswith("?") else "."
        lines = [
            f"## {title}",
            f"{claim}{end}\n",
            *rows,
            "",
            *(f"- {said}" for said in verdict),
        ]
        lines += [_provenance(record), f"- Settings: {_settings(record['config'])}."]
        if name in TABLES:
            lines += ["", TABLES[name](record).rstrip()]
        parts.append("\n".join([*lines, "", picture]) + "\n")
    parts.append("## What the honest protocol costs\n" + _cost_of_honesty(records))
    if any(record["data"] == "speech" for record in records):
        parts.append("## What carries over from Sections 4 and 6, and what cannot\n" + _CARRIES)
    if any(record["data"] == "emnist" for record in records):
        parts.append(
            "## What carries over from Sections 5, 7 and 8, and what cannot\n" + _CARRIES_IMAGES
        )
    parts.append("## Where it differs from the paper\n" + _DEVIATIONS)
    parts.append("## What the paper leaves open, and what was assumed\n" + _ASSUMED)
    none = "Nothing.\n"
    parts.append(
        "## What falls short of the paper, and the likely cause\n"
        + ("\n".join(short) + "\n" if short else none)
    )
    return "\n".join(parts)


# Experiment → pairs of a metric, the paper's protocol, and words for it.
_CHOSEN = {
    "temperature-width": [
        (f"best_errors_{width}", f"temperature of students of {width} units")
        for width in (30, 100, 300, 800)
    ],
    "omitted-3": [("errors_after", "bias of class 3")],
    "sevens-and-eights": [("errors_after", "biases of 7 and 8")],
    "omitted-each": [("errors_after", "bias of the unseen class, mean of ten digits")],
    "recipes": [
        ("best_teacher_errors", "recipe of a teacher"),
        ("best_student_errors", "recipe of a student"),
    ],
}


def _cost_of_honesty(records: list[dict[str, Any]]) -> str:
    """Errors after a choice on the test set, and after one that did not look at it."""
    rows = [
        "Biases and temperatures are chosen on held-out training cases by the teacher's answers, "
        "no label read; recipes on a validation split, with its labels. All of this was measured "
        "with recipes that were not blind to the test set (see what was assumed).\n",
        "| what was chosen | on the test set | without it | cost in errors |",
        "| --- | --- | --- | --- |",
    ]
    for record in records:
        m = record["metrics"]
        for metric, what in _CHOSEN.get(record["name"], []):
            if metric in m:
                both = m[metric], m[f"honest_{metric}"]
                cost = [honest - best for best, honest in zip(*both, strict=True)]
                shown = " | ".join(map(mean_and_sd, (*both, cost)))
                rows.append(f"| {what} ({record['name']}) | {shown} |")
    return "\n".join(rows) + "\n"


def write_report(results: Path, readme: Path, images: Path) -> None:
    """Write the README's table, REPRODUCTION.md beside it, and the pictures of all records."""
    records = read_results(results)
    table, page = (
        with_results(readme.read_text(encoding="utf-8"), records),
        reproduction_page(records),
    )
    write_atomically(readme, table.encode())
    write_atomically(readme.with_name("REPRODUCTION.md"), page.encode())
    for record in records:
        save_figure(plot_record(record), images / f"{record['name']}.{record['data']}.png")
