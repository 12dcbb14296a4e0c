// The page itself. All that it shows is one state: v, z, names, T, squared. Whatever changes the
// state calls `show`, which draws all of it. Text from outside becomes text, never markup.

const DIGITS = JSON.parse(document.getElementById("digits-data").textContent);
const [LOWEST_T, HIGHEST_T, MOST_CLASSES, LARGEST_LOGIT, LONGEST_NAME] = [0.1, 1000, 50, 1e9, 40];
const SHARE = 0.1; // an approximation that is off by more does not hold

const state = { v: [], z: [], names: [], T: 1, squared: false };
const at = (id) => document.getElementById(id);

function element(tag, options = {}, ...children) {
  const made = Object.assign(document.createElement(tag), options);
  made.append(...children);
  return made;
}

// ---- numbers as text

const signed = (text) => text.replace("-", "−");

/** A few significant digits, as in a sentence: 0.07, −12.5, 1.2 × 10⁻⁶. */
function said(x, digits = 3) {
  const rounded = Number(x.toPrecision(digits));
  const plain = rounded === 0 || (Math.abs(rounded) >= 1e-3 && Math.abs(rounded) < 1e5);
  return plain ? signed(String(rounded + 0)) : withPower(rounded.toExponential());
}

/** The same number of significant digits in each row of a column: 0.0700. */
function listed(x, digits = 3) {
  if (!Number.isFinite(x)) return "no number"; // Eq. 3 divides by N + Σⱼ zⱼ/T, which may be 0
  const size = Math.abs(Number(x.toPrecision(digits)));
  if (size === 0) return "0";
  if (size >= 1e-3 && size < 10 ** digits) return signed(x.toPrecision(digits));
  return size >= 1 && size < 1e5 ? said(x, digits) : withPower(x.toExponential(digits - 1));
}

function withPower(text) {
  const [mantissa, power] = text.split("e");
  const raised = [...power.replace("+", "")].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
  return `${signed(mantissa)} × 10${raised.join("")}`;
}

function logit(x) {
  if (Math.abs(x) < 0.005) return "0.00"; // not −0.00
  if (Math.abs(x) < 1e5) return signed(x.toFixed(Math.abs(x) < 1000 ? 2 : 0));
  return said(x, 2);
}

function percent(share) {
  if (!Number.isFinite(share)) return "more than can be said";
  return share > 10 ? `${said(share, 2)} times the length of Eq. 2` : `${said(100 * share, 2)} %`;
}

// ---- what comes from outside: pasted text, and the address

const short = (text) => (text.length > 24 ? `${text.slice(0, 24)}…` : text);

function checkedNumber(text, where) {
  const plain = text.trim().replace("−", "-");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) {
    throw new Error(`${where} is “${short(text)}”; expected a number like -1.5: write one there.`);
  }
  const number = Number(plain);
  if (!(Math.abs(number) <= LARGEST_LOGIT)) {
    throw new Error(`${where} is ${short(text)}; expected at most 1e9 in size: divide all by the same.`);
  }
  return number + 0; // a minus before 0 would only be seen
}

function checkedLogits(cells, where) {
  if (cells.length < 2 || cells.length > MOST_CLASSES) {
    const s = cells.length === 1 ? "entry" : "entries";
    throw new Error(`${where} has ${cells.length} ${s}; expected 2 to ${MOST_CLASSES}, one for each class: add or leave out some.`);
  }
  return cells.map((cell, i) => checkedNumber(cell, `${where}, entry ${i + 1},`));
}

function checkedNames(cells, where) {
  cells.forEach((cell, i) => {
    if (!cell.trim() || cell.length > LONGEST_NAME) {
      throw new Error(`${where}, name ${i + 1}, has ${cell.trim().length} characters; expected 1 to ${LONGEST_NAME}: give the class another name.`);
    }
  });
  return cells.map((cell) => cell.trim());
}

function sameLength(a, b, whose) {
  if (a.length !== b.length) {
    throw new Error(`There are ${a.length} logits of the teacher and ${b.length} ${whose}; expected as many: add or leave out some.`);
  }
}

const numbered = (N) => Array.from({ length: N }, (_, i) => String(i));

/** The cells of a line of CSV; quotes may hold a separator. */
function cellsOf(line) {
  const separator = [";", "\t", ","].find((each) => line.includes(each));
  if (!separator) return line.trim().split(/\s+/);
  const quoted = [...line.matchAll(new RegExp(`(?:^|${separator})\\s*(?:"([^"]*)"\\s*(?=${separator}|$)|([^${separator}]*))`, "g"))];
  const cells = quoted.map((found) => found[1] ?? found[2].trim());
  // Where semicolons separate, a comma is a decimal point.
  return separator === ";" ? cells.map((cell) => cell.replace(/^(\s*[+\-−]?\d+),(\d+)/, "$1.$2")) : cells;
}

function parsePasted(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim()).map((line) => cellsOf(line));
  if (lines.length === 0) throw new Error("There is no text; expected logits like 2, 1, 0.1: write or paste some.");
  const isNumber = (cell) => /^[+\-−]?[\d.]/.test(cell) && !Number.isNaN(Number(cell.replace("−", "-")));
  // A line of names has no number in it, or is the first of three.
  const named = lines.length === 3 || (lines.length > 1 && !lines[0].some(isNumber));
  const rows = named ? lines.slice(1) : lines;
  if (rows.length > 2) {
    throw new Error(`There are ${rows.length} lines of logits; expected the teacher’s and at most the student’s: leave out some.`);
  }
  const v = checkedLogits(rows[0], named ? "Line 2" : "Line 1");
  const names = named ? checkedNames(lines[0], "Line 1") : numbered(v.length);
  sameLength(v, names, "class names");
  const z = rows[1] ? checkedLogits(rows[1], named ? "Line 3" : "Line 2") : v.map(() => 0);
  sameLength(v, z, "of the student");
  return { v, z, names };
}

function checkedT(text, where) {
  const T = Number(text);
  if (text.trim() === "" || !(T >= LOWEST_T && T <= HIGHEST_T)) {
    throw new Error(`${where} is “${short(text)}”; expected ${LOWEST_T} to ${HIGHEST_T}: give a number in between.`);
  }
  return T;
}

function parseAddress(fragment) {
  const given = new Map();
  for (const pair of fragment.split("&")) {
    const [key, ...rest] = pair.split("=");
    if (!["v", "z", "names", "T", "squared"].includes(key) || given.has(key) || rest.length !== 1) {
      throw new Error(`it has “${short(pair)}”; expected v, z, names, T and squared, once each.`);
    }
    given.set(key, rest[0]);
  }
  if (!given.has("v")) throw new Error("it has no v, the teacher’s logits.");
  const v = checkedLogits(given.get("v").split(","), "v");
  const z = given.has("z") ? checkedLogits(given.get("z").split(","), "z") : v.map(() => 0);
  sameLength(v, z, "of the student");
  let names = numbered(v.length);
  if (given.has("names")) {
    try {
      names = given.get("names").split(",").map(decodeURIComponent);
    } catch {
      throw new Error("its names have a % that stands for no letter.");
    }
    names = checkedNames(names, "names");
    sameLength(v, names, "class names");
  }
  const squared = given.get("squared") ?? "0";
  if (!["0", "1"].includes(squared)) throw new Error(`squared is “${short(squared)}”; expected 0 or 1.`);
  return { v, z, names, T: checkedT(given.get("T") ?? "1", "T"), squared: squared === "1" };
}

function address() {
  const usual = state.names.every((name, i) => name === String(i));
  const names = usual ? "" : `&names=${state.names.map(encodeURIComponent).join(",")}`;
  return `#v=${state.v.join(",")}&z=${state.z.join(",")}${names}&T=${state.T}&squared=${Number(state.squared)}`;
}

/** Take the state that the address holds, or say in one line why not. */
function readAddress() {
  const fragment = location.hash.slice(1);
  if (!fragment) return;
  let read;
  try {
    read = parseAddress(fragment);
  } catch (error) {
    at("refused").textContent = `The address was not taken: ${error.message} The page shows something else; change it, or open another address.`;
    clearTimeout(writing); // so that the address can be read, and mended
    return;
  }
  change(read);
}

// ---- changes of the state

let dragged = false;
let [writing, speaking] = [0, 0];

function change(changes) {
  Object.assign(state, changes);
  at("refused").textContent = "";
  show();
  // A drag changes the state at every frame; browsers allow few changes of the address a second,
  // and a screen reader should say the last state alone.
  clearTimeout(writing);
  clearTimeout(speaking);
  writing = setTimeout(writeAddress, 200);
  speaking = setTimeout(() => {
    at("live").textContent = summary();
  }, 800);
}

function writeAddress() {
  clearTimeout(writing);
  history.replaceState(null, "", address());
}

/** The largest logit that a slider reaches: 1, 2 or 5 times a power of ten, and above all logits,
 * so that who drags one to the end can go on from there. */
function reach() {
  const most = Math.max(5, ...state.v.map(Math.abs), ...state.z.map(Math.abs));
  const power = 10 ** Math.floor(Math.log10(most) + 1e-12);
  const next = [1, 2, 5, 10].map((each) => each * power).find((each) => each > most * (1 + 1e-12));
  return Math.min(LARGEST_LOGIT, next ?? LARGEST_LOGIT);
}

const stepOf = (limit) => 10 ** Math.floor(Math.log10(limit / 100) + 1e-12);

function setLogit(letter, i, value, limit) {
  const kept = Math.min(limit, Math.max(-limit, Number(value.toPrecision(12))));
  change({ [letter]: state[letter].map((each, j) => (j === i ? kept + 0 : each)) });
}

// ---- bars that can be dragged, and are sliders for a keyboard

let limit = 10;

function slider(letter, i) {
  const whose = letter === "v" ? "teacher’s" : "student’s";
  const made = element("div", { className: "slider", tabIndex: 0, role: "slider" },
    element("span", { className: "fill" }), element("span", { className: "thumb" }));
  made.setAttribute("aria-label", `${whose} logit of ${state.names[i]}`);
  const follow = (event) => {
    const box = made.getBoundingClientRect();
    const value = (((event.clientX - box.left) / box.width) * 2 - 1) * limit;
    setLogit(letter, i, Math.round(value / stepOf(limit)) * stepOf(limit), limit);
  };
  made.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    dragged = true;
    made.setPointerCapture(event.pointerId);
    made.focus();
    // A finger may be about to scroll.
    if (event.pointerType !== "touch") follow(event);
    event.preventDefault();
  });
  made.addEventListener("pointermove", (event) => {
    if (made.hasPointerCapture(event.pointerId)) follow(event);
  });
  made.addEventListener("pointerup", (event) => {
    if (made.hasPointerCapture(event.pointerId)) follow(event);
  });
  made.addEventListener("lostpointercapture", () => {
    dragged = false;
    show();
  });
  made.addEventListener("keydown", (event) => {
    const step = stepOf(limit);
    const now = state[letter][i];
    const next = {
      ArrowRight: now + step, ArrowUp: now + step, ArrowLeft: now - step, ArrowDown: now - step,
      PageUp: now + 10 * step, PageDown: now - 10 * step, Home: -limit, End: limit,
    }[event.key];
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    setLogit(letter, i, next, limit);
  });
  return made;
}

function buildRows(panel, letter) {
  panel.querySelector(".rows").replaceChildren(...state.names.map((name, i) => element(
    "div", { className: "class" },
    element("span", { className: "name", textContent: name, title: name }),
    slider(letter, i),
    element("span", { className: "number" }),
    element("div", { className: "bar" }, element("span", { className: "fill" })),
    element("span", { className: "number" }),
  )));
}

function showRows(panel, letter, probabilities) {
  // Each row is a grid of its own, so what is as wide in all of them is said from above.
  const longest = (texts, most) => `${Math.min(most, Math.max(...texts.map((text) => text.length)) + 1)}ch`;
  panel.style.setProperty("--name", longest(state.names, 9));
  panel.style.setProperty("--logit", longest(state[letter].map(logit), 12));
  [...panel.querySelectorAll(".rows > .class")].forEach((row, i) => {
    const [, bar, number, share, probability] = row.children;
    const value = state[letter][i];
    const place = 50 + (50 * value) / limit;
    bar.setAttribute("aria-valuemin", -limit);
    bar.setAttribute("aria-valuemax", limit);
    bar.setAttribute("aria-valuenow", value);
    bar.setAttribute("aria-valuetext", `${logit(value)}, probability ${said(probabilities[i])}`);
    bar.children[0].style.left = `${Math.min(50, place)}%`;
    bar.children[0].style.width = `${Math.abs(place - 50)}%`;
    bar.children[1].style.left = `${place}%`;
    number.textContent = logit(value);
    share.children[0].style.width = `${100 * probabilities[i]}%`;
    probability.textContent = listed(probabilities[i]);
  });
}

// ---- what is computed

const mean = (x) => sum(x) / x.length;
const isCentred = (x) => Math.abs(mean(x)) <= 1e-12 * largest(x.map(Math.abs));
const saidMean = (x) => (isCentred(x) ? "0" : said(mean(x)));

/** Whether student and teacher differ by no more than a constant, which softmax ignores. */
function agree() {
  const difference = state.z.map((each, i) => each - state.v[i]);
  const size = Math.max(...state.z.map(Math.abs), ...state.v.map(Math.abs));
  return difference.every((each) => Math.abs(each - mean(difference)) <= 1e-12 * size);
}

function differences(T) {
  const exact = softTargetGradient(state.z, state.v, T);
  return [highTemperatureGradient, zeroMeanGradient].map((approximation) => {
    const share = relativeDifference(approximation(state.z, state.v, T), exact);
    return Number.isNaN(share) ? Infinity : share; // Eq. 2 is too small for a number
  });
}

function summary() {
  const { v, z, T } = state;
  const [eq3, eq4] = differences(T);
  const limits = agree()
    ? "Eq. 2 is 0."
    : `Eq. 3 differs from Eq. 2 by ${percent(eq3)}, Eq. 4 by ${percent(eq4)}.`;
  return `T is ${said(T)}. Entropy of p ${said(entropy(v, T))}, cost ${said(softTargetCost(z, v, T))}, KL ${said(klDivergence(z, v, T))} nats. ${limits}`;
}

// ---- drawing

let built = "";

function show() {
  if (!dragged) limit = reach();
  const named = JSON.stringify(state.names);
  if (named !== built) {
    buildRows(at("teacher"), "v");
    buildRows(at("student"), "z");
    built = named;
  }
  const { v, z, names, T, squared } = state;
  const [p, q] = [softmax(v, T), softmax(z, T)];
  showTemperature();
  showDigit();
  showRows(at("teacher"), "v", p);
  showRows(at("student"), "z", q);
  at("says").textContent = answer(p);
  at("answers").textContent = answer(q);
  at("mean-v").textContent = saidMean(v);
  at("mean-z").textContent = saidMean(z);
  const factor = squared ? T ** 2 : 1;
  document.querySelectorAll(".factor").forEach((each) => {
    each.textContent = squared ? "T² × " : "";
  });
  at("entropy-p").textContent = listed(entropy(v, T), 4);
  at("limit").textContent = `at most log ${names.length} = ${listed(Math.log(names.length), 4)}`;
  at("entropy-q").textContent = listed(entropy(z, T), 4);
  at("cost").textContent = listed(factor * softTargetCost(z, v, T), 4);
  at("kl").textContent = listed(factor * klDivergence(z, v, T), 4);
  showGradients(factor);
  showVerdict();
  showChart();
}

function answer(probabilities) {
  const best = probabilities.indexOf(largest(probabilities));
  const ties = probabilities.filter((each) => each === probabilities[best]).length;
  if (ties > 1) return `${ties} classes share the first place, at ${said(probabilities[best])} each.`;
  return `Most probable: ${state.names[best]}, at ${said(probabilities[best])}.`;
}

function showTemperature() {
  const { T, squared } = state;
  at("T-slider").value = Math.log10(T);
  at("T-slider").setAttribute("aria-valuetext", `T = ${said(T)}`);
  if (document.activeElement !== at("T")) at("T").value = T;
  at("T").removeAttribute("aria-invalid");
  at("T-error").textContent = "";
  at("squared").checked = squared;
}

function showGradients(factor) {
  const { z, v, names, T, squared } = state;
  const columns = [softTargetGradient, highTemperatureGradient, zeroMeanGradient].map((gradient) =>
    gradient(z, v, T).map((each) => factor * each));
  const most = columns.map((column) => largest(column.map(Math.abs)));
  at("scaled").textContent = squared
    ? "All are multiplied by T², as the paper does so that soft targets keep their weight beside labels when T changes. In the table each bar is drawn to the largest of its column."
    : "Raise T and watch them fade like 1/T²; then multiply them by T² (beside the temperature). In the table each bar is drawn to the largest of its column.";
  at("gradients").replaceChildren(...names.map((name, i) => element("tr", {},
    element("th", { scope: "row", textContent: name, title: name }),
    ...columns.map((column, k) => {
      const share = most[k] > 0 && Number.isFinite(most[k]) ? column[i] / most[k] : 0;
      const bar = element("i");
      bar.style.left = `${Math.min(50, 50 + 50 * share)}%`;
      bar.style.width = `${50 * Math.abs(share)}%`;
      return element("td", {}, listed(column[i]), element("span", { className: "track" }, bar));
    }))));
}

function showVerdict() {
  const { z, v, T } = state;
  if (agree()) {
    at("verdict").textContent = "Student and teacher give the same probabilities, so Eq. 2 is 0 at every T, and there is nothing to approximate. Move a bar of the student.";
    at("means").textContent = "";
    return;
  }
  const [eq3, eq4] = differences(T);
  const from = (gradient) => {
    const first = holdsFrom(gradient, z, v, SHARE);
    return Number.isNaN(first) ? "at no T, however high" : `from T = ${said(first)} on`;
  };
  at("verdict").textContent = `Eq. 3 is within 10 % of Eq. 2 ${from(highTemperatureGradient)}, and Eq. 4 ${from(zeroMeanGradient)}. Now, at T = ${said(T)}, Eq. 3 is off by ${percent(eq3)} and Eq. 4 by ${percent(eq4)}.`;
  at("means").textContent = isCentred(v) && isCentred(z)
    ? "The logits of both have the mean 0, as Eq. 4 needs."
    : `Eq. 4 needs logits whose mean is 0. Here the mean is ${saidMean(v)} for the teacher and ${saidMean(z)} for the student. Where the two differ, Eq. 4 stays off by the same share however high T is. “Subtract the means” changes no probability.`;
}

function showDigit() {
  const shown = DIGITS.findIndex((digit) => String(digit.v) === String(state.v));
  [...at("digits").children].forEach((button, i) =>
    button.setAttribute("aria-pressed", i === shown));
  at("image").hidden = shown < 0;
  if (shown < 0) return;
  paint(at("image"), DIGITS[shown]);
  at("image").setAttribute("aria-label", described(DIGITS[shown]));
}

const described = (digit) => `A printed ${digit.label}, 28 by 28 pixels: ${digit.title}`;

function paint(canvas, digit) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(28, 28);
  [...atob(digit.pixels)].forEach((byte, i) =>
    image.data.set([byte.charCodeAt(0), byte.charCodeAt(0), byte.charCodeAt(0), 255], 4 * i));
  context.putImageData(image, 0, 0);
}

const [LEFT, RIGHT, TOP, BOTTOM, LEAST, MOST] = [58, 12, 10, 40, 1e-4, 10];

function showChart() {
  const width = Math.max(260, at("chart").clientWidth);
  const height = 260;
  const svg = (tag, attributes, text = "") => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.textContent = text;
    return made;
  };
  const x = (T) => LEFT + ((width - LEFT - RIGHT) * Math.log10(T / LOWEST_T)) / Math.log10(HIGHEST_T / LOWEST_T);
  const y = (share) => TOP + ((height - TOP - BOTTOM) * Math.log10(MOST / share)) / Math.log10(MOST / LEAST);
  const line = (x1, y1, x2, y2, kind) => svg("line", { x1, y1, x2, y2, class: kind });
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Difference of Eq. 3 and Eq. 4 from Eq. 2 over T, on logarithmic axes. ${at("verdict").textContent}` });
  for (const T of [0.1, 1, 10, 100, 1000]) {
    picture.append(line(x(T), TOP, x(T), height - BOTTOM, "axis"),
      svg("text", { x: x(T), y: height - BOTTOM + 16, "text-anchor": T === HIGHEST_T ? "end" : "middle" }, String(T)));
  }
  for (const share of [0.0001, 0.001, 0.01, 0.1, 1, 10]) {
    picture.append(line(LEFT, y(share), width - RIGHT, y(share), share === SHARE ? "limit" : "axis"),
      svg("text", { x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }, `${said(100 * share)} %`));
  }
  picture.append(svg("text", { x: (LEFT + width - RIGHT) / 2, y: height - 6, "text-anchor": "middle" }, "temperature T"),
    line(x(state.T), TOP, x(state.T), height - BOTTOM, "now"));
  if (!agree()) {
    const points = Array.from({ length: 161 }, (_, i) => LOWEST_T * (HIGHEST_T / LOWEST_T) ** (i / 160));
    const shares = points.map(differences);
    const inside = (i, k) => i >= 0 && shares[i][k] >= LEAST && shares[i][k] <= MOST;
    ["eq3", "eq4"].forEach((kind, k) => picture.append(svg("path", {
      class: kind,
      d: points.map((T, i) => (inside(i, k) ? `${inside(i - 1, k) ? "L" : "M"}${x(T).toFixed(1)} ${y(shares[i][k]).toFixed(1)}` : "")).join(""),
    })));
  }
  at("chart").replaceChildren(picture);
}

// ---- controls

function loadDigit(digit) {
  change({ v: [...digit.v], z: [...digit.z], names: numbered(digit.v.length) });
}

at("digits").append(...DIGITS.map((digit) => {
  const canvas = element("canvas", { width: 28, height: 28 });
  canvas.setAttribute("aria-hidden", "true");
  paint(canvas, digit);
  const button = element("button", { type: "button" }, canvas, element("span", { textContent: digit.title }));
  button.addEventListener("click", () => loadDigit(digit));
  return button;
}));

at("T-slider").addEventListener("input", () =>
  change({ T: Number((10 ** Number(at("T-slider").value)).toPrecision(3)) }));
at("T").addEventListener("input", () => {
  try {
    change({ T: checkedT(at("T").value, "T") });
  } catch (error) {
    at("T").setAttribute("aria-invalid", "true");
    at("T-error").textContent = error.message;
  }
});
at("T").addEventListener("change", showTemperature);
at("squared").addEventListener("change", () => change({ squared: at("squared").checked }));

const rounded = (x) => Number(x.toPrecision(12));
at("equal").addEventListener("click", () => change({ z: [...state.v] }));
at("zeros").addEventListener("click", () => change({ z: state.v.map(() => 0) }));
at("near").addEventListener("click", () => {
  const size = Math.max(1, (largest(state.v) - Math.min(...state.v)) / 20);
  change({ z: state.v.map((each) => rounded(each + Number((size * (2 * Math.random() - 1)).toPrecision(2)))) });
});
at("centre").addEventListener("click", () => {
  const centred = (x) => x.map((each) => rounded(each - mean(x)));
  change({ v: centred(state.v), z: centred(state.z) });
});

at("use").addEventListener("click", () => {
  try {
    change(parsePasted(at("paste").value));
    at("paste-error").textContent = "";
  } catch (error) {
    at("paste-error").textContent = error.message;
  }
});
at("take").addEventListener("click", () => {
  const quoted = state.names.map((name) => (/[,;\t]/.test(name) ? `"${name}"` : name));
  at("paste").value = [quoted, state.v, state.z].map((line) => line.join(", ")).join("\n");
  at("paste-error").textContent = "";
});
at("copy").addEventListener("click", () => {
  writeAddress();
  const failed = () => { at("copied").textContent = "Please copy it from the address bar."; };
  if (!navigator.clipboard) failed();
  else navigator.clipboard.writeText(location.href).then(() => { at("copied").textContent = "Copied."; }, failed);
});

addEventListener("hashchange", readAddress);
addEventListener("resize", showChart);

loadDigit(DIGITS[0]);
readAddress();
document.documentElement.dataset.ready = "yes";
