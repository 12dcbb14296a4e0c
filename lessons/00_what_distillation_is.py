# %% [markdown]
# # 00 What distillation is
# *Before this: nothing but NumPy. Every other term is explained where it first appears.*
#
# A neural network that answers well is often too large to use. It may need more memory than a phone
# has, or cost too much when a million people use it. Often it is not even one network but an
# *ensemble*: many networks whose answers are averaged. *Distillation* trains a small network, the
# *student*, to give the answers of the large one, the *teacher*. The teacher is trained once, on a big
# machine. The student is what you use.
#
# The method and its name come from Hinton, Vinyals & Dean (2015), *Distilling the Knowledge in a Neural
# Network*. These lessons call it "the paper".

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, TrainingDiverged, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.diagram import plot_distillation
from minikd.equations import softmax
from minikd.evaluate import errors
from minikd.plots import BLUE, GREY, HOUSE_STYLE, ORANGE, legend_above, save_figure
from minikd.temperature import plot_softmax_bars

plt.style.use(HOUSE_STYLE)

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.
# (Their names are explained below, where they are used.)

# %%
MEMBERS = 3  # networks in the ensemble that teaches, 1 or more
WIDTH = 60  # hidden units of the student, 1 or more
T = 4.0  # the temperature, above 0: how soft the teacher's answers are made
RATE = 0.1  # the student's learning rate, above 0: the size of its steps
SEED = 11  # of the student's first weights

# %% [markdown]
# ## The whole idea in one picture
# An image goes into both networks. Both say how probable they find each of the ten digits. Training
# moves the student's answer towards the teacher's. The answers in the picture are made up; those
# below are real. (The student is changed by the difference q − p of the two answers: lesson 03 says
# why, lesson 02 how.)

# %%
print("wrote", save_figure(plot_distillation(T), "out/00_what_distillation_is.png"))

# %% [markdown]
# ## A network is a function of arrays
# The images here are printed digits, not handwriting. Each has 28 × 28 pixels, so it is a row of 784
# numbers. There are ten possible answers, 0 to 9: the *classes*. A network computes a number for each
# class, its *logits*; the class with the largest logit is its answer. *Softmax* turns logits into
# probabilities: it makes them positive, and divides them by their sum.
#
# W₁, b₁, W₂ and b₂ are the network's *parameters*; the *weights* W₁ and W₂ start at random, the biases
# b₁ and b₂ at 0. h holds the *hidden units*, the results between input and output. Negative ones are
# set to 0.

# %%
digits = load_glyphs(rng=0, train=2000, test=1000)
student = MLP([784, WIDTH, 10], rng=SEED)
W1, b1, W2, b2 = student.parameters
x = digits.train.x  # (2000, 784)
h = np.maximum(x @ W1 + b1, 0)
z = h @ W2 + b2  # the logits, (2000, 10)
q = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)  # softmax
assert np.allclose(z, student(x), atol=1e-3)
assert np.allclose(q.sum(axis=1), 1, atol=1e-3)

# %% [markdown]
# ## Learning from labels: the teacher
# A *label* is the right class of an image. Images with labels form the *training set*. Training
# changes the parameters in many small steps, so that the right classes get more probability. A network
# may learn its training images by heart. So we count errors on other images, the *test set*.
#
# A *recipe* says how. *Epochs* count how often all images are gone through; *batch* is the number of
# images that each step looks at; the *learning rate* is the size of the steps. Over the first steps, the
# *warm-up*, it rises from 0 to that size, and afterwards it falls slowly back to 0.
#
# The networks of the ensemble differ only in the random numbers that they draw. So they make
# different mistakes, and the mean of their logits is right more often than one of them. (The recipe
# here also makes training harder, so that less is learnt by heart: lesson 05.)

# %%
HARDER = {"dropout": (0.0, 0.2, 0.5), "max_norm": 3.5, "jitter": 2}
teacher = MLP([784, 200, 200, 10], rng=list(range(1, MEMBERS + 1)))
train(teacher, digits.train, hard_targets(),
      Recipe(epochs=15, learning_rate=0.1, batch=100, warm_up=20, **HARDER), progress="teacher")  # fmt: skip
of_members = errors(teacher(digits.test.x), digits.test.y)
of_ensemble = errors(teacher(digits.test.x).mean(axis=0), digits.test.y)
print(f"test errors of each member: {of_members.tolist()}; of all together: {of_ensemble}")

# %% [markdown]
# ## What a label does not say
# A label says "2", and nothing else. The teacher says more: that this 2 could almost be a 3, and could
# never be a 4. What it thinks of the wrong classes shows what it takes to be alike, and that is how it
# judges images that it has never seen. Hinton calls this *dark knowledge*.
#
# A good teacher is nearly always almost sure, and then this knowledge hides in tiny numbers. So its
# logits are divided by a *temperature* T before the softmax (lesson 01). The probabilities that come out
# are *soft targets*. Here is a training image of which the teacher is fairly sure: the logit of the
# right class leads the next one by 3, or as nearly as that can be found.

# %%
v = teacher(x).mean(axis=0)  # the teacher's logits, (2000, 10)
others = np.where(np.arange(10) == digits.train.y[:, None], -np.inf, v)
lead = v[np.arange(len(v)), digits.train.y] - others.max(axis=1)
case = np.abs(lead - 3).argmin()
label = digits.train.y[case]
for t in sorted({1, T}):
    print(f"label {label}; the teacher at T = {t:g} says", np.round(softmax(v[case], t), 3))

# %% [markdown]
# ## The same student, twice
# Once it learns from the labels, once from the teacher's soft targets. All else is equal: the images,
# the weights at the start, the number of steps and the learning rate.


# %%
def learn(how, data, objective):
    """The student, trained; as it began, if training fails."""
    net = MLP([784, WIDTH, 10], rng=SEED)
    try:
        recipe = Recipe(epochs=20, learning_rate=RATE, batch=100, warm_up=20)
        train(net, data, objective, recipe)
    except TrainingDiverged as stopped:
        print(f"{how}: {stopped}. It is tested as it began.")
        net = MLP([784, WIDTH, 10], rng=SEED)
    return errors(net(digits.test.x), digits.test.y)


alone = learn("on labels", digits.train, hard_targets())
distilled = learn("on soft targets", digits.train.with_logits(v), soft_targets(T))

# %% [markdown]
# ## What it costs to use them
# For one image, each weight is multiplied once, and the product is added to a sum. So the *multiply-adds*
# for an image are as many as the weights.


# %%
def multiply_adds(net):
    return sum(W.size for W in net.parameters[::2])


large, small = multiply_adds(teacher), multiply_adds(student)
one = large // MEMBERS
for who, cost, wrong in (("the ensemble", large, of_ensemble),
                         ("one of its networks, on average", one, of_members.mean()),
                         ("the student, on labels", small, alone),
                         ("the student, on soft targets", small, distilled)):  # fmt: skip
    print(f"{who:32} {cost:9,} multiply-adds, {wrong:5.3g} test errors of {len(digits.test)}")

# %%
figure, (image, left, right) = plt.subplots(1, 3, figsize=(13, 4.2), width_ratios=(1, 3, 3.4))
image.imshow(x[case].reshape(28, 28), cmap="gray_r")
image.axis("off")
image.set_title(f"label: {label}")
plot_softmax_bars(left, v[case], sorted({1, T}))
left.set_ylabel("teacher's probability")
right.plot(np.full(MEMBERS, one), of_members, "o", color=GREY, label="networks of the ensemble")
right.plot(large, of_ensemble, "o", color=ORANGE, ms=9, label="the ensemble: teacher")
right.plot(small, alone, "s", color=GREY, ms=9, label="student, on labels")
right.plot(small, distilled, "s", color=BLUE, ms=9, label="student, on soft targets")
right.set(
    xscale="log", ylim=(0, None), xlabel="multiply-adds for an image", ylabel="test errors"
)
right.minorticks_off()
right.set_xticks(ticks := sorted({small, one, large}), labels=[f"{n:,}" for n in ticks])
share = f"{100 * small / large:.2g} %"
legend_above(
    right,
    f"With {share} of the teacher's work: {alone} errors by labels, {distilled} by soft targets",
)
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/00_small_and_large.png"))

# %% [markdown]
# **The claim of this lesson**: an ensemble answers better than its members but costs too much. A much
# smaller student learns more from the ensemble's soft targets than from the labels.

# %%
claim(of_ensemble < of_members.mean(), "fewer errors by the ensemble than by its members on average",
      f"{of_ensemble} and {of_members.mean():.1f}",
      "A mean helps only where there are several networks that make different mistakes.")  # fmt: skip
claim(10 * small < large, "a student with less than a tenth of the ensemble's multiply-adds",
      f"{small:,} and {large:,}",
      "Distillation pays where the student is much smaller than its teacher.")  # fmt: skip
claim(distilled < alone, "fewer errors by soft targets than by labels", f"{distilled} and {alone}",
      "At T = 1, a soft target says little more than a label. A student that is too narrow cannot follow "
      "its teacher. Small steps lead nowhere in time, and long ones destroy it (lesson 03).")  # fmt: skip

# %% [markdown]
# ## Try
# - `MEMBERS = 1`, then 10. What does each further network bring, and what does it cost?
# - `WIDTH = 5`, then 1000. Where do soft targets help most?
# - `T = 1`, then 20, and look at the bars.
# - `RATE = 0.2`, then 0.02. Is the student on labels still worse?
#
# ## To think about
# 1. The teacher has seen the same images as the student. Why can it tell the student anything new?
# 2. Nobody needs labels to compute soft targets. What could you do with a million unlabelled images?
# 3. Where would you use a small network rather than a large one, even if it makes a few more errors?
