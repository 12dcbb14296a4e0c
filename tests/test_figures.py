"""Figures: they are made of records, without a display, and show what they should."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from minikd import load_glyphs, plots
from minikd.diagram import plot_distillation
from minikd.experiments import EXPERIMENTS, full_run, plot_record, read_record
from minikd.experiments.specialists.figure import plot_coverage
from minikd.experiments.teacher_student import _STUDENTS, plot_wrong
from minikd.experiments.unseen_figure import _ROLES, plot_confusion

RNG = np.random.default_rng(7)


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
        "honest_omitted_errors_after": 20,
    }  # fmt: skip
    return {
        "name": name, "data": data, "seeds": list(range(seeds)),
        "config": {"omitted": list(preset.omitted), "moved": list(preset.moved), "T": preset.T},
        "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {"biases": preset.bias_grid().tolist(),
                   "errors": RNG.integers(80, 4000, (seeds, len(preset.bias_grid()))).tolist(),
                   "errors_per_class": [per_class] * seeds,
                   "confusion": [{"before": table.tolist(),
                                  "honest": (table // 10).tolist()}] * seeds},
    }  # fmt: skip


def students(data="glyphs", seeds=2):
    values = dict.fromkeys(names("teacher-student"), 40) | {
        "test_cases": 4000, "alone_errors": 146, "errors_shared_with_teacher": 10,
    }  # fmt: skip
    per_class = {role: RNG.integers(0, 30, 10).tolist() for role, *_ in _STUDENTS}
    return {
        "name": "teacher-student", "data": data, "seeds": list(range(seeds)), "config": {"T": 20},
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
    values |= {f"cases_{d}": 400 for d in range(10)} | {"honest_after_7": 100}
    return {
        "name": "omitted-each", "data": data, "seeds": list(range(seeds)),
        "config": {"each": {"T": 20}}, "metrics": {k: [v] * seeds for k, v in values.items()},
        "curves": {},
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
        "share_kept": 90.0, "single_wer": 3.0, "ensemble_wer": 2.0, "distilled_wer": 2.2,
        "longer_wer": 3.1,
    }  # fmt: skip
    curves = {"singles": [79.0, 80.0, 81.0], "distilled": [81.8, 81.2, 81.0]}
    return {
        "name": "acoustic-ensemble", "data": data, "seeds": list(range(seeds)),
        "config": {"students": students}, "metrics": {k: [v] * seeds for k, v in values.items()},
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
        "name": "forecast", "data": data, "seeds": list(range(seeds)), "config": {"ahead": 2},
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
        "turn a student's 146 errors into 40; hard labels with the teacher's tricks, into 40"
        in said
    )
    assert "25 % of its errors are its teacher's" in said
    assert ("the paper, on MNIST" in said) == (data == "mnist")
    assert ("not handwriting" in said) == (data == "glyphs")
    plots.save_figure(figure, tmp_path / "figure.png")


@pytest.mark.parametrize("data", ["glyphs", "mnist"])
@pytest.mark.parametrize(
    ("made_up", "finding"),
    [
        (grid, "units do best at T = 4; of"),
        (each, "the student gets at least 75 % of that digit right"),
        (recipes, "without the test set costs 3 errors"),
    ],
)
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
            "2.0 points more of the frames right than one; one distilled from them keeps 90 %",
        ),
        (
            fractions,
            "61.0 % right with hard targets, 68.0 % with soft ones, 90.0 % from all data",
        ),
        (
            forecasts,
            "is 4.0 times nearer to the ten than one trained alone.\nOf what the ten gain in error "
            "it keeps 50 %; one trained alone for as long keeps 20 %",
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
        (specialists, "4 specialists raise the share of right answers from 80.0 to 82.0 %; a "
            "generalist of 128 units instead of 64, to 85.0 %"),
        (into_one, "Specialists add 2.00 points to the generalist."),
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
    drawn = {line.get_label(): line for line in axes.get_lines()}
    # As in the table, all seeds together: 412 of 400 in each. Four covering ones have too few cases.
    np.testing.assert_allclose(
        axes.containers[0].lines[0].get_xydata(), [[0, 0], [1, 3], [2, 2], [3, 3]], atol=1e-12
    )
    paper = next(line for label, line in drawn.items() if label.startswith("paper"))
    assert paper.get_ydata()[1] == 3.4
    plt.close()


def test_the_figure_of_confusion(tmp_path):
    figure = plot_confusion(unseen("omitted-3"))
    said = text_of(figure)
    assert "Threes it never saw are taken for 5, 8" in said
    assert "as trained: 70 errors" in said
    assert "with +10.0 on the bias of 3: 7 errors" in said
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
    assert f"into {plots.count(mean)};" in text_of(plot_record(record))
    plt.close("all")


def test_other_settings_draw_no_star_of_the_paper():
    record = unseen("omitted-3", "mnist")
    record["config"] |= {"omitted": [5], "moved": [5]}
    said = text_of(plot_record(record))
    assert "the paper, on MNIST" not in said
    assert "It never saw a 5" in said
    plt.close("all")


def test_titles_follow_the_numbers():
    record = acoustic("speech", 3)
    for wer, words in (([2.2] * 3, "words follow (2.2 %)"), ([3.2] * 3, "words do not follow (3.2 %)"),
                       ([1.0, 3.2, 4.0], "do not follow clearly (2.7 %)")):  # fmt: skip
        record["metrics"]["distilled_wer"] = wer
        assert words in text_of(plot_record(record))
    record = into_one("emnist", 3)
    assert "they add\n+1.50 points from both, +1.00 from the generalist" in text_of(
        plot_record(record)
    )
    record["metrics"]["distilled_accuracy"] = [81.0, 80.9, 81.2]
    assert "they add nothing clear:\n+1.03 points" in text_of(plot_record(record))
    record = recipes("mnist")
    for seed in record["curves"]["teachers"]:
        for k, row in enumerate(seed.values()):
            row["student"]["test"] = 100 - k
    assert "do not always have better students (rank correlation -1.00)" in text_of(
        plot_record(record)
    )
    plt.close("all")


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
        assert plots.save_figure(figure, tmp_path / "a.png").stat().st_size > 10_000
        found = EXPERIMENTS[record["name"]].findings(record)
        assert found
        assert all(sentence.endswith(".") and "nan" not in sentence for sentence in found)


def test_the_temperature_figure(tmp_path):
    figure = plots.plot_temperature()
    assert len(figure.axes) == 4
    said = text_of(figure)
    for word in ("T = 20", "T²", "Eq. 2", "Eq. 3", "Eq. 4", "log 10"):
        assert word in said
    plots.save_figure(figure, tmp_path / "temperature.png")


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


@pytest.mark.parametrize(
    "draw",
    [
        plots.plot_temperature, plot_distillation, lambda: plot_record(unseen("omitted-3")),
        lambda: plot_record(students()), lambda: plot_record(grid()),
        lambda: plot_record(grid("mnist")), lambda: plot_record(each()),
        lambda: plot_record(recipes()), lambda: plot_record(acoustic()),
        lambda: plot_record(fractions()), lambda: plot_record(forecasts()),
        lambda: plot_record(specialists()), lambda: plot_record(into_one()),
        lambda: plot_confusion(unseen("omitted-3")),
    ],
)  # fmt: skip
def test_no_text_of_a_figure_lies_on_another_or_outside(draw):
    figure = draw()
    assert not overlaps(figure)
    width, _ = figure.canvas.get_width_height()
    titles = [ax.title for ax in figure.axes] + [ax._left_title for ax in figure.axes]
    for text in (*titles, *([figure._suptitle] if figure._suptitle else [])):
        box = text.get_window_extent()
        assert box.x0 >= -1
        assert box.x1 <= width + 1, text.get_text()
    plt.close(figure)
