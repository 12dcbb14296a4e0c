"""Figures: they are made of records, without a display, and show what they should."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from minikd import load_glyphs, plots, temperature
from minikd.diagram import plot_distillation
from minikd.experiments import EXPERIMENTS, full_run, hard_weight, plot_record, read_record
from minikd.experiments.measured import MEASURES
from minikd.experiments.specialists.figure import plot_coverage
from minikd.experiments.teacher_student import _STUDENTS, plot_wrong
from minikd.experiments.unseen_figure import _ROLES, plot_confusion

RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def _no_figure_is_left_open():
    yield
    plt.close("all")


def names(name):
    return [metric.name for metric in EXPERIMENTS[name].metrics]


def unseen(name, data="glyphs", seeds=2):
    """A record with numbers made up for the test."""
    preset = EXPERIMENTS[name].presets[data]
    per_class = {role: RNG.integers(0, 300, 10).tolist() for role, *_ in _ROLES}
    table = 390 * np.eye(10)
    table[3, 5], table[3, 8] = 50, 20
    values = dict.fromkeys(names(name), 10) | {
        "test_cases": 4000, "omitted_cases": 400, "omitted_errors_before": 60,
        "omitted_errors_after": 20, "honest_best_omitted_errors_after": 16,
    }  # fmt: skip
    return {
        "name": name, "data": data, "seeds": list(range(seeds)),
        "config": {"omitted": list(preset.omitted), "moved": list(preset.moved), "T": preset.T,
                   "teacher_hidden": [1200, 1200], "student_hidden": [800, 800]},
        "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {"biases": preset.bias_grid().tolist(),
                   **{which: RNG.integers(80, 4000, (seeds, len(preset.bias_grid()))).tolist()
                      for which in ("errors", "best_errors")},
                   "errors_per_class": [per_class] * seeds,
                   "confusion": [{"before": table.tolist(),
                                  "after": (table // 10).tolist()}] * seeds},
    }  # fmt: skip


def students(data="glyphs", seeds=2):
    values = dict.fromkeys(names("teacher-student"), 40) | {
        "test_cases": 4000, "alone_errors": 146, "errors_shared_with_teacher": 10,
        "best_errors": 38, "second_cases": 3000,
    }  # fmt: skip
    per_class = {role: RNG.integers(0, 30, 10).tolist() for role, *_ in _STUDENTS}
    return {
        "name": "teacher-student", "data": data, "seeds": list(range(seeds)),
        "config": {"T": 20, "teacher_hidden": [1200, 1200], "student_hidden": [800, 800]},
        "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {"errors_per_class": [per_class] * seeds},
    }  # fmt: skip


def grid(data="glyphs", seeds=2):
    preset = EXPERIMENTS["temperature-width"].presets[data]
    students = [
        [RNG.integers(100, 200, n).tolist() for _ in preset.temperatures]
        for n in preset.students
    ]
    students[0][4] = [50] * preset.students[0]
    return {
        "name": "temperature-width", "data": data, "seeds": list(range(seeds)), "config": {},
        "metrics": {"test_cases": [4000] * seeds},
        "curves": {"widths": list(preset.widths), "temperatures": list(preset.temperatures),
                   "errors": [students] * seeds, "disagreements": [students] * seeds},
    }  # fmt: skip


def each(data="glyphs", seeds=2):
    values = dict.fromkeys(names("omitted-each"), 40)
    values |= {f"cases_{d}": 400 for d in range(10)} | {"after_7": 100}
    return {
        "name": "omitted-each", "data": data, "seeds": list(range(seeds)),
        "config": {"each": {"T": 20}}, "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {},
    }  # fmt: skip


def weights(data="glyphs", seeds=2):
    preset = EXPERIMENTS["hard-weight"].presets[data]
    rows = [
        {"teacher": who, "T": T, "set": which, "weight": w, "before": int(100 * scale * (1 + w))}
        | ({} if which == "all" else {"unseen_before": 60, "bias": sign * (3.0 + w / 4),
                                      "after": int(50 * scale), "unseen_after": 14})
        for k, (who, T) in enumerate(hard_weight.cells(preset))
        for which, scale, sign in (("all", 0.4, 1), ("no-3", 1, 1), ("only-7-8", 20, -1))
        for w in (preset.few_weights if k else preset.weights)
    ]  # fmt: skip
    teachers = {
        who: {**dict.fromkeys(MEASURES, 1.0 + k), "errors": 60 + k, "doubt": 0.001 * (k + 1)}
        for k, who in enumerate(preset.teachers)
    }
    values = dict.fromkeys(names("hard-weight"), 10) | {"test_cases": 10_000}
    return {
        "name": "hard-weight", "data": data, "seeds": list(range(seeds)),
        "config": json.loads(json.dumps(asdict(preset))),
        "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {"rows": [rows] * seeds, "teachers": [teachers] * seeds},
    }  # fmt: skip


def carried(data="glyphs", seeds=2):
    preset = EXPERIMENTS["what-carries"].presets[data]
    values = {name: [150 + 10 * k] * seeds for k, name in enumerate(names("what-carries"))} | {
        "test_cases": [4000] * seeds,
        "omitted_cases": [400] * seeds,
    }
    values |= {"real_unseen_after": [40] * seeds, "class_means_unseen_after": [100] * seeds,
               "uniform_unseen_after": [300] * seeds, "smoothed_unseen_after": [200] * seeds}  # fmt: skip
    return {
        "name": "what-carries", "data": data, "seeds": list(range(seeds)),
        "config": json.loads(json.dumps(asdict(preset))), "metrics": values, "curves": {},
    }  # fmt: skip


def recipes(data="glyphs", seeds=2):
    preset = EXPERIMENTS["recipes"].presets[data]
    table = {
        what: {
            name: {"validation": 30 + k, "test": 60 + 5 * k, "moves": 0.02 + 0.01 * k,
                   "student": {"validation": 40, "test": 80 + 9 * k}}
            for k, name in enumerate(getattr(preset, what))
        }
        for what in ("teachers", "students")
    }  # fmt: skip
    values = dict.fromkeys(names("recipes"), 60)
    values |= {"test_cases": 4000, "honest_best_student_errors": 63}
    return {
        "name": "recipes", "data": data, "seeds": list(range(seeds)),
        "config": {"held_out": preset.held_out},
        "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {what: [rows] * seeds for what, rows in table.items()},
    }  # fmt: skip


def acoustic(data="synthetic", seeds=2):
    students = [["arithmetic", 1.0], ["arithmetic", 5.0], ["geometric", 5.0]]
    values = {
        "single_accuracy": 80.0, "ensemble_accuracy": 82.0, "longer_accuracy": 80.5,
        "distilled_accuracy": 81.8,
        "share_kept": 90.0, "single_wer": 3.0, "ensemble_wer": 2.0, "distilled_wer": 2.2,
        "longer_wer": 3.1,
    }  # fmt: skip
    curves = {"singles": [79.0, 80.0, 81.0], "distilled": [81.8, 81.2, 81.0]}
    return {
        "name": "acoustic-ensemble", "data": data, "seeds": list(range(seeds)),
        "config": {"students": students, "members": 3},
        "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {k: [v] * seeds for k, v in curves.items()},
    }  # fmt: skip


def fractions(data="synthetic", seeds=2):
    values = {"all_accuracy": 90.0}
    for at, percent in enumerate((1, 3, 10, 30)):
        values |= {f"hard_{percent}_accuracy": 50.0 + 9 * at, f"soft_{percent}_accuracy": 60.0 + 8 * at,
                   f"hard_{percent}_early_accuracy": 52.0 + 9 * at}  # fmt: skip
    looks = [{"epoch": e, "train": 60.0 + e, "test": 50.0 + e} for e in (1, 10, 30)]
    return {
        "name": "three-percent", "data": data, "seeds": list(range(seeds)),
        "config": {"fractions": [1.0, 0.3, 0.1, 0.03, 0.01]},
        "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {"3": [{"hard": looks, "soft": looks}] * seeds},
    }  # fmt: skip


def specialists(data="characters", seeds=2):
    values = {
        "generalist_accuracy": 80.0, "specialists_accuracy": 82.0, "copies_accuracy": 80.5,
        "mixture_accuracy": 80.2, "generalist_log_loss": 0.6, "specialists_log_loss": 0.5,
    }  # fmt: skip
    coverage = [
        {"covering": k, "cases": 500, "generalist_right": 400, "specialists_right": 400 + 4 * k}
        for k in range(4)
    ]
    widths = {"generalist_accuracy": [80.0, 85.0], "specialists_accuracy": [82.0, 85.5],
              "copies_accuracy": [80.5, 85.4]}  # fmt: skip
    number = {"specialists": [0, 2, 4], "accuracy": [80.0, 81.0, 82.0]}
    curves = {"coverage": coverage, "number": number, "widths": widths}
    return {
        "name": "specialists", "data": data, "seeds": list(range(seeds)),
        "config": {"widths": [64, 128], "clusters": 4},
        "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {k: [v] * seeds for k, v in curves.items()},
    }  # fmt: skip


def into_one(data="characters", seeds=2):
    values = {}
    for k, who in enumerate(
        ("generalist", "hard", "from_generalist", "distilled", "specialists")
    ):
        values |= {f"{who}_accuracy": 80.0 + k / 2, f"{who}_log_loss": 0.6 - k / 100}
    return {
        "name": "specialists-into-one", "data": data, "seeds": list(range(seeds)), "config": {},
        "metrics": {k: [v] * seeds for k, v in values.items()}, "curves": {},
    }  # fmt: skip


def forecasts(data="synthetic", seeds=2):
    values = {"alone_distance": 0.03, "longer_distance": 0.02, "distilled_distance": 0.005,
              "single_error": 0.2, "ensemble_error": 0.1, "distilled_error": 0.15,
              "longer_error": 0.18}  # fmt: skip
    error = {who: [1.0 + k, 2.0 + k] for k, who in enumerate(
        ("ensemble", "distilled", "longer", "alone", "unchanged")
    )}  # fmt: skip
    return {
        "name": "forecast", "data": data, "seeds": list(range(seeds)), "config": {"ahead": 2, "members": 7},
        "metrics": {k: [v] * seeds for k, v in values.items()}, "curves": {"error": [error] * seeds},
    }  # fmt: skip


def text_of(figure):
    return " ".join(t.get_text() for t in figure.findobj(mpl.text.Text))


@pytest.mark.parametrize("name", ["omitted-3", "sevens-and-eights"])
@pytest.mark.parametrize("data", ["glyphs", "mnist"])
def test_the_figure_of_an_experiment(name, data, tmp_path):
    before = dict(mpl.rcParams)
    figure = plot_record(unseen(name, data))
    said = text_of(figure)
    assert "85.0 %" in said  # of the unseen digits before: the finding is in the title
    assert "95.0 %" in said
    assert "96.0 %" in said  # by the best protocol
    assert ("the paper, on MNIST" in said) == (data == "mnist")
    assert ("not handwriting" in said) == (data == "glyphs")
    path = plots.save_figure(figure, tmp_path / "folder" / "figure.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert not plt.get_fignums()
    assert dict(mpl.rcParams) == before  # the user's settings are left alone


@pytest.mark.parametrize("data", ["glyphs", "mnist"])
def test_the_figure_of_teacher_and_student(data, tmp_path):
    figure = plot_record(students(data))
    said = text_of(figure)
    assert (
        "turns a student's 146 errors into 40 by the paper's protocol and 38 by the best one;\nthe "
        "teacher's tricks on hard labels, into 40" in said
    )
    assert "25 % of the errors in blue are the teacher's too" in said
    assert ("the paper, on MNIST" in said) == (data == "mnist")
    assert ("not handwriting" in said) == (data == "glyphs")
    plots.save_figure(figure, tmp_path / "figure.png")


@pytest.mark.parametrize("data", ["glyphs", "mnist"])
@pytest.mark.parametrize(
    ("made_up", "finding"),
    [
        (grid, "units do best at T = 4; for those of"),
        (each, "the student gets at worst 90.0 % of it right, and 75.0 % with a higher bias"),
        (weights, "ard targets"),
        (recipes, "have better students (rank correlation 1.00). Choosing a student's recipe without "
            "the test set costs 3 errors"),
        (carried, "real soft targets find 90 %, class means 75 %, uniform ones 25 %, those of a smoothed "
            "teacher 50 %"),
    ],
)  # fmt: skip
def test_the_other_figures(made_up, finding, data, tmp_path):
    figure = plot_record(made_up(data))
    said = text_of(figure)
    assert finding in said
    assert ("not handwriting" in said) == (data == "glyphs")
    plots.save_figure(figure, tmp_path / "figure.png")


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("data", ["synthetic", "speech"])
@pytest.mark.parametrize(
    ("made_up", "finding"),
    [
        (
            acoustic,
            "3 networks together get 2.0 points more of the frames right than one; one distilled from "
            "them keeps 90 %",
        ),
        (
            fractions,
            "From 3 % of the data: 68.0 % right with soft targets, 61.0 % with hard ones, stopped "
            "early; 90.0 % from all data",
        ),
        (
            forecasts,
            "is nearer to 7 networks together than one trained alone (at 0.005 "
            "against 0.02).\nIt keeps 50 % of what they gain in error; one trained alone for as long "
            "keeps 20 %",
        ),
    ],
)
def test_the_figures_of_speech(made_up, finding, data, seeds, tmp_path):
    figure = plot_record(made_up(data, seeds))
    said = text_of(figure)
    assert finding in said
    assert ("stand-in" in said) == (data == "synthetic")
    assert ("standard errors" in said) == (seeds > 1)
    plots.save_figure(figure, tmp_path / "figure.png")


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("data", ["characters", "emnist"])
@pytest.mark.parametrize(
    ("made_up", "finding"),
    [
        (specialists, "A generalist of 64 units gets 80.0 % right; with 4 specialists for the classes "
            "that it confuses, 82.0 %.\nA generalist of 128 units alone gets 85.0 %"),
        (into_one, "+2.00 with specialists; one network distilled from both +1.50, from the "
            "generalist alone +1.00"),
    ],
)  # fmt: skip
def test_the_figures_of_characters(made_up, finding, data, seeds, tmp_path):
    figure = plot_record(made_up(data, seeds))
    said = text_of(figure)
    assert finding in said
    assert ("not handwriting" in said) == (data == "characters")
    assert ("standard errors" in said) == (seeds > 1)
    plots.save_figure(figure, tmp_path / "figure.png")


def test_what_is_gained_by_the_number_of_covering_specialists():
    record = specialists()
    few = {"covering": 4, "cases": 299, "generalist_right": 1, "specialists_right": 90}
    record["curves"]["coverage"][1] = [*record["curves"]["coverage"][1], few]
    record["curves"]["coverage"][0][1] |= {"specialists_right": 412}
    _, axes = plt.subplots()
    plot_coverage(axes, record)
    # As in the table, all seeds together: 412 of 400 in each. Four covering ones have too few cases.
    np.testing.assert_allclose(
        axes.containers[0].lines[0].get_xydata(), [[0, 0], [1, 3], [2, 2], [3, 3]], atol=1e-12
    )
    assert "+3.4 % for one, +14.1 % for ten or more" in axes.get_xlabel()  # the paper's


def test_the_figure_of_confusion(tmp_path):
    figure = plot_confusion(unseen("omitted-3"))
    said = text_of(figure)
    assert (
        "The threes that it never saw (paper's protocol): 70 are misread, most often as 5, 8; 7 once"
        in said
    )
    assert "As trained: 70 errors" in said
    assert "With the bias of 3 raised by 10.0 ± 0.0: 7 errors" in said
    plots.save_figure(figure, tmp_path / "figure.png")


def test_the_figure_of_what_is_wrong(tmp_path):
    record, test = students(), load_glyphs(train=1, test=400).test
    record["curves"]["wrong"] = [{"alone": [1, 2, 3], "distilled": [3, 4], "teacher": [4]}] * 2
    record["metrics"]["test_cases"] = [400, 400]
    figure = plot_wrong(record, test)
    said = text_of(figure)
    assert "mend 2 of the student's errors, and add 1" in said
    assert f"is {test.y[4]}" in said
    plots.save_figure(figure, tmp_path / "figure.png")
    record["curves"]["answers"] = [
        {"alone": [7, 8, 9], "distilled": [5, 6], "teacher": [6]}
    ] * 2
    said = text_of(plot_wrong(record, test))
    assert f"says 7,\nis {test.y[1]}" in said  # of the student alone
    assert f"says 6,\nis {test.y[4]}" in said  # of the distilled one
    plt.close("all")
    with pytest.raises(ValueError, match="test has 399 cases; the record is of 400"):
        plot_wrong(record, test.take(np.arange(399)))


def test_counts_are_said_as_they_are():
    assert [plots.count(mean) for mean in (92.5, 92.0, 67, 27.75)] == [
        "92.5",
        "92",
        "67",
        "27.8",
    ]
    record = full_run("teacher-student")
    mean = np.mean(record["metrics"]["distilled_errors"])
    assert f"into {plots.count(mean)} by the paper's" in text_of(plot_record(record))
    plt.close("all")


def test_other_settings_draw_no_star_of_the_paper():
    record = unseen("omitted-3", "mnist")
    record["config"] |= {"omitted": [5], "moved": [5]}
    said = text_of(plot_record(record))
    assert "the paper, on MNIST" not in said
    assert "a student that never saw a 5 gets" in said


def title_of(record):
    return plot_record(record)._suptitle.get_text()


def test_titles_on_a_bias_follow_its_sign():
    record = unseen("omitted-3")
    assert "Fewest errors with the bias of 3 raised by 10.0 ± 0.0" in text_of(
        plot_record(record)
    )
    record["metrics"] |= {"bias": [-2.0, -3.0]}
    assert "Fewest errors with the bias of 3 lowered by 2.5 ± 0.5" in text_of(
        plot_record(record)
    )


def test_the_title_of_an_ensemble_follows_the_numbers():
    record = acoustic("speech", 3)
    for wer, words in (([2.2] * 3, "gains: 3.0 % are wrong alone, 2.0 % together, 2.2 % distilled"),
                       ([3.2] * 3, "gains nothing: 3.0 %"),
                       ([1.0, 3.2, 4.0], "gains nothing clear: 3.0 %")):  # fmt: skip
        record["metrics"]["distilled_wer"] = wer
        assert f"In words, the distilled network {words}" in title_of(record)
    record["metrics"]["share_kept"] = [-20.0] * 3
    assert "keeps none of that." in title_of(record)
    record["metrics"]["ensemble_accuracy"] = [79.5] * 3
    assert (
        "get 0.5 points fewer of the frames right than one; a distilled one, +1.8."
        in title_of(record)
    )


def test_the_title_of_forecasts_follows_the_numbers():
    record = forecasts("speech", 3)
    record["metrics"] |= {"distilled_distance": [0.04] * 3, "distilled_error": [0.21] * 3}
    assert "is no nearer to 7 networks" in title_of(record)
    assert "It keeps none of what they gain" in title_of(record)
    record["metrics"]["ensemble_error"] = [0.2] * 3
    assert title_of(record).endswith("But these err no less than one of them")


def test_the_titles_of_students_of_specialists_and_teachers_follow_the_numbers():
    record = into_one("emnist", 3)
    assert "the specialists add something." in title_of(record)
    record["metrics"]["distilled_accuracy"] = [81.0, 80.9, 81.2]
    assert "the specialists add nothing clear." in title_of(record)
    record["metrics"]["distilled_accuracy"] = [79.0] * 3
    assert "the specialists cost something." in title_of(record)
    assert "from both −1.00, from" in title_of(record)
    record = recipes("mnist")
    for seed in record["curves"]["teachers"]:
        for k, row in enumerate(seed.values()):
            row["student"]["test"] = 100 - k
    assert "do not always have better students (rank correlation -1.00)" in title_of(record)


def test_a_run_without_3_percent_shows_its_smallest_part():
    record = fractions()
    record["config"]["fractions"] = [1.0, 0.3, 0.1]
    record["curves"] = {"10": record["curves"]["3"], "30": record["curves"]["3"]}
    said = text_of(plot_record(record))
    assert "From 10 % of the data: 76.0 % right with soft targets" in said
    assert "While training on 10 % of the data" in said


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "results").glob("*.json")), ids=lambda p: p.stem
)
def test_every_record_has_its_figure_and_its_findings(path, tmp_path):
    whole = read_record(path)
    first = whole | {
        "seeds": whole["seeds"][:1],
        "metrics": {k: v[:1] for k, v in whole["metrics"].items()},
        "curves": {
            k: v[:1] if len(v) == len(whole["seeds"]) else v for k, v in whole["curves"].items()
        },
    }
    for record in (whole, first):
        figure = plot_record(record)
        assert not overlaps(figure)
        assert not outside(figure)
        assert not under_a_legend(figure)
        assert plots.save_figure(figure, tmp_path / "a.png").stat().st_size > 10_000
        found = EXPERIMENTS[record["name"]].findings(record)
        assert found
        assert all(sentence.endswith(".") and "nan" not in sentence for sentence in found)


def overlaps(figure):
    """Pairs of texts of a figure that lie on one another."""
    figure.canvas.draw()
    ticks = {
        label
        for axes in figure.axes
        for label in axes.get_xticklabels() + axes.get_yticklabels()
    }  # matplotlib keeps some that lie outside of the axes
    boxes = [
        (t.get_text(), t.get_window_extent())
        for t in figure.findobj(mpl.text.Text)
        if t.get_visible() and t.get_text().strip() and t not in ticks
    ]
    return [
        (a, b)
        for i, (a, box) in enumerate(boxes)
        for b, other in boxes[i + 1 :]
        if min(box.x1, other.x1) - max(box.x0, other.x0) > 1
        and min(box.y1, other.y1) - max(box.y0, other.y0) > 1
    ]


def outside(figure):
    """Titles of a figure that reach beyond its edges."""
    width, height = figure.canvas.get_width_height()
    titles = [ax.title for ax in figure.axes] + [ax._left_title for ax in figure.axes]
    labels = [getattr(ax, f"{which}axis").label for ax in figure.axes for which in "xy"]
    whole = [text for text in (figure._suptitle, figure._supxlabel) if text]
    boxes = [(t.get_text(), t.get_window_extent()) for t in (*titles, *labels, *whole)]
    return [
        words
        for words, box in boxes
        if words and (box.x0 < -1 or box.x1 > width + 1 or box.y0 < -1 or box.y1 > height + 1)
    ]


def under_a_legend(figure):
    """Data of a figure that lie under a legend."""
    found = []
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is None:
            continue
        box = legend.get_window_extent()
        for line in axes.get_lines():
            at = line.get_transform().transform(line.get_xydata())
            if line.get_linestyle() != "None" and len(at) > 1:
                steps = np.linspace(0, 1, 50)[:, None]
                at = np.concatenate([a + steps * (b - a) for a, b in itertools.pairwise(at)])
            found += [(line.get_label(), *point) for point in at if box.contains(*point)]
        found += [
            (patch, "bar") for patch in axes.patches if box.overlaps(patch.get_window_extent())
        ]
    return found


MADE_UP = {
    **{name: lambda *of, name=name: unseen(name, *of) for name in ("omitted-3", "sevens-and-eights")},
    "teacher-student": students, "temperature-width": grid, "omitted-each": each,
    "hard-weight": weights,
    "recipes": recipes, "acoustic-ensemble": acoustic, "three-percent": fractions,
    "what-carries": carried, "forecast": forecasts, "specialists": specialists,
    "specialists-into-one": into_one,
}  # fmt: skip


def test_each_experiment_has_a_made_up_record():
    assert set(MADE_UP) == set(EXPERIMENTS)


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name in MADE_UP for data in EXPERIMENTS[name].presets]
)
def test_no_text_lies_on_another_or_outside_and_no_legend_on_data(name, data, seeds):
    figure = plot_record(MADE_UP[name](data, seeds))
    assert not overlaps(figure)
    assert not outside(figure)
    assert not under_a_legend(figure)
    handwritten = data not in ("glyphs", "characters")
    assert ("not handwriting" in text_of(figure)) != handwritten


@pytest.mark.parametrize(
    "draw",
    [
        temperature.plot_temperature, plot_distillation, lambda: plot_confusion(unseen("omitted-3")),
        lambda: plot_confusion(unseen("sevens-and-eights")),
    ],
)  # fmt: skip
def test_the_same_of_figures_of_no_experiment(draw):
    figure = draw()
    assert not overlaps(figure)
    assert not outside(figure)
    assert not under_a_legend(figure)


def test_a_figure_without_a_layout_is_saved_twice_and_shown_without_a_warning(
    tmp_path, monkeypatch
):
    """As lesson 00 does in a notebook; warnings are errors here."""
    shown = []
    monkeypatch.setattr(plots, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.append)
    with plots.formats(("svg", "png")):
        plots.save_figure(plot_distillation(4.0), tmp_path / "x")
    assert len(shown) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"x.svg", "x.png"}
