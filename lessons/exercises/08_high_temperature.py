# %% [markdown]
# # Exercise 08: High temperatures (Eq. 3 and Eq. 4)
# *About 20 minutes. Before this: lesson 04.*
#
# **The question.** What does the distillation gradient (Eq. 2, exercise 04) become if the
# *temperature* T is much higher than the *logits*, the numbers that softmax turns into
# probabilities (z of the student, v of the teacher)? First replace each exponential exp(x) by
# 1 + x, which is nearly the same for a small x: that is Eq. 3. Then suppose that the logits of each
# case add up to 0: that is Eq. 4. Derive both with pencil and paper for N classes, and write them.
#
# **What the paper says.** (Section 2.1, Eq. 3 and 4) At a high temperature, the gradient goes over
# into a multiple of the difference of the logits, provided that the logits of each case have a mean
# of 0. So distillation contains *logit matching* (exercise 10) as a limit.
#
# <details><summary>Eq. 3 and Eq. 4, to compare with what you derived</summary>
#
# $$\frac{\partial C}{\partial z_i} \approx \frac{1}{T}\left(\frac{1 + z_i/T}{N + \sum_j z_j/T} -
#   \frac{1 + v_i/T}{N + \sum_j v_j/T}\right) \quad\text{and}\quad \frac{1}{N T^2}(z_i - v_i)$$
#
# </details>

# %%
import numpy as np


def eq_3(z, v, T):
    """The gradient with 1 + x in place of exp(x) (Eq. 3).

    z : logits of the student, shape (B, N): B cases, N classes
    v : logits of the teacher, shape (B, N)
    T : temperature, far above the logits
    Result: approximate ∂C/∂z, shape (B, N).
    """
    raise NotImplementedError


def eq_4(z, v, T):
    """Eq. 3 for logits of mean 0 (Eq. 4). Subtract no means here.

    z, v : logits of student and teacher, shape (B, N); T : temperature, far above them
    Result: approximate ∂C/∂z, shape (B, N).
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# These logits have mean 0, so that both equations must agree. After each `print` stands what a
# right answer gives.

# %%
if __name__ == "__main__":
    try:
        z, v = np.array([[2.0, -2.0]]), np.array([[0.0, 0.0]])
        print(eq_3(z, v, 10.0))  # [[ 0.01 -0.01]]
        print(eq_4(z, v, 10.0))  # [[ 0.01 -0.01]]
    except NotImplementedError:
        print("the next one is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 08_high_temperature.py`, or `08_high_temperature.ipynb` if this is
# a notebook. With `--watch`, it checks again whenever you save the file; `--hint` shows the first
# hint, and `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(eq_3=eq_3, eq_4=eq_4)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> If x is small, exp(x) is nearly 1 + x. Here x is z / T.</details>
#
# <details><summary>Hint 2</summary> The sum over N classes of 1 + z_j / T is N plus the sum of
# z_j / T.</details>
#
# <details><summary>Hint 3</summary> If the logits of each case add up to 0, both denominators are
# N, and the ones cancel.</details>
#
# ## To think about
# 1. Add 1 to all of the student's logits. Which changes: Eq. 2, Eq. 3, Eq. 4? Which of them should?
# 2. At lower temperatures, logits far below the mean hardly count. When is that good for the
#    student, and when not?
