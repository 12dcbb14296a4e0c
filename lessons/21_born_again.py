# %% [markdown]
# # 21 Born again: a student as large as its teacher
# *Before this: lesson 03 on T², lesson 09 on ensembles, and lesson 11 on regularizers.*
#
# A student need not be smaller than its teacher. Furlanello et al. (2018, arXiv:1805.04770) train a
# network on the answers of one of the *same* size, then another on its answers, and so on. Their
# students beat their teachers, and an *ensemble*, the mean of all rounds, was better still. Why, if
# no round sees anything new? Mobahi et al. (2020, arXiv:2002.05715) answer for a simpler kind of
# model: each round is a *regularizer*, which keeps it from learning training cases by heart, and
# each limits it more than the last. So a few rounds may help, and further ones hurt. We try both on
# few images: with right labels, and with many wrong ones, which should not be learnt by heart.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, TrainingDiverged, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.ensembles import geometric_mean
from minikd.equations import entropy
from minikd.evaluate import errors
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, PURPLE, save_figure
from minikd.statistics import mean_of, standard_error

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
CASES = 1000  # training images, from 100 to 5000
WRONG = 0.3  # share of the labels that are wrong in the second half of the lesson, from 0 to 1
ROUNDS = 5  # students, one after the other; 1 or more
T, HIGH_T = 2.0, 4.0  # temperatures of the soft targets, above 0
HARD_WEIGHT = 1.0  # of the labels beside T² times the soft targets, for students that have both
RATE = 0.08  # the learning rate of hard targets
WIDTH = 50  # units in each of the two hidden layers, of every network
SEEDS = range(5)  # of first weights and of the wrong labels; two or more for error bars

# %% [markdown]
# ## Right labels and wrong ones
# A *stack* of networks is trained at once, a member for each seed. All members see the same images.
# In the second half, each has wrong labels of its own, drawn at random.

# %%
_, few = digits.train.split(CASES, rng=4)
drawn = [np.random.default_rng([9, k]) for k in SEEDS]
wrong_label = np.array([rng.random(CASES) < WRONG for rng in drawn])
other = (few.y + np.array([rng.integers(1, 10, CASES) for rng in drawn])) % 10
noisy = replace(few, y=np.where(wrong_label, other, few.y))
wrong_share = f"{100 * wrong_label.mean():.0f} %"
print(f"{CASES} images; {wrong_share} of the labels of the second half are wrong")

# %% [markdown]
# ## The same recipe in every round
# Round 0 learns *hard targets*, the labels. Each further round has new initial weights and learns
# *soft targets*, the probabilities of the round before at temperature T, with T² before their cost.
# Its gradient T (q − p), with the student's q and the teacher's p, may be T times as long as one of
# labels; labels of weight w add w (lesson 03). A better step must not pass for a better teacher: so
# the learning rate is divided by T + w. Beside each student we train a *fresh* network: the same
# initial weights, but hard targets; and a *control*, for as long as all rounds.

# %%
SIZES, EPOCHS = [784, WIDTH, WIDTH, 10], 20


def learn(r, data, objective, factor=1.0, epochs=EPOCHS):
    """A stack of networks of round r, trained; as they began, if training fails."""
    recipe = Recipe(epochs, RATE / factor, batch=50, warm_up=min(100, CASES // 10))
    net = MLP(SIZES, rng=[1000 * r + k for k in SEEDS])
    try:
        train(net, data, objective, recipe, rng=r)
    except TrainingDiverged as stopped:
        print(f"round {r}: {stopped}. It is tested as it began.")
        net = MLP(SIZES, rng=[1000 * r + k for k in SEEDS])
    return net


def rounds(data, first, T, w):
    """Logits of all rounds: of the test images, and of the training images."""
    net, z, v = first, [first(x)], [first(few.x)]
    for r in range(1, ROUNDS + 1):
        net = learn(r, data.with_logits(v[-1]), soft_targets(T, w), T + w)
        z.append(net(x))
        v.append(net(few.x))
    return np.array(z), np.array(v)


def percent_wrong(z):
    return 100 * np.asarray(errors(z, y)) / len(y)


KINDS = {"soft": (T, 0.0), "softer": (HIGH_T, 0.0), "both": (T, HARD_WEIGHT)}
born, answers, fresh, control = {}, {}, {}, {}
for half, data in (("right", few), ("wrong", noisy)):
    nets = [learn(r, data, hard_targets()) for r in range(ROUNDS + 1)]
    fresh[half] = np.array([net(x) for net in nets])
    longer = learn(0, data, hard_targets(), epochs=EPOCHS * (ROUNDS + 1))
    control[half] = percent_wrong(longer(x))
    for kind, (t, w) in KINDS.items():
        born[half, kind], answers[half, kind] = rounds(data, nets[0], t, w)

# %% [markdown]
# ## What each round changes
# A student's *gain* is how many points fewer it gets wrong than the fresh network of its round: the
# two differ in their targets alone. A mean over seeds is clear if it is more than two standard
# errors away from 0. The *entropy* says how soft targets are: 0 if a network is sure.

# %%
NAMES = {"soft": f"soft targets, T = {T:g}", "softer": f"soft targets, T = {HIGH_T:g}",
         "both": f"soft and hard targets, T = {T:g}"}  # fmt: skip
wrong = {key: percent_wrong(z) for key, z in born.items()}  # (rounds, seeds)
alone = {half: percent_wrong(z) for half, z in fresh.items()}
together = {key: percent_wrong(geometric_mean(z)) for key, z in (born | fresh).items()}
gain = {key: mean_of((alone[key[0]] - wrong[key])[1:].mean(0)) for key in born}
softness = {key: entropy(v).mean((1, 2)) for key, v in answers.items()}


def listed(values, digits=1):
    return "/".join(f"{each:.{digits}f}" for each in values)


for half in fresh:
    print(f"{half} labels: fresh networks {mean_of(alone[half].mean(0)).words()} % wrong, "
          f"as long as all rounds {mean_of(control[half]).words()} %; "
          f"ensemble of {ROUNDS + 1} fresh ones {mean_of(together[half]).words()} %")  # fmt: skip
    for key in [key for key in born if key[0] == half]:
        print(f"  {NAMES[key[1]]}: from round 1, {listed(wrong[key][1:].mean(1))} % wrong; "
              f"gain {gain[key].words(sign=True)} ({gain[key].clearly}); "
              f"ensemble of all rounds {mean_of(together[key]).words()} %\n"
              f"    entropy on the training images {listed(softness[key], 2)} nats")  # fmt: skip
for kind in KINDS if wrong_label.any() else ():
    follows = (answers["wrong", kind].argmax(-1) == noisy.y)[:, wrong_label]
    print(f"{NAMES[kind]}: from round 0, the answer is the wrong label for "
          f"{listed(100 * follows.mean(1), 0)} % of the images that have one")  # fmt: skip

# %%
figure, panels = plt.subplots(1, 2, figsize=(12, 5.5))
at = np.arange(ROUNDS + 1)
styles = {"soft": (BLUE, "o"), "softer": (ORANGE, "s"), "both": (GREEN, "^")}
for axes, half in zip(panels, fresh, strict=True):
    for kind, (color, marker) in styles.items():
        of = wrong[half, kind]
        axes.errorbar(at, of.mean(1), standard_error(of.T), color=color, marker=marker, capsize=3,
                      label=NAMES[kind])  # fmt: skip
    for height, color, style, label in (
        (alone[half], GREY, "--", "fresh networks, hard targets"),
        (control[half], GREY, ":", "hard targets for as long as all rounds"),
        (together[half, "soft"], BLUE, "-.", f"ensemble of all rounds, T = {T:g}"),
        (together[half], PURPLE, "-.", "ensemble of as many fresh networks"),
    ):
        axes.axhline(height.mean(), color=color, ls=style, label=label)
    axes.set_title(f"{half} labels, T = {T:g}: gain {gain[half, 'soft'].words(1, sign=True)}")
    axes.set(xlabel="round (printed digits, not handwriting)", xticks=at, ymargin=0.08)
panels[0].set_ylabel("test images wrong (%), with standard errors")
figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
title = f"Born again at T = {T:g}: {gain['right', 'soft'].value:+.1f} points gained with right "
title += f"labels, {gain['wrong', 'soft'].value:+.1f} with {wrong_share} wrong ones"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
print("wrote", save_figure(figure, "out/21_born_again.png"))

# %% [markdown]
# **The claim of this lesson**: with right labels, nothing is gained here. (Furlanello et
# al. had far larger networks and other tasks.) With many wrong labels, much is gained, and not by
# hard targets for as long. Answers become softer from round to round. At the higher T each round
# limits more, and the later ones hurt, as in the theory. An ensemble of all rounds beats the last
# round; but one of as many fresh networks does about as well.

# %%
none, much = gain["right", "soft"], gain["wrong", "soft"]
end = wrong["wrong", "soft"][-1].mean()
claim(none.value < 0.7, "less than 0.7 points gained with right labels", none.words(sign=True),
      "Very few cases may be learnt too well by heart, even with right labels.")  # fmt: skip
claim(much.value > 2 and much.clear, "clearly more than 2 points gained with wrong labels",
      much.words(sign=True),
      "It takes enough wrong labels, fewer than right ones, and several seeds.")  # fmt: skip
claim(bool(control["wrong"].mean() > end + 2), "hard targets for as long worse by over 2 points",
      f"{control['wrong'].mean():.1f} and {end:.1f} % wrong",
      "Longer training hurts only where there is something that should not be learnt.")  # fmt: skip
first, *_, last = softness["wrong", "soft"]
claim(bool(last > 1.3 * first), "entropy higher by 30 % or more", f"{first:.2f}, then {last:.2f}",
      "A network that is soft from the start can hardly become softer.")  # fmt: skip
later = wrong["wrong", "softer"].mean(1)
claim(bool(later[-1] > later[1:3].min() + 1),
      f"later rounds that hurt by more than 1 point at T = {HIGH_T:g}, with wrong labels",
      f"{later[1:3].min():.1f} % wrong after one or two rounds, {later[-1]:.1f} % at the end",
      "At a low T, or after few rounds, the limit is not yet too narrow.")  # fmt: skip
for half in fresh:
    of_born, of_fresh = together[half, "soft"].mean(), together[half].mean()
    end = wrong[half, "soft"][-1].mean()
    claim(bool(of_fresh - 1 < of_born < end - 0.7),
          f"{half} labels: an ensemble of all rounds better than the last by more than 0.7 points, "
          "and not better than fresh networks by more than 1",
          f"{of_born:.1f}, {end:.1f} and {of_fresh:.1f} % wrong",
          "An ensemble needs good members that err differently.")  # fmt: skip

# %% [markdown]
# ## Try
# - `WRONG = 0.1`, and then 0.6. How many wrong labels does it take until the rounds help?
# - `T, HIGH_T = 1.0, 8.0`. Which round is the best then?
# - `HARD_WEIGHT = 8`. Which of the wrong labels do the students follow now?
#
# ## To think about
# 1. No round sees a label that round 0 has not seen. Where does the gain come from?
# 2. Why is the rate divided by T + w? What would you have concluded without it?
