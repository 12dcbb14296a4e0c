# %% [markdown]
# # Exercise 07: Gradient descent with momentum
# *About 10 minutes. Before this: lesson 03.*
#
# **The question.** *Gradient descent* moves the weights W against the gradient g. With *momentum*,
# they do not follow the gradient of this one *batch* (the few cases of a step) but a *velocity* u,
# which keeps a share of what it was. So steps in the same direction add up, and steps to and fro
# cancel. Write one update: first the new velocity, then the new weights. The *learning rate* says
# how far a step goes.
#
# **What the paper says.** (Sections 4 and 5.1) The paper trains with stochastic gradient descent,
# which uses a few cases at a time, and gives no formula for it. There are two conventions for
# momentum. Here the new gradient counts in full and is *not* multiplied by 1 − momentum.

# %%
import numpy as np


def new_velocity(u, g, momentum):
    """The velocity after this batch.

    u : velocity until now, the shape of the weights
    g : gradient ∂C/∂W of this batch, same shape
    momentum : share of the velocity that is kept, from 0 to below 1
    Result: new velocity, same shape.
    """
    raise NotImplementedError


def new_weights(W, u, learning_rate):
    """The weights after this step.

    W : weights until now
    u : new velocity, same shape
    learning_rate : length of a step, a number above 0
    Result: new weights, same shape; W itself stays as it is.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# One weight. After each `print` stands what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        print(new_velocity(np.array([2.0]), np.array([1.0]), 0.5))  # [2.]
        print(new_weights(np.array([3.0]), np.array([2.0]), 0.25))  # [2.5]
    except NotImplementedError:
        print("the next one is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 07_momentum.py`, or `07_momentum.ipynb` if this is a notebook. With
# `--watch`, it checks again whenever you save the file; `--hint` shows the first hint, and
# `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(new_velocity=new_velocity, new_weights=new_weights)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> The velocity remembers: it keeps a share of what it was, and
# the new gradient comes on top.</details>
#
# <details><summary>Hint 2</summary> The weights go against the velocity, as far as the learning
# rate says.</details>
#
# <details><summary>Hint 3</summary> u becomes momentum * u + g; then W becomes W - learning_rate *
# u.</details>
#
# ## To think about
# 1. The gradient is the same in every step, and the momentum is 0.9. Which velocity do the weights
#    reach in the end? How much longer are the steps then than without momentum?
# 2. Which learning rate in the other convention, with 1 − momentum, gives the same steps?
