"""What a record says of its claim: by fixed rules, held against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from minikd.experiments.acoustic_ensemble import acoustic_findings
from minikd.experiments.forecast import forecast_findings
from minikd.experiments.hard_weight_figure import (
    hard_weight_findings,
    hard_weight_tables,
)
from minikd.experiments.measured import MEASURES, predictions
from minikd.experiments.omitted_each import omitted_each_findings
from minikd.experiments.recipes import recipes_findings
from minikd.experiments.specialists.findings import specialists_findings, specialists_tables
from minikd.experiments.specialists_into_one import into_one_findings
from minikd.experiments.teacher_student import teacher_student_findings
from minikd.experiments.temperature_width import temperature_findings
from minikd.experiments.three_percent import three_percent_findings
from minikd.experiments.unseen_figure import unseen_findings
from minikd.experiments.what_carries import WORDS, what_carries_findings


def made_up_grid(narrow, wide, seeds=1):
    """Errors of students at T = 1, 3, 12 and 20; those of the narrow ones go to the seeds."""
    grids = [
        [np.array(part).T.tolist(), np.array(wide).T.tolist()]
        for part in np.array_split(narrow, seeds)
    ]
    curves = {"widths": [30, 300], "temperatures": [1, 3, 12, 20], "errors": grids}
    return {"curves": curves, "seeds": list(range(seeds))}


def test_findings_on_temperature_and_width():
    clear = made_up_grid([[50, 30, 40, 44], [52, 31, 45, 42]], [[20, 12, 10, 10]])
    narrow, wide = temperature_findings(clear)
    assert "T = 3 does best, with 30 errors" in narrow
    assert "T = 3 does best, with 30 errors: clearly fewer than at T = 1, 12, 20." in narrow
    assert "0 % apart: much alike, as the paper says" in wide
    unclear = made_up_grid([[50, 30, 40, 28], [52, 31, 45, 42]], [[20, 12, 10, 14]])
    narrow, wide = temperature_findings(unclear)
    assert "clearly fewer than at T = 1, 12, but not clearly fewer than at T = 20." in narrow
    assert "33 % apart: the paper says much alike" in wide
    # One student has no standard error, so nothing is clear.
    one = made_up_grid([[50, 30, 40, 44]], [[20, 12, 10, 10]])
    assert (
        "clearly fewer than at no other T, but not clearly fewer than at T = 1, 12, 20."
        in (temperature_findings(one)[0])
    )
    # Two students of each of three seeds: what counts is the spread of the seeds.
    apart = np.array([[0, 0, 9, 9], [0, 0, 11, 11], [0, 0, 10, 30], [0, 0, 10, 30],
                      [0, 0, 10, -10], [0, 0, 10, -10]]) + 50  # fmt: skip
    three = made_up_grid(apart, [[20, 12, 10, 10]], seeds=3)
    assert (
        "clearly fewer than at T = 12, but not clearly fewer than at T = 1, 20."
        in (temperature_findings(three)[0])
    )


def test_findings_on_each_digit():
    roles = ("before", "after", "best_before", "honest_best_after")
    m = {f"{role}_{d}": [40, 60] for role in roles for d in range(10)}
    m |= {f"cases_{d}": [100, 100] for d in range(10)}
    m |= {
        "before_4": [90, 90],
        "after_7": [10, 10],
        "after_8": [60, 60],
        "best_before_2": [20, 20],
    }
    paper, best = omitted_each_findings({"metrics": m})
    assert (
        "By the paper's protocol, of the digit that it never saw a student gets 10.0 to 50.0 % right; the "
        "4 is the hardest. With a bias tuned on the test set it gets 40.0 to 90.0 %; the 8 is the hardest."
        in paper
    )
    assert "By the best protocol" in best
    assert "a student gets 50.0 to 80.0 % right" in best
    assert "With a bias chosen without labels" in best


def test_findings_on_teachers():
    def row(test, moves, student):
        return {"test": test, "moves": moves, "student": {"test": student}}

    teachers = {"a": row(60, 0.03, 90), "b": row(70, 0.02, 80), "c": row(90, 0.05, 120)}
    students = {"soft": {"validation": 40, "test": 90}, "both": {"validation": 44, "test": 95}}
    curves = {"teachers": [teachers] * 2, "students": [students] * 2}
    best, each, correlations, variants = recipes_findings({"curves": curves})
    assert (
        "(a: 60) has a student with 90; the best student, with 80, has another teacher" in best
    )
    assert "c: 90 → 120, 5.0 %" in each
    assert "0.50 with its teacher's errors, and of 1.00 with that change" in correlations
    assert "both: 44 and 95" in variants
    teachers["a"]["student"]["test"] = 70
    assert "(a: 60) has the best student, with 70" in recipes_findings({"curves": curves})[0]


def test_what_predicts_a_teachers_students():
    """A perfect measure has 1, one that goes the other way -1; one that is always the same has none."""
    teachers = [dict.fromkeys(MEASURES, 5.0) | {"doubt": k, "size": -k} for k in range(6)]
    found = predictions(teachers, [90, 95, 99, 103, 120, 130])
    assert found == {"doubt": pytest.approx(1), "size": pytest.approx(-1)}
    assert predictions(teachers, [90] * 6) == {}


def test_findings_on_what_carries():
    metrics = {f"{kind}_errors": [100 + 20 * k, 104 + 20 * k] for k, kind in enumerate(WORDS)}
    for what, count in (("unseen_before", 384), ("unseen_after", 40), ("disagreements", 90)):
        metrics |= {f"{kind}_{what}": [count, count] for kind in WORDS}
    metrics |= {"labels_teacher_errors": [60, 64], "smoothed_teacher_errors": [50, 54]}
    metrics |= {"omitted_cases": [400, 400], "hard_unseen_after": [400, 400]}
    record = {"metrics": metrics, "config": {"omitted": 3}}
    students, unseen, teachers = what_carries_findings(record)
    assert "real: 102 ± 2; class means: 122 ± 2" in students
    assert "Fewest by: real. Beside those of real ones: class means +20 ± 0" in students
    assert "real: 4 and 90 %" in unseen
    assert "hard labels: 4 and 0 %" in unseen
    assert "62 ± 2 errors on labels, 52 ± 2 on smoothed ones" in teachers
    assert "hard labels: 90." in teachers


# ---------------------------------------------------------------- Sections 4 and 6


def acoustic(distilled, words):
    m = {
        "single_accuracy": [80.0, 80.2, 79.8], "ensemble_accuracy": [82.0, 82.1, 81.9],
        "distilled_accuracy": distilled, "longer_accuracy": [80.1, 79.9, 80.0],
        "single_wer": [3.0, 3.2, 3.1], "ensemble_wer": [2.0, 2.2, 2.1], "distilled_wer": words,
        "longer_wer": [5.0, 5.2, 5.1],
        "distilled_T": [2.0, 2.0, 5.0], "test_words": [300] * 3, "test_cases": [9000] * 3,
    }  # fmt: skip
    gain = np.subtract(m["ensemble_accuracy"], m["single_accuracy"])
    m["share_kept"] = (100 * np.subtract(distilled, m["single_accuracy"]) / gain).tolist()
    curves = {"chosen_mean": ["arithmetic", "arithmetic", "geometric"]}
    return {"name": "acoustic-ensemble", "data": "speech", "seeds": [0, 1, 2], "metrics": m,
            "curves": curves}  # fmt: skip


def test_findings_on_an_ensemble():
    frames, kept, words = acoustic_findings(acoustic([81.8, 82.0, 81.8], [2.1, 2.5, 2.3]))
    # By hand: 2.0, 1.9 and 2.1, with standard error 0.1 / √3; of these 90, 94.7 and 95.2 % are kept.
    assert "the ensemble +2.00 ± 0.06 (clearly)" in frames
    assert "hard targets, trained for as long, +0.00 ± 0.15 (not clearly)" in frames
    assert "compared with the latter: +1.87 ± 0.12 (clearly)" in frames
    assert "keeps 93 ± 2 % of the ensemble's gain" in kept
    assert "2 (arithmetic mean), 2 (arithmetic mean), 5 (geometric mean)." in kept
    assert "the ensemble -1.00 ± 0.00 (clearly)" in words
    assert "the network trained for as long +2.00 ± 0.00 (clearly)" in words
    assert "One word of the 300 is 0.33 points: a single network gets 9 words wrong" in words
    *_, words = acoustic_findings(acoustic([81.8, 82.0, 81.8], [3.1, 3.5, 3.3]))
    assert "the distilled network +0.20 ± 0.06 (clearly)" in words
    one = acoustic([81.8, 82.0, 81.8], [2.1, 2.5, 2.3])
    one["metrics"] = {metric: values[:1] for metric, values in one["metrics"].items()}
    one["curves"]["chosen_mean"] = ["arithmetic"]
    frames, kept, _ = acoustic_findings(one)
    assert "the ensemble +2.00 (one seed, so no standard error)" in frames
    assert "keeps 90 % of the ensemble's gain" in kept


def test_findings_on_fractions():
    m = {
        "hard_3_train_accuracy": [100.0, 100.0], "soft_3_train_accuracy": [97.0, 99.0],
        "hard_3_accuracy": [70.0, 71.0], "hard_3_early_accuracy": [72.0, 72.8],
        "soft_3_accuracy": [80.0, 80.0], "soft_3_early_accuracy": [80.0, 79.8],
        "recovered_3": [60.0, 70.0],
    }  # fmt: skip
    record = {"config": {"fractions": [1.0, 0.03]}, "metrics": m}
    shares, stops, heart = three_percent_findings(record)
    assert (
        "soft targets close (mean ± standard error over seeds) 65 ± 5 % with 3 % of the data"
        in shares
    )
    assert "hard targets -1.90 ± 0.10 points (clearly)" in stops
    assert "soft targets +0.10 ± 0.10 points (not clearly)" in stops
    assert "100.0 % of their training cases right and 70.5 % of the test cases" in heart
    record["metrics"] = {metric: values[:1] for metric, values in m.items()}
    shares, stops, _ = three_percent_findings(record)
    assert "60 % with 3 %" in shares
    assert stops.count("one seed, so no standard error") == 2


def test_findings_on_forecasts():
    m = {
        "alone_distance": [0.008, 0.009], "longer_distance": [0.0070, 0.0072],
        "distilled_distance": [0.004, 0.004], "single_error": [0.9, 0.9],
        "ensemble_error": [0.8, 0.8], "distilled_error": [0.85, 0.83],
        "longer_error": [0.88, 0.88],
    }  # fmt: skip
    nearer, kept = forecast_findings({"metrics": m})
    assert "compared with one trained alone -0.0045 ± 0.0005 (clearly)" in nearer
    assert "with one trained alone for as long -0.0031 ± 0.0001 (clearly)" in nearer
    assert (
        "The distilled forecaster keeps 60 ± 10 % of that gain; one trained alone for as long keeps 20 ± 0 %"
        in kept
    )
    one = {metric: values[:1] for metric, values in m.items()}
    nearer, kept = forecast_findings({"metrics": one})
    assert "alone -0.0040 (one seed" in nearer  # one seed has no standard error
    assert "keeps 50 % of that gain" in kept


def specialists(seeds=2):
    values = {
        "generalist_accuracy": [80.0, 80.4], "specialists_accuracy": [81.0, 81.6],
        "copies_accuracy": [80.5, 80.9], "mixture_accuracy": [80.4, 81.8],
        "random_accuracy": [80.1, 80.5], "uncorrected_accuracy": [81.0, 81.6],
        "generalist_log_loss": [0.60, 0.58], "specialists_log_loss": [0.57, 0.55],
        "copies_log_loss": [0.59, 0.57], "mixture_log_loss": [0.58, 0.54],
        "random_log_loss": [0.60, 0.58], "uncorrected_log_loss": [0.58, 0.55],
        "calibrated_generalist_log_loss": [0.59, 0.58],
        "calibrated_specialists_log_loss": [0.57, 0.54], "active_specialists": [3.0, 3.4],
        "generalist_conditional_accuracy": [85.0, 85.0],
        "specialists_conditional_accuracy": [86.0, 86.4], "generalist_minutes": [2.0, 2.0],
        "specialists_minutes": [1.0, 1.0], "specialist_share": [4.0, 6.0],
        "mixture_minutes": [9.0, 9.0],
    }  # fmt: skip
    widths = {"generalist_accuracy": [80.0, 85.0], "specialists_accuracy": [81.0, 85.2],
              "copies_accuracy": [80.5, 85.3], "generalist_log_loss": [0.6, 0.5],
              "specialists_log_loss": [0.57, 0.5], "copies_log_loss": [0.59, 0.49],
              "generalist_minutes": [2.0, 4.0], "specialists_minutes": [1.0, 2.0],
              "generalist_weights": [50_000, 120_000], "specialists_weights": [500_000, 1_200_000],
              "generalist_train_accuracy": [83.0, 90.0], "specialists_train_accuracy": [85.0, 92.0],
              }  # fmt: skip
    config = {"copies": 3, "clusters": 10, "experts": 8, "mixture": {"epochs": 30},
              "widths": [64, 128]}  # fmt: skip
    rows = [
        {"covering": k, "cases": 100, "generalist_right": 80, "specialists_right": 80 + k,
         "generalist_log_loss": 0.6, "specialists_log_loss": 0.6 - 0.01 * k}
        for k in (0, 1, 2, 3)
    ]  # fmt: skip
    return {"name": "specialists", "data": "emnist", "config": config,
            "metrics": {k: v[:seeds] for k, v in values.items()},
            "curves": {"widths": [widths] * seeds, "coverage": [rows] * seeds}}  # fmt: skip


def test_findings_on_specialists():
    (alone, copies, random, uncorrected, active, calibrated, told, coverage,
     mixture) = specialists_findings(specialists())  # fmt: skip
    assert "alone: +1.10 ± 0.10 points (clearly), -0.0300 ± 0.0000 nats (clearly)" in alone
    assert (
        "3 copies trained for longer on all classes: +0.60 ± 0.10 points (clearly), -0.0200"
        in copies
    )
    assert "drawn at random: +1.00 ± 0.10 points (clearly)" in random
    assert "correction: +0.00 ± 0.00 points (not clearly), -0.0050 ± 0.0050 nats" in uncorrected
    assert "On average 3.2 specialists are active" in active
    assert "the log-loss of Eq. 5 differs by -0.0300 ± 0.0100 nats" in calibrated
    assert "from the generalist by +1.20 ± 0.20 points of right answers (clearly)" in told
    assert "Each took 4.0 to 6.0 % of the generalist's training time, 5.0 % on average" in told
    assert "1 or 2, +1.50 points and -0.015 nats; 3 or 4, +3.00 points and -0.030" in coverage
    assert "5 or more" not in coverage
    assert "for 30 epochs: +0.20 ± 0.40 points (not clearly)" in mixture
    assert (
        "takes 9.0 minutes of training; generalist and specialists, one after the other, take 3.0"
        in mixture
    )
    assert "that is 2.1 minutes" in mixture
    alone, *_ = specialists_findings(specialists(1))
    assert "alone: +1.00 points (one seed, so no standard error)" in alone
    # A run may have no mixture.
    short = specialists()
    del short["metrics"]["mixture_accuracy"]
    assert len(specialists_findings(short)) == 8


def test_the_tables_of_specialists():
    rows = [{"covering": k, "cases": 100, "generalist_right": 80, "specialists_right": 80 + k}
            for k in (1, 12)]  # fmt: skip
    cluster = {"classes": "0Oo", "cases": 50, "generalist": 70.04, "specialists": 71.0}
    curves = {"coverage": [rows, rows[:1]], "clusters": [[cluster] * 12]}
    said = specialists_tables({"curves": curves, "config": {"widths": [64]}})
    assert "| width |" not in said
    assert "| 1 | 200 | +2 | +1.2 % | +3.4 % |" in said
    assert "| 12 | 100 | +12 | +15.0 % | +14.1 % |" in said  # the paper: 10 or more
    assert said.count("| 0 O o | 50 | 70.0 % | 71.0 % |") == 10
    curves["widths"] = specialists()["curves"]["widths"]
    said = specialists_tables({"curves": curves, "config": {"widths": [64, 128]}})
    assert (
        "| 64 | 80.00 %, 0.600 nats | 0.05 M | 83.0 % | +1.00 points, -0.030 nats | 0.50 M | "
        "+0.50 points, -0.010 nats |"
    ) in said
    assert "| 128 | 85.00 %, 0.500 nats | 0.12 M | 90.0 % | +0.20 points, +0.000 nats |" in said


def test_findings_on_one_network():
    m = {
        "generalist_accuracy": [80.0, 80.4], "specialists_accuracy": [81.0, 81.6],
        "distilled_accuracy": [80.9, 81.1], "from_generalist_accuracy": [80.7, 80.9],
        "generalist_log_loss": [0.60, 0.58], "specialists_log_loss": [0.57, 0.55],
        "distilled_log_loss": [0.56, 0.55], "from_generalist_log_loss": [0.57, 0.55],
        "hard_accuracy": [80.2, 80.4], "hard_log_loss": [0.59, 0.58],
    }  # fmt: skip
    accuracy, loss = into_one_findings({"metrics": m})
    assert (
        "with specialists +1.10 ± 0.10 (clearly); one network of its size distilled" in accuracy
    )
    assert "from their answers +0.80 ± 0.10 (clearly)" in accuracy
    assert "from the generalist alone +0.60 ± 0.10 (clearly)" in accuracy
    assert "with the students' recipe, +0.10 ± 0.10 (not clearly)" in accuracy
    assert "Soft targets of both compared with hard targets: +0.70 ± 0.00 (clearly)" in accuracy
    assert "What the specialists add to the soft targets: +0.20 ± 0.00 (clearly)" in accuracy
    assert "to the soft targets: -0.0050 ± 0.0050 (not clearly)" in loss


def test_findings_on_a_class_that_was_never_seen():
    m = {
        "omitted_cases": [1000, 1000], "omitted_errors_before": [120, 80],
        "omitted_errors_after": [20, 10], "best_omitted_errors_before": [50, 30],
        "honest_best_omitted_errors_after": [30, 30], "hard_omitted_errors": [1000, 1000],
        "best_errors_after": [90, 100], "honest_best_errors_after": [94, 102], "bias": [2.0, 3.0],
        "honest_best_bias": [2.5, 2.5],
    }  # fmt: skip
    paper, best = unseen_findings({"config": {"moved": [3]}, "metrics": m})
    assert "By the paper's protocol, of the 1000 test cases" in paper
    assert (
        "the student gets 90.0 % right; with the bias of 3 raised by 2.5 ± 0.5, which" in paper
    )
    assert "98.5 %. A student on hard labels of the same cases gets 0.0 %" in paper
    assert "By the best protocol it gets 96.0 % of them right" in best
    assert "chosen without labels, raised by 2.5 ± 0.0, it gets 97.0 %" in best
    assert "makes 3.0 ± 1.0 more errors over all classes" in best
    m |= {"bias": [-6.0, -7.0], "honest_best_bias": [-5.0, -5.0]}
    paper, best = unseen_findings({"config": {"moved": [7, 8]}, "metrics": m})
    assert "with the biases of 7 and 8 lowered by 6.5 ± 0.5" in paper
    assert "chosen without labels, lowered by 5.0 ± 0.0" in best


def test_findings_on_teacher_and_student():
    m = {
        "alone_errors": [140, 150], "distilled_errors": [90, 96], "tricks_errors": [80, 90],
        "best_errors": [80, 82], "errors_shared_with_teacher": [60, 64],
    }  # fmt: skip
    fewer, tricks, shared = teacher_student_findings({"metrics": m})
    # By hand: 50 and 54 fewer; 10 and 6 more than with the tricks; -10 and -14 by averaging.
    assert "makes 52.0 ± 2.0 errors fewer (clearly) than on hard labels" in fewer
    assert "makes 8.0 ± 2.0 errors fewer (clearly) than distilled by the paper's" in tricks
    assert (
        "averaged over moves of the image, it makes 12.0 ± 2.0 errors fewer (clearly)" in tricks
    )
    assert "67 % are the very answers" in shared
    m["tricks_errors"] = [100, 104]
    assert (
        "makes 9.0 ± 1.0 errors more (clearly)" in teacher_student_findings({"metrics": m})[1]
    )


def test_findings_on_hard_targets():
    teachers = {"sure": {"doubt": 0.001}, "unsure": {"doubt": 0.004}}
    numbers = {  # before, unseen before, bias, after, unseen after; by set, teacher and weight
        ("all", "sure", 0.0): (80,), ("all", "sure", 2.0): (76,),
        ("no-3", "sure", 0.0): (100, 40, 2.0, 90, 10), ("no-3", "sure", 2.0): (206, 133, 3.5, 109, 14),
        ("only-7-8", "sure", 0.0): (2000, 2000, -4.0, 800, 700),
        ("only-7-8", "sure", 2.0): (4730, 4700, -7.6, 1320, 1000),
        ("all", "unsure", 0.0): (90,), ("all", "unsure", 2.0): (91,),
        ("no-3", "unsure", 0.0): (120, 50, 2.0, 95, 12), ("no-3", "unsure", 2.0): (180, 90, 2.6, 99, 20),
        ("only-7-8", "unsure", 0.0): (1000, 900, -3.0, 700, 600),
        ("only-7-8", "unsure", 2.0): (3000, 2900, -5.0, 900, 800),
    }  # fmt: skip
    keys = ("before", "unseen_before", "bias", "after", "unseen_after")
    rows = [
        {"teacher": who, "T": 20.0, "set": which, "weight": w}
        | dict(zip(keys, of, strict=False))
        for (which, who, w), of in numbers.items()
    ]
    config = {"teachers": {"sure": {}, "unsure": {}}, "T": 20.0, "weights": [0.0, 2.0],
              "sets": {"all": {}, "no-3": {}, "only-7-8": {}}, "other_temperatures": []}  # fmt: skip
    record = {"name": "hard-weight", "data": "mnist", "config": config, "seeds": [0, 1],
              "metrics": {"test_cases": [10_000] * 2},
              "curves": {"rows": [rows] * 2, "teachers": [teachers] * 2}}  # fmt: skip
    everything, three, both, nearest, doubt = hard_weight_findings(record)
    assert "take a student of all digits from 80 errors to 76" in everything
    assert (
        "from 1.00 to 2.06 % before the bias is moved, and from 0.90 to 1.09 % after" in three
    )
    assert "the best bias from −4.0 to −7.6" in both
    # Eight figures of the paper come out exactly, and 76 instead of 74.
    off = 100 * (np.exp(np.log(76 / 74) / 9) - 1)
    assert f"is the weight 2: on average {off:.0f} ± 0 % off" in nearest
    assert "sure: 0.10 %, 2.37 times as many; unsure: 0.40 %, 3.00 times as many" in doubt
    assert (
        "| the paper | 20 | ? | 74 | 206 (133) → 109 (14) | +3.5 | 47.3 → 13.2 % | −7.6 |"
        in (hard_weight_tables(record))
    )
    # On other data nothing stands beside the paper.
    other = record | {"data": "glyphs"}
    assert len(hard_weight_findings(other)) == 4
    assert "the paper" not in hard_weight_tables(other)
