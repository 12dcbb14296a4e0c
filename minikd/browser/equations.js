// Section 2 of Hinton, Vinyals & Dean 2015, for one case: z and q are the student's logits and
// probabilities, v and p the teacher's, T is the temperature and N the number of classes.
//
// The names are those of minikd/equations.py. Where a formula subtracts nearly equal numbers, the
// lines are the same equivalent forms as there, in minikd/probabilities.py; a test holds both
// together.

const sum = (x) => x.reduce((total, each) => total + each, 0);
// Not Math.max(...x): that has one argument for each class.
const largest = (x) => x.reduce((a, b) => Math.max(a, b));

/** Eq. 1: qᵢ = exp(zᵢ/T) / Σⱼ exp(zⱼ/T). */
function softmax(z, T = 1) {
  const top = largest(z);
  const e = z.map((each) => Math.exp((each - top) / T)); // the largest exponent is 0
  const total = sum(e);
  return e.map((each) => each / total);
}

/** log qᵢ, without ever taking the logarithm of a probability that is 0. */
function logSoftmax(z, T = 1) {
  const top = largest(z);
  const first = z.indexOf(top);
  const s = z.map((each) => (each - top) / T);
  // log1p of the others keeps their digits where the answer is sure.
  const others = sum(s.map((each, i) => (i === first ? 0 : Math.exp(each))));
  return s.map((each) => each - Math.log1p(others));
}

/** H = −Σᵢ qᵢ log qᵢ, in nats. */
function entropy(z, T = 1) {
  return sum(logSoftmax(z, T).map((log) => timesLog(Math.exp(log), log)));
}

/** C = −Σᵢ pᵢ log qᵢ: the cross-entropy with the soft targets p. */
function softTargetCost(z, v, T = 1) {
  const p = softmax(v, T);
  return sum(logSoftmax(z, T).map((log, i) => timesLog(p[i], log)));
}

/** KL(p ‖ q) = C − H(p) = Σᵢ pᵢ (exp(dᵢ) − 1 − dᵢ), where dᵢ = log(qᵢ/pᵢ) and no term is negative. */
function klDivergence(z, v, T = 1) {
  const p = softmax(v, T);
  const q = softmax(z, T);
  const { eV, a, g } = exponentials(z, v, T);
  const shift = Math.log1p(sum(g) / sum(eV));
  return sum(a.map((each, i) => timesExpRemainder(p[i], each - shift, q[i])));
}

/** q − p. */
function softmaxDifference(z, v, T = 1) {
  const { eZ, eV, g } = exponentials(z, v, T);
  const [totalZ, totalV, away] = [sum(eZ), sum(eV), sum(g)];
  return g.map((each, i) => (each - (eV[i] / totalV) * away) / totalZ);
}

/** Eq. 2: ∂C/∂zᵢ = (qᵢ − pᵢ) / T. */
function softTargetGradient(z, v, T = 1) {
  return softmaxDifference(z, v, T).map((each) => each / T);
}

/** Eq. 3: (1/T) ((1 + zᵢ/T) / (N + Σⱼ zⱼ/T) − (1 + vᵢ/T) / (N + Σⱼ vⱼ/T)), for a high T. */
function highTemperatureGradient(z, v, T = 1) {
  const N = z.length;
  const a = z.map((each, i) => (each - v[i]) / T);
  const [away, sumZ, sumV] = [sum(a), sum(z.map((each) => each / T)), sum(v.map((each) => each / T))];
  // q − p with a common denominator, so that nearly equal numbers are not subtracted.
  return z.map((each, i) => (a[i] - ((1 + each / T) / (N + sumZ)) * away) / (N + sumV) / T);
}

/** Eq. 4: (zᵢ − vᵢ) / (N T²), for a high T and logits of mean 0. */
function zeroMeanGradient(z, v, T = 1) {
  return z.map((each, i) => (each - v[i]) / (z.length * T ** 2));
}

/** The length of approximation − exact as a share of that of the exact one; NaN if that is 0. */
function relativeDifference(approximation, exact) {
  const size = Math.hypot(...exact);
  return size === 0 ? NaN : Math.hypot(...approximation.map((each, i) => each - exact[i])) / size;
}

/** The T from which on an approximation stays within a share of Eq. 2: NaN if never. */
function holdsFrom(approximation, z, v, share) {
  const holds = (T) =>
    relativeDifference(approximation(z, v, T), softTargetGradient(z, v, T)) <= share;
  // What matters is T beside the logits. Far above them, the share changes no more.
  const scale = Math.max(1e-6, ...z.map(Math.abs), ...v.map(Math.abs));
  let [high, low] = [1e4 * scale, 1e4 * scale];
  if (!holds(high)) return NaN;
  while (holds(low)) {
    if (low < 1e-3 * scale) return low;
    [high, low] = [low, low / 1.05];
  }
  for (let step = 0; step < 40; step += 1) {
    const middle = Math.sqrt(low * high);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

// ---- forms that keep digits

/** −p log q, which is 0 where p is. */
function timesLog(p, log) {
  return p > 0 ? -p * log : 0;
}

/** exp(z/T) and exp(v/T), each by its largest; a, the difference of exponents; g, their own. */
function exponentials(z, v, T) {
  const [topZ, topV] = [largest(z), largest(v)];
  const eZ = z.map((each) => Math.exp((each - topZ) / T));
  const eV = v.map((each) => Math.exp((each - topV) / T));
  const [b, restOfB] = subtracted(topZ, topV);
  const a = z.map((each, i) => {
    const [difference, rest] = subtracted(each, v[i]);
    return (difference - b + (rest - restOfB)) / T;
  });
  const g = a.map((each, i) => (Math.abs(each) < 1 ? eV[i] * Math.expm1(each) : eZ[i] - eV[i]));
  return { eZ, eV, a, g };
}

/** x − y as it is rounded, and what the rounding took away (Knuth's two-sum). */
function subtracted(x, y) {
  const difference = x - y;
  const minusY = difference - x;
  return [difference, x - (difference - minusY) - (y + minusY)];
}

/** p (exp(d) − 1 − d), where q = p exp(d): by a Taylor series where d is small. */
function timesExpRemainder(p, d, q) {
  if (Math.abs(d) >= 1) return q - p - p * d;
  let series = 1; // 1 + d/3 (1 + d/4 (1 + …)); at d = 1 the rest is below 1e-16
  for (let k = 18; k > 2; k -= 1) series = 1 + (series * d) / k;
  return ((p * d ** 2) / 2) * series;
}
