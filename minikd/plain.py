"""Knowledge distillation on one page, in plain NumPy: read this first, then ``equations.py``.

A *teacher* learns to recognize digits from labels. A smaller *student* then learns from what the
teacher says, and never sees a single 3. Afterwards it knows most threes all the same: run
``python -m minikd.plain``. The letters are the paper's (Hinton, Vinyals & Dean 2015): z are
the student's *logits*, the numbers that a network gives for the N classes, and q the
probabilities made of them; v and p are the teacher's. C is a cost; each row is a case. The
library does the same with checks, stacks and speed; tests hold them equal.
"""

import numpy as np

# ---- probabilities, costs, and their gradients, which are all that training needs -----------


def softmax(z, T=1.0):
    """Eq. 1: probabilities from logits. A high *temperature* T makes them softer, more alike."""
    e = np.exp((z - z.max(axis=-1, keepdims=True)) / T)  # the largest exponent is 0
    return e / e.sum(axis=-1, keepdims=True)


def hard_cost(z, y):
    """Cross-entropy with the labels y: −log of the probability of the right class."""
    return -np.log(softmax(z))[np.arange(len(y)), y]


def hard_gradient(z, y):
    """∂C/∂z: q − 1 at the label, q elsewhere."""
    return softmax(z) - np.eye(z.shape[-1])[y]


def soft_cost(z, v, T):
    """Cross-entropy with the *soft targets* p, the teacher's probabilities at T; times T²."""
    p, q = softmax(v, T), softmax(z, T)
    return T**2 * -(p * np.log(q)).sum(axis=-1)


def soft_gradient(z, v, T):
    """Eq. 2, ∂C/∂z = (q − p) / T, times T²: q − p fades like 1/T too, so both are made up for."""
    return T**2 * (softmax(z, T) - softmax(v, T)) / T


# ---- the network: linear layers, with ReLU and dropout between them -------------------------


def new_network(sizes, rng):
    """Random weights of the size that He et al. 2015 propose; biases 0: W₁, b₁, W₂, b₂, …"""
    parameters = []
    for i in range(len(sizes) - 1):
        W = rng.normal(0, np.sqrt(2 / sizes[i]), (sizes[i], sizes[i + 1]))
        parameters += [W, np.zeros(sizes[i + 1])]
    return parameters


def forward(parameters, x, masks=None):
    """Logits of the cases x, and the input of each linear layer, for the backward pass.

    A dropout mask is 0 for a unit that is dropped, and 1 / (1 − rate) for one that is kept.
    """
    h, inputs = x, []
    for i in range(len(parameters) // 2):
        W, b = parameters[2 * i], parameters[2 * i + 1]
        if masks is not None:
            h = h * masks[i]
        inputs.append(h)
        z = h @ W + b
        h = np.maximum(z, 0)  # ReLU
    return z, inputs


def backward(parameters, dz, inputs, masks=None):
    """Backpropagation: the gradient on the logits becomes one on every weight and bias."""
    gradients = []
    for i in reversed(range(len(inputs))):
        dW = inputs[i].T @ dz
        db = dz.sum(axis=0)
        gradients = [dW, db, *gradients]
        dh = dz @ parameters[2 * i].T
        if masks is not None:
            dh = dh * masks[i]
        dz = dh * (inputs[i] > 0)  # where ReLU's unit was on; at the images, nothing uses it
    return gradients


# ---- training: stochastic gradient descent with momentum ------------------------------------


def train(parameters, batches, gradient, learning_rate, momentum=0.9):
    """Go down the gradient, batch by batch; a batch is (cases, targets, masks)."""
    velocities = [np.zeros_like(parameter) for parameter in parameters]
    for step, (x, target, masks) in enumerate(batches):
        z, inputs = forward(parameters, x, masks)
        dz = gradient(z, target) / len(x)  # of the mean cost over the batch
        gradients = backward(parameters, dz, inputs, masks)
        for W, u, g in zip(parameters, velocities, gradients, strict=True):
            u[...] = momentum * u + g
            W[...] = W - learning_rate(step) * u


def shuffled(x, target, epochs, rng, dropout=None, batch=100):
    """Batches in random order; ``dropout`` has (units, rate) for the inputs and hidden layers."""
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            chosen, masks = order[start : start + batch], None
            if dropout is not None:
                kept = [rng.random((len(chosen), units)) >= rate for units, rate in dropout]
                masks = [k / (1 - rate) for k, (_, rate) in zip(kept, dropout, strict=True)]
            yield x[chosen], target[chosen], masks


# ---- what the paper found -------------------------------------------------------------------


def main():
    """Train a teacher, distil it into a student that never sees a 3, and raise the bias of 3."""
    from minikd.data import load_glyphs

    # 6,000 printed digits to learn from, and 4,000 to test with.
    digits, rng = load_glyphs(rng=0), np.random.default_rng(0)
    (x, y), (x_test, y_test) = ((part.x, part.y) for part in digits)

    def report(who, z):
        answers, threes = z.argmax(axis=-1), y_test == 3
        wrong, lost = np.sum(answers != y_test), np.sum(answers[threes] != 3)
        print(f"{who}: {wrong} of {len(z)} wrong, {lost} of them of the {sum(threes)} threes")

    teacher = new_network([784, 300, 300, 10], rng)
    batches = shuffled(x, y, 12, rng, dropout=((784, 0.0), (300, 0.2), (300, 0.5)))
    # The learning rate falls to 0 over the steps, 12 epochs of 60 batches.
    train(teacher, batches, hard_gradient, lambda step: 0.1 * (1 - step / 720))
    report("teacher", forward(teacher, x_test)[0])

    v, seen = forward(teacher, x)[0], y != 3  # the *transfer set*: no label, no 3
    student = new_network([784, 150, 150, 10], rng)
    batches = shuffled(x[seen], v[seen], 20, rng)
    train(student, batches, lambda z, v: soft_gradient(z, v, T=20), lambda step: 0.02)
    z = forward(student, x_test)[0]
    report("student that never saw a 3", z)
    # No case ever raised the bias of class 3. Adding to its logit is the same as raising it.
    z[:, 3] += 2.5
    report("the same, its bias of 3 raised", z)


if __name__ == "__main__":
    from minikd.threads import blas_threads

    with blas_threads(1):  # products this small are faster on one
        main()
