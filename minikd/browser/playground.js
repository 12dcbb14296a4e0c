"use strict";
// The page: settings and address, two workers, charts, and the bias. It knows no mathematics but
// "which logit is the highest"; plain.js has the rest.
(() => {
  const element = (id) => document.getElementById(id);
  const DATA = JSON.parse(element("data").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const pixels = bytes(DATA.pixels), logits = new Float32Array(bytes(DATA.logits).buffer);
  const labels = Array.from(DATA.labels, Number), answers = Array.from(DATA.test_labels, Number);
  const [TRANSFER, HELD_OUT, TEST] = DATA.sizes;
  const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const BIASES = Array.from({ length: 401 }, (_, i) => (i - 200) / 10);

  // ---- settings, and the address that holds them ----------------------------------------------

  const FIELDS = {
    T: { least: 0.5, most: 100, step: "any", log: true },
    hard: { least: 0, most: 20, step: "any" },
    width: { least: 8, most: 256, step: 1 },
    rate: { least: 0.001, most: 2, step: "any", log: true },
    seed: { least: 0, most: 999999, step: 1 },
  };
  const DEFAULT = { seen: [0, 1, 2, 4, 5, 6, 7, 8, 9], T: 20, hard: 0, width: 128, rate: 0.05, seed: 1 };
  const PRESETS = [
    ["A digit it never saw", {}, "All digits but 3, as in the paper. With the bias of 3 raised, most threes are right."],
    ["Only 7 and 8", { seen: [7, 8] }, "Also from the paper: it learns a good part of eight digits from what the teacher says of two others."],
    ["T = 1 forgets", { T: 1 }, "Without 3 again. At T = 1 the teacher sounds sure of itself, and says little of any other digit."],
    ["Hard targets lower the bias", { hard: 8 }, "Without 3 again. The labels say “no 3” of every image, and push the threes down."],
  ];
  const fits = (key, value) => {
    const { least, most, step } = FIELDS[key];
    return Number.isFinite(value) && value >= least && value <= most
      && (step === "any" || Number.isInteger(value));
  };

  let settings = { ...DEFAULT }, bias = 0;

  function writeAddress() {
    const parts = [`seen=${settings.seen.join("")}`];
    for (const key of Object.keys(FIELDS)) parts.push(`${key}=${settings[key]}`);
    if (bias !== 0) parts.push(`bias=${bias}`);
    history.replaceState(null, "", `#${parts.join("&")}`);
  }

  /** What an address says; of a part that is not understood, its default and a warning. */
  function readAddress(text) {
    const read = { ...DEFAULT }, unknown = [];
    let moved = 0;
    for (const part of text.split("&").filter(Boolean)) {
      const [, key, value] = /^([a-zA-Z]+)=([0-9.+-]+)$/.exec(part) ?? [];
      if (key === "seen" && /^[0-9]+$/.test(value)) read.seen = DIGITS.filter((c) => value.includes(c));
      else if (Object.hasOwn(FIELDS, key) && fits(key, Number(value))) read[key] = Number(value);
      else if (key === "bias" && Math.abs(Number(value)) <= 20) moved = Math.round(10 * value) / 10;
      else unknown.push(part.length > 40 ? `${part.slice(0, 40)}…` : part);
    }
    return [read, moved, unknown];
  }

  function takeAddress() {
    const [read, moved, unknown] = readAddress(location.hash.slice(1));
    settings = read;
    bias = moved;
    warn(unknown.length === 0 ? "" : `This page does not understand “${unknown.slice(0, 3).join("”, “")}” in its address. It uses its own settings instead.`);
    showSettings();
  }

  // ---- words and small helpers ----------------------------------------------------------------

  const show = (id, text) => { element(id).textContent = text; };
  const say = (text) => show("says", text);
  function warn(text) {
    show("warning", text);
    element("warning").hidden = text === "";
  }
  const percent = (share) => `${Math.round(100 * share)} %`;
  const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
  const listed = (digits) => (digits.length < 2 ? digits.join("")
    : `${digits.slice(0, -1).join(", ")} and ${digits.at(-1)}`);
  const PLURAL = ["zeros", "ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights", "nines"];
  const unseenBy = ({ seen }) => DIGITS.filter((c) => !seen.includes(c));
  /** How the unseen digits are called in a sentence. */
  const named = (unseen) => (unseen.length === 1 ? PLURAL[unseen[0]] : "unseen digits");
  const inWords = (s) => `${s.seen.length === 10 ? "all digits" : s.seen.length > 5 ? `no ${listed(unseenBy(s))}` : `only ${listed(s.seen)}`}; T = ${s.T}; hard targets ${s.hard}; width ${s.width}; learning rate ${s.rate}; seed ${s.seed}`;

  function made(tag, attributes = {}, ...children) {
    const inSvg = ["rect", "line", "text", "polyline"].includes(tag);
    const node = inSvg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  /** An image of the data as a small canvas, black on white as in print. */
  function drawing(n) {
    const canvas = made("canvas", { width: 14, height: 14, "aria-hidden": "true" });
    const context = canvas.getContext("2d"), image = context.createImageData(14, 14);
    for (let i = 0; i < 196; i++) {
      const byte = pixels[98 * n + (i >> 1)], grey = 255 - 17 * (i % 2 ? byte & 15 : byte >> 4);
      image.data.set([grey, grey, grey, 255], 4 * i);
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

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

  // ---- drawings -------------------------------------------------------------------------------

  let images = [];

  function drawResults() {
    if (!shown.soft.test || !shown.hard.test) return;
    element("bias-part").disabled = false;
    const now = {}, was = {};
    for (const kind of KINDS) {
      [now[kind], was[kind]] = [totals(shown[kind], bias), totals(shown[kind], 0)];
      const { step, steps } = shown[kind];
      show(`total-${kind}`, `${now[kind].wrong} of ${TEST} wrong${step < steps ? `, step ${step} of ${steps}` : ""}`);
      drawBars(element(`bars-${kind}`), now[kind], was[kind]);
    }
    drawNumbers(now, was);
    drawSweep();
    drawImages(now.soft.said, was.soft.said);
  }

  function drawBars(svg, now, was) {
    const { seen } = shown.settings, share = (totals, c) => totals.wrongOf[c] / totals.of[c];
    const at = (value) => 160 - 140 * value;
    svg.replaceChildren();
    for (const tick of [0, 0.5, 1]) {
      svg.append(made("line", { class: "axis", x1: 38, x2: 398, y1: at(tick), y2: at(tick) }),
        made("text", { class: "faint", x: 34, y: at(tick) + 4, "text-anchor": "end" }, percent(tick)));
    }
    for (const c of DIGITS) {
      const x = 42 + 36 * c, height = 140 * share(now, c);
      if (height > 0) {
        svg.append(made("rect", { x: x + 4, y: 160 - height, width: 24, height, class: seen.includes(c) ? "fill-seen" : "fill-unseen" }));
      }
      if (share(was, c) !== share(now, c)) {
        svg.append(made("line", { class: "was", x1: x + 1, x2: x + 31, y1: at(share(was, c)), y2: at(share(was, c)) }));
      }
      svg.append(
        made("text", { x: x + 16, y: 156 - height, "text-anchor": "middle" }, String(Math.round(100 * share(now, c)))),
        made("text", { x: x + 16, y: 176, "text-anchor": "middle", "font-weight": seen.includes(c) ? 400 : 700 }, String(c)));
    }
    svg.append(made("text", { class: "faint", x: 218, y: 193, "text-anchor": "middle" }, "digit, and per cent of its test images that are wrong"));
    svg.setAttribute("aria-label", `Wrong: ${DIGITS.map((c) => `${c}${seen.includes(c) ? "" : ", unseen"}: ${percent(share(now, c))}`).join("; ")}`);
  }

  function drawNumbers(now, was) {
    const head = ["Digit", "test images", "distilled, as trained", "distilled, now", "hard labels, as trained", "hard labels, now"];
    const rows = DIGITS.map((c) => [shown.settings.seen.includes(c) ? String(c) : `${c} (unseen)`, now.soft.of[c],
      was.soft.wrongOf[c], now.soft.wrongOf[c], was.hard.wrongOf[c], now.hard.wrongOf[c]]);
    element("numbers").replaceChildren(
      made("caption", {}, "Wrong test images"),
      made("thead", {}, made("tr", {}, ...head.map((each) => made("th", { scope: "col" }, each)))),
      made("tbody", {}, ...rows.map(([first, ...rest]) => made("tr", {}, made("th", { scope: "row" }, first), ...rest.map((each) => made("td", {}, String(each)))))));
  }

  function drawSweep() {
    const svg = element("sweep"), moved = movedBy(shown.settings);
    // While they learn, it would be drawn in vain many times, and the training has to wait for it.
    const figure = svg.closest("figure"), running = workers.length > 0;
    figure.hidden = moved.length === 0;
    figure.style.visibility = running ? "hidden" : "visible";
    if (running || moved.length === 0) return;
    const x = (added) => 38 + 9 * (added + 20), y = (share) => 160 - 140 * share;
    svg.replaceChildren();
    for (const tick of [0, 0.5, 1]) {
      svg.append(made("line", { class: "axis", x1: 38, x2: 398, y1: y(tick), y2: y(tick) }),
        made("text", { class: "faint", x: 34, y: y(tick) + 4, "text-anchor": "end" }, percent(tick)));
    }
    for (const tick of [-20, -10, 0, 10, 20]) {
      svg.append(made("text", { class: "faint", x: Math.min(x(tick), 386), y: 175, "text-anchor": "middle" }, tick === 0 ? "0" : signed(tick).replace(".0", "")));
    }
    svg.append(made("text", { class: "faint", x: 218, y: 193, "text-anchor": "middle" }, `added to the bias${moved.length > 1 ? "es" : ""} of ${listed(moved)}`));
    for (const kind of [...KINDS].reverse()) {
      const wrong = sweep(shown[kind].test, answers, moved);
      svg.append(made("polyline", { class: `curve ${kind}`, points: BIASES.map((added, i) => `${x(added).toFixed(1)},${y(wrong[i] / TEST).toFixed(1)}`).join(" ") }));
    }
    svg.append(made("line", { class: "now", x1: x(bias), x2: x(bias), y1: 14, y2: 160 }));
    svg.setAttribute("aria-label", `Test errors of both students against the bias; it is now ${signed(bias)}.`);
  }

  /** The first test images of the unseen digits, whatever the student says of them. */
  function drawImages(now, was) {
    const unseen = unseenBy(shown.settings), wanted = unseen.length ? unseen : DIGITS;
    show("images-title", unseen.length ? `Test images of ${named(unseen)}: what the distilled student says` : "Test images: what the distilled student says");
    if (images.of !== String(wanted)) {
      images = answers.map((_, n) => n).filter((n) => wanted.includes(answers[n])).slice(0, 12);
      images.of = String(wanted);
      element("images").replaceChildren(...images.map((n) => made("li", {}, drawing(TRANSFER + HELD_OUT + n), made("div"), made("div"))));
    }
    images.forEach((n, i) => {
      const [, before, after] = element("images").children[i].children;
      const mark = (digit) => `${digit} ${digit === answers[n] ? "✓" : "✗"}`;
      before.textContent = `trained: ${mark(was[n])}`;
      after.textContent = `now: ${mark(now[n])}`;
      after.className = now[n] === answers[n] ? "right" : "wrong";
    });
  }

  function drawRuns() {
    element("so-far").hidden = runs.length === 0;
    element("runs").replaceChildren(...runs.map((run) => made("tr", {}, made("th", { scope: "row" }, inWords(run.settings)),
      ...[percent(run.before), percent(run.after), signed(run.byTeacher), percent(run.hardBefore), percent(run.hardAfter)].map((each) => made("td", {}, each)))));
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
  document.documentElement.dataset.ready = "yes";
})();
