"""The committed records: what they reach, what they miss, and that they are of the presets."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from minikd.experiments import EXPERIMENTS, full_run, read_record

ROOT = Path(__file__).parents[1]


def test_the_committed_records_reach_what_was_set_out():
    means = {}
    for path in (ROOT / "results").glob("*.mnist.json"):
        record = read_record(path)
        means[record["name"]] = {k: np.mean(v) for k, v in record["metrics"].items()}
        assert means[record["name"]]["test_cases"] == 10_000
    assert set(means) == {name for name, each in EXPERIMENTS.items() if "mnist" in each.presets}
    omitted, both = means["omitted-3"], means["sevens-and-eights"]
    # The paper's protocol: within a quarter of the paper's figures.
    assert omitted["teacher_errors"] <= 67
    assert omitted["teacher_views_errors"] <= 60
    assert 2.5 <= omitted["bias"] <= 4.5
    assert abs(both["bias"] / -7.6 - 1) <= 0.25
    for metric, paper in (("errors_before", 4730), ("errors_after", 1320)):
        assert abs(both[metric] / paper - 1) <= 0.25, metric
    for name in ("teacher-student", "omitted-3", "sevens-and-eights"):
        assert len(full_run(name)["seeds"]) >= 5
    for metric, paper in (
        ("errors_before", 206),
        ("omitted_errors_before", 133),
        ("errors_after", 109),
    ):
        assert abs(omitted[metric] / paper - 1) <= 0.25, metric
    # The best protocol.
    assert omitted["best_errors_before"] <= 100
    assert omitted["best_errors_after"] <= 90
    assert omitted["best_omitted_errors_after"] <= 20
    assert both["best_errors_before"] <= 1100
    assert both["best_errors_after"] <= 400
    students = means["teacher-student"]
    assert 135 <= students["alone_errors"] <= 155
    assert students["distilled_errors"] <= 0.7 * students["alone_errors"]
    assert students["best_errors"] <= 82
    # In every seed by itself.
    p_values = read_record(ROOT / "results" / "teacher-student.mnist.json")["metrics"]
    assert max(p_values["p_distilled_against_alone"]) < 1e-3
    narrow = means["temperature-width"]
    assert 1 < narrow["best_T_30"] < 20
    assert narrow["best_errors_30"] < min(narrow["T20_errors_30"], narrow["T1_errors_30"])
    # Hard targets beside the soft ones help at T = 1, where soft targets say little.
    assert narrow["T20_errors_300"] < 0.7 * narrow["T1_errors_300"]
    each = means["omitted-each"]
    for digit in range(10):
        assert each[f"honest_best_after_{digit}"] < 0.1 * each[f"cases_{digit}"]


def clear_and_positive(larger, smaller):
    """The mean difference over seeds, and whether it is more than two of its standard errors."""
    each = np.subtract(larger, smaller)
    return each.mean() > 2 * each.std(ddof=1) / np.sqrt(len(each)) > 0


def test_the_committed_records_of_sections_4_and_6_reach_what_was_set_out():
    found = {}
    for name, data in (("acoustic-ensemble", "speech"), ("three-percent", "speech"),
                       ("three-percent", "mnist"), ("forecast", "speech")):  # fmt: skip
        record = full_run(name, data)
        assert len(record["seeds"]) >= 5
        assert max(record["seconds"]) < 3600
        found[name, data] = record["metrics"]
    m = found["acoustic-ensemble", "speech"]
    assert clear_and_positive(m["ensemble_accuracy"], m["single_accuracy"])
    assert clear_and_positive(m["distilled_accuracy"], m["longer_accuracy"])
    assert np.mean(m["share_kept"]) >= 80
    for data in ("speech", "mnist"):
        m = found["three-percent", data]
        assert np.mean(m["recovered_3"]) >= 50
        # Soft targets lose nothing by not being stopped.
        assert not clear_and_positive(m["soft_3_early_accuracy"], m["soft_3_accuracy"])
    m = found["forecast", "speech"]
    for alone in ("alone_distance", "longer_distance"):
        assert clear_and_positive(m[alone], m["distilled_distance"])


def test_the_committed_records_of_sections_5_7_and_8_reach_what_was_set_out():
    record = full_run("specialists", "emnist")
    assert len(record["seeds"]) >= 5
    assert max(record["seconds"]) < 3600
    m = record["metrics"]
    for other in ("generalist", "copies", "random", "mixture"):
        assert clear_and_positive(m["specialists_accuracy"], m[f"{other}_accuracy"])
        assert clear_and_positive(m[f"{other}_log_loss"], m["specialists_log_loss"])
    few, some, many = (
        [
            np.average([row["generalist_log_loss"] - row["specialists_log_loss"] for row in rows],
                       weights=[row["cases"] for row in rows])
            for table in record["curves"]["coverage"]
            for rows in [[row for row in table if least <= row["covering"] <= most]]
        ]
        for least, most in ((1, 2), (3, 4), (5, 99))
    )  # fmt: skip
    assert clear_and_positive(many, some)
    assert np.mean(some) > np.mean(few)
    number = np.mean([each["accuracy"] for each in record["curves"]["number"]], axis=0)
    assert (np.diff(number) > 0).all()
    assert np.mean(m["specialist_share"]) <= 10
    assert max(m["solver_seconds"]) <= 5
    # What REPRODUCTION.md says of size: less with each, and in the end no more than copies.
    sizes = record["curves"]["widths"]
    gains = [
        np.mean([w["specialists_accuracy"][k] - w["generalist_accuracy"][k] for w in sizes])
        for k in range(3)
    ]
    assert gains == sorted(gains, reverse=True)
    for what, sign in (("accuracy", 1), ("log_loss", -1)):
        ours, copies = ([sign * w[f"{who}_{what}"][-1] for w in sizes]
                        for who in ("specialists", "copies"))  # fmt: skip
        assert not clear_and_positive(ours, copies)
    # And that a generalist of twice the width, alone, is about as good as the smallest team.
    team, wider = (
        {
            what: np.mean([w[f"{who}_{what}"][k] for w in sizes])
            for what in ("accuracy", "log_loss")
        }
        for who, k in (("specialists", 0), ("generalist", 1))
    )
    assert wider["accuracy"] > team["accuracy"] - 0.1
    assert wider["log_loss"] < team["log_loss"]
    assert sizes[0]["generalist_weights"][1] < 0.1 * sizes[0]["specialists_weights"][0]
    # The answer to what Section 8 leaves open, whatever it is.
    record = full_run("specialists-into-one", "emnist")
    assert len(record["seeds"]) >= 5
    assert max(record["seconds"]) < 3600


# Strict: whoever reaches one of them is told to take it out of here.
@pytest.mark.xfail(strict=True, reason="not reached yet; REPRODUCTION.md says why")
@pytest.mark.parametrize(
    ("name", "metric", "goal"),
    [
        ("omitted-3", "omitted_errors_after", 1.25 * 14),
        ("omitted-3", "best_errors_before", 95),
        ("omitted-3", "best_errors_after", 82),
        ("teacher-student", "distilled_errors", 80),
        ("teacher-student", "best_errors", 70),
        ("temperature-width", "best_errors_800", 72),
    ],
)
def test_goals_that_the_committed_records_miss(name, metric, goal):
    record = read_record(ROOT / "results" / f"{name}.mnist.json")
    assert np.mean(record["metrics"][metric]) <= goal


def test_committed_records_are_of_the_presets():
    """A record in results/ was made with the settings that the library has now."""
    for path in sorted((ROOT / "results").glob("*.json")):
        record = read_record(path)
        assert path.name == f"{record['name']}.{record['data']}.json"
        presets = EXPERIMENTS[record["name"]].presets
        settings = json.loads(json.dumps(asdict(presets[record["data"]])))
        assert record["config"] == settings
