"""Section 5: a generalist, specialists for what it confuses, and their answers as one."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd import equations
from minikd.combination import active_specialists, combine
from minikd.data import Characters, Dataset
from minikd.ensembles import arithmetic_mean
from minikd.evaluate import calibration_error, errors, fit_temperature, log_loss
from minikd.experiments.kept import HARD, SPLIT, STUDENT, TEACHER, Kept, part_seed
from minikd.mixture import Mixture
from minikd.mlp import MLP
from minikd.objectives import hard_targets
from minikd.specialists import (
    cluster_classes,
    dustbin_correction,
    prediction_covariance,
    specialist_labels,
    start_from,
)
from minikd.train import Recipe


@dataclass(frozen=True)
class Specialists:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"characters", "emnist"}
    widths : tuple of int
        Units of each hidden layer of a generalist, and of its specialists: one run for each. The
        numbers of the record are those of the first; the others show what its size changes.
    layers : int
        Hidden layers.
    clusters : int
        Specialists.
    size : int
        Classes of each.
    T : float
        Of the predictions whose covariance is clustered. At T = 1, as in the paper, a class that
        is rare, or seldom confused, has next to no covariance with any other.
    generalist : Recipe
    specialist : Recipe
        Of the specialists, and of controls that go on from the generalist with all classes.
    copies : int
        Such controls; each has another order of the cases.
    experts : int
        Of the mixture, each of the size of the generalist; 0 for no mixture.
    mixture : Recipe
    held_out : int
        Training cases that no network is trained on; they calibrate.
    """

    name: str
    data: str
    widths: tuple[int, ...]
    layers: int
    clusters: int
    size: int
    T: float
    generalist: Recipe
    specialist: Recipe
    copies: int
    experts: int
    mixture: Recipe
    held_out: int

    def hidden(self, width: int) -> list[int]:
        """Units of the hidden layers."""
        return [width] * self.layers


@dataclass(frozen=True, eq=False)
class Team:
    """A generalist with its specialists, trained.

    Attributes
    ----------
    generalist : MLP
    specialists : MLP
        A stack of M.
    classes : array of int, shape (M, S)
    correction : array, shape (M,)
        Of the logits of the dustbins.
    generalist_seconds, specialist_seconds : float
        Of training: the one, and all M specialists together.
    """

    generalist: MLP
    specialists: MLP
    classes: Any
    correction: Any
    generalist_seconds: float
    specialist_seconds: float

    def logits(self, x: Any) -> tuple[Any, Any]:
        """Of the generalist (n, N), and of the specialists (M, n, S + 1), corrected."""
        u = self.specialists(x).astype(np.float64)
        u[..., -1] += self.correction[:, None]
        return self.generalist(x), u

    def __call__(self, x: Any, batch: int = 10_000) -> Any:
        """Logits of the answer by Eq. 5, (n, N), ``batch`` cases at a time."""
        parts = [
            combine(*self.logits(x[k : k + batch]), self.classes)
            for k in range(0, len(x), batch)
        ]
        return np.concatenate(parts)


def train_team(config: Specialists, train: Dataset, kept: Kept, width: int, N: int) -> Team:
    """Train a generalist, cluster what it confuses, and train the specialists as one stack."""
    sizes = [train.x.shape[1], *config.hidden(width), N]
    generalist = kept.network(sizes, TEACHER)
    which = (config.data, sizes, config.generalist, config.held_out)
    before = kept.seconds
    kept.train("generalist", which, generalist, train, hard_targets(), config.generalist)
    seconds = kept.seconds - before
    # No label is read here.
    q = equations.softmax(generalist(train.x), config.T)
    classes = cluster_classes(
        prediction_covariance(q), config.clusters, config.size, part_seed(kept.seed, SPLIT)
    )
    return with_specialists(config, generalist, seconds, classes, train, kept)


def with_specialists(
    config: Specialists,
    generalist: MLP,
    seconds: float,
    classes: Any,
    train: Dataset,
    kept: Kept,
) -> Team:
    """Train specialists of some classes for a generalist whose training took ``seconds``."""
    y = specialist_labels(train.y, classes, generalist.sizes[-1])
    seeds = [part_seed(kept.seed + 1000 * m, STUDENT) for m in range(len(classes))]
    stack = start_from(generalist, classes, seeds)
    which = (config.data, generalist.sizes, config.generalist, config.held_out, classes.tolist(),
             config.specialist)  # fmt: skip
    before = kept.seconds
    kept.train("specialists", which, stack, replace(train, y=y), hard_targets(),
               config.specialist, special=0.5)  # fmt: skip
    correction = dustbin_correction(y, classes.shape[1])
    return Team(generalist, stack, classes, correction, seconds, kept.seconds - before)


def measure(who: str, z: Any, y: Any) -> dict[str, float]:
    """Accuracy in percent, log-loss in nats, and calibration error in percent."""
    return {
        f"{who}_accuracy": 100 * (1 - errors(z, y) / len(y)),
        f"{who}_log_loss": log_loss(z, y),
        f"{who}_calibration": 100 * calibration_error(z, y),
    }


def cells(config: Specialists) -> list[Any]:
    """One for each width, the first before the others."""
    return list(config.widths)


def one_cell(config: Specialists, data: Characters, kept: Kept, width: int) -> dict[str, Any]:
    """Train generalist, specialists and controls of one width, and test them.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for :func:`together`.
    """
    train, held_out = data.train.split(config.held_out, rng=part_seed(kept.seed, SPLIT))
    test, N = data.test, len(data.names)
    team = train_team(config, train, kept, width, N)
    v, u = team.logits(test.x)
    active = active_specialists(v, team.classes)
    start = time.monotonic()
    z = combine(v, u, team.classes, active)
    solved = time.monotonic() - start
    share = team.specialist_seconds / len(team.classes) / team.generalist_seconds
    seen = train.take(np.arange(min(len(train), len(test))))
    metrics = {
        "test_cases": len(test),
        **measure("generalist", v, test.y),
        **measure("specialists", z, test.y),
        **copies_of(config, team.generalist, train, kept, test),
        # What is learnt by heart: without it, a gain could be one of capacity or of fit.
        "generalist_train_accuracy": 100
        * (1 - errors(team.generalist(seen.x), seen.y) / len(seen)),
        "specialists_train_accuracy": 100 * (1 - errors(team(seen.x), seen.y) / len(seen)),
        "generalist_weights": team.generalist.size,
        "specialists_weights": team.specialists.size * len(team.classes),
        "generalist_minutes": team.generalist_seconds / 60,
        "specialists_minutes": team.specialist_seconds / 60,
        "specialist_share": 100 * share,
    }
    metrics["relative_gain"] = 100 * (
        metrics["specialists_accuracy"] / metrics["generalist_accuracy"] - 1
    )
    curves: dict[str, Any] = {}
    if width == config.widths[0]:
        clusters = conditional(v, u, team.classes, data, test.y)
        cases = sum(row["cases"] for row in clusters)
        for who in ("generalist", "specialists"):
            right = sum(row["cases"] * row[who] for row in clusters)
            metrics[f"{who}_conditional_accuracy"] = right / cases
        metrics |= {
            **calibrated(team, v, z, held_out, test.y),
            **without_parts(config, team, v, u, active, train, kept, test),
            **mixture_of_experts(config, train, kept, test, N),
            "active_specialists": float(active.sum(-1).mean()),
            "solver_seconds": 10_000 * solved / len(test),
        }
        curves = {
            "clusters": clusters,
            "coverage": by_coverage(v, z, team.classes, test.y),
            "number": by_number(v, u, team.classes, active, test.y),
        }
    return {"seconds": round(kept.seconds, 1), "metrics": metrics, "curves": curves}


def copies_of(
    config: Specialists, generalist: MLP, train: Dataset, kept: Kept, test: Dataset
) -> dict[str, float]:
    """Controls: more training alone, and a mean of as many networks, are no specialists."""
    answers = [generalist(test.x)]
    for k in range(config.copies):
        copy = start_copy(generalist)
        which = (
            config.data,
            copy.sizes,
            config.generalist,
            config.specialist,
            config.held_out,
            k,
        )
        kept.train("copy", which, copy, train, hard_targets(), config.specialist,
                   rng=part_seed(kept.seed + 1000 * k, HARD))  # fmt: skip
        answers.append(copy(test.x))
    together = arithmetic_mean(np.stack(answers).astype(float))
    return {**measure("copy", answers[1], test.y), **measure("copies", together, test.y)}


def calibrated(team: Team, v: Any, z: Any, held_out: Dataset, y: Any) -> dict[str, float]:
    """Log-losses after one number, found on held-out cases, has calibrated either answer."""
    return {
        f"calibrated_{who}_log_loss": log_loss(answer / fit_temperature(there, held_out.y), y)
        for who, answer, there in (
            ("generalist", v, team.generalist(held_out.x)),
            ("specialists", z, team(held_out.x)),
        )
    }


def without_parts(
    config: Specialists, team: Team, v: Any, u: Any, active: Any, train: Dataset, kept: Kept,
    test: Dataset,
) -> dict[str, float]:  # fmt: skip
    """What each part is for: the way of the divergences, the correction, the clusters."""
    uncorrected = u.copy()
    uncorrected[..., -1] -= team.correction[:, None]
    rng, N = np.random.default_rng(part_seed(kept.seed, SPLIT)), v.shape[1]
    drawn = np.sort([rng.permutation(N)[: config.size] for _ in range(config.clusters)], axis=1)
    at_random = with_specialists(config, team.generalist, 0.0, drawn, train, kept)
    return {
        **measure("reverse", combine(v, u, team.classes, active, reverse=True), test.y),
        **measure("uncorrected", combine(v, uncorrected, team.classes, active), test.y),
        **measure("random", at_random(test.x), test.y),
    }


def start_copy(net: MLP) -> MLP:
    """The same network, sharing no memory."""
    return net.with_parameters([p.copy() for p in net.parameters])


def mixture_of_experts(
    config: Specialists, train: Dataset, kept: Kept, test: Dataset, N: int
) -> dict[str, float]:
    """Section 7: a gate and experts of the same size, trained together on the same data."""
    if not config.experts:
        return {}
    inputs, hidden = train.x.shape[1], config.hidden(config.widths[0])
    seeds = [part_seed(kept.seed + 1000 * k, TEACHER) for k in range(config.experts)]
    gate = kept.network([inputs, *hidden, config.experts], STUDENT)
    net = Mixture(gate, MLP([inputs, *hidden, N], rng=seeds, device=kept.device))
    before = kept.seconds
    which = (config.data, net.sizes, config.experts, config.mixture, config.held_out)
    kept.train("mixture", which, net, train, hard_targets(), config.mixture)
    return {
        **measure("mixture", net(test.x), test.y),
        "mixture_minutes": (kept.seconds - before) / 60,
    }


def by_coverage(v: Any, z: Any, classes: Any, y: Any) -> list[dict[str, float]]:
    """The paper's table: what is gained, by how many specialists cover the correct class.

    Returns
    -------
    list of dict
        For each number: its test cases, and right answers and log-losses without and with
        specialists.
    """
    covering = (classes[:, :, None] == y).any(1).sum(0)
    rows = []
    for k in np.unique(covering):
        these = covering == k
        row: dict[str, float] = {"covering": int(k), "cases": int(these.sum())}
        for who, answer in (("generalist", v), ("specialists", z)):
            row[f"{who}_right"] = row["cases"] - errors(answer[these], y[these])
            row[f"{who}_log_loss"] = log_loss(answer[these], y[these])
        rows.append(row)
    return rows


def by_number(v: Any, u: Any, classes: Any, active: Any, y: Any) -> dict[str, list[float]]:
    """Accuracy and log-loss with only the first k specialists, for several k."""
    numbers = np.unique(np.linspace(0, len(classes), 9).astype(int))
    answers = [combine(v, u, classes, active & (np.arange(len(classes)) < k)) for k in numbers]
    return {
        "specialists": numbers.tolist(),
        "accuracy": [100 * (1 - errors(z, y) / len(y)) for z in answers],
        "log_loss": [log_loss(z, y) for z in answers],
    }


def conditional(v: Any, u: Any, classes: Any, data: Characters, y: Any) -> list[Any]:
    """Each cluster by name, and how often each tells its classes apart, on cases of them."""
    rows = []
    for special, logits in zip(classes, u, strict=True):
        these = np.isin(y, special)
        right = [
            100 * float((special[z.argmax(-1)] == y[these]).mean()) if these.any() else 0.0
            for z in (v[these][:, special], logits[these][:, :-1])
        ]
        rows.append({
            "classes": "".join(data.names[c] for c in special), "cases": int(these.sum()),
            "generalist": right[0], "specialists": right[1],
        })  # fmt: skip
    return rows


def together(config: Specialists, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The findings of a seed: those of the first width, and what the others change."""
    of_all = parts[-1]["metrics"].keys()  # the first has more
    return {
        "seconds": round(float(sum(part["seconds"] for part in parts)), 1),
        "metrics": parts[0]["metrics"],
        "curves": {
            **parts[0]["curves"],
            "widths": {name: [part["metrics"][name] for part in parts] for name in of_all},
        },
    }


PRESETS = {
    "characters": Specialists(
        name="specialists", data="characters", widths=(64,), layers=2, clusters=40, size=10, T=3.0,
        generalist=Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1),
        specialist=Recipe(epochs=2, learning_rate=0.1, batch=100, warm_up=50, jitter=1),
        copies=3, experts=8,
        mixture=Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1),
        held_out=1500,
    ),
    "emnist": Specialists(
        name="specialists", data="emnist", widths=(64, 128, 256), layers=2, clusters=32, size=8,
        T=3.0,
        generalist=Recipe(epochs=30, learning_rate=0.1, batch=128, warm_up=200, jitter=1),
        specialist=Recipe(epochs=2, learning_rate=0.1, batch=128, warm_up=100, jitter=1),
        copies=3, experts=8,
        mixture=Recipe(epochs=30, learning_rate=0.1, batch=128, warm_up=200, jitter=1),
        held_out=6323,
    ),
}  # fmt: skip
