"use strict";
// Knowledge distillation on one page, in plain JavaScript: minikd/plain.py, function by function.
//
// The letters are the paper's (Hinton, Vinyals & Dean 2015): z are the student's logits and q the
// probabilities made of them; v and p are the teacher's. A matrix is a list of rows, each a
// Float64Array, and in x, z and v each row is a case. A test holds all of this equal to plain.py.

// ---- probabilities, and the gradients on the logits, which are all that training needs --------

/** Eq. 1: probabilities from logits. A high temperature T makes them softer, more alike. */
function softmax(z, T = 1) {
  return z.map((row) => {
    const largest = Math.max(...row);
    const e = row.map((logit) => Math.exp((logit - largest) / T)); // the largest exponent is 0
    const sum = e.reduce((total, each) => total + each, 0);
    return e.map((each) => each / sum);
  });
}

/** ∂C/∂z of the cross-entropy with the labels y: q − 1 at the label, q elsewhere. */
function hardGradient(z, y) {
  return softmax(z).map((q, n) => q.map((each, i) => each - (i === y[n] ? 1 : 0)));
}

/** Eq. 2, ∂C/∂z = (q − p) / T, times T²: q − p fades like 1/T too, so both are made up for. */
function softGradient(z, v, T) {
  const q = softmax(z, T), p = softmax(v, T);
  return q.map((row, n) => row.map((each, i) => T ** 2 * (each - p[n][i]) / T));
}

/** Both together: hard targets have their weight beside soft targets of weight 1 (Section 2). */
function distillationGradient(z, v, y, T, hardWeight) {
  const soft = softGradient(z, v, T), hard = hardGradient(z, y);
  return soft.map((row, n) => row.map((each, i) => each + hardWeight * hard[n][i]));
}

// ---- products of matrices ---------------------------------------------------------------------

function zeros(rows, columns) {
  return Array.from({ length: rows }, () => new Float64Array(columns));
}

/** Add `factor` times one row to another. Zeros cost nothing: most pixels and many units are 0. */
function addTimes(row, factor, other) {
  if (factor === 0) return;
  for (let j = 0; j < row.length; j++) row[j] += factor * other[j];
}

/** h @ W + b */
function affine(h, W, b) {
  const z = h.map(() => Float64Array.from(b[0]));
  h.forEach((row, n) => row.forEach((each, k) => addTimes(z[n], each, W[k])));
  return z;
}

/** h.T @ dz */
function transposedTimes(h, dz) {
  const dW = zeros(h[0].length, dz[0].length);
  h.forEach((row, n) => row.forEach((each, k) => addTimes(dW[k], each, dz[n])));
  return dW;
}

/** dz @ W.T */
function timesTransposed(dz, W) {
  const transposed = zeros(W[0].length, W.length);
  W.forEach((row, k) => row.forEach((each, j) => { transposed[j][k] = each; }));
  return affine(dz, transposed, zeros(1, W.length));
}

// ---- the network: linear layers, with ReLU between them ---------------------------------------

/** Random weights of the size that He et al. 2015 propose; biases 0: W₁, b₁, W₂, b₂, … */
function newNetwork(sizes, rng) {
  const parameters = [];
  for (let i = 0; i < sizes.length - 1; i++) {
    const W = zeros(sizes[i], sizes[i + 1]);
    for (const row of W) {
      for (let j = 0; j < row.length; j++) row[j] = rng.normal() * Math.sqrt(2 / sizes[i]);
    }
    parameters.push(W, zeros(1, sizes[i + 1]));
  }
  return parameters;
}

/** Logits of the cases x, and the input of each linear layer, for the backward pass. */
function forward(parameters, x) {
  const inputs = [];
  let h = x, z;
  for (let i = 0; i < parameters.length; i += 2) {
    inputs.push(h);
    z = affine(h, parameters[i], parameters[i + 1]);
    h = z.map((row) => row.map((each) => Math.max(each, 0))); // ReLU
  }
  return [z, inputs];
}

/** Backpropagation: the gradient on the logits becomes one on every weight and bias. */
function backward(parameters, dz, inputs) {
  let gradients = [];
  for (let i = inputs.length - 1; i >= 0; i--) {
    const dW = transposedTimes(inputs[i], dz), db = zeros(1, dz[0].length);
    dz.forEach((row) => addTimes(db[0], 1, row));
    gradients = [dW, db, ...gradients];
    if (i === 0) break; // nothing uses the gradient on the images
    const dh = timesTransposed(dz, parameters[2 * i]);
    dz = dh.map((row, n) => row.map((each, k) => (inputs[i][n][k] > 0 ? each : 0)));
  }
  return gradients;
}

// ---- training: stochastic gradient descent with momentum --------------------------------------

/** Go down the gradient, batch by batch; a batch is [cases, targets]. Yields after each step. */
function* train(parameters, batches, gradient, learningRate, momentum = 0.9) {
  const velocities = parameters.map((W) => zeros(W.length, W[0].length));
  let step = 0;
  for (const [x, target] of batches) {
    const [z, inputs] = forward(parameters, x);
    const dz = gradient(z, target);
    // Of the mean cost over the batch.
    for (const row of dz) row.forEach((each, i) => { row[i] = each / x.length; });
    const gradients = backward(parameters, dz, inputs), rate = learningRate(step);
    parameters.forEach((W, w) => W.forEach((row, k) => {
      const u = velocities[w][k], g = gradients[w][k];
      for (let j = 0; j < row.length; j++) {
        u[j] = momentum * u[j] + g[j];
        row[j] -= rate * u[j];
      }
    }));
    yield ++step;
  }
}

/** So many batches in random order, from the beginning again and again. */
function* shuffled(x, target, steps, rng, batch = 50) {
  let order = [];
  for (let step = 0; step < steps; step++) {
    const chosen = [];
    while (chosen.length < batch) {
      if (order.length === 0) order = rng.permutation(x.length);
      chosen.push(order.pop());
    }
    yield [chosen.map((n) => x[n]), chosen.map((n) => target[n])];
  }
}

/** Random numbers that a seed determines, in every browser the same (Mulberry32). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const permutation = (n) => {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };
  return { normal, permutation };
}
