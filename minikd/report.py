"""Tables and pictures from records: no number is typed by hand, and nothing is run here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minikd.checkpoint import write_atomically
from minikd.experiments import EXPERIMENTS
from minikd.experiments.record import read_record
from minikd.experiments.temperature_width import cells
from minikd.paper import FIGURES
from minikd.plots import plot_record, save_figure

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
    unknown = [record["name"] for record in records if record["name"] not in FIGURES]
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
    figure = FIGURES[record["name"]].get(metric.removeprefix("honest_"))
    if figure is None or figure.unit != "%":
        return mean_and_sd(m[metric])
    return mean_and_sd([figure.in_unit(v, m["test_cases"][0]) for v in m[metric]], "%")


def _of_mnist(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [record for record in records if record["data"] == "mnist"]
    if not found:
        raise ValueError("no record is of MNIST; run the experiments with --data mnist")
    return found


def results_table(records: list[dict[str, Any]]) -> str:
    """One row for each number of the paper that a record of MNIST answers, and how it was made.

    Raises
    ------
    ValueError
        If no record is of MNIST.
    """
    records = _of_mnist(records)
    head = (
        "| on MNIST's test set | § | paper | minikd | minikd, bias chosen without labels |",
        "| --- | --- | --- | --- | --- |",
    )
    # The teacher is the same in several experiments: the one with most seeds speaks for all.
    most = max(records, key=lambda record: len(record["seeds"]))
    rows = [row for row in _rows(most) if row[0].startswith("teacher")]
    rows += [row for r in records for row in _rows(r) if not row[0].startswith("teacher")]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*head, *lines, "", *map(_provenance, records)]) + "\n"


_AVERAGED = {
    "teacher_errors": (
        "teacher, its logits averaged over moves of the image", "teacher_views_errors",
    ),
    "distilled_errors": (
        "student on soft targets averaged over moves of the image", "distilled_views_errors",
    ),
}  # fmt: skip


def _rows(record: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    m = record["metrics"]
    for metric, figure in FIGURES[record["name"]].items():
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
    return (
        f"- `minikd run {record['name']} --data mnist --seeds {len(record['seeds'])}`: "
        f"{minutes:.0f} minutes a seed, teacher included, on {record['device']} with "
        f"{record['threads']} threads; NumPy {versions['numpy']}, Python {versions['python']}."
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

    The narrowest students do best between, if at some T from 2.5 to 4 their mean is lower than
    at T = 1 and at T = 20 by more than two standard errors of the difference, taken student by
    student. Wide ones are much alike above T = 8, if their means there differ by less than a
    tenth.

    Parameters
    ----------
    record : dict
        Of ``temperature-width``.

    Returns
    -------
    list of str
        A sentence for each width.
    """
    T = np.array(record["curves"]["temperatures"])
    said = []
    for width, errors_of in cells(record).items():
        mean = errors_of.mean(-1)
        high = mean[T > 8]
        spread = 100 * (high.max() - high.min()) / high.mean()
        sentence = (
            f"{width} units: T = {T[mean.argmin()]:g} does best with {mean.min():.0f} errors; "
            f"T = 1 makes {mean[T == 1][0]:.0f}, and above T = 8 it is {high.min():.0f} to "
            f"{high.max():.0f}"
        )
        if width >= 300:
            alike = "much alike, as" if spread < 10 else f"{spread:.0f} % apart, not alike as"
            sentence += f": {alike} the paper says of 300 units or more"
        elif width == min(record["curves"]["widths"]):
            between = (T >= 2.5) & (T <= 4)
            middle = errors_of[between][mean[between].argmin()]
            clear = []
            for other in (1, 20):
                more = errors_of[list(T).index(other)] - middle
                error = more.std(ddof=1) / np.sqrt(len(more)) if len(more) > 1 else np.inf
                clear.append(more.mean() > 2 * error)
            does = "clearly better" if all(clear) else "not clearly better"
            sentence += (
                f"; the best T from 2.5 to 4 makes {middle.mean():.0f}, {does} than both T = 1 "
                "and T = 20 (the paper, of 30 units: clearly)"
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
    from scipy.stats import spearmanr

    def means(table: str, *keys: str) -> dict[str, float]:
        found: dict[str, list[float]] = {}
        for seed in record["curves"][table]:
            for name, row in seed.items():
                for key in keys:
                    row = row[key]
                found.setdefault(name, []).append(row)
        return {name: float(np.mean(values)) for name, values in found.items()}

    own, taught = means("teachers", "test"), means("teachers", "student", "test")
    moves = means("teachers", "moves")
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
    names = list(own)
    by_errors, by_moves = (
        spearmanr([taught[name] for name in names], [of[name] for name in names]).statistic
        for of in (own, moves)
    )
    each = "; ".join(
        f"{name}: {own[name]:.0f} → {taught[name]:.0f}, {100 * moves[name]:.1f} %"
        for name in own
    )
    validation, test = means("students", "validation"), means("students", "test")
    students = "; ".join(
        f"{name}: {validation[name]:.0f} and {test[name]:.0f}" for name in test
    )
    return [
        said,
        f"Teachers, their errors → those of their students, and how much moving an image changes "
        f"their logits: {each}.",
        f"Over these {len(names)} teachers, a student's errors have a rank correlation of "
        f"{by_errors:.2f} with its teacher's errors, and of {by_moves:.2f} with how much moving "
        "an image changes its teacher's logits.",
        f"Students of the first teacher, errors on the validation split and on the test set: "
        f"{students}.",
    ]


# Experiment → from its record, what it says of the paper's claim, a sentence each.
VERDICTS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "temperature-width": temperature_verdict,
    "recipes": recipes_verdict,
}


# ---------------------------------------------------------------- REPRODUCTION.md

_DEVIATIONS = """\
1. **Soft targets over moves** (Section 3): in `omitted-3`, `sevens-and-eights`, `omitted-each` and `temperature-width` the soft targets are the teacher's mean logits over the 25 moves of an image by up to two pixels. The student sees only the image that was not moved. `teacher-student` reports students with and without it; `recipes` goes without.
2. **Held-out cases** (Section 3): in the same four, 5,000 training cases are in no transfer set, so that the honest bias and the honest temperature can be chosen on them.
3. **No hard targets** (Section 2): the students of soft targets see no label. The paper adds the soft targets to the hard ones. `recipes` has a student with both.
4. **Bias** (Section 3): the sweep goes in steps of 0.1; of several best biases it takes the middle one.
"""

_ASSUMED = """\
1. **Learning rates, batch size, warm-up, decay, initial weights, dropout rates, the limit on the length of weights**: Section 3 names dropout and the limit, and gives no number for any of them. They were compared by hand on a validation split of 10,000 training cases, on single seeds and with the test errors in view; earlier choices were made on the test errors of seed 0. `recipes` measures, for a dozen candidates, what it costs never to look at the test set.
2. **Epochs**: what two CPU cores allow.
3. **Jitter**: "by up to two pixels in any direction" can mean whole pixels or not. Assumed: real numbers, with bilinear interpolation. `recipes` compares the two.
4. **Initial weights of students**: assumed 0.4 times as large as He et al. propose, close to PyTorch's. `recipes` compares the two.
5. **Weight of soft and hard targets**: not in Section 3. Assumed: soft targets alone.
6. **How the biases were tuned**: Section 3 says that they were, and that it was on the test set.
7. **Seeds**: the paper gives one figure each. Here each has as many seeds as its record says.
"""

# The likely cause, where a number of ours is worse than the paper's.
_CAUSES = {
    "teacher_errors": "Likely too few epochs for a run on two CPU cores: the best known teacher took 1,000.",
    "alone_errors": "Learning rate and epochs of the paper's student are unknown.",
    "distilled_errors": "Not known. Compare the rows of averaged soft targets and of moved images.",
}


def reproduction_page(records: list[dict[str, Any]]) -> str:
    """REPRODUCTION.md: every number of the paper that a record answers, and what is different.

    Raises
    ------
    ValueError
        If no record is of MNIST.
    """
    records = _of_mnist(records)
    parts = [
        "# Reproduction\n"
        "`minikd report` writes this page from the records in `results/`. Numbers are mean ± standard "
        "deviation over seeds (n), on the 10,000 test cases of MNIST. Section numbers are those of "
        "Hinton, Vinyals & Dean 2015 (arXiv:1503.02531).\n"
    ]
    short = []
    for record in records:
        name, experiment = record["name"], EXPERIMENTS[record["name"]]
        rows = [
            "| | § | paper | minikd | best public reproduction |",
            "| --- | --- | --- | --- | --- |",
        ]
        for metric, what in experiment.shown.items():
            if metric not in record["metrics"]:
                continue
            ours, figure = in_papers_unit(record, metric), FIGURES[name].get(metric)
            if figure is None:
                rows.append(f"| {what} |  |  | {ours} |  |")
                continue
            rows.append(f"| {what} | {figure.section} | {figure} | {ours} | {figure.known} |")
            if figure.falls_short(figure.in_unit(float(np.mean(record["metrics"][metric])))):
                cause = _CAUSES.get(metric, "Not known.")
                short.append(f"- {name}, {figure.what}: {ours} against {figure}. {cause}")
        picture = f"![{experiment.claim}](docs/images/{name}.mnist.png)"
        claim = experiment.claim[0].upper() + experiment.claim[1:]
        verdict = VERDICTS[name](record) if name in VERDICTS else []
        lines = [f"## {name}", f"{claim}.\n", *rows, "", *(f"- {said}" for said in verdict)]
        parts.append("\n".join([*lines, _provenance(record), "", picture]) + "\n")
    parts.append("## What the honest protocol costs\n" + _cost_of_honesty(records))
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
    "recipes": [
        ("best_teacher_errors", "recipe of a teacher"),
        ("best_student_errors", "recipe of a student"),
    ],
}


def _cost_of_honesty(records: list[dict[str, Any]]) -> str:
    """Errors after a choice on the test set, and after one that did not look at it."""
    rows = [
        "Biases and temperatures are chosen on held-out training cases by the teacher's answers, "
        "no label read; recipes on a validation split, with its labels.\n",
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
