# %% [markdown]
# # 23 Any teacher: a forest
# *Before this: lesson 05, where a student learns from a teacher, and lesson 01, on the temperature.*
#
# A teacher need not be a network. Whatever gives probabilities can teach: a forest, boosted trees, a
# support vector machine, a large model behind an interface. This lesson distils a *random forest*,
# many decision trees that vote, from scikit-learn. (From PyTorch it is easier: take the logits,
# `with_logits(teacher(x))`.) Two things go wrong with a forest, and no error tells you:
#
# 1. Its probabilities are shares of votes. A class without a vote gets 0, and log 0 is no logit.
# 2. Most of its trees know by heart the images that they were trained on. There, the votes are for
#    the label, and say less of what the forest would make of a new image.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.equations import entropy
from minikd.evaluate import errors
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, PURPLE, save_figure
from minikd.statistics import mean_of

try:
    from sklearn.ensemble import RandomForestClassifier

    from minikd.estimator import DistilledMLPClassifier
except ModuleNotFoundError as missing:
    raise SystemExit("This lesson needs scikit-learn: pip install scikit-learn") from missing

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
TREES = 100  # 30 or more, so that each image is left out by some
T = 4.0  # the temperature of the soft targets
FLOORS = (1e-12, 1e-4, 1e-2)  # probabilities below are raised to it; in rising order
HARD_WEIGHT = 1.0  # of the labels beside the soft targets, for the students that see them
SEEDS = range(3)  # of the students' first weights
WIDTH = 100  # units in each of a student's two hidden layers
CASES = 2000  # training images, of 6,000 at most

# %% [markdown]
# ## Three kinds of probabilities
# Each tree of a forest is trained on images drawn with repetition, so that it misses about a third of
# them. *Out of bag* are the votes on an image of those trees alone that never saw it. They are what
# the forest says of new images, and cost nothing more. (For other classifiers, cross-validation does
# the same: `cross_val_predict(teacher, X, y, method="predict_proba")`.)

# %%
own, test = digits.train.take(np.arange(CASES)), digits.test
forest = RandomForestClassifier(TREES, oob_score=True, random_state=0).fit(own.x, own.y)
by_heart, out_of_bag = forest.predict_proba(own.x), forest.oob_decision_function_
on_test = forest.predict_proba(test.x)
for name, p in (
    ("its own images", by_heart),
    ("out of bag", out_of_bag),
    ("new images", on_test),
):
    print(f"votes: {name:15}: {100 * p.max(-1).mean():3.0f} % sure on average, {np.mean(p == 0):4.0%} of the "
          f"probabilities are 0, entropy {entropy(np.log(p + 1e-300)).mean():.2f} nats")  # fmt: skip
forests = 100 * (on_test.argmax(-1) != test.y).mean()

# %% [markdown]
# ## From probabilities to logits
# v = log p gives back p: softmax(log p) = p. With a temperature, softmax(v / T) is proportional to
# p^(1/T). That is why the floor matters: at T = 4, a probability of 10⁻¹² counts as 10⁻³, one of 10⁻²
# as 0.3. No vote among 100 trees means "less than about 0.01", and not "never".


# %%
def as_logits(p, floor):
    return np.log(np.maximum(p, floor)).astype(np.float32)


STUDENT = Recipe(epochs=60, learning_rate=0.02, batch=50, warm_up=100)
kinds = {"its own images": by_heart, "out of bag": out_of_bag}
wrong = {}


def students_of(kind, floor, hard_weight=0.0):
    """Test errors (%) of students, one for each seed, of these votes and this floor."""
    students = MLP([784, WIDTH, WIDTH, 10], SEEDS)
    transfer = own.with_logits(as_logits(kinds[kind], floor))
    train(
        students, transfer, soft_targets(T, hard_weight), STUDENT, progress=f"{kind}, {floor:g}"
    )
    z = students(test.x)
    percent, others = (
        100 * np.asarray(errors(z, test.y)) / len(test),
        z.argmax(-1) != on_test.argmax(-1),
    )
    print(f"votes {kind:15} floor {floor:<6g} weight of the labels {hard_weight:g}: "
          f"{mean_of(percent).words()} % wrong; {100 * others.mean():.0f} % answered otherwise than by the "
          "forest")  # fmt: skip
    return percent


for kind in kinds:
    for floor in FLOORS:
        wrong[kind, floor] = students_of(kind, floor)
    wrong[kind, "labels"] = students_of(kind, FLOORS[-1], HARD_WEIGHT)

alone = MLP([784, WIDTH, WIDTH, 10], SEEDS)
train(alone, own, hard_targets(), STUDENT, progress="labels alone")
labels = 100 * np.asarray(errors(alone(test.x), test.y)) / len(test)
print(f"labels alone: {mean_of(labels).words()} % wrong; the forest: {forests:.1f} %")

# %%
figure, (left, right) = plt.subplots(
    1, 2, figsize=(13, 5), width_ratios=(2, 3), layout="constrained"
)
for name, p, color in (("its own images", by_heart, ORANGE), ("out of bag", out_of_bag, BLUE),
                       ("new images", on_test, GREEN)):  # fmt: skip
    left.plot(np.sort(p.max(-1)), np.linspace(0, 100, len(p)), color=color, label=name)
left.set(
    xlabel="share of the votes for the forest's answer",
    ylabel="images with at most this share (%)",
)
left.legend(loc="upper left")
columns = [*FLOORS, "labels"]
for kind, color, step in (("its own images", ORANGE, -0.19), ("out of bag", BLUE, 0.19)):
    each = np.array([wrong[kind, column] for column in columns])
    places = np.arange(len(columns)) + step
    drawn = right.bar(places, each.mean(1), 0.36, color=color, label=f"votes: {kind}")
    right.bar_label(drawn, fmt="%.1f", padding=9, bbox={"fc": "w", "ec": "none", "pad": 1})
    right.plot(np.repeat(places, len(SEEDS)), each.ravel(), "k.", alpha=0.6)
right.axhline(forests, color=GREY, ls="--", label="the forest")
right.axhline(labels.mean(), color=PURPLE, ls=":", label="students of the labels alone")
right.set_xticks(range(len(columns)), labels=[
    *(f"floor {floor:g}" for floor in FLOORS), f"floor {FLOORS[-1]:g}\nand labels"
])  # fmt: skip
right.set(ylabel="test images wrong (%); a dot for each seed")
right.set_ylim(0, 1.3 * max(forests, labels.max(), *(each.max() for each in wrong.values())))
right.legend(loc="upper right", ncols=2)
low, high, both = (
    np.mean([wrong[kind, c].mean() for kind in kinds])
    for c in (*FLOORS[:: len(FLOORS) - 1], "labels")
)
figure.suptitle(f"A forest as a teacher: {low:.0f} % wrong with a floor of {FLOORS[0]:g} under its votes, "
                f"{high:.0f} % with {FLOORS[-1]:g}, {both:.0f} % with labels beside",
                x=0.01, ha="left", weight="bold")  # fmt: skip
print("wrote", save_figure(figure, "out/23_any_teacher.png"))

# %% [markdown]
# ## The same in one line
# `DistilledMLPClassifier` is an estimator of scikit-learn's kind: it takes any classifier with
# `predict_proba`, has the same floor, and takes soft targets from cross-validation if you say `cv=5`.

# %%
student = DistilledMLPClassifier(forest, prefit=True, temperature=T, hard_weight=HARD_WEIGHT,
                                 floor=FLOORS[-1], random_state=0).fit(own.x, own.y)  # fmt: skip
in_one_line = 100 * (1 - student.score(test.x, test.y))
print(f"in one line: {in_one_line:.1f} % wrong")

# %% [markdown]
# **The claim of this lesson**: a floor that is right for the teacher makes far better students than
# one that is too low. Votes on the forest's own images teach *better* than those out of bag: they hold
# the labels, and so they mend the forest's mistakes, while the others pass them on. With the labels
# beside, that hardly matters, and the students are better than the forest, and than labels alone.

# %%
heart, bag = (wrong[kind, FLOORS[-1]] for kind in kinds)
claim(high < 0.8 * low, f"at least a fifth fewer errors with floor {FLOORS[-1]:g} than {FLOORS[0]:g}",
      f"{high:.1f} % and {low:.1f} %", "At T = 1 a floor hardly matters: p^(1/T) is p.")  # fmt: skip
claim(heart.mean() < bag.mean(), "fewer errors by votes on the forest's own images than out of bag",
      f"{heart.mean():.1f} % and {bag.mean():.1f} %",
      "With many trees and many images, what is out of bag gets better.")  # fmt: skip
claim(both < min(forests, labels.mean()),
      "fewer errors with labels beside than by the forest, or by labels alone",
      f"{both:.1f} %; {forests:.1f} % and {labels.mean():.1f} %",
      "Where labels are many, a forest that is worse than they are has nothing to teach.")  # fmt: skip

# %% [markdown]
# ## Try
# - `T = 1`. Why does the floor hardly matter now, and what is lost?
# - `TREES = 1000` and `FLOORS = (1e-12, 1e-4, 1e-3)`. Is 1/TREES a good floor?
# - `HARD_WEIGHT = 0.1`, and then 10, beside votes out of bag.
#
# ## To think about
# 1. A support vector machine gives no probabilities, but scores. Are they logits?
# 2. A model behind an interface names its five best classes only. What would you take for the others?
# 3. The student is to replace the forest on a small device. Which votes would you use if you had a
#    million images without labels?
