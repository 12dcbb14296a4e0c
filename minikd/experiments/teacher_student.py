"""Section 3: a student that learns from its teacher makes far fewer errors than one alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd import plots
from minikd.data import Dataset, Digits, catalog
from minikd.evaluate import errors, errors_per_class
from minikd.experiments.experiment import Experiment, Metric, Paper, Record
from minikd.experiments.kept import STUDENT, Kept
from minikd.experiments.omitted_3 import PRESETS as OMITTED_3
from minikd.experiments.protocols import Protocol, second_test, taught, transfer_sets
from minikd.objectives import hard_targets
from minikd.statistics import Mean, change, paired_test
from minikd.train import Recipe


@dataclass(frozen=True)
class TeacherStudent:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist"}
    teacher_hidden, student_hidden : tuple of int
        Units of the hidden layers.
    student_gain : float
        Size of the initial weights of the students, as in :class:`minikd.MLP`.
    alone : Recipe
        The student on hard labels, with no tricks (the paper's 146).
    tricks : Recipe
        A control: the student on hard labels with the teacher's dropout, max-norm and jitter.
    paper, best : Protocol
        How the distilled students are taught, their images not moved (the paper's 74).
    jittered : Recipe
        A control: the student of the best protocol, its images moved. The targets are those of the
        image that was not moved.
    T : float
        Temperature of the soft targets.
    view_pixels : int
        Where a protocol averages the teacher's logits, over all moves by up to this many pixels.
    """

    name: str
    data: str
    teacher_hidden: tuple[int, ...]
    student_hidden: tuple[int, ...]
    student_gain: float
    alone: Recipe
    tricks: Recipe
    paper: Protocol
    best: Protocol
    jittered: Recipe
    T: float
    view_pixels: int


def one_cell(
    config: TeacherStudent, digits: Digits, kept: Kept, cell: None = None
) -> dict[str, Any]:
    """Train the teacher and the students of one seed.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for the record.
    """
    train, test = digits.train, digits.test
    teacher, over_views = kept.teacher(config, digits, config.paper.teacher)
    best_teacher, best_over_views = kept.teacher(config, digits, config.best.teacher)
    sizes = [teacher.sizes[0], *config.student_hidden, teacher.sizes[-1]]
    nets = {"teacher": teacher, "best_teacher": best_teacher}
    for name, recipe in (("alone", config.alone), ("tricks", config.tricks)):
        # One seed for all: they begin with the same weights.
        nets[name] = kept.network(sizes, STUDENT, config.student_gain)
        kept.train(name, (config.data, config.student_hidden, config.student_gain, recipe),
                   nets[name], train, hard_targets(), recipe, lasts=True)  # fmt: skip
    protocols = {
        "distilled": config.paper,
        "best": config.best,
        "best_jittered": replace(config.best, student=config.jittered),
    }
    for name, protocol in protocols.items():
        transfer, _ = transfer_sets(protocol, config, digits, kept)
        nets[name] = taught(protocol, config, kept, transfer)
    z = {name: net(test.x) for name, net in nets.items()} | {
        "teacher_views": over_views("test"),
        "best_teacher_views": best_over_views("test"),
    }
    wrong = {name: logits.argmax(-1) != test.y for name, logits in z.items()}
    same = (z["distilled"].argmax(-1) == z["teacher"].argmax(-1)) & wrong["teacher"]
    other = second_test(config.data)
    second = {}
    if other is not None:
        second = {
            f"second_{name}_errors": errors(net(other.x), other.y) for name, net in nets.items()
        }
        second["second_cases"] = len(other)
    return {
        "seconds": round(kept.seconds, 1),
        "metrics": {
            "test_cases": len(test),
            **{f"{name}_errors": errors(logits, test.y) for name, logits in z.items()},
            # Of the distilled student's errors, those that are the teacher's very answers.
            "errors_shared_with_teacher": int(same.sum()),
            "p_distilled_against_alone": paired_test(wrong["distilled"], wrong["alone"]),
            **second,
        },
        "curves": {
            "errors_per_class": {
                name: errors_per_class(logits, test.y).tolist() for name, logits in z.items()
            },
            # Which test cases each one gets wrong, and what it answers, to show them.
            "wrong": {name: np.flatnonzero(cases).tolist() for name, cases in wrong.items()},
            "answers": {
                name: logits.argmax(-1)[wrong[name]].tolist() for name, logits in z.items()
            },
        },
    }


def _preset(
    data: str, alone: Recipe, tricks_epochs: int, jittered_epochs: int
) -> TeacherStudent:
    # The teacher is that of the other experiments, and so are the protocols. Nothing is chosen
    # on held-out cases here, so none are held out.
    others = OMITTED_3[data]
    return TeacherStudent(
        name="teacher-student",
        data=data,
        teacher_hidden=others.teacher_hidden,
        student_hidden=others.student_hidden,
        student_gain=others.student_gain,
        alone=alone,
        tricks=replace(others.paper.teacher, epochs=tricks_epochs),
        paper=others.paper,
        best=replace(others.best, held_out=0),
        jittered=replace(
            others.best.student,
            epochs=jittered_epochs,
            jitter=2,
            subpixel=others.paper.teacher.subpixel,
        ),
        T=others.T,
        view_pixels=2,
    )


PRESETS = {
    "glyphs": _preset(
        "glyphs",
        Recipe(epochs=20, learning_rate=0.1, batch=100),
        tricks_epochs=50,
        jittered_epochs=40,
    ),
    "mnist": _preset(
        "mnist",
        Recipe(epochs=20, learning_rate=0.1, batch=128),
        tricks_epochs=20,
        jittered_epochs=30,
    ),
}


_STUDENTS = (
    ("teacher", "teacher", plots.GREY),
    ("teacher_views", "teacher, averaged over moves", plots.GREY),
    ("alone", "hard labels, no tricks", plots.ORANGE),
    ("tricks", "hard labels, the teacher's tricks", plots.ORANGE),
    ("distilled", "distilled: the paper's protocol", plots.BLUE),
    ("best", "distilled: the best protocol", plots.GREEN),
    ("best_jittered", "the same, its images moved", plots.GREEN),
)


@plots.in_house_style
def plot_teacher_student(record: Record) -> Any:
    """Test error of the teacher and of each student, beside the paper's.

    Parameters
    ----------
    record : dict
        Of ``teacher-student``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plots.plt.subplots(1, 2, figsize=(13, 5), width_ratios=(3, 2))
    m = {name: np.array(values) for name, values in record["metrics"].items()}
    cases = np.mean(m["test_cases"])
    paper = {x.name: x for x in EXPERIMENT.in_record(record) if x.paper is not None}
    starred = False
    for row, (role, _, color) in enumerate(_STUDENTS):
        values = 100 * m[f"{role}_errors"] / cases
        left.barh(row, values.mean(), color=color, alpha=0.6)
        left.plot(values, np.full(len(values), row), ".", color="k", ms=4, zorder=3)
        if f"{role}_errors" in paper:
            percent = paper[f"{role}_errors"].paper_percent()
            left.plot(
                percent, row, "k*", mfc="w", ms=11,
                label=None if starred else "the paper, on MNIST",
            )  # fmt: skip
            starred = True
    shares = {role: 100 * np.mean(m[f"{role}_errors"]) / cases for role, *_ in _STUDENTS}
    labels = [f"{label}: {shares[role]:.2f} %" for role, label, _ in _STUDENTS]
    left.set_yticks(range(len(_STUDENTS)), labels=labels)
    left.invert_yaxis()
    left.set(xlabel="test error (%); a dot for each seed")
    title = "The teacher, and five trainings of the same student"
    if starred:
        plots.legend_above(left, title)
    else:
        left.set_title(title)

    per_class = record["curves"]["errors_per_class"]
    classes = np.arange(len(per_class[0]["alone"]))
    for k, (role, label, color) in enumerate(
        (
            ("alone", "hard labels", plots.ORANGE),
            ("distilled", "distilled, the paper's protocol", plots.BLUE),
        )
    ):
        mean = np.mean([seed[role] for seed in per_class], axis=0)
        right.bar(classes + 0.4 * (k - 0.5), mean, 0.4, color=color, alpha=0.6, label=label)
    right.set(xticks=classes, xlabel="class", ylabel="errors of the student, mean")
    right.yaxis.get_major_locator().set_params(integer=True)
    shared = np.mean(m["errors_shared_with_teacher"]) / np.mean(m["distilled_errors"])
    plots.legend_above(
        right, f"{100 * shared:.0f} % of the errors in blue are the teacher's too"
    )
    alone, distilled, best, tricks = (
        plots.count(float(np.mean(m[f"{role}_errors"])))
        for role in ("alone", "distilled", "best", "tricks")
    )
    plots.say(
        figure,
        f"Distillation turns a student's {alone} errors into {distilled} by the paper's protocol and "
        f"{best} by the best one;\nthe teacher's tricks on hard labels, into {tricks}",
        f"{plots.footer(record, record['config']['T'])}; tricks are dropout, moved images and a limit "
        "on the weights",
    )
    return figure


@plots.in_house_style
def plot_wrong(record: Record, test: Dataset, columns: int = 14) -> Any:
    """Test images that the student alone, the distilled one, or it and its teacher get wrong.

    Above each image stand the answer, where the record has it, and the label.

    Parameters
    ----------
    record : dict
        Of ``teacher-student``; its first seed is shown.
    test : Dataset
        The test set that the record is of.
    columns : int
        Images in each row at most.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the test set is not that of the record.
    """
    cases = record["metrics"]["test_cases"][0]
    if len(test) != cases or not test.labelled.all():
        raise ValueError(f"test has {len(test)} cases; the record is of {cases}, with labels")
    of_seed = record["curves"]["wrong"][0]
    wrong = {role: set(cases) for role, cases in of_seed.items()}
    answers = {
        role: dict(zip(of_seed[role], said, strict=True))
        for role, said in record["curves"].get("answers", [{}])[0].items()
    }
    rows = (
        ("only the student on hard labels is wrong", "alone", wrong["alone"] - wrong["distilled"]),
        ("only the distilled student is wrong", "distilled", wrong["distilled"] - wrong["alone"]),
        ("distilled student and teacher are wrong", "distilled",
         wrong["distilled"] & wrong["teacher"]),
    )  # fmt: skip
    figure = plots.plt.figure(figsize=(13, 5.2))
    strips: Any = figure.subfigures(len(rows), 1)
    for strip, (title, who, which) in zip(strips, rows, strict=True):
        strip.suptitle(f"{title}: {len(which)} images", x=0.01, ha="left", fontsize=11)
        for axes, case in zip(
            strip.subplots(1, columns), sorted(which)[:columns], strict=False
        ):
            axes.imshow(test.x[case].reshape(test.shape), cmap="gray_r")
            said = f"says {answers[who][case]},\n" if answers else ""
            axes.set_title(f"{said}is {test.y[case]}", loc="center", fontsize=9)
        for axes in strip.axes:
            axes.axis("off")
    mended, added = len(rows[0][2]), len(rows[1][2])
    plots.say(
        figure,
        f"Soft targets mend {mended} of the student's errors, and add {added}",
        f"{catalog.title(record['data'])}; seed {record['seeds'][0]}; the first {columns} of each",
    )
    return figure


def teacher_student_findings(record: Record) -> list[str]:
    """The distilled students beside the one on hard labels, with and without the teacher's tricks."""
    m = record["metrics"]
    shared = np.mean(m["errors_shared_with_teacher"]) / np.mean(m["distilled_errors"])
    fewer = change(m, "alone_errors", "distilled_errors")
    beside_tricks = change(m, "distilled_errors", "tricks_errors")
    best = change(m, "distilled_errors", "best_errors")
    return [
        f"Distilled by the paper's protocol, the student makes {_fewer(fewer)} than on hard labels "
        "(mean ± standard error over seeds).",
        "On hard labels with the teacher's tricks (moved images, dropout, a limit on the weights), it "
        f"makes {_fewer(beside_tricks)} than distilled by the paper's protocol. By the best one, soft "
        "targets alone and averaged over moves of the image, it makes "
        f"{_fewer(best)} than by the paper's.",
        f"Of the distilled student's errors, {100 * shared:.0f} % are the very answers of its "
        "teacher.",
    ]


def _fewer(saved: Mean) -> str:
    """``47.8 ± 4.0 errors fewer (clearly)``, or more."""
    size = saved._replace(value=abs(saved.value)).words(1)
    return f"{size} errors {'more' if saved.value < 0 else 'fewer'} ({saved.clearly})"


_PRADYOT = "pradyot-09"  # DL-Reproducibility-Project: one seed, 1,000 epochs

METRICS = (
    Metric("teacher_errors", "teacher", "errors", paper=Paper(67, "3", known=f"58 ({_PRADYOT})")),
    Metric("teacher_views_errors", "teacher, averaged over moves of the image", "errors"),
    Metric("best_teacher_errors", "best protocol: teacher", "errors", control=True),
    Metric(
        "best_teacher_views_errors", "best protocol: teacher, averaged over moves of the image", "errors",
        control=True,
    ),
    Metric("alone_errors", "student on hard labels, no tricks", "errors", paper=Paper(146, "3")),
    Metric("tricks_errors", "student on hard labels, the teacher's tricks", "errors"),
    Metric(
        "distilled_errors", "paper's protocol: distilled student", "errors",
        paper=Paper(74, "3", known=f"65 ({_PRADYOT}, moved images)"),
    ),
    Metric("best_errors", "best protocol: distilled student", "errors"),
    Metric("best_jittered_errors", "best protocol, its images moved: distilled student", "errors"),
    Metric(
        "errors_shared_with_teacher",
        "errors of the distilled student where its teacher gives the same wrong answer",
        "errors", "neither", control=True,
    ),
    Metric(
        "p_distilled_against_alone", "p of the distilled student against that on hard labels (McNemar)", "p",
        "neither", control=True,
    ),
    Metric("second_cases", "EMNIST's digits", "cases", "neither", control=True),
    *(
        Metric(f"second_{role}_errors", f"EMNIST's digits: {words}", "% of cases", control=True,
               of="second_cases")
        for role, words in (
            ("teacher", "teacher"),
            ("best_teacher", "best protocol: teacher"),
            ("alone", "student on hard labels, no tricks"),
            ("tricks", "student on hard labels, the teacher's tricks"),
            ("distilled", "paper's protocol: distilled student"),
            ("best", "best protocol: distilled student"),
            ("best_jittered", "best protocol, its images moved: distilled student"),
        )
    ),
)  # fmt: skip

EXPERIMENT: Experiment = Experiment(
    name="teacher-student",
    section="3",
    question="how many errors do soft targets save a student that has nothing else to regularize it?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_teacher_student,
    findings=teacher_student_findings,
    as_in_paper={"T": 20.0, "teacher_hidden": (1200, 1200), "student_hidden": (800, 800)},
)
