"""What a record of ``specialists`` says, in sentences and in the paper's two tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from minikd.experiments.experiment import Record
from minikd.experiments.specialists.figure import COVERAGE_GAINS
from minikd.statistics import change


def specialists_findings(record: Record) -> list[str]:
    """What specialists gain, beside more training, other networks, and a mixture."""
    m, config = record["metrics"], record["config"]
    told = change(m, "specialists_conditional_accuracy", "generalist_conditional_accuracy")
    calibrated = change(m, "calibrated_specialists_log_loss", "calibrated_generalist_log_loss")
    shares = m["specialist_share"]
    others = {
        "the generalist alone": "generalist",
        f"a mean of it and of {config['copies']} copies trained for longer on all classes": "copies",
        "specialists for classes drawn at random": "random",
        "dustbins without their correction": "uncorrected",
    }
    sentences = [
        *(
            f"The answer of Eq. 5 beside {words}: {_beside(m, other)}."
            for words, other in others.items()
        ),
        f"On average {np.mean(m['active_specialists']):.1f} specialists are active in a case. "
        "Differences are means ± standard errors over seeds.",
        "With generalist and Eq. 5 each calibrated by a temperature found on held-out cases, the "
        f"log-loss of Eq. 5 differs by {calibrated.words(4, sign=True)} nats "
        f"({calibrated.clearly}).",
        "On cases of its own classes, a specialist differs from the generalist by "
        f"{told.words(sign=True)} points of right answers ({told.clearly}). Each took {min(shares):.1f} to "
        f"{max(shares):.1f} % of the generalist's training time, {np.mean(shares):.1f} % on average.",
        f"By the number of specialists that cover the correct class: {_by_coverage(record)}.",
    ]
    if "mixture_accuracy" in m:
        sentences.append(_beside_a_mixture(record))
    return sentences


def _beside(m: dict[str, Any], other: str) -> str:
    points = change(m, "specialists_accuracy", f"{other}_accuracy")
    nats = change(m, "specialists_log_loss", f"{other}_log_loss")
    return (
        f"{points.words(sign=True)} points ({points.clearly}), {nats.words(4, sign=True)} nats "
        f"({nats.clearly})"
    )


def _beside_a_mixture(record: Record) -> str:
    m, config = record["metrics"], record["config"]
    alone = np.mean(m["generalist_minutes"])
    team = alone + np.mean(m["specialists_minutes"])
    each = np.mean(m["specialists_minutes"]) / config["clusters"]
    return (
        f"Compared with a mixture of {config['experts']} experts of the generalist's size, trained "
        f"together for {config['mixture']['epochs']} epochs: {_beside(m, 'mixture')}. The mixture "
        f"takes {np.mean(m['mixture_minutes']):.1f} minutes of training; generalist and specialists, "
        f"one after the other, take {team:.1f}. Specialists can be trained apart, all at once after "
        f"the generalist: that is {alone + each:.1f} minutes. No part of a mixture can be trained apart, "
        "because in each step the gate's gradient needs the answers of all experts, and theirs "
        "the gate's."
    )


def _by_coverage(record: Record) -> str:
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


def _by_width(record: Record) -> list[str]:
    """What networks of each width reach: rows of a table."""
    lines = [
        "| width | generalist | weights | training cases right | with specialists | "
        "more weights | with copies |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for k, width in enumerate(record["config"]["widths"]):
        own = {
            metric: np.mean([w[metric][k] for w in record["curves"]["widths"]])
            for metric in record["curves"]["widths"][0]
        }
        alone = own["generalist_accuracy"], own["generalist_log_loss"]

        def beside(who: str, own: dict[str, Any] = own, alone: tuple[Any, ...] = alone) -> str:
            return (
                f"{own[f'{who}_accuracy'] - alone[0]:+.2f} points, "
                f"{own[f'{who}_log_loss'] - alone[1]:+.3f} nats"
            )

        lines.append(
            f"| {width} | {alone[0]:.2f} %, {alone[1]:.3f} nats | "
            f"{own['generalist_weights'] / 1e6:.2f} M | {own['generalist_train_accuracy']:.1f} % | "
            f"{beside('specialists')} | {own['specialists_weights'] / 1e6:.2f} M | "
            f"{beside('copies')} |"
        )
    return lines


def specialists_tables(record: Record) -> str:
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
        "| specialists that cover the correct class | test cases, all seeds | "
        "change in right answers | relative | paper, relative |",
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
        "| cluster (some of seed 0) | test cases of its classes | told apart by the generalist | "
        "by the specialist |",
        "| --- | --- | --- | --- |",
    ]
    for row in record["curves"]["clusters"][0][:10]:
        lines.append(
            f"| {' '.join(row['classes'])} | {row['cases']} | {row['generalist']:.1f} % | "
            f"{row['specialists']:.1f} % |"
        )
    if len(record["config"]["widths"]) > 1:
        lines += ["", *_by_width(record)]
    return "\n".join(lines) + "\n"
