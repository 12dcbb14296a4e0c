"""Section 6: soft targets as regularizers. A fraction of the data, with and without them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikd import plots
from minikd.backend import Stream, generator
from minikd.data import Dataset
from minikd.experiments.acoustic_frames import SPEECH, SYNTHETIC, Framing, states_of
from minikd.experiments.experiment import Experiment, Metric, Paper, Record
from minikd.experiments.kept import SPLIT, STUDENT, TEACHER, Kept, part_seed
from minikd.experiments.run import seconds
from minikd.mlp import MLP
from minikd.objectives import hard_targets, soft_targets
from minikd.statistics import change, mean_of, share_of_gain, standard_error
from minikd.train import Recipe

# How often a network is looked at while it is trained, at most.
LOOKS = 30


@dataclass(frozen=True)
class ThreePercent:
    """Settings of one run; frozen, and written into its record.

    Attributes
    ----------
    name : str
    data : {"glyphs", "mnist", "synthetic", "speech"}
    fractions : tuple of float
        Of the training cases, falling from 1; each set holds those that come after it, and at
        least one case. Speech is cut into cases first, and states are found with all of it.
    hidden : tuple of int
        Units of the hidden layers, of every network.
    gain : float
        Size of the initial weights, as in :class:`minikd.MLP`.
    recipe : Recipe
        Of every network. On a fraction there are more epochs, for as many steps in all, but at
        most ``most`` times as many.
    most : int
    T : float
        Of the soft targets, which come from the network that was trained on all data.
    held_out : int
        Training cases for early stopping, which no network is trained on.
    acoustic : Framing, optional
        How frames become cases, for speech; it says what is held out there.
    """

    name: str
    data: str
    fractions: tuple[float, ...]
    hidden: tuple[int, ...]
    gain: float
    recipe: Recipe
    most: int
    T: float
    held_out: int
    acoustic: Framing | None = None

    def __post_init__(self) -> None:
        if not self.fractions or not all(0 < f <= 1 for f in self.fractions):
            raise ValueError(
                f"fractions is {self.fractions}; expected shares above 0, at most 1"
            )
        falling = sorted(set(self.fractions), reverse=True)
        if self.fractions[0] != 1 or list(self.fractions) != falling:
            raise ValueError(f"fractions is {self.fractions}; expected them to fall from 1")


def parts_of(config: ThreePercent, data: Any, seed: int) -> tuple[Dataset, Dataset, Dataset]:
    """Cases to train on, to stop by, and to test on; these are held-out utterances in speech."""
    if config.acoustic is not None:
        _, train, chosen, test = states_of(config.acoustic, data, seed)
        return train.data, chosen.data, test.data
    rest, validation = data.train.split(config.held_out, rng=part_seed(seed, SPLIT))
    return rest, validation, data.test


def cells(config: ThreePercent) -> list[Any]:
    """One for each fraction; all of the data first, because the others need its network."""
    return list(config.fractions)


def one_cell(config: ThreePercent, data: Any, kept: Kept, fraction: float) -> dict[str, Any]:
    """Train on hard and on soft targets of a fraction of the cases, and look on the way.

    Returns
    -------
    dict
        ``seconds``, ``metrics`` and ``curves``, for :func:`together`.
    """
    train, validation, test = parts_of(config, data, kept.seed)
    sizes = [train.x.shape[1], *config.hidden, int(train.y.max()) + 1]

    def look_at(seen: Dataset, epochs: int) -> Any:
        # So many cases of its own as of the test set are enough to see what it learnt by heart;
        # from all over it, because speech is in the order of the speakers.
        spread = np.linspace(0, len(seen) - 1, min(len(seen), len(test)))
        own = seen.take(spread.astype(int))
        sets = {"train": own, "validation": validation, "test": test}
        # Close together at first, where the most happens.
        when = set(np.geomspace(1, epochs, LOOKS).round().astype(int).tolist())

        def look(net: MLP, epoch: int) -> dict[str, float] | None:
            if epoch not in when:
                return None
            return {"epoch": epoch} | {
                name: round(100 * float((net(part.x).argmax(-1) == part.y).mean()), 3)
                for name, part in sets.items()
            }

        return look

    def learn(what: str, settings: Any, net: MLP, cases: Dataset, objective: Any, recipe: Recipe,
              labelled: Dataset) -> list[Any]:  # fmt: skip
        look = look_at(labelled, recipe.epochs)
        looked = kept.train(what, settings, net, cases, objective, recipe, look)
        return [found for found in looked if found is not None]

    teacher = kept.network(sizes, TEACHER, config.gain)
    which = (config.data, config.hidden, config.gain, config.recipe, config.held_out,
             config.acoustic)  # fmt: skip
    curves = {"all": learn("all", which, teacher, train, hard_targets(), config.recipe, train)}
    shared = kept.seconds
    order = generator(part_seed(kept.seed, SPLIT), Stream.ORDER, 1).permutation(len(train))
    some = train.take(np.sort(order[: max(1, round(fraction * len(train)))]))
    epochs = round(config.recipe.epochs * min(1 / fraction, config.most))
    recipe = replace(config.recipe, epochs=epochs)
    soft = some.with_logits(teacher(some.x)).unlabelled()
    runs: list[tuple[str, Dataset, Any]] = [("soft", soft, soft_targets(config.T))]
    if fraction < 1:
        runs.append(("hard", some, hard_targets()))
    for name, cases, objective in runs:
        net: MLP = kept.network(sizes, STUDENT, config.gain)
        what = f"{name}-{fraction:g}"
        curves[name] = learn(what, config, net, cases, objective, recipe, some)
    metrics: dict[str, Any] = {"test_cases": len(test)}
    for name, looked in curves.items():
        best = int(np.argmax([look["validation"] for look in looked]))
        short = name if name == "all" else f"{name}_{100 * fraction:g}"
        metrics |= {
            f"{short}_train_accuracy": looked[-1]["train"],
            f"{short}_accuracy": looked[-1]["test"],
            f"{short}_early_train_accuracy": looked[best]["train"],
            f"{short}_early_accuracy": looked[best]["test"],
            f"{short}_early_epoch": looked[best]["epoch"],
        }
    metrics[f"cases_{100 * fraction:g}"] = len(some)
    return {
        "seconds": round(kept.seconds, 1),
        "shared_seconds": round(shared, 1),
        "metrics": metrics,
        "curves": curves,
    }


def together(config: ThreePercent, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The findings of a seed from those of its fractions.

    The share of a gap that soft targets close is that between what hard targets do on the
    fraction, stopped early, and on all data. Where all data do no better, there is no gap: it is
    all closed if soft targets do no worse either, else nothing of it.
    """
    metrics = {m: value for part in parts for m, value in part["metrics"].items()}
    for fraction in config.fractions[1:]:
        percent = f"{100 * fraction:g}"
        hard = metrics[f"hard_{percent}_early_accuracy"]
        gap, gain = metrics["all_accuracy"] - hard, metrics[f"soft_{percent}_accuracy"] - hard
        metrics[f"recovered_{percent}"] = share_of_gain(gain, gap)
    curves = {
        f"{100 * f:g}": {k: v for k, v in part["curves"].items() if k != "all" or f == 1}
        for f, part in zip(config.fractions, parts, strict=True)
    }
    return {"seconds": seconds(parts), "metrics": metrics, "curves": curves}


FRACTIONS = (1.0, 0.3, 0.1, 0.03, 0.01)


PRESETS = {
    "glyphs": ThreePercent(
        name="three-percent", data="glyphs", fractions=FRACTIONS, hidden=(300, 300), gain=1.0,
        recipe=Recipe(epochs=10, learning_rate=0.05, batch=50, warm_up=50), most=10, T=4.0,
        held_out=1000,
    ),
    "mnist": ThreePercent(
        name="three-percent", data="mnist", fractions=FRACTIONS, hidden=(800, 800), gain=1.0,
        recipe=Recipe(epochs=15, learning_rate=0.05, batch=128, warm_up=200), most=10, T=10.0,
        held_out=5000,
    ),
    "synthetic": ThreePercent(
        name="three-percent", data="synthetic", fractions=FRACTIONS, hidden=(64, 64, 64), gain=1.0,
        recipe=Recipe(epochs=8, learning_rate=0.05, batch=128, warm_up=50), most=10, T=2.0,
        held_out=0, acoustic=SYNTHETIC,
    ),
    # Wider than those of Section 4, and less deep: on 3 % of the data eight layers learn less, from
    # soft targets and from hard ones.
    "speech": ThreePercent(
        name="three-percent", data="speech", fractions=FRACTIONS, hidden=(512, 512, 512), gain=1.0,
        recipe=Recipe(epochs=6, learning_rate=0.01, batch=128, warm_up=250), most=5, T=5.0,
        held_out=0, acoustic=SPEECH,
    ),
}  # fmt: skip


@plots.in_house_style
def plot_three_percent(record: Record) -> Any:
    """Test accuracy against the fraction of the data, and over the training on 3 % of it.

    Parameters
    ----------
    record : dict
        Of ``three-percent``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plots.plt.subplots(1, 2, figsize=(12, 4.8))
    m = record["metrics"]
    percents = sorted(100 * f for f in record["config"]["fractions"] if f < 1)
    shown = "3" if "3" in record["curves"] else f"{percents[0]:g}"
    everything = float(np.mean(m["all_accuracy"]))
    # Those that were stopped early stand aside: they often do as well as those that were not.
    for kind, metric, label, color, style, aside in (
        ("soft", "accuracy", "soft targets", plots.GREEN, "o-", 1),
        ("hard", "accuracy", "hard targets", plots.ORANGE, "s-", 1),
        ("hard", "early_accuracy", "hard targets, stopped early", plots.PURPLE, "^", 1.12),
    ):
        values = np.transpose([m[f"{kind}_{p:g}_{metric}"] for p in percents])
        left.errorbar(np.multiply(percents, aside), values.mean(0), standard_error(values), fmt=style,
                      color=color, capsize=3, label=label)  # fmt: skip
    left.axhline(everything, color=plots.GREY, lw=1)
    left.text(percents[0], everything, "all data, hard targets", color=plots.GREY, va="bottom")
    left.margins(y=0.1)
    left.set(
        xscale="log",
        xticks=percents,
        xlabel="share of the data (%)",
        ylabel="test cases right (%)",
    )
    left.set_xticklabels([f"{p:g}" for p in percents])
    left.minorticks_off()
    plots.legend_above(left, "At the end of training")
    curves = record["curves"][shown]
    for kind, color in (("soft", plots.GREEN), ("hard", plots.ORANGE)):
        for part, key, style in (("training", "train", ":"), ("test", "test", "-")):
            seeds = np.array([[look[key] for look in seed[kind]] for seed in curves])
            epochs = [look["epoch"] for look in curves[0][kind]]
            right.plot(epochs, seeds.mean(0), style, color=color,
                       label=f"{kind} targets, {part} cases")  # fmt: skip
    right.set(xscale="log", xlabel="epoch", ylabel="cases right (%)")
    right.xaxis.set_major_formatter("{x:g}")
    plots.legend_above(right, f"While training on {shown} % of the data")
    hard, soft = (
        float(np.mean(m[f"{k}_{shown}_{w}"]))
        for k, w in (("hard", "early_accuracy"), ("soft", "accuracy"))
    )
    plots.say(
        figure,
        f"From {shown} % of the data: {soft:.1f} % right with soft targets, {hard:.1f} % with hard ones, "
        f"stopped early; {everything:.1f} % from all data",
        f"{plots.seeds_of(record)}; soft targets come from the network that was trained on all data",
    )
    return figure


def three_percent_findings(record: Record) -> list[str]:
    """How much of the gap soft targets close, and who needs early stopping."""
    m = record["metrics"]
    percents = [f"{100 * f:g}" for f in record["config"]["fractions"] if f < 1]
    shares = ", ".join(
        f"{mean_of(m[f'recovered_{p}']).words(0)} % with {p} % of the data" for p in percents
    )
    said = [
        "Of the gap between hard targets on a part of the data, stopped early, and on all of it, soft "
        f"targets close (mean ± standard error over seeds) {shares}.",
    ]
    if "3" not in percents:
        return said
    stops = [
        f"{kind} targets {beyond.words(sign=True)} points ({beyond.clearly})"
        for kind in ("hard", "soft")
        for beyond in [change(m, f"{kind}_3_accuracy", f"{kind}_3_early_accuracy")]
    ]
    ends = [
        f"{kind} targets end with {np.mean(m[f'{kind}_3_train_accuracy']):.1f} % of their training "
        f"cases right and {np.mean(m[f'{kind}_3_accuracy']):.1f} % of the test cases"
        for kind in ("hard", "soft")
    ]
    return [
        *said,
        "On 3 % of the data, training to the end instead of stopping early changes the share of test "
        f"cases right: {'; '.join(stops)}.",
        f"On 3 % of the data, {', and '.join(ends)}.",
    ]


# Of the paper's Table 5; the share of the gap is computed from three of them.
_TABLE_5 = {
    "all_train_accuracy": 63.4,
    "all_accuracy": 58.9,
    "hard_3_early_train_accuracy": 67.3,
    "hard_3_early_accuracy": 44.5,
    "soft_3_train_accuracy": 65.4,
    "soft_3_accuracy": 57.0,
}
_SHARE = round(100 * (57.0 - 44.5) / (58.9 - 44.5))


def _accuracy(name: str, words: str) -> Metric:
    value = _TABLE_5.get(name)
    paper = None if value is None else Paper(value, "6", data="speech", level=False)
    return Metric(name, words, "%", "more", paper, control=value is None)


METRICS = (
    _accuracy("all_train_accuracy", "all data, hard targets: training cases right"),
    _accuracy("all_accuracy", "all data, hard targets: test cases right"),
    *(
        _accuracy(f"{kind}_{percent}{metric}", f"{percent} %, {kind} targets: {what}")
        for percent in ("30", "10", "3", "1")
        for kind in ("hard", "soft")
        for metric, what in (
            ("_train_accuracy", "training cases right"),
            ("_accuracy", "test cases right"),
            ("_early_train_accuracy", "training cases right, stopped early"),
            ("_early_accuracy", "test cases right, stopped early"),
        )
    ),
    *(
        Metric(f"recovered_{p}", f"{p} %: share of the gap that soft targets close", "%", "more",
               Paper(_SHARE, "6", data=None) if p == "3" else None, control=p != "3")
        for p in ("30", "10", "3", "1")
    ),
)  # fmt: skip

EXPERIMENT = Experiment(
    name="three-percent",
    section="6",
    question="how much of what all of the data would teach do soft targets teach from 3 % of it?",
    presets=PRESETS,
    one_cell=one_cell,
    metrics=METRICS,
    figure=plot_three_percent,
    findings=three_percent_findings,
    cells=cells,
    together=together,
)
