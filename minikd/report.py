"""Pages from records: numbers are put into Markdown, and no number is typed by hand.

A page is prose with placeholders. What stands between two markers is written by
``minikd report``, and stays readable as Markdown:

    distilled, it makes <!--= teacher-student.mnist distilled_errors -->92.5<!--/--> errors

A placeholder names a record, ``NAME.DATA``, and what is wanted of it (:func:`value_of`). A claim
stands after a sentence that a new record could make false; where it no longer holds, there is an
error instead of a page:

    Soft targets help.<!--? teacher-student.mnist distilled_errors < alone_errors -->

Neither may begin a line that goes on: Markdown would take the whole line for HTML.
"""

from __future__ import annotations

import functools
import operator
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from minikd import values
from minikd.checkpoint import write_together
from minikd.diagram import plot_distillation
from minikd.experiments import EXPERIMENTS, plot_record, read_record
from minikd.experiments.experiment import Metric, Record
from minikd.experiments.record import complete
from minikd.folders import check_writable
from minikd.plots import save_figure
from minikd.statistics import change
from minikd.tables import OF_ALL, OF_RECORD, metrics_of, plainly

PLACEHOLDER = re.compile(r"(<!--= (.+?) -->)(.*?)(<!--/-->)", re.DOTALL)
CLAIM = re.compile(r"<!--\? (\S+) (\S+) (<<|>>|<|>) (\S+) -->")


def read_results(folder: Path) -> dict[str, Record]:
    """All records of a folder by ``NAME.DATA``, in the order of the experiments.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If one is of no known experiment.
    """
    folder = values.path("folder", folder)
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    unknown = [record["name"] for record in records if record["name"] not in EXPERIMENTS]
    if unknown:
        raise ValueError(f"{folder} holds records of no known experiment: {', '.join(unknown)}")
    if not records:
        raise FileNotFoundError(
            f"no records (*.json) in folder {folder}; run an experiment with --out {folder}"
        )
    order = list(EXPERIMENTS)
    records.sort(key=lambda record: order.index(record["name"]))
    return {f"{record['name']}.{record['data']}": record for record in records}


def filled(page: str, records: Mapping[str, Record]) -> str:
    """A page with what its placeholders ask for, once its claims are found to hold.

    Raises
    ------
    ValueError
        If a placeholder or a claim asks for what no record has, or a claim no longer holds.
    """
    page = values.text("page", page, "the text of a page")
    values.mapping("records", records, expected="records by NAME.DATA")
    for match in CLAIM.finditer(page):
        check_claim(match.groups(), records)

    def fill(match: re.Match[str]) -> str:
        value = value_of(match[2], records)
        # A block, such as a table, stands on lines of its own.
        value = f"\n{value.strip()}\n" if "\n" in value.strip() or "\n" in match[3] else value
        return match[1] + value + match[4]

    return PLACEHOLDER.sub(fill, page)


def value_of(asked: str, records: Mapping[str, Record]) -> str:
    """What a placeholder stands for.

    Parameters
    ----------
    asked : str
        ``RECORD METRIC`` is the metric over the seeds, in its unit; ``RECORD mean METRIC`` its mean
        alone; ``RECORD paper METRIC`` and ``RECORD known METRIC`` what the paper and the best
        public reproduction report; ``RECORD change METRIC SINCE`` by how much one metric is larger
        than another, with a standard error; ``RECORD set KEY`` a setting, as ``teacher.epochs``;
        ``RECORD table``, ``controls``, ``findings``, ``tables``, ``settings``, ``provenance``,
        ``picture`` and ``seeds`` are of the whole record; ``experiments``, ``honest``, ``short``
        and ``provenance`` of all.

    Raises
    ------
    ValueError
        If there is no such record, metric, setting or form.
    """
    asked = values.text("asked", asked, "what a placeholder asks for")
    values.mapping("records", records, expected="records by NAME.DATA")
    if not asked.strip():
        raise ValueError("asked is empty; expected RECORD METRIC, see minikd.report.value_of")
    if asked in OF_ALL:
        return OF_ALL[asked](records)
    key, _, rest = asked.partition(" ")
    form, *names = rest.split() or [""]
    if key not in records:
        raise ValueError(
            f"asked is '{asked}': no record {key}; expected one of the records: {', '.join(records)}"
        )
    record = records[key]
    if not names and form in OF_RECORD:
        with complete(record, EXPERIMENTS):
            return OF_RECORD[form](record)
    if form == "set" and len(names) == 1:
        return _setting(record, names[0], asked)
    if form == "change" and len(names) == 2:
        _metric(record, names[0], asked), _metric(record, names[1], asked)
        return change(record["metrics"], *names).words(sign=True)
    if form in _OF_METRIC and len(names) == 1:
        return _OF_METRIC[form](record, _metric(record, names[0], asked))
    if names:
        raise ValueError(f"'{asked}': no form {form!r}; see minikd.report.value_of")
    return _metric(record, form, asked).said(record)


def check_claim(claim: Sequence[str | Any], records: Mapping[str, Record]) -> None:
    """Hold a claim against the means of a record; ``<<`` and ``>>`` ask for a clear difference.

    Parameters
    ----------
    claim : sequence of str
        Record, metric, sign, and another metric or a number.
    records : mapping

    Raises
    ------
    ValueError
        If it does not hold, or asks for what no record has.
    """
    claim = values.each("claim", claim, "record, metric, sign and number", values.text)
    if len(claim) != 4 or claim[2] not in ("<", ">", "<<", ">>"):
        raise values.refused("claim", claim, "record, metric, sign and number")
    values.mapping("records", records, expected="records by NAME.DATA")
    key, metric, sign, other = claim
    said = " ".join(claim)
    if key not in records:
        raise ValueError(f"'{said}': no record {key}; expected one of the records")
    m = records[key]["metrics"]
    number = re.fullmatch(r"-?\d+(\.\d+)?", other)
    unknown = [
        name for name in (metric, other) if name not in m and not (name == other and number)
    ]
    if unknown:
        raise ValueError(f"'{said}': the record has no {' or '.join(unknown)}")
    beside = [float(other)] * len(m[metric]) if number else m[other]
    difference = change({"a": m[metric], "b": beside}, "a", "b")
    holds = {"<": operator.lt, ">": operator.gt}[sign[0]](difference.value, 0)
    if not holds or (len(sign) == 2 and not difference.clear):
        raise ValueError(
            f"'{said}' no longer holds: the difference is {difference.words(sign=True)}; rewrite "
            "the sentence before it"
        )


# ---------------------------------------------------------------- what placeholders ask for


def _metric(record: Record, name: str, asked: str) -> Metric:
    if name not in record["metrics"]:
        raise ValueError(f"'{asked}': the record has no metric {name}")
    for metric in metrics_of(record):
        if metric.name == name:
            return metric
    raise ValueError(
        f"'{asked}': the experiment declares no Metric {name}, so no unit is known"
    )


def _mean(record: Record, metric: Metric) -> str:
    # Temperatures that did best have no mean: all of them.
    return metric.said(record).partition(" (n" if metric.unit == "T" else " ")[0]


def _setting(record: Record, key: str, asked: str) -> str:
    value: Any = record["config"]
    for name in key.split("."):
        if not isinstance(value, dict) or name not in value:
            raise ValueError(f"'{asked}': the record has no setting {key}")
        value = value[name]
    return plainly(value)


_OF_METRIC: dict[str, Callable[[Record, Metric], str]] = {
    "mean": _mean, "paper": lambda record, metric: metric.in_paper(),
    "known": lambda record, metric: metric.paper.known if metric.paper else "",
}  # fmt: skip


# ---------------------------------------------------------------- files


def pages_of(root: Path) -> list[Path]:
    """The pages that may hold placeholders: README.md, REPRODUCTION.md, and those of docs/."""
    pages = [root / "README.md", root / "REPRODUCTION.md", *sorted(root.glob("docs/**/*.md"))]
    return [page for page in pages if page.exists()]


def write_report(results: Path, root: Path) -> list[Path]:
    """Fill the pages of a repository from its records, and draw the pictures: all or nothing.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ValueError
        If a record, a placeholder or a claim is wrong; then nothing is written.
    """
    records = read_results(results)
    texts = {page: filled(page.read_text(encoding="utf-8"), records) for page in pages_of(root)}
    contents = {page: text.encode() for page, text in texts.items() if PLACEHOLDER.search(text)}
    # Everything is made before anything is written: a record that can't be drawn leaves all as it was.
    images = root / "docs" / "images"
    with tempfile.TemporaryDirectory() as made:
        for key, draw in _pictures(records).items():
            try:
                drawn = save_figure(draw(), Path(made) / f"{key}.png")
            except OSError:
                raise
            except Exception as error:
                raise ValueError(
                    f"{results / key}.json cannot be drawn ({' '.join(str(error).split())}); nothing was "
                    "written: mend the record, or run the experiment again"
                ) from error
            contents[images / drawn.name] = drawn.read_bytes()
    for folder in {path.parent for path in contents}:
        check_writable(folder, "the folder")
    write_together(contents)
    return list(contents)


def _pictures(records: Mapping[str, Record]) -> dict[str, Callable[[], Any]]:
    of_records = {
        key: functools.partial(plot_record, record) for key, record in records.items()
    }
    return {"distillation": plot_distillation, **of_records}
