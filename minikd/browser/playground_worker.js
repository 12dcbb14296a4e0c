// One student in a worker of its own; plain.js stands before this.

const STEPS = 1200, WARM_UP = 50;

/** Two pixels in each byte, as numbers from 0 to 1. */
function unpacked(pixels) {
  const x = zeros(pixels.length / 98, 196);
  x.forEach((row, n) => {
    for (let i = 0; i < 98; i++) {
      const byte = pixels[98 * n + i];
      row[2 * i] = (byte >> 4) / 15;
      row[2 * i + 1] = (byte & 15) / 15;
    }
  });
  return x;
}

/** What is wrong with a network, in words, or nothing. */
function trouble(student, z) {
  if (!z.every((row) => row.every(Number.isFinite))) return "its numbers grew beyond all bounds";
  // Where no hidden unit is on, the logits are the biases of the last layer.
  const biases = student.at(-1)[0];
  const off = z.filter((row) => row.every((each, i) => Math.abs(each - biases[i]) < 1e-9));
  return off.length > 0.9 * z.length
    ? "its hidden units went off, so it says the same of nearly all images" : "";
}

onmessage = ({ data }) => {
  const { pixels, sizes, labels, logits, settings, distilled } = data;
  const { seen, T, hard, width, rate, seed } = settings;
  const x = unpacked(pixels), test = x.slice(sizes[0] + sizes[1]);
  const heldOut = x.slice(sizes[0], sizes[0] + sizes[1]);
  const cases = labels.map((_, n) => n).filter((n) => seen.includes(labels[n]));
  const targets = cases.map((n) => [Float64Array.from(logits.subarray(10 * n, 10 * n + 10)), labels[n]]);

  const gradient = (z, target) => {
    const v = target.map(([of]) => of), y = target.map(([, of]) => of);
    if (!distilled) return hardGradient(z, y);
    return hard > 0 ? distillationGradient(z, v, y, T, hard) : softGradient(z, v, T);
  };
  const learningRate = (step) => rate * Math.min((step + 1) / WARM_UP, 1) * (1 - step / STEPS);

  // The same seed for both students: the same first weights, and the same images in each batch.
  const rng = randomNumbers(seed);
  const student = newNetwork([196, width, 10], rng);
  const batches = shuffled(cases.map((n) => x[n]), targets, STEPS, rng);

  const report = (step) => {
    const z = forward(student, test)[0], problem = trouble(student, z);
    const message = { step, steps: STEPS, problem };
    if (!problem) {
      message.test = z;
      message.heldOut = forward(student, heldOut)[0];
    }
    postMessage(message);
    return problem === "";
  };

  report(0);
  for (const step of train(student, batches, gradient, learningRate)) {
    const due = step % 100 === 0 || step === 20 || step === 50;
    if (due && !report(step)) return;
  }
};
