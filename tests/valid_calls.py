"""One valid call of every public function, and what each of its arguments is allowed to be.

``CALLS`` is the table: for each argument, the bad values of :mod:`test_bad_calls` that are taken all
the same, and deliberately. They follow from the kind of the argument.
"""

from __future__ import annotations

import atexit
import importlib
import inspect
import io
import shutil
import tempfile
import wave
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import minikd
from minikd import MLP, Dataset, Objective, Recipe, hard_targets, train
from minikd.data import catalog
from minikd.data.speech import Recording, Utterance
from minikd.experiments import Experiment, read_record
from minikd.hmm import WordModel
from minikd.mixture import Mixture

mpl.use("Agg")

SOME = Path(tempfile.mkdtemp(prefix="minikd-bad-calls-"))
atexit.register(shutil.rmtree, SOME, ignore_errors=True)
RNG = np.random.default_rng(0)

# ---------------------------------------------------------------- kinds of arguments

NUMBERS = {"-1", "0", "0.5", "array(1)"}
RESHAPED = {"extra axis", "no first axis", "no last axis", "a row fewer", "a row more",
            "a column fewer", "a column more", "no rows"}  # fmt: skip
# Names of bad values that are good ones for an argument of a kind.
KINDS: dict[str, set[str]] = {
    "number": NUMBERS,  # finite
    "positive": {"0.5", "array(1)"},
    "weight": {"0", "0.5", "array(1)"},  # ≥ 0
    "share": {"0", "0.5"},  # 0 ≤ share < 1
    "between": {"0.5"},  # 0 < share < 1
    "count": {"array(1)"},  # an integer ≥ 1
    "count or 0": {"0", "array(1)"},
    "index": {"0", "-1", "array(1)"},
    "temperature": {"0.5", "array(1)"},
    "seed": {"0", "array(1)", "1e400"},
    "seeds": {"0", "array(1)", "1e400"},
    # One class or several, in any container; 1.0 is 1.
    "classes": {
        "0",
        "array(1)",
        "{1}",
        "no rows",
        "a row fewer",
        "a row more",
        "no first axis",
        "as whole floats",
    },
    "flag": {"True"},
    "text": {"text", "no text"},
    "some text": {"text"},
    "path": {"text"},  # a file of that name may be written
    "there": set(),  # a file that is there
    "function": {"function"},
    "a mapping": {"dict"},
    # Any number of axes before the last one; complex numbers for the complex step of gradcheck.
    "logits": {"complex array", "as complex", *RESHAPED},
    # The same beside other logits, to which it must broadcast.
    "logits beside": {"extra axis", "no first axis", "as complex"},
    "labels": set(),
    "real logits": RESHAPED,
    "cases": set(),  # one fixed shape
    # Layers take any floating-point numbers: a NaN must pass, so that training can report it.
    "values": {"as complex", "nan inside", "inf inside", "-inf inside"},
    "signal": {"a row fewer", "[nan]"},
    "fixed": set(),
}


@dataclass(frozen=True)
class Call:
    """A valid call of a public function.

    Attributes
    ----------
    name : str
        Module and name, without ``minikd.``; words behind a space tell variants apart.
    function : callable
    make : callable
        The arguments, made anew for each call.
    accepts : mapping
        For each argument to be replaced, the bad values that are taken.
    errors : tuple of type
        Kinds of errors besides `ValueError` and `TypeError`, such as a file that is not there.
    """

    name: str
    function: Callable[..., Any]
    make: Callable[[], dict[str, Any]]
    accepts: Mapping[str, set[str]]
    errors: tuple[type, ...] = ()

    @property
    def required(self) -> list[str]:
        """Arguments without a default that a call may lack."""
        try:
            parameters = inspect.signature(self.function).parameters
        except (TypeError, ValueError):
            return []
        return [
            name for name, p in parameters.items()
            if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
            and name in self.make()
        ]  # fmt: skip


CALLS: list[Call] = []


def call(
    name: str, function: Callable[..., Any], make: Callable[[], dict[str, Any]], /,
    errors: tuple[type, ...] = (), **kinds: str,
) -> None:  # fmt: skip
    """Add a call; ``"kind + value - value"`` takes and refuses more than its kind does."""
    CALLS.append(Call(name, function, make, {a: accepted(k) for a, k in kinds.items()}, errors))


def accepted(kind: str) -> set[str]:
    first, *more = kind.replace(" − ", " + −").split(" + ")
    taken = set(KINDS[first])
    for value in more:
        taken = taken - {value[1:]} if value.startswith("−") else taken | {value}
    return taken


# ---------------------------------------------------------------- what calls are made with

Z, V = RNG.normal(size=(2, 4, 3))
Y = np.array([0, 1, 2, 1])
X = RNG.random((4, 4))
STACK = RNG.normal(size=(2, 4, 3))
CLASSES = np.array([[0, 1], [1, 2]])
SPECIAL = RNG.normal(size=(2, 4, 3))
Z4, V4 = RNG.normal(size=(2, 4, 4))
ACTIVE = np.array([[True, False], [False, True], [True, True], [False, False]])


def net() -> MLP:
    return MLP([4, 3, 3], rng=1)


def data() -> Dataset:
    return Dataset(X, Y, V, shape=(2, 2))


def mixture() -> Mixture:
    return Mixture(MLP([4, 2], rng=1), MLP([4, 3], rng=[2, 3]))


# ---------------------------------------------------------------- Section 2

from minikd import equations as eq  # noqa: E402

for f in (eq.softmax, eq.log_softmax, eq.entropy):
    call(f"equations.{f.__name__}", f, lambda: {"z": Z, "T": 2.0}, z="logits", T="temperature")
for f in (eq.soft_target_cost, eq.soft_target_gradient, eq.high_temperature_gradient,
          eq.zero_mean_gradient, eq.softmax_difference, eq.kl_divergence,
          eq.temperature_gradient):  # fmt: skip
    call(f"equations.{f.__name__}", f, lambda: {"z": Z, "v": V, "T": 2.0},
         z="logits beside", v="logits beside", T="temperature")  # fmt: skip
for f in (eq.logit_matching_cost, eq.logit_matching_gradient):
    call(f"equations.{f.__name__}", f, lambda: {"z": Z, "v": V},
         z="logits beside", v="logits beside")  # fmt: skip
for f in (eq.hard_target_cost, eq.hard_target_gradient):
    call(f"equations.{f.__name__}", f, lambda: {"z": Z, "y": Y},
         z="logits beside − no first axis + a column more", y="labels")  # fmt: skip
for f in (eq.distillation_cost, eq.distillation_gradient):
    call(f"equations.{f.__name__}", f,
         lambda: {"z": Z, "v": V, "y": Y, "T": 2.0, "hard_weight": 0.5},
         z="logits beside − no first axis", v="logits beside", y="labels", T="temperature",
         hard_weight="weight")  # fmt: skip
    call(f"equations.{f.__name__} with alpha", f,
         lambda: {"z": Z, "v": V, "y": Y, "T": 2.0, "alpha": 0.5},
         z="logits beside − no first axis", v="logits beside", y="labels", T="temperature",
         alpha="share + array(1) + None")  # fmt: skip
call("equations.distillation_cost with KL", eq.distillation_cost,
     lambda: {"z": Z, "v": V, "kl": True}, z="logits beside", v="logits beside", kl="flag")  # fmt: skip

# ---------------------------------------------------------------- the gradient checker

from minikd import gradcheck as check  # noqa: E402


def square(x: Any) -> Any:
    return x**2 + x, lambda dout: 2 * dout * x + dout


call("gradcheck.gradcheck", check,
     lambda: {"func": square, "inputs": Z, "eps": 1e-3, "atol": 0.0, "rtol": 1e-9,
              "method": "complex", "jacobian": False, "raise_exception": True, "rng": 0},
     func="fixed", eps="positive + None − array(1)", atol="weight + None − array(1)",
     rtol="weight + None − array(1)", method="fixed",
     inputs="cases + -1 + 0 + 0.5 + array(1) + True + booleans + extra axis + no first axis "
     "+ no last axis + a row fewer + a row more + a column fewer + a column more",
     jacobian="flag", raise_exception="flag", rng="seed − array(1) − 1e400")  # fmt: skip

# ---------------------------------------------------------------- ensembles, evaluation

from minikd import ensembles, evaluate, statistics  # noqa: E402

call("ensembles.geometric_mean", ensembles.geometric_mean,
     lambda: {"v": STACK, "weights": np.array([1.0, 2.0]), "insist": False},
     v="logits − no rows − complex array − a row fewer − a row more − no first axis − extra axis",
     weights="cases + None", insist="flag")  # fmt: skip
call("ensembles.arithmetic_mean", ensembles.arithmetic_mean, lambda: {"v": STACK, "T": 2.0},
     v="logits − no rows − complex array", T="temperature")  # fmt: skip

for f in (evaluate.errors, evaluate.log_loss):
    call(
        f"evaluate.{f.__name__}",
        f,
        lambda: {"z": Z, "y": Y},
        z="cases + extra axis + a column more",
        y="cases",
    )
for f in (evaluate.errors_per_class, evaluate.confusion, evaluate.fit_temperature):
    call(
        f"evaluate.{f.__name__}",
        f,
        lambda: {"z": Z, "y": Y},
        z="cases + a column more",
        y="cases",
    )
call("evaluate.calibration_error", evaluate.calibration_error,
     lambda: {"z": Z, "y": Y, "bins": 5}, z="cases + a column more", y="cases",
     bins="count")  # fmt: skip
call("evaluate.with_bias", evaluate.with_bias,
     lambda: {"z": Z, "classes": np.array([1, 2]), "bias": 1.0},
     z="cases + extra axis + no first axis + no last axis + a row fewer + a row more + no rows "
     "+ a column more",
     classes="classes + []", bias="number")  # fmt: skip
call("evaluate.sweep_bias", evaluate.sweep_bias,
     lambda: {"z": Z, "y": Y, "classes": np.array([1, 2]), "biases": np.array([0.0, 1.0])},
     z="cases + a column more", y="cases", classes="classes − no rows",
     biases="cases + a row fewer + a row more")  # fmt: skip
call("evaluate.logits_over_views", evaluate.logits_over_views,
     lambda: {"net": net(), "data": data(), "pixels": 1, "progress": None},
     net="fixed", data="fixed", pixels="count or 0", progress="text + None")  # fmt: skip

call("statistics.mean_and_sd", statistics.mean_and_sd,
     lambda: {"values": np.array([1.0, 2.0]), "unit": "%"},
     values="cases + a row fewer + a row more", unit="text")  # fmt: skip
call("statistics.standard_error", statistics.standard_error,
     lambda: {"of_seeds": np.array([[1.0], [2.0]])},
     of_seeds="cases + extra axis + no first axis + no last axis + a row fewer + a row more "
     "+ a column more")  # fmt: skip
call("statistics.mean_of", statistics.mean_of, lambda: {"values": np.array([1.0, 2.0])},
     values="cases + a row fewer + a row more")  # fmt: skip
call("statistics.change", statistics.change,
     lambda: {"metrics": {"a": [1, 2], "b": [2, 3]}, "metric": "a", "since": "b"},
     metrics="fixed", metric="fixed", since="fixed")  # fmt: skip
call("statistics.share_of_gain", statistics.share_of_gain, lambda: {"kept": 1.0, "gain": 2.0},
     kept="number", gain="number")  # fmt: skip
call("statistics.share_interval", statistics.share_interval,
     lambda: {"errors": 1.0, "cases": 3, "level": 0.95},
     errors="weight", cases="count", level="between")  # fmt: skip
call("statistics.paired_test", statistics.paired_test,
     lambda: {"wrong_a": np.array([True, False, True]), "wrong_b": np.array([1, 0, 0])},
     wrong_a="cases", wrong_b="cases")  # fmt: skip
call("statistics.rank_correlation", statistics.rank_correlation,
     lambda: {"a": {"x": 1.0, "y": 2.0}, "b": {"x": 2.0, "y": 1.0}}, a="fixed", b="fixed")  # fmt: skip
call("statistics.Mean.words", statistics.Mean(1.0, 0.1).words,
     lambda: {"digits": 2, "sign": True}, digits="count or 0", sign="flag")  # fmt: skip

# ---------------------------------------------------------------- specialists

from minikd import combination, hmm, specialists  # noqa: E402

Q = eq.softmax(Z)
call("specialists.prediction_covariance", specialists.prediction_covariance, lambda: {"q": Q},
     q="cases + a row fewer + a row more")  # fmt: skip
call("specialists.cluster_classes", specialists.cluster_classes,
     lambda: {"covariance": np.cov(Z4.T), "clusters": 2, "size": 1, "rng": 0, "passes": 2},
     covariance="cases", clusters="count", size="count", rng="seed", passes="count")  # fmt: skip
call("specialists.specialist_labels", specialists.specialist_labels,
     lambda: {"y": Y, "classes": CLASSES, "N": 3},
     y="cases + a row fewer + a row more + no rows",
     classes="cases + a row fewer + a row more + a column fewer", N="fixed")  # fmt: skip
call("specialists.start_from", specialists.start_from,
     lambda: {"generalist": net(), "classes": CLASSES, "seeds": np.array([1, 2])},
     generalist="fixed", classes="cases + a column fewer",
     seeds="cases + too large + as whole floats")  # fmt: skip
call("specialists.dustbin_correction", specialists.dustbin_correction,
     lambda: {"y": np.array([[0, 1, 2, 2], [2, 1, 2, 0]]), "size": 2, "share": 0.5},
     y="cases + a row fewer + a row more + a column fewer + a column more", size="fixed",
     share="between")  # fmt: skip
call("specialists.checked_classes", specialists.checked_classes,
     lambda: {"classes": CLASSES, "N": 3},
     classes="cases + a row fewer + a row more + a column fewer", N="fixed")  # fmt: skip

call("combination.active_specialists", combination.active_specialists,
     lambda: {"v": Z4, "classes": CLASSES, "n": 1},
     v="cases + a row fewer + no rows + a row more + a column fewer + a column more",
     classes="cases + a row fewer + a row more + a column fewer", n="count")  # fmt: skip


def eq5() -> dict[str, Any]:
    return {"z": Z4, "v": V4, "u": SPECIAL, "classes": CLASSES, "active": ACTIVE}


for f in (combination.combination_cost, combination.combination_gradient,
          combination.reverse_combination_cost, combination.reverse_combination_gradient):  # fmt: skip
    call(f"combination.{f.__name__}", f, eq5, z="cases + as complex", v="cases + as complex",
         u="cases + as complex", classes="cases", active="cases")  # fmt: skip
call("combination.combine", combination.combine,
     lambda: {**{k: v for k, v in eq5().items() if k != "z"}, "reverse": False,
              "tolerance": 1e-8, "steps": 20},
     v="cases + a column fewer + a column more", u="cases", classes="cases",
     active="cases + None", reverse="flag",
     tolerance="weight", steps="count or 0")  # fmt: skip
call("combination.merged", combination.merged,
     lambda: {"log_q": eq.log_softmax(Z4), "special": np.array([0, 1])},
     log_q="logits − complex array",
     special="fixed + a row fewer")  # fmt: skip

# ---------------------------------------------------------------- words

FRAMES = RNG.normal(size=(6, 2))
MODEL = WordModel(1, 2, np.array([0.5, 0.5]), np.zeros((2, 2)), np.ones((2, 2)))
call("hmm.align", hmm.align, lambda: {"scores": FRAMES, "stay": np.array([0.5, 0.5])},
     scores="cases + a row fewer + a row more", stay="cases")  # fmt: skip
call("hmm.train_states", hmm.train_states,
     lambda: {"frames": [FRAMES, FRAMES + 1], "said": [[0, 1], [1, 0]], "words": 2, "states": 1,
              "iterations": 2},
     frames="fixed", said="fixed", words="fixed", states="count", iterations="count")  # fmt: skip
call("hmm.decode", hmm.decode, lambda: {"scores": FRAMES, "model": MODEL, "penalty": 0.0},
     scores="cases + a row fewer + a row more + no rows", model="fixed", penalty="number")  # fmt: skip
call("hmm.word_errors", hmm.word_errors,
     lambda: {"said": np.array([1, 2]), "heard": np.array([2])},
     said="classes + [] + too large − {1}", heard="classes + [] + too large − {1}")  # fmt: skip
call("hmm.WordModel", WordModel,
     lambda: {"words": 1, "states": 2, "stay": np.array([0.5, 0.5]), "mean": np.zeros((2, 2)),
              "variance": np.ones((2, 2))},
     words="count", states="fixed", stay="cases", mean="cases", variance="cases")  # fmt: skip
call("hmm.WordModel.chain", MODEL.chain, lambda: {"said": [0]}, said="classes − array(1) − {1}")
call("hmm.WordModel.scores", MODEL.scores, lambda: {"frames": FRAMES},
     frames="cases + a row fewer + a row more + no rows")  # fmt: skip
call("hmm.WordModel.states_of", MODEL.states_of, lambda: {"frames": FRAMES, "said": [0]},
     frames="cases + a row fewer + a row more", said="classes − array(1) − {1}")  # fmt: skip

# ---------------------------------------------------------------- networks

from minikd import layers, mlp, objectives, optim  # noqa: E402
from minikd import mixture as mix  # noqa: E402

W, B = RNG.normal(size=(4, 3)), RNG.normal(size=3)
call("layers.linear_forward", layers.linear_forward, lambda: {"x": X, "W": W, "b": B},
     x="values + a row fewer + a row more + no rows", W="values", b="values")  # fmt: skip
call("layers.linear_backward", layers.linear_backward,
     lambda: {"dz": Z, "cache": layers.linear_forward(X, W, B)[1], "input_gradient": True},
     dz="values", cache="fixed", input_gradient="flag")  # fmt: skip
ANY_SHAPE = " + ".join(sorted(RESHAPED))
call("layers.relu_forward", layers.relu_forward, lambda: {"z": Z},
     z=f"values + {ANY_SHAPE} + [] + [nan] + complex array + 4 axes")  # fmt: skip
call("layers.relu_backward", layers.relu_backward, lambda: {"dh": Z, "cache": V},
     dh="values", cache="values")  # fmt: skip
call("layers.dropout_forward", layers.dropout_forward,
     lambda: {"h": Z, "mask": np.ones((4, 3))},
     h="values + no first axis", mask="values + extra axis")  # fmt: skip
call("layers.dropout_backward", layers.dropout_backward,
     lambda: {"dout": Z, "cache": np.ones((4, 3))},
     dout="values", cache="values")  # fmt: skip
call("layers.dropout_mask", layers.dropout_mask,
     lambda: {"rng": np.random.default_rng(0), "shape": (2, 3), "rate": 0.5, "like": Z},
     rng="fixed", shape="classes + [] − 0 − {1}", rate="share",
     like=f"values + {ANY_SHAPE} + [] + [nan] + complex array + 4 axes")  # fmt: skip
call("layers.dropped_bytes", layers.dropped_bytes, lambda: {"rate": 0.5}, rate="share")

call("mlp.MLP", MLP,
     lambda: {"sizes": np.array([4, 3, 2]), "rng": np.array([1, 2]), "gain": 1.0,
              "dtype": np.float32, "device": "cpu"},
     sizes="cases + a row fewer + a row more + as whole floats + too large",
     rng="seed + no first axis + a row fewer + a row more + too large + as whole floats",
     gain="positive", dtype="fixed", device="fixed")  # fmt: skip
call("mlp.MLP.__call__", lambda x, batch=2000: net()(x, batch), lambda: {"x": X, "batch": 3},
     x="cases + a row fewer + a row more", batch="count")  # fmt: skip
call("mlp.MLP.forward", lambda x, masks=None: net().forward(x, masks),
     lambda: {"x": X, "masks": [np.ones((4, 4)), None]},
     x="values", masks="fixed + None + []")  # fmt: skip
call("mlp.MLP.backward", lambda dz, caches: net().backward(dz, caches),
     lambda: {"dz": Z, "caches": net().forward(X)[1]}, dz="values", caches="fixed")  # fmt: skip
call("mlp.MLP.with_parameters", lambda parameters: net().with_parameters(parameters),
     lambda: {"parameters": net().parameters}, parameters="fixed")  # fmt: skip
call("mlp.MLP.__getitem__", lambda k: MLP([4, 3], rng=[1, 2])[k], lambda: {"k": 0},
     errors=(IndexError,), k="index")  # fmt: skip
call("mlp.MLP.off", lambda caches: net().off(caches), lambda: {"caches": net().forward(X)[1]},
     caches="fixed")  # fmt: skip
call("mlp.MLP.save", lambda path: net().save(path), lambda: {"path": SOME / "saved.npz"},
     path="path")  # fmt: skip
NET = SOME / "net.npz"
net().save(NET)
call("mlp.MLP.load", MLP.load, lambda: {"path": NET, "device": "cpu"},
     errors=(FileNotFoundError,), path="there", device="fixed")  # fmt: skip
call("mlp.draw_masks", mlp.draw_masks,
     lambda: {"net": net(), "rates": [0.0, 0.5], "rngs": mlp.mask_generators(net(), 0), "cases": 3},
     net="fixed", rates="fixed", rngs="fixed", cases="count")  # fmt: skip
call("mlp.mask_generators", mlp.mask_generators, lambda: {"net": net(), "epoch": 0},
     net="fixed", epoch="count or 0")  # fmt: skip

call("mixture.mixture_forward", mix.mixture_forward,
     lambda: {"a": RNG.normal(size=(4, 2)), "z": STACK}, a="cases + as complex",
     z="cases + as complex + a column fewer + a column more")  # fmt: skip
call("mixture.mixture_backward", mix.mixture_backward,
     lambda: {"dlog_q": Z, "cache": mix.mixture_forward(np.zeros((4, 2)), STACK)[1]},
     dlog_q="values", cache="fixed")  # fmt: skip
call("mixture.Mixture", Mixture, lambda: {"gate": mixture().gate, "experts": mixture().experts},
     gate="fixed", experts="fixed")  # fmt: skip
call("mixture.Mixture.__call__", lambda x: mixture()(x), lambda: {"x": X},
     x="cases + a row fewer + a row more")  # fmt: skip

call("optim.sgd_step", optim.sgd_step,
     lambda: {"parameters": [W.copy()], "velocities": [W.copy()], "gradients": [W],
              "learning_rate": 0.1, "momentum": 0.9},
     parameters="fixed", velocities="fixed", gradients="fixed", learning_rate="weight",
     momentum="share")  # fmt: skip
call("optim.clip_norms", optim.clip_norms, lambda: {"W": W.copy(), "limit": 1.0},
     W="values − as complex + extra axis + a row fewer + a row more + no rows + a column fewer "
     "+ a column more + 4 axes",
     limit="positive")  # fmt: skip
call("optim.learning_rate_at", optim.learning_rate_at,
     lambda: {"step": 1, "steps": 5, "peak": 0.1, "warm_up": 1},
     step="count or 0", steps="fixed", peak="positive", warm_up="count or 0")  # fmt: skip

# ---------------------------------------------------------------- training

call("objectives.soft_targets", objectives.soft_targets,
     lambda: {"T": np.array([2.0, 3.0]), "hard_weight": 0.5},
     T="temperature + no first axis + a row fewer + a row more + function", hard_weight="weight")  # fmt: skip
call("objectives.soft_targets with alpha", objectives.soft_targets, lambda: {"T": 2.0, "alpha": 0.5},
     T="temperature + function", alpha="share + array(1) + None")  # fmt: skip
OWN = hard_targets()
call("objectives.Objective", Objective,
     lambda: {"name": "own", "cost": OWN.cost, "gradient": OWN.gradient, "needs": "y",
              "recorded": OWN.recorded, "some_labels": True, "members": (), "by_case": True, "settings": {}},
     name="some text", cost="function", gradient="function", needs="fixed + no text",
     recorded="function + None", some_labels="flag", members="fixed + [] + array(1)", by_case="flag",
     settings="a mapping + None")  # fmt: skip
call("train.Recipe", Recipe,
     lambda: {"epochs": 2, "learning_rate": np.array([0.1, 0.2]), "batch": 2, "momentum": 0.9,
              "warm_up": 1, "dropout": np.array([0.0, 0.5]), "max_norm": 2.0, "jitter": 1,
              "subpixel": False},
     epochs="count", learning_rate="positive + no first axis + a row fewer + a row more",
     batch="count", momentum="share", warm_up="count or 0",
     dropout="cases + [] + a row fewer + a row more + no rows",
     max_norm="positive + None", jitter="count or 0", subpixel="flag")  # fmt: skip
call("train.train", train,
     lambda: {"net": net(), "data": data(), "objective": hard_targets(),
              "recipe": Recipe(1, 0.01, batch=2), "rng": 0, "checkpoint": None,
              "seconds_between": 30.0, "progress": None, "observe": None, "special": None,
              "step": "plain"},
     net="fixed", data="fixed", objective="fixed", recipe="fixed", rng="seed",
     checkpoint="path + None", seconds_between="weight", progress="text + None",
     observe="function + None", special="between + None", step="fixed")  # fmt: skip

# ---------------------------------------------------------------- data

from minikd import checkpoint  # noqa: E402
from minikd import data as data_sets  # noqa: E402
from minikd.data import augment, features, idx, speech  # noqa: E402

call("data.Dataset", Dataset, lambda: {"x": X, "y": Y, "v": V, "shape": (2, 2)},
     x="cases", y="cases + None + extra axis + too large",
     v="cases + None + extra axis + a column fewer + a column more", shape="fixed")  # fmt: skip
call("data.Dataset.keep_labels", data().keep_labels, lambda: {"of": 0.5, "rng": 0},
     of="between + array(1)", rng="seed")  # fmt: skip
call("data.Dataset.with_logits", data().with_logits, lambda: {"v": V, "insist": False},
     insist="flag",
     v="cases + extra axis + a column fewer + a column more")  # fmt: skip
call("data.Dataset.take", data().take, lambda: {"chosen": np.array([0, 1])},
     chosen="cases + a row fewer + a row more + no rows + []")  # fmt: skip
for f in (Dataset.without, Dataset.only):
    call(f"data.Dataset.{f.__name__}", lambda classes, f=f: f(data(), classes),
         lambda: {"classes": np.array([1, 2])}, classes="classes − no rows")  # fmt: skip
call("data.Dataset.split", data().split, lambda: {"held_out": 1, "rng": 0},
     held_out="count", rng="seed")  # fmt: skip
call("data.load_glyphs", data_sets.load_glyphs, lambda: {"rng": 0, "train": 1, "test": 1},
     rng="seed", train="count", test="count")  # fmt: skip
call("data.load_characters", data_sets.load_characters,
     lambda: {"rng": 0, "train": 1, "test": 1},
     rng="seed", train="count", test="count")  # fmt: skip
call("data.synthesize_speech", data_sets.synthesize_speech,
     lambda: {"rng": 0, "train": 1, "test": 1, "digits": 1, "coefficients": 2},
     rng="seed", train="count", test="count", digits="count", coefficients="count")  # fmt: skip
call("data.augment.draw_shifts", augment.draw_shifts,
     lambda: {"rng": np.random.default_rng(0), "cases": 2, "pixels": 1, "subpixel": False},
     rng="fixed", cases="count or 0", pixels="count or 0", subpixel="flag")  # fmt: skip
call("data.augment.shift_images", augment.shift_images,
     lambda: {"x": X, "shifts": np.array([[0, 1]] * 4), "shape": (2, 2), "pixels": 1},
     x="values − as complex", shifts="cases + as whole floats", shape="fixed",
     pixels="count")  # fmt: skip
call("data.augment.pad_images", augment.pad_images,
     lambda: {"x": X, "shape": (2, 2), "pixels": 1},
     x="values − as complex + a row fewer + a row more + no rows", shape="fixed",
     pixels="count or 0")  # fmt: skip
call("data.features.log_mel", features.log_mel,
     lambda: {"signal": np.zeros(300), "coefficients": 4},
     signal="signal − [nan] + a row more", coefficients="count")  # fmt: skip
call("data.features.mel_filters", features.mel_filters,
     lambda: {"coefficients": 4, "points": 64}, coefficients="count", points="fixed")  # fmt: skip
IDX = SOME / "a.idx"
IDX.write_bytes(b"\0\0\x08\x01\0\0\0\x02ab")
call("data.idx.read_idx", idx.read_idx, lambda: {"path": IDX}, errors=(FileNotFoundError,),
     path="there")  # fmt: skip
call("data.catalog.title", catalog.title, lambda: {"data": "mnist"}, data="text")

SOUND = io.BytesIO()
with wave.open(SOUND, "wb") as opened:
    opened.setparams((1, 2, 8000, 2, "NONE", ""))
    opened.writeframes(b"\0\0\1\0")
RECORDINGS = [Recording(np.ones(3, np.float32), 1, "anna", 0)]
UTTERANCES = [Utterance(FRAMES.astype(np.float32), (1,), "anna")]
call("data.speech.read_wav", speech.read_wav,
     lambda: {"content": SOUND.getvalue(), "name": "sound"}, content="fixed", name="text")  # fmt: skip
call("data.speech.windows", speech.windows,
     lambda: {"utterances": UTTERANCES, "past": 1, "future": 1},
     utterances="fixed", past="count or 0", future="count or 0")  # fmt: skip
call("data.speech.join", speech.join,
     lambda: {"recordings": RECORDINGS, "digits": 1, "rng": np.random.default_rng(0)},
     recordings="fixed", digits="count", rng="fixed")  # fmt: skip
call("data.speech.Recording", Recording,
     lambda: {"signal": np.ones(3), "digit": 1, "speaker": "anna", "take": 0},
     signal="cases + a row fewer + a row more", digit="count or 0",
     speaker="text", take="count or 0")  # fmt: skip
call("data.speech.Utterance", Utterance,
     lambda: {"frames": FRAMES, "digits": np.array([1, 2]), "speaker": "anna"},
     frames="cases + a row fewer + a row more + a column fewer + a column more",
     digits="classes + too large − {1} + []",
     speaker="text")  # fmt: skip
ZIP = SOME / "recordings.zip"
with zipfile.ZipFile(ZIP, "w") as archive:
    archive.writestr("1_anna_0.wav", SOUND.getvalue())
call("data.speech.read_recordings", speech.read_recordings,
     lambda: {"path": ZIP}, errors=(FileNotFoundError,), path="there")  # fmt: skip
call("checkpoint.save_checkpoint", checkpoint.save_checkpoint,
     lambda: {"path": SOME / "c.npz", "arrays": {"x": Z}, "meta": {"n": 1}},
     path="path", arrays="fixed + dict", meta="a mapping")  # fmt: skip
call("checkpoint.load_checkpoint", checkpoint.load_checkpoint, lambda: {"path": NET},
     errors=(FileNotFoundError,), path="there")  # fmt: skip
call("checkpoint.write_atomically", checkpoint.write_atomically,
     lambda: {"path": SOME / "b", "content": b"b"}, path="path", content="fixed + bytes")  # fmt: skip
call("checkpoint.write_together", checkpoint.write_together,
     lambda: {"contents": {SOME / "b": b"b"}}, contents="fixed")  # fmt: skip

# ---------------------------------------------------------------- pages

from minikd.browser import playground  # noqa: E402

call("browser.playground.write_playground", playground.write_playground,
     lambda: {"path": SOME / "playground.html"}, path="path")  # fmt: skip

# ---------------------------------------------------------------- figures

from minikd import diagram, logits, plots, temperature  # noqa: E402

FIGURE = mpl.figure.Figure()  # not one of pyplot, which would stay open
AXES = FIGURE.subplots()
AXES.plot([1, 2], label="a line")
EXAMPLE = np.array([1.0, 2.0, -3.0])
call("temperature.plot_temperature", temperature.plot_temperature,
     lambda: {"v": EXAMPLE, "z": -EXAMPLE, "names": None, "temperatures": np.array([1.0, 4.0])},
     v="cases", z="cases + None", names="fixed + None",
     temperatures="cases + a row fewer + a row more")  # fmt: skip
call("temperature.plot_softmax_of_many", temperature.plot_softmax_of_many,
     lambda: {"v": EXAMPLE[None], "temperatures": np.array([1.0, 4.0]), "names": None},
     v="cases + a row more + a column fewer + a column more", names="fixed + None",
     temperatures="cases + a row fewer + a row more")  # fmt: skip
call("logits.parse_logits", logits.parse_logits, lambda: {"text": "1,2"}, text="some text")
(SOME / "logits.csv").write_text("1,2")
call("logits.read_logits", logits.read_logits, lambda: {"path": SOME / "logits.csv"},
     errors=(FileNotFoundError,), path="there")  # fmt: skip
call("temperature.plot_softmax_bars", temperature.plot_softmax_bars,
     lambda: {"axes": AXES, "v": EXAMPLE, "temperatures": np.array([1.0, 4.0]), "names": None},
     axes="fixed", v="cases + a row fewer + a row more", names="fixed + None",
     temperatures="cases + a row fewer + a row more")  # fmt: skip
call("temperature.plot_entropy", temperature.plot_entropy, lambda: {"axes": AXES, "v": EXAMPLE},
     axes="fixed", v="cases + a row fewer + a row more")  # fmt: skip
for f in (temperature.plot_gradient_norms, temperature.plot_limits):
    call(f"temperature.{f.__name__}", f, lambda: {"axes": AXES, "z": EXAMPLE, "v": -EXAMPLE},
         axes="fixed", z="cases", v="cases")  # fmt: skip
call("plots.say", plots.say, lambda: {"figure": FIGURE, "finding": "a", "footer": "b"},
     figure="fixed", finding="text", footer="text")  # fmt: skip
call("plots.legend_above", plots.legend_above,
     lambda: {"axes": AXES, "title": "a", "columns": 2},
     axes="fixed", title="text", columns="count")  # fmt: skip
call("plots.count", plots.count, lambda: {"mean": 1.5}, mean="number")
call("plots.signed", plots.signed, lambda: {"value": 1.5, "digits": 1},
     value="number", digits="count or 0")  # fmt: skip
call("plots.in_house_style", plots.in_house_style, lambda: {"draw": print}, draw="function")
call("plots.save_figure", plots.save_figure,
     lambda: {"figure": mpl.figure.Figure(), "path": SOME / "figure.png"}, figure="fixed",
     path="path")  # fmt: skip
call(
    "diagram.plot_distillation", diagram.plot_distillation, lambda: {"T": 4.0}, T="temperature"
)

# ---------------------------------------------------------------- experiments


@dataclass(frozen=True)
class Config:
    name: str = "toy"
    data: str = "toy"


def toy(config: Any, of: Any, kept: Any, cell: Any) -> dict[str, Any]:
    return {"seconds": 0.0, "shared_seconds": 0.0, "metrics": {"errors": 1}, "curves": {}}


EXPERIMENT = Experiment(
    "toy", "1", "Does it run?", {"toy": Config()}, toy, (), lambda record: None,
    load={"toy": lambda: 0},
)  # fmt: skip
call("experiments.Experiment.run", EXPERIMENT.run,
     lambda: {"config": Config(), "seeds": np.array([0, 1]), "out": SOME / "out",
              "device": "cpu", "progress": False, "threads": 1},
     config="fixed", seeds="classes − no rows − {1} + too large",
     out="path", device="fixed", progress="flag", threads="count + None")  # fmt: skip
RECORD = read_record(Path(minikd.__file__).parents[1] / "results" / "omitted-3.mnist.json")
from minikd import experiments, report  # noqa: E402
from minikd.experiments import own  # noqa: E402

for f in (experiments.findings, experiments.plot_record):
    call(f"experiments.{f.__name__}", f, lambda: {"record": RECORD}, record="fixed")
for f in (plots.footer, plots.seeds_of):
    call(f"plots.{f.__name__}", f, lambda: {"record": RECORD}, record="fixed")
call("experiments.read_record", read_record,
     lambda: {"path": Path(minikd.__file__).parents[1] / "results" / "omitted-3.mnist.json"},
     errors=(FileNotFoundError,), path="there")  # fmt: skip
call("experiments.full_run", experiments.full_run,
     lambda: {"name": "omitted-3", "data": "mnist"},
     errors=(FileNotFoundError,), name="fixed", data="fixed")  # fmt: skip
ROOM = SOME / "a_room.py"
ROOM.write_text("from valid_calls import EXPERIMENT")
call("experiments.own.room", own.room, lambda: {"path": ROOM}, errors=(FileNotFoundError,),
     path="there")  # fmt: skip
KEY = "omitted-3.mnist"
call("report.value_of", report.value_of,
     lambda: {"asked": f"{KEY} seeds", "records": {KEY: RECORD}},
     asked="fixed", records="fixed")  # fmt: skip
call("report.filled", report.filled,
     lambda: {"page": f"<!--= {KEY} seeds --><!--/-->", "records": {KEY: RECORD}},
     page="text", records="fixed")  # fmt: skip
call("report.check_claim", report.check_claim,
     lambda: {"claim": (KEY, "teacher_errors", ">", "1"), "records": {KEY: RECORD}},
     claim="fixed", records="fixed")  # fmt: skip
call("report.read_results", report.read_results,
     lambda: {"folder": Path(minikd.__file__).parents[1] / "results"},
     errors=(FileNotFoundError,), folder="there")  # fmt: skip

# ---------------------------------------------------------------- pages for a browser

from minikd.browser import temperature as temperature_page  # noqa: E402

call("browser.temperature.write_temperature_page", temperature_page.write_temperature_page,
     lambda: {"path": SOME / "temperature.html"}, path="path")  # fmt: skip

# ---------------------------------------------------------------- lessons

from minikd import claims, course, shipped  # noqa: E402

call("claims.claim", claims.claim,
     lambda: {"holds": True, "expected": "a", "found": "b", "teaches": "c"},
     holds="flag", expected="text", found="text", teaches="text")  # fmt: skip
call("shipped.folder", shipped.folder, lambda: {"name": "lessons"}, name="fixed")
call("course.as_notebook", course.as_notebook, lambda: {"lesson": "# %%\n1\n"}, lesson="text")
call("course.write_lessons", course.write_lessons, lambda: {"to": SOME / "lessons", "form": "script"},
     to="path", form="fixed")  # fmt: skip


def in_formats(endings: Any) -> None:
    with plots.formats(endings):
        pass


call("plots.formats", in_formats, lambda: {"endings": ["png"]}, endings="fixed")

# ---------------------------------------------------------------- what has no call

MODULES = [
    "gradcheck", "equations", "ensembles", "evaluate", "statistics", "specialists", "combination", "hmm",
    "layers", "mlp", "mixture", "optim", "objectives", "train", "data.dataset", "data.augment",
    "data.features", "data.idx", "data.catalog", "data.glyphs", "data.speech", "data.mnist",
    "data.emnist", "checkpoint", "logits", "plots", "temperature", "diagram", "experiments",
    "experiments.own", "report", "claims", "shipped", "course", "bundle", "browser.temperature",
    "browser.playground", "estimator",
]  # fmt: skip
HOLDS = "holds what minikd itself found or made"
NO_ARGUMENT = "has no argument to be wrong"
INSIDE = "is used by minikd alone, in every step of a run"
NOT_CALLED = {
    "gradcheck.GradcheckError": "is an error",
    "bundle.write_bundle": "builds the whole site",
    "course.lesson_files": NO_ARGUMENT, "course.exercise_files": NO_ARGUMENT,
    "course.draw_lessons": "runs all lessons",
    "evaluate.BiasSweep": HOLDS,
    "statistics.Mean": HOLDS, "data.dataset.Digits": HOLDS,
    "data.dataset.Characters": HOLDS, "data.speech.Speech": HOLDS, "data.catalog.Source": HOLDS,
    "train.History": HOLDS, "train.TrainingDiverged": "is an error",
    "objectives.Batch": "is made in every step of a run, and looked at by the equations",
    "objectives.hard_targets": NO_ARGUMENT, "objectives.logit_matching": NO_ARGUMENT,
    "data.mnist.load_mnist": NO_ARGUMENT,
    "data.mnist.mnist_folder": NO_ARGUMENT, "data.emnist.emnist_folder": NO_ARGUMENT,
    "data.speech.speech_file": NO_ARGUMENT,
    "data.mnist.fetch_mnist": "needs a network; `progress` alone",
    "data.emnist.fetch_emnist": "needs a network; `progress` alone",
    "data.speech.fetch_speech": "needs a network; `progress` alone",
    "data.emnist.load_emnist": "needs files; test_data tries its argument",
    "data.speech.load_speech": "needs files; test_speech tries its arguments",
    "data.speech.content_hash": INSIDE, "data.augment.cut_out": INSIDE,
    "data.dataset.is_dataset": INSIDE, "optim.share_of_peak": INSIDE,
    "experiments.Experiment": "is a declaration; `run` is tried",
    "experiments.Metric": "is a declaration", "experiments.Paper": "is a declaration",
    "report.pages_of": INSIDE, "report.write_report": "the command is tried",
    "plots.Rectangle": "is matplotlib's",
    "estimator.DistilledMLPClassifier": "scikit-learn's own checks try it, in test_estimator",
}  # fmt: skip


def public_names() -> set[str]:
    """Functions and classes of the modules, by ``__all__`` or by where they are defined."""
    names = set()
    for module in MODULES:
        there = importlib.import_module(f"minikd.{module}")
        for name, value in vars(there).items():
            known = getattr(there, "__all__", None)
            own_one = getattr(value, "__module__", "") == there.__name__
            public = name in known if known else own_one and not name.startswith("_")
            if public and callable(value) and not isinstance(value, dict):
                names.add(f"{module}.{name}")
    return names


def is_covered(name: str) -> bool:
    """Whether a call has the last part of the name, and its module or one above it."""
    module, _, last = name.rpartition(".")
    return any(
        c.name.rpartition(".")[2] == last and module.startswith(c.name.rpartition(".")[0])
        for c in CALLS
    )
