"""A student that never saw some of the classes (Section 3), from the teacher to the record.

``omitted_3`` and ``sevens_and_eights`` are this with other classes left out. Lesson 07 spells
the same steps out on one seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from minikd.backend import array_module, device_name
from minikd.data import Digits, load_glyphs, load_mnist
from minikd.evaluate import (
    errors,
    errors_per_class,
    logits_over_views,
    sweep_bias,
    with_bias,
)
from minikd.experiments.record import digest, environment, read_part, write_part, write_record
from minikd.mlp import MLP
from minikd.objectives import Objective, hard_targets, soft_targets
from minikd.train import Recipe, train

# Run number `seed` gives these seeds to its parts: 4 · seed + 1, …, 4 · seed + 4.
_TEACHER, _STUDENT, _HARD, _SPLIT = range(1, 5)


@dataclass(frozen=True)
class Unseen:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist"}
    omitted : tuple of int
        Classes that the transfer set does not hold.
    moved : tuple of int
        Classes whose bias is changed afterwards, all by the same amount.
    teacher_hidden, student_hidden : tuple of int
        Units of the hidden layers.
    teacher, student, hard : Recipe
        Of the teacher, of the distilled student, and of the control: the same student trained
        on the hard labels of the same cases.
    T : float
        Temperature of the soft targets; no hard targets are used beside them.
    views : int
        The teacher's logits are averaged over all moves of an image by up to so many pixels; 0
        takes the image as it is, as the paper does. No student sees a moved image.
    held_out : int
        Training cases that no student sees. What the teacher says of them, their labels unread,
        chooses the honest bias.
    biases : (float, float, float)
        Lowest, highest and step of the sweep.
    """

    name: str
    data: str
    omitted: tuple[int, ...]
    moved: tuple[int, ...]
    teacher_hidden: tuple[int, ...]
    student_hidden: tuple[int, ...]
    teacher: Recipe
    student: Recipe
    hard: Recipe
    T: float
    views: int
    held_out: int
    biases: tuple[float, float, float] = (-15.0, 15.0, 0.1)

    def bias_grid(self) -> Any:
        """The biases that the sweep tries."""
        low, high, step = self.biases
        return np.round(np.arange(low, high + step / 2, step), 6)


def run_unseen(
    config: Unseen,
    seeds: Sequence[int] = (0,),
    out: str | PathLike[str] = "out",
    device: str = "cpu",
    progress: bool = False,
) -> dict[str, Any]:
    """Train teacher and students, move the bias by both protocols, and write the record.

    Each seed is finished and kept before the next begins, and each training run is resumed
    where it was stopped: a run that is killed and called again gives the record it would have
    given. A teacher with the same settings is trained once and kept for other experiments.

    Parameters
    ----------
    config : Unseen
    seeds : sequence of int
    out : path
        The record goes to ``out/NAME.DATA.json``, what is kept to resume to ``out/.kept``.
    device : {"cpu", "cuda"}
    progress : bool
        Progress bars on stderr.

    Returns
    -------
    dict
        The record, as it was written.
    """
    out = Path(out)
    xp = array_module(device)
    digits: Digits | None = None
    parts = []
    for seed in seeds:
        path = (
            out / ".kept" / f"{config.name}.{config.data}.{digest(config, seed, device)}.json"
        )
        part = read_part(path)
        if part is None:
            digits = digits or {"glyphs": load_glyphs, "mnist": load_mnist}[config.data]()
            part = _one_seed(config, digits, seed, out / ".kept", device, progress)
            write_part(path, part)
        parts.append(part)
    record = {
        "name": config.name,
        "data": config.data,
        "config": asdict(config),
        "seeds": list(seeds),
        "device": device_name(xp),
        **environment(xp),
        "seconds": [part["seconds"] for part in parts],
        "metrics": {m: [part["metrics"][m] for part in parts] for m in parts[0]["metrics"]},
        "curves": {
            "biases": config.bias_grid().tolist(),
            **{c: [part["curves"][c] for part in parts] for c in parts[0]["curves"]},
        },
    }
    return write_record(out / f"{config.name}.{config.data}.json", record)


def _one_seed(
    config: Unseen, digits: Digits, seed: int, kept: Path, device: str, progress: bool
) -> dict[str, Any]:
    classes = int(digits.train.y.max()) + 1
    inputs = digits.train.x.shape[1]
    seconds = 0.0

    def trained(
        role: int,
        title: str,
        hidden: Sequence[int],
        data: Any,
        objective: Objective,
        recipe: Recipe,
    ) -> MLP:
        nonlocal seconds
        net = MLP([inputs, *hidden, classes], rng=4 * seed + role, device=device)
        # A teacher serves every experiment that would train the same one.
        which = (config.data, hidden, recipe) if role == _TEACHER else config
        history = train(
            net, data, objective, recipe, rng=seed,
            checkpoint=kept / f"{title}.{digest(which, seed, device)}.npz",
            progress=f"{title}, seed {seed}" if progress else None,
        )  # fmt: skip
        seconds += history.seconds
        return net

    teacher = trained(
        _TEACHER, "teacher", config.teacher_hidden, digits.train, hard_targets(), config.teacher
    )
    v_train = logits_over_views(teacher, digits.train, config.views)
    transfer, validation = digits.train.with_logits(v_train).split(
        config.held_out, rng=4 * seed + _SPLIT
    )
    transfer = transfer.without(*config.omitted)
    student = trained(
        _STUDENT,
        "student",
        config.student_hidden,
        transfer,
        soft_targets(config.T),
        config.student,
    )
    hard = trained(_HARD, "hard", config.student_hidden, transfer, hard_targets(), config.hard)

    test, moved, grid = digits.test, config.moved, config.bias_grid()
    z, z_hard, v = student(test.x), hard(test.x), teacher(test.x)
    # The paper's protocol: the bias that does best on the test set.
    paper = sweep_bias(z, test.y, moved, grid)
    # The honest one: the bias at which the student agrees best with its teacher on cases that
    # it never saw. Neither their labels nor any test case are looked at.
    honest = sweep_bias(student(validation.x), validation.v.argmax(-1), moved, grid)
    hard_sweep = sweep_bias(z_hard, test.y, moved, grid)
    per_class = {
        "teacher": errors_per_class(v, test.y),
        "before": errors_per_class(z, test.y),
        "after": errors_per_class(with_bias(z, moved, paper.best), test.y),
        "honest": errors_per_class(with_bias(z, moved, honest.best), test.y),
        "hard": errors_per_class(z_hard, test.y),
        "hard_after": errors_per_class(with_bias(z_hard, moved, hard_sweep.best), test.y),
    }

    def total(which: str) -> int:
        return int(per_class[which].sum())

    def omitted(which: str) -> int:
        return int(per_class[which][list(config.omitted)].sum())

    return {
        "seconds": round(seconds, 1),
        "metrics": {
            "test_cases": len(test),
            "omitted_cases": int(np.isin(test.y, config.omitted).sum()),
            "teacher_errors": errors(v, test.y),
            "teacher_views_errors": errors(
                logits_over_views(teacher, test, config.views), test.y
            ),
            "errors_before": total("before"),
            "omitted_errors_before": omitted("before"),
            "bias": paper.best,
            "errors_after": total("after"),
            "omitted_errors_after": omitted("after"),
            "honest_bias": honest.best,
            "honest_errors_after": total("honest"),
            "honest_omitted_errors_after": omitted("honest"),
            "hard_errors": total("hard"),
            "hard_omitted_errors": omitted("hard"),
            "hard_bias": hard_sweep.best,
            "hard_errors_after": total("hard_after"),
            "hard_omitted_errors_after": omitted("hard_after"),
        },
        "curves": {
            "errors": paper.errors.tolist(),
            "disagreements": honest.errors.tolist(),
            "errors_per_class": {who: e.tolist() for who, e in per_class.items()},
        },
    }
