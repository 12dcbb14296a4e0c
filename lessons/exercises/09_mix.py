# %% [markdown]
# # Exercise 09: T², and soft and hard targets together
# *About 20 minutes. Before this: lesson 03.*
#
# **The question.** Where labels are known, a student can learn from both: from the teacher's *soft
# targets* at a temperature T, and from *hard targets*, the labels y, at T = 1. Write the gradient
# of the hard targets, and then that of both together: T² times the soft one plus w times the hard
# one. Copy your softmax and soft_gradient into this file.
#
# **What the paper says.** (Section 2) The paper takes a weighted average of both costs, and finds
# it best to give the hard targets a much lower weight. C_soft is the cost of exercise 03. Since the
# gradients of soft targets shrink like 1/T², they are multiplied by T²; then the balance stays
# about the same when the temperature is changed. Section 4 uses a weight of 0.5 for the hard
# targets.
#
# $$C = T^2 \, C_\mathrm{soft} + w \, C_\mathrm{hard}, \quad C_\mathrm{hard} = -\log q_y \text{ at } T = 1$$

# %%
import numpy as np

# Copy your softmax and soft_gradient here.


def hard_gradient(z, y):
    """Gradient of the hard-target cost, −log q of the label, with respect to z.

    z : logits of the student, shape (B, N): B cases, N classes
    y : labels, whole numbers from 0 to N - 1, shape (B,)
    Result: ∂C/∂z, shape (B, N); not divided by B.
    """
    raise NotImplementedError


def mixed_gradient(z, v, y, T, w):
    """Gradient of T² times the soft cost plus w times the hard cost.

    z, v : logits of student and teacher, shape (B, N)
    y : labels, shape (B,)
    T : temperature of the soft targets, above 0
    w : weight of the hard targets, 0 or more
    Result: ∂C/∂z, shape (B, N); not divided by B.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# Teacher and label disagree. Who wins at w = 1? After each `print` stands what a right answer
# gives.

# %%
if __name__ == "__main__":
    try:
        z, v, y = np.array([[0.0, 0.0]]), np.array([[2.0, 0.0]]), np.array([1])
        print(hard_gradient(z, y))  # [[ 0.5 -0.5]]
        print(np.round(mixed_gradient(z, v, y, 2.0, 1.0), 2))  # [[ 0.04 -0.04]]
    except NotImplementedError:
        print("the next one is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 09_mix.py`, or `09_mix.ipynb` if this is a notebook. With
# `--watch`, it checks again whenever you save the file; `--hint` shows the first hint, and
# `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(hard_gradient=hard_gradient, mixed_gradient=mixed_gradient)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> A hard target is a soft one with all of its probability on the
# label, at T = 1.</details>
#
# <details><summary>Hint 2</summary> np.eye(N)[y] has a row for each case, with a 1 at its
# label.</details>
#
# <details><summary>Hint 3</summary> T² multiplies the soft gradient alone; w multiplies the hard
# one.</details>
#
# ## To think about
# 1. With soft targets alone, T² is no more than a factor in the learning rate. Why does it matter
#    as soon as there are hard targets?
# 2. Some write α T² for the soft and 1 − α for the hard targets. Which α has the balance of w =
#    0.5?
