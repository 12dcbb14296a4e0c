// The page: controls, two workers, and the bias. It knows no mathematics but "which logit is the
// highest"; plain.js has the rest.

// ---- controls -------------------------------------------------------------------------------

const position = ({ least, most, log }, value) => (log
  ? Math.log(value / least) / Math.log(most / least) : (value - least) / (most - least));
const valueAt = ({ least, most, log, step }, at) => {
  const value = log ? least * (most / least) ** at : least + at * (most - least);
  return step === 1 ? Math.round(value) : Number(value.toPrecision(2));
};

function showSettings() {
  for (const c of DIGITS) element(`see-${c}`).checked = settings.seen.includes(c);
  for (const key of Object.keys(FIELDS)) showField(key, true);
  showBias();
}

function showField(key, number) {
  if (number) element(key).value = settings[key];
  const slider = document.querySelector(`[data-of="${key}"]`);
  if (!slider) return;
  slider.value = position(FIELDS[key], settings[key]);
  slider.setAttribute("aria-valuetext", settings[key]);
}

function changed() {
  bias = 0;
  warn("");
  writeAddress();
  showAll();
}

/** All that depends on the students, the bias, or the settings chosen since. */
function showAll() {
  showBias();
  if (!shown) return;
  drawResults();
  showFinding();
  const stale = inWords(shown.settings) !== inWords(settings);
  show("what", stale ? `These students were trained with: ${inWords(shown.settings)}. Press Train to use the new settings.` : "");
}

function makeControls() {
  for (const [title, different, what] of PRESETS) {
    const button = made("button", { type: "button" }, title);
    button.onclick = () => {
      settings = { ...DEFAULT, ...different };
      changed();
      showSettings();
      start();
      element("says").scrollIntoView({ block: "center" });
    };
    element("presets").append(made("div", { class: "preset" }, button, made("p", {}, what)));
  }
  for (const c of DIGITS) {
    const box = made("input", { type: "checkbox", id: `see-${c}` });
    box.onchange = () => {
      settings.seen = DIGITS.filter((digit) => element(`see-${digit}`).checked);
      changed();
    };
    element("digits").append(made("label", {}, box, drawing(labels.indexOf(c)), String(c)));
  }
  for (const [key, field] of Object.entries(FIELDS)) {
    const number = element(key), slider = document.querySelector(`[data-of="${key}"]`);
    Object.assign(number, { min: field.least, max: field.most, step: field.step, required: true });
    number.oninput = () => {
      if (number.value === "" || !fits(key, Number(number.value))) return;
      settings[key] = Number(number.value);
      showField(key, false);
      changed();
    };
    if (!slider) continue;
    Object.assign(slider, { min: 0, max: 1, step: 0.005 });
    slider.oninput = () => {
      settings[key] = valueAt(field, Number(slider.value));
      showField(key, true);
      changed();
    };
  }
}

// ---- training, in two workers ---------------------------------------------------------------

const source = `${element("plain").textContent}\n${element("worker").textContent}`;
const script = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
const KINDS = ["soft", "hard"], NAMES = { soft: "distilled student", hard: "student on hard labels" };
let workers = [], shown = null;
const runs = [];

function start() {
  if (settings.seen.length === 0) {
    warn("Choose at least one digit that the student may see.");
    return;
  }
  halt();
  shown = { settings: { ...settings, seen: [...settings.seen] }, soft: {}, hard: {}, finished: false };
  warn("");
  show("what", "");
  element("settings").disabled = element("train").disabled = element("bias-part").disabled = true;
  element("finding").hidden = true;
  element("stop").disabled = false;
  element("results").hidden = false;
  say("Two students are learning …");
  showBias();
  const common = { pixels, sizes: DATA.sizes, labels, logits, settings: shown.settings };
  for (const kind of KINDS) {
    const worker = new Worker(script);
    worker.onmessage = ({ data }) => receive(kind, data);
    worker.onerror = () => fail("Training broke off. Load the page again.");
    worker.postMessage({ ...common, distilled: kind === "soft" });
    workers.push(worker);
  }
}

function receive(kind, message) {
  if (workers.length === 0) return; // sent before the worker was stopped
  const student = shown[kind];
  Object.assign(student, { step: message.step, steps: message.steps, problem: message.problem });
  if (!message.problem) Object.assign(student, { test: message.test, heldOut: message.heldOut });
  const done = KINDS.map((each) => (shown[each].problem ? 1 : (shown[each].step ?? 0) / message.steps));
  element("progress").value = Math.min(...done);
  if (Math.min(...done) === 1) finish();
  else drawResults();
}

function halt() {
  workers.forEach((worker) => worker.terminate());
  workers = [];
  element("settings").disabled = element("train").disabled = false;
  element("stop").disabled = true;
}

function fail(text) {
  halt();
  say("");
  warn(text);
}

function finish() {
  halt();
  const broken = KINDS.filter((kind) => shown[kind].problem);
  if (broken.length > 0) {
    const which = broken.map((kind) => `The ${NAMES[kind]} diverged before step ${shown[kind].step}: ${shown[kind].problem}.`);
    const lower = shown.settings.T > 20 || shown.settings.hard > 8 ? ", or a lower T and weight of hard targets" : "";
    element("results").hidden = true;
    shown = null;
    fail(`${which.join(" ")} Choose a lower learning rate${lower}, and train again; ${DEFAULT.rate} works at T = ${DEFAULT.T}.`);
    return;
  }
  shown.finished = true;
  const { settings: s, soft, hard } = shown, unseen = unseenBy(s);
  say(`Done. ${sentence(totals(soft, 0), totals(hard, 0))}${unseen.length > 0 ? " Now move the bias, below." : ""}`);
  if (unseen.length > 0) {
    runs.unshift({ settings: s, ...choices() });
    drawRuns();
  }
  showAll();
}

const sentence = (soft, hard) => `Wrong on the ${TEST} test images: ${soft.wrong} by the distilled student, ${hard.wrong} by the student on hard labels.`;

function stop() {
  halt();
  drawResults();
  say(`Stopped at step ${shown.soft.step ?? 0}. What the students knew by then is below.`);
}

function reset() {
  halt();
  shown = null;
  runs.length = 0;
  settings = { ...DEFAULT };
  bias = 0;
  element("progress").value = 0;
  element("results").hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
  warn("");
  say("All settings are back, and the students are gone.");
  showSettings();
  drawRuns();
}

// ---- the bias -------------------------------------------------------------------------------

/** The classes that the slider moves: the unseen ones, or the seen ones if these are fewer. */
function movedBy(s) {
  const unseen = unseenBy(s);
  return unseen.length <= s.seen.length ? unseen : s.seen;
}

function answersOf(z, moved, added) {
  return z.map((row) => {
    let best = 0;
    const of = (i) => row[i] + (moved.includes(i) ? added : 0);
    for (let i = 1; i < row.length; i++) if (of(i) > of(best)) best = i;
    return best;
  });
}

/** How many are wrong at each bias: a case goes to the moved classes beyond a certain bias. */
function sweep(z, right, moved) {
  const inside = answersOf(z, moved, 1e6), outside = answersOf(z, moved, -1e6);
  const leads = z.map((row, n) => row[outside[n]] - row[inside[n]]);
  return BIASES.map((added) => leads.reduce(
    (wrong, lead, n) => wrong + ((added > lead ? inside[n] : outside[n]) !== right[n]), 0));
}

/** The bias with the fewest errors; of several, the middle one. */
function bestOf(wrong) {
  const fewest = Math.min(...wrong), best = BIASES.filter((_, i) => wrong[i] === fewest);
  return best[(best.length - 1) >> 1];
}

const teachersAnswers = Array.from({ length: HELD_OUT }, (_, n) => {
  const row = logits.subarray(10 * (TRANSFER + n), 10 * (TRANSFER + n + 1));
  return row.indexOf(Math.max(...row));
});

/** Wrong test images at a bias: all, of each digit, and the share right of the unseen ones. */
function totals(student, added) {
  const said = answersOf(student.test, movedBy(shown.settings), added);
  const of = DIGITS.map(() => 0), wrongOf = DIGITS.map(() => 0);
  said.forEach((digit, n) => {
    of[answers[n]] += 1;
    if (digit !== answers[n]) wrongOf[answers[n]] += 1;
  });
  const sum = (counts, digits) => digits.reduce((total, c) => total + counts[c], 0);
  const unseen = unseenBy(shown.settings);
  return {
    said, of, wrongOf, wrong: sum(wrongOf, DIGITS),
    right: 1 - sum(wrongOf, unseen) / Math.max(sum(of, unseen), 1),
  };
}

/** What the students know of the unseen digits, before and after a bias has been chosen. */
function choices() {
  const { soft, hard, settings: s } = shown, moved = movedBy(s);
  const byTeacher = bestOf(sweep(soft.heldOut, teachersAnswers, moved));
  const own = bestOf(sweep(hard.test, answers, moved));
  return {
    byTeacher, byTest: bestOf(sweep(soft.test, answers, moved)),
    before: totals(soft, 0).right, after: totals(soft, byTeacher).right,
    hardBefore: totals(hard, 0).right, hardAfter: totals(hard, own).right,
  };
}

function showBias() {
  const s = shown?.settings ?? settings, moved = movedBy(s), unseen = unseenBy(s);
  element("bias").value = element("bias-number").value = bias;
  element("bias").setAttribute("aria-valuetext", signed(bias));
  show("bias-label", `Added to the bias${moved.length > 1 ? "es" : ""} of ${listed(moved)}: ${signed(bias)}`);
  element("bias-part").hidden = moved.length === 0;
  show("why", moved.length === 0 ? "These students saw every digit, so no bias stands out."
    : moved === s.seen
      ? "The digits that the student saw got biases that are too high. Lower them, and see what it knows of the others."
      : `${unseen.length === 1 ? `No image ever was a ${unseen[0]}, so its bias is` : "No image ever was one of the unseen digits, so their biases are"} too low. Raise ${unseen.length === 1 ? "it" : "them"}, and see what the student knows.`);
}

function moveBias(to) {
  if (!Number.isFinite(to) || Math.abs(to) > 20) return;
  bias = Math.round(10 * to) / 10;
  writeAddress();
  showAll();
}

function showFinding() {
  const paragraph = element("finding"), { settings: s, finished } = shown ?? {};
  paragraph.hidden = !finished || unseenBy(s).length === 0;
  if (paragraph.hidden) return;
  const run = runs[0], unseen = unseenBy(s), moved = movedBy(s);
  const never = unseen.length === 1 ? `never saw ${unseen[0] === 8 ? "an" : "a"} ${unseen[0]}` : `never saw ${unseen.length} of the ten digits`;
  const at = bias === 0 ? "" : ` With ${signed(bias)} on the bias${moved.length > 1 ? "es" : ""} of ${listed(moved)}: ${percent(totals(shown.soft, bias).right)}.`;
  // A student of soft targets at the usual temperature is what the others are compared with.
  const others = runs.filter((each) => String(each.settings.seen) === String(s.seen)
    && (each.settings.T !== s.T || each.settings.hard !== s.hard));
  const other = others.find(({ settings: { T, hard } }) => T === DEFAULT.T && hard === 0) ?? others[0];
  paragraph.textContent = `The distilled student ${never}, and gets ${percent(run.before)} of the ${named(unseen)} right as trained.${at} `
    + `The student on hard labels gets ${percent(run.hardBefore)}, and ${percent(run.hardAfter)} with the bias that is best for it.`
    + (other ? ` Compare: at T = ${other.settings.T}, with hard targets of weight ${other.settings.hard}, an earlier student got ${percent(other.before)}, and ${percent(other.after)} with ${signed(other.byTeacher)}.` : "");
}

// ---- what the reader does -------------------------------------------------------------------

makeControls();
show("teacher", `The teacher learnt from labels of all ten digits; it gets ${DATA.teacher_errors} of ${TEST} test images wrong.`);
takeAddress();
window.onhashchange = () => {
  if (workers.length > 0) stop();
  takeAddress();
  showAll();
};
element("form").onsubmit = (event) => {
  event.preventDefault();
  start();
};
element("stop").onclick = stop;
element("reset").onclick = reset;
element("bias").oninput = () => moveBias(Number(element("bias").value));
element("bias-number").oninput = () => { if (element("bias-number").value !== "") moveBias(Number(element("bias-number").value)); };
element("by-teacher").onclick = () => moveBias(bestOf(sweep(shown.soft.heldOut, teachersAnswers, movedBy(shown.settings))));
element("by-test").onclick = () => moveBias(bestOf(sweep(shown.soft.test, answers, movedBy(shown.settings))));
element("no-bias").onclick = () => moveBias(0);
// Paper cannot be clicked.
window.onbeforeprint = () => document.querySelectorAll("details").forEach((each) => (each.open = true));
document.documentElement.dataset.ready = "yes";
