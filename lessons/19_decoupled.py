# %% [markdown]
# # 19 Which part carries the unseen class?
# *Before this: lesson 07, where a digit is missing; lesson 03, on the gradient of soft targets.*
#
# Lesson 07 took every 3 out of the *transfer set*, the images that a student learns from. The
# student found most threes all the same, because *soft targets*, the teacher's probabilities at a
# temperature T, say how much an 8 is like a 3. Zhao et al. 2022, "Decoupled Knowledge Distillation"
# (arXiv:2203.08679), split the cost of soft targets into two parts. One says how sure the teacher
# is of the right class, the other how the wrong classes compare. For accuracy they find the second
# more important, and held down by the cost. Which of them carries a digit that is never seen?

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, gradcheck, hard_targets, load_glyphs, train
from minikd import equations as eq
from minikd.claims import claim
from minikd.evaluate import errors, errors_per_class, sweep_bias, with_bias
from minikd.objectives import Batch, Objective
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, PURPLE, save_figure
from minikd.statistics import mean_of

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y, N = digits.test.x, digits.test.y, 10  # N classes

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
OMITTED = 3  # the digit that the students never see
TEMPERATURES = (1.0, 4.0, 20.0)  # of the soft targets, above 0; in rising order
BETA = 8.0  # the weight of the wrong classes for the last kind of student, 0 or more
SEEDS = range(3)  # of the students' first weights
WIDTH = 100  # units in each of a student's two hidden layers, 10 or more

# %% [markdown]
# ## The split
# The teacher has the logits v and the probabilities p at temperature T, the student z and q. What
# soft targets cost, less what no student can change, is the *Kullback-Leibler divergence*
# KL(p ‖ q) = Σ p_i log(p_i / q_i). Call the label's class y the *target class*. Among the nine
# others the teacher has the probabilities `p̂_i = p_i / (1 − p_y)`, which add up to 1; q̂ is the
# student's. So, for each of them, log(p_i / q_i) = log(p̂_i / q̂_i) + log((1 − p_y) / (1 − q_y)).
# The last term is the same for all, and their p_i add up to 1 − p_y. The sum becomes
#
#     KL(p ‖ q) = p_y log(p_y / q_y) + (1 − p_y) log((1 − p_y) / (1 − q_y))    TCKD
#                 + (1 − p_y) Σ p̂_i log(p̂_i / q̂_i)                            (1 − p_y) NCKD
#
# *TCKD*, target class knowledge distillation, is the divergence of two classes: the target, and
# all others as one. *NCKD*, non-target class knowledge distillation, is the divergence among the
# others. Its factor 1 − p_y is small where the teacher is sure. The paper *lifts* the factor: it
# puts a constant in its place, α TCKD + β NCKD.
#
# ## The gradient
# TCKD has the derivative (q_y − p_y) / T with respect to the logit of the target. What it takes
# there it gives to the others, to each its share q̂_i: it does not say which of them. NCKD has the
# derivative (q̂_i − p̂_i) / T with respect to the logits of the others, and 0 at the target. With
# α = β = 1 and the factor kept, cost and gradient must be those of soft targets.


# %%
def taken_apart(z, y, T):
    """The logits of the target and of all others as one, (..., 2), and of each other, (..., 9)."""
    is_target = np.arange(N) == y[:, None]
    others = z[..., ~is_target].reshape(*z.shape[:-1], N - 1)
    # T log Σ exp(z_i / T) over the others, which is z_i − T log q̂_i for any of them.
    as_one = others[..., :1] - T * eq.log_softmax(others, T)[..., :1]
    return np.concatenate([z[..., is_target][..., None], as_one], axis=-1), others


def decoupled(alpha, beta, kept, T, members=()):
    """T² (alpha TCKD + beta NCKD), with NCKD times 1 − p_y where that factor is kept."""

    def apart(z, batch):
        v = np.broadcast_to(batch.v, z.shape)
        (two, others), (two_v, others_v) = (taken_apart(a, batch.y, T) for a in (z, v))
        weight = beta * np.where(kept, eq.softmax(two_v, T)[..., 1:], 1)
        return two, two_v, others, others_v, weight

    def cost(z, batch):
        two, two_v, others, others_v, weight = apart(z, batch)
        tckd, nckd = eq.kl_divergence(two, two_v, T), eq.kl_divergence(others, others_v, T)
        return (T**2 * (alpha * tckd[..., None] + weight * nckd[..., None]))[..., 0]

    def gradient(z, batch):
        two, two_v, others, others_v, weight = apart(z, batch)
        target = alpha * eq.softmax_difference(two, two_v, T)[..., :1]
        rest = weight * eq.softmax_difference(others, others_v, T)
        rest = rest - target * eq.softmax(others, T)
        is_target, dz = np.arange(N) == batch.y[:, None], np.empty_like(z)
        dz[..., is_target] = (T * target)[..., 0]
        dz[..., ~is_target] = (T * rest).reshape(*z.shape[:-2], -1)
        return dz

    return Objective("decoupled", cost, gradient, needs="vy", members=members, by_case=True)


z, v = np.random.default_rng(0).normal(0, 4, (2, 100, N))
batch, off = Batch(x=None, y=np.arange(100) % N, v=v), []
for T in TEMPERATURES:
    plain, kl = decoupled(1.0, 1.0, True, T), T**2 * eq.kl_divergence(z, v, T)
    gradient = T**2 * eq.soft_target_gradient(z, v, T)
    off.append(np.abs(plain.cost(z, batch) - kl).max() / kl.max())
    off.append(np.abs(plain.gradient(z, batch) - gradient).max() / np.abs(gradient).max())
lifted = decoupled(1.0, BETA, False, T=4.0)
passed = gradcheck(lambda z: lifted.cost(z, batch).sum(), z, raise_exception=False,
                   gradient=lambda z: lifted.gradient(z, batch))  # fmt: skip
print(f"off by {max(off):.0e} at most; gradcheck {'passes' if passed else 'fails'}")

# %% [markdown]
# ## Five kinds of students
# The teacher is that of lesson 15 (if you have run that lesson in this folder, it is read from
# there). No student sees the omitted digit, and no cost has a hard target: the label only says
# which class is the target. All students are one *stack*, networks that are trained at once.

# %%
TEACHER = Recipe(epochs=50, learning_rate=0.1, batch=100, warm_up=100,
                 dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2)  # fmt: skip
teacher = MLP([784, 400, 400, N], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept", progress="teacher")  # fmt: skip
transfer = digits.train.with_logits(teacher(digits.train.x)).without(OMITTED)
KINDS = {  # α, β, whether NCKD keeps its factor, and how it is drawn
    "plain KL: TCKD + (1 − p_y) NCKD": (1, 1, True, BLUE, "o"),
    "TCKD alone": (1, 0, False, GREY, "s"),
    "NCKD alone": (0, 1, False, ORANGE, "^"),
    "TCKD + NCKD": (1, 1, False, GREEN, "D"),
    f"TCKD + β NCKD, β = {BETA:g}": (1, BETA, False, PURPLE, "v"),
}
of_members = [(*k[:3], T, seed) for k in KINDS.values() for T in TEMPERATURES for seed in SEEDS]
alpha, beta, kept, T, seeds = zip(*of_members, strict=True)
alpha, beta, kept, T = (np.array(a, np.float32)[:, None, None] for a in (alpha, beta, kept, T))
# Softer targets and heavier weights need a lower rate (lesson 03).
rates = np.maximum(0.02, 0.1 / np.sqrt(np.maximum(1, T))) / np.maximum(1, beta / 2)
recipe = Recipe(15, tuple(rates.ravel().tolist()), batch=100, warm_up=100)
students = MLP([784, WIDTH, WIDTH, N], seeds)
objective = decoupled(alpha, beta, kept > 0, T, members=(len(seeds),))
train(students, transfer, objective, recipe, progress="students")

# %% [markdown]
# ## What they find
# As in lesson 07, an unseen digit may be found only once its bias is raised. So we look twice: as
# trained, and with the bias that is best on the test set for each student, which flatters all.

# %%
seen, biases = y != OMITTED, np.round(np.arange(-20, 40.05, 0.1), 6)
found, moved, wrong = results = np.zeros((3, len(KINDS), len(TEMPERATURES), len(SEEDS)))
for at, z in zip(np.ndindex(found.shape), students(x), strict=True):
    wrong[at] = 100 * errors(z[seen], y[seen]) / seen.sum()
    best = sweep_bias(z, y, [OMITTED], biases).best
    missed = [errors_per_class(with_bias(z, OMITTED, b), y)[OMITTED] for b in (0.0, best)]
    found[at], moved[at] = 100 * (1 - np.array(missed) / (~seen).sum())
print("unseen digits found (%) as trained, then with the best bias; seen digits wrong (%)")
for t, T in enumerate(TEMPERATURES):
    p = eq.softmax(transfer.v.astype(float), T)[range(len(transfer)), transfer.y]
    print(f"T = {T:g}, where 1 − p_y is {1 - p.mean():.4f} on average")
    for k, kind in enumerate(KINDS):
        print(f"  {kind:31}", *(f"{mean_of(of).words(1):>12}" for of in results[:, k, t]))

# %%
plain, only_tckd, only_nckd, lifted, _ = found
low, high = f"T = {TEMPERATURES[0]:g}", f"T = {TEMPERATURES[-1]:g}"
figure, both = plt.subplots(1, 2, figsize=(12, 5.5), sharey=True)
for axes, of, title in zip(both, results, ("as trained", "with its best bias"), strict=False):
    for k, (kind, (*_, color, marker)) in enumerate(KINDS.items()):
        beside = np.arange(len(TEMPERATURES)) + 0.06 * (k - 2)  # equal results hide each other
        axes.plot(beside, of[k].mean(-1), f"{marker}-", color=color, ms=8, label=kind)
        axes.plot(beside, of[k], marker, color=color, ms=4, alpha=0.5)
    axes.set_xticks(range(len(TEMPERATURES)), labels=[f"T = {T:g}" for T in TEMPERATURES])
    axes.set(title=title, ylabel=f"images of the unseen {OMITTED} found (%)")
figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=3,
              title="large: means; small: each seed; printed digits, not handwriting")  # fmt: skip
shares = [f"{of[0].mean():.0f} %" for of in (plain, lifted, only_nckd, only_tckd)]
title = f"Of an unseen {OMITTED}, at {low}, plain KL finds {shares[0]} as trained,\n"
title += f"TCKD + NCKD {shares[1]}, NCKD alone {shares[2]}, and TCKD alone {shares[3]}"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
print("wrote", save_figure(figure, "out/19_decoupled.png"))

# %% [markdown]
# **The claim of this lesson**: NCKD carries the unseen class, and TCKD does not. At a low T plain
# distillation multiplies NCKD by almost nothing, and the class is lost. There it helps to lift the
# factor. At a high T, where the factor is large anyway, that helps less. But NCKD alone leaves more
# *seen* digits wrong: its gradient is 0 at the target, as if every digit were unseen.

# %%
claim(max(off) < 1e-9 and passed, "an exact split and a right gradient", f"{max(off):.0e} off",
      "At an extreme T, rounding is larger.")  # fmt: skip
claim(only_tckd.mean(-1).max() < 3 and only_nckd.mean(-1).min() > 40,
      "under 3 % of the unseen digits found by TCKD alone and over 40 % by NCKD alone, at every T",
      f"{only_tckd.mean(-1).max():.1f} % at most and {only_nckd.mean(-1).min():.1f} % at least",
      "At a very low T, or of a digit that is like no other, NCKD says little.")  # fmt: skip
gain, later = (mean_of(each) for each in (lifted - plain)[[0, -1]])
claim(plain[0].mean() < 5 and gain.value > 15 and gain.value - later.value > 15,
      f"under 5 % by plain KL at {low}, 15 points more without the factor, and less gain at {high}",
      f"{plain[0].mean():.1f} %; {gain.words(1)} more ({gain.clearly}), then {later.words(1)} more",
      "Where 1 − p_y is not small, or the bias far off, lifting gains little.")  # fmt: skip
ratio = (wrong[2].mean(-1) / np.maximum(wrong[3].mean(-1), 0.01)).min()
claim(ratio > 2, "at least twice as many seen digits wrong by NCKD alone as by TCKD + NCKD",
      f"{ratio:.1f} times as many or more", "Which T is kind to NCKD?")  # fmt: skip

# %% [markdown]
# ## Try
# - `TEMPERATURES = (2.0, 8.0)`. From where on is the factor no longer in the way?
# - `BETA = 0.1`, and then 30. Which digits get worse, seen or unseen?
#
# ## To think about
# 1. A student of NCKD alone is never told that a 5 is a 5. How can it get many fives right?
# 2. TCKD moves the logits of all others together. Why can a bias find some unseen digits even so?
