# %% [markdown]
# # 18 Does label smoothing ruin a teacher?
# *Before this: lesson 07, where a digit is missing, and lesson 03 for the gradient q − p.*
#
# A label says 1 for its class and 0 for all others. *Label smoothing* says a little less than 1, and
# for every class a little more than 0. Of N classes, with a small ε, the targets are
#
#     (1 − ε) · [i = y] + ε / N
#
# Müller, Kornblith & Hinton (2019), "When Does Label Smoothing Help?", arXiv:1906.02629, found that
# it can improve a teacher's accuracy, and that students distilled from such a teacher do worse. It
# erases, they say, what the logits hold of resemblances between classes: the targets ask for the same
# probability of all wrong classes. A 3 may be as unlike an 8 as a 1 is. We look for that in the
# printed digits, in students, and in the student of lesson 07, which knows a digit from such
# resemblances alone.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, TrainingDiverged, gradcheck, hard_targets, load_glyphs, train
from minikd.claims import claim
from minikd.equations import log_softmax, softmax
from minikd.evaluate import errors, errors_per_class, sweep_bias, with_bias
from minikd.objectives import Batch, Objective, soft_targets
from minikd.plots import BLUE, GREY, HOUSE_STYLE, ORANGE, save_figure
from minikd.statistics import mean_of

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y = digits.test.x, digits.test.y
N = 10  # classes

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
EPSILON = 0.1  # how much labels are smoothed, from 0 to 1
T = (1, 2, 4, 20)  # temperatures of the students, one or more, each from 0.1 to 1000
OMITTED = 3  # the digit that some students never see
SHOWN = 8  # the digit whose logits the picture shows
WIDTH = 100  # units in each of a student's two hidden layers, 1 or more
SEEDS = range(1, 4)  # of the teachers' and the students' first weights, one or more

# %% [markdown]
# ## An objective of our own
# minikd has no label smoothing, so we write the cost and its gradient on the logits. It is the
# cross-entropy again, with other targets: the gradient is q minus the target. We check it.


# %%
def smooth_targets(epsilon):
    def targets(y):
        return (1 - epsilon) * np.eye(N)[y] + epsilon / N

    return Objective(
        f"labels smoothed by {epsilon}",
        cost=lambda z, batch: -(targets(batch.y) * log_softmax(z)).sum(-1),
        gradient=lambda z, batch: softmax(z) - targets(batch.y),
        needs="y",
    )


smoothed, some = smooth_targets(EPSILON), Batch(x=None, y=y[:5])
passed = gradcheck(
    lambda z: (smoothed.cost(z, some), lambda dC: dC[:, None] * smoothed.gradient(z, some)),
    np.random.default_rng(0).normal(0, 3, (5, N)),
    raise_exception=False,
)
print(f"q − target {'passes' if passed else 'fails'} the check of lesson 02")

# %% [markdown]
# ## Two kinds of teachers
# They have the same first weights and see the same images. Only the targets differ. For each kind
# we print how far the logit of the right class is above the mean of the others, and how far those
# differ among themselves, as a standard deviation. Both are of mean logits over the images of a class.

# %%
K = len(SEEDS)
TEACHER = Recipe(20, 0.1, batch=100, warm_up=100, jitter=2)
teachers, teacher_errors, v, above, apart, rates = {}, {}, {}, {}, {}, {}
for kind, objective in (("labels", hard_targets()), ("smoothed labels", smoothed)):
    teachers[kind] = MLP([784, 200, 200, N], rng=SEEDS)
    train(teachers[kind], digits.train, objective, TEACHER, progress=f"teachers, {kind}")
    v[kind] = teachers[kind](digits.train.x)
    v[kind] -= v[kind].mean(-1, keepdims=True)  # softmax ignores the mean
    teacher_errors[kind] = errors(teachers[kind](x), y)
    mean = np.array([v[kind][:, digits.train.y == c].mean(1) for c in range(N)])  # (N, K, N)
    others = np.array([np.delete(mean[c], c, axis=-1) for c in range(N)])
    above[kind] = np.mean([mean[c, :, c] for c in range(N)] - others.mean(-1))
    apart[kind] = others.std(-1).mean()
    print(f"{kind}: teachers {mean_of(teacher_errors[kind]).words(0)} errors; right logits "
          f"{above[kind]:.1f} above the others, and these {apart[kind]:.2f} apart: "
          f"{apart[kind] / above[kind]:.0%}")  # fmt: skip
fewer = mean_of(teacher_errors["labels"] - teacher_errors["smoothed labels"])
print(f"smoothing saves the teachers {fewer.words(1)} errors ({fewer.clearly})")

# %% [markdown]
# ## Their students
# Each teacher has a student at each T, and another that sees no image of the omitted digit. For that
# one, we count errors on the unseen digit as trained, and with the bias of its class moved to what
# is best on the test set (as in the paper; that flatters all alike). A control learns hard labels.
# The logits of smoothed teachers are smaller, and so are the gradients; their students get a rate
# that is higher in proportion, up to five times, or they would not learn enough in the same time.

# %%
each_T = np.tile(T, K).astype(float)
few = digits.train.without(OMITTED)
biases = np.round(np.arange(-5, 15.05, 0.1), 6) + 0.0  # no -0.0


def learn(who, objective, data, rate, kinds=len(T)):
    """Test logits of a stack of students; as they began, if the training of one fails."""
    seeds = np.repeat(SEEDS, kinds) + 10
    stack = MLP([784, WIDTH, WIDTH, N], rng=seeds)
    try:
        train(stack, data, objective, Recipe(15, rate, batch=100, warm_up=100), progress=who)
    except TrainingDiverged as stopped:
        print(f"{who}: {stopped}. All of this stack are tested as they began.")
        stack = MLP([784, WIDTH, WIDTH, N], rng=seeds)
    return stack(x)


def unseen_wrong(z):
    """Errors (%) on the unseen digit: as trained, and with the bias that is best on the test set."""
    best = [sweep_bias(each, y, [OMITTED], biases).best for each in z]
    moved = [with_bias(*each) for each in zip(z, [OMITTED] * len(z), best, strict=True)]
    counts = [[errors_per_class(each, y)[OMITTED] for each in those] for those in (z, moved)]
    return 100 * np.array(counts) / (y == OMITTED).sum()


control = unseen_wrong(learn("control", hard_targets(), few, 0.1, 1))
print(f"control: {control[0].mean():.0f} % of the unseen {OMITTED} wrong, then {control[1].mean():.0f} %")
wrong, unseen = {}, {}
for kind in v:
    faster = min(5, above["labels"] / max(above[kind], 1e-9))
    rates = tuple(0.02 * faster * np.maximum(1, 5 / each_T))
    transfer = digits.train.with_logits(np.repeat(v[kind], len(T), axis=0))
    z = learn(f"students, {kind}", soft_targets(each_T), transfer.unlabelled(), rates)
    wrong[kind] = errors(z, y).reshape(K, -1)
    z = learn(f"no {OMITTED}, {kind}", soft_targets(each_T), transfer.without(OMITTED), rates)
    unseen[kind] = unseen_wrong(z).reshape(2, K, -1)
    for i, t in enumerate(T):
        before, after = unseen[kind][..., i].mean(1)
        print(f"{kind}, T = {t:g}: {mean_of(wrong[kind][:, i]).words(0)} errors; without {OMITTED}: "
              f"{before:.0f} % of it wrong, {after:.0f} % with its bias moved")  # fmt: skip
