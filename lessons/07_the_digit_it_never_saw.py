# %% [markdown]
# # 07 The digit it never saw
# Section 3 of the paper ends with a surprise. Remove every 3 from the transfer set, the images
# that the student learns from. Then it never sees a 3. It only sees what the teacher says of
# *other* digits: that this 2 is a bit like a 3, and that this 8 is even more like one. On MNIST,
# the paper's student made 206 test errors, 133 of them on the 1,010 threes. With the bias of
# class 3 raised by 3.5, it made only 109, of which 14 on threes: 98.6 % of them right. This
# lesson repeats that on the bundled printed digits, which are not handwriting.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.evaluate import errors, errors_per_class, sweep_bias
from minikd.experiments import full_run, plot_record
from minikd.experiments.unseen_figure import plot_confusion
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)
threes = (digits.test.y == 3).sum()

# %% [markdown]
# ## What the full run found
# On MNIST, with the paper's networks; the record of that run comes with minikd. The *paper's
# protocol* adds the soft targets to the labels. The *best* one here goes without labels, and averages
# what the teacher says over moves of the image. What makes the difference is the matter of lesson 15.

# %%
record = full_run("omitted-3")
m = {name: np.mean(each) for name, each in record["metrics"].items()}
print("errors (on threes) -> with the best bias of 3\n  paper: 206 (133) -> 109 (14) at +3.5")
for words, which in (("its protocol here", ""), ("best protocol here", "best_")):
    was, became = (f"{m[f'{which}errors_{when}']:.0f} ({m[f'{which}omitted_errors_{when}']:.0f})"
                   for when in ("before", "after"))  # fmt: skip
    print(f"  {words}: {was} -> {became} at {m[f'{which}bias']:+.1f}")
for what, draw in (("sweep", plot_record), ("confusion", plot_confusion)):
    print("wrote", save_figure(draw(record), f"out/07_on_mnist_{what}.png"))

# %% [markdown]
# ## The teacher of lesson 05
# Large, regularized, and trained on the labels of all digits; read from lesson 05, if it was run here.

# %%
TEACHER = Recipe(
    epochs=50, learning_rate=0.1, batch=100, warm_up=100,
    dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
teacher = MLP([784, 400, 400, 10], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept", progress="teacher")  # fmt: skip
print(f"teacher: {errors(teacher(digits.test.x), digits.test.y)} errors")

# %% [markdown]
# ## A transfer set without threes
# The teacher's logits are computed once. 1000 images are held out, every 3 is removed from the others.

# %%
v = teacher(digits.train.x)
transfer, validation = digits.train.with_logits(v).split(1000, rng=4)
transfer = transfer.without(3)

# %% [markdown]
# ## Two students
# One learns from soft targets at T = 20, and sees no label. The other is a *control* without
# distillation: the same network and images, but hard labels (at a higher rate: lesson 03).

# %%
STUDENT = Recipe(epochs=40, learning_rate=0.02, batch=100, warm_up=100)
student = MLP([784, 300, 300, 10], rng=2)
train(student, transfer, soft_targets(T=20), STUDENT, progress="student")
HARD = Recipe(epochs=15, learning_rate=0.1, batch=100)
control = MLP([784, 300, 300, 10], rng=3)
train(control, transfer, hard_targets(), HARD, progress="control")
z = student(digits.test.x)
before, before_on_3 = errors(z, digits.test.y), errors_per_class(z, digits.test.y)[3]
z_control = control(digits.test.x)
control_on_3 = errors_per_class(z_control, digits.test.y)[3]
print(f"student: {before} errors, {before_on_3} of them on the {threes} threes")
print(f"control: {control_on_3} of the {threes} threes wrong")

# %% [markdown]
# ## Raise one bias
# In the transfer set, the teacher hardly ever answers "3". So the student learns a bias for class
# 3 that is too low, and we raise it. By how much? The paper chose what was best on the test set,
# which flatters the result. An honest choice asks the teacher: with which bias do the two agree
# best on held-out images of all digits? That needs no label and no test image.

# %%
biases = np.round(np.arange(-15, 15.05, 0.1), 6)
on_test = sweep_bias(z, digits.test.y, [3], biases)
by_teacher = sweep_bias(student(validation.x), validation.v.argmax(-1), [3], biases)

raised = z.copy()
raised[:, 3] += by_teacher.best
after, after_on_3 = errors(raised, digits.test.y), errors_per_class(raised, digits.test.y)[3]
print(f"bias +{by_teacher.best:.1f}: {after} errors, {after_on_3} of them on threes")
print(f"(the best bias on the test set is +{on_test.best:.1f}: {on_test.errors.min()} errors)")
# The control gets the bias that is best for it on the test set.
control_sweep = sweep_bias(z_control, digits.test.y, [3], biases)
z_control[:, 3] += control_sweep.best
control_after = errors_per_class(z_control, digits.test.y)[3]
print(f"control, bias +{control_sweep.best:.1f}: {control_after} of the {threes} threes wrong")

# %%
figure = plt.figure(figsize=(12, 5))
left, right = figure.subfigures(1, 2)
rows = (("right as trained", z.argmax(-1) == 3),
        ("right once the bias is raised", (z.argmax(-1) != 3) & (raised.argmax(-1) == 3)),
        ("still wrong", raised.argmax(-1) != 3))  # fmt: skip
for row, (title, which) in zip(left.subfigures(3, 1), rows, strict=True):
    chosen = np.flatnonzero(which & (digits.test.y == 3))
    row.suptitle(f"{title}: {len(chosen)} of {threes} threes", x=0.01, ha="left", fontsize=11)
    for axes, case in zip(row.subplots(1, 6), chosen[:6], strict=False):
        axes.imshow(digits.test.x[case].reshape(28, 28), cmap="gray_r")
    for axes in row.axes:
        axes.axis("off")
axes = right.subplots()
axes.plot(biases, control_sweep.errors, color=GREY, label="hard labels (control)")
axes.plot(biases, on_test.errors, color=BLUE, label="distilled")
for bias, count, color, marker, label in (
    (control_sweep.best, control_sweep.errors.min(), GREY, "s",
     f"control, its best bias: {control_after} of {threes} threes wrong"),
    (0, before, ORANGE, "o", f"distilled, as trained: {before_on_3} threes wrong"),
    (by_teacher.best, after, GREEN, "^",
     f"distilled, bias chosen by the teacher: {after_on_3} threes wrong"),
):  # fmt: skip
    axes.plot(bias, count, marker, color=color, ms=8, label=label)
axes.set(xlabel="added to the bias of class 3", ylabel="test errors, all digits", yscale="log")
axes.set_yticks([50, 100, 200, 500, 1000], labels=[50, 100, 200, 500, 1000])
axes.minorticks_off()
axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
title = f"With its bias raised, {threes - after_on_3} of {threes} unseen threes are right; "
title += f"with hard labels, {threes - control_after}"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/07_the_digit_it_never_saw.png"))

# %% [markdown]
# **The claim of this lesson**: the distilled student recognizes most threes, though it never saw
# one, and nearly all once their bias is raised. The student of hard labels recognizes none as
# trained, and few even with the bias that is best for it.

# %%
assert before_on_3 < 0.5 * threes
assert after_on_3 < 0.08 * threes
assert after < before
assert control_on_3 == threes
assert control_after > 0.8 * threes
