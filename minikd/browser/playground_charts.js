// What the students know, as bars, curves, images and tables. Nothing here changes a setting.

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
  // On a logarithmic axis, since what the bias mends is a small share of all test images.
  const x = (added) => 38 + 9 * (added + 20), y = (share) => 20 - 70 * Math.log10(Math.max(share, 0.01));
  svg.replaceChildren();
  for (const tick of [0.01, 0.03, 0.1, 0.3, 1]) {
    svg.append(made("line", { class: "axis", x1: 38, x2: 398, y1: y(tick), y2: y(tick) }),
      made("text", { class: "faint", x: 34, y: y(tick) + 4, "text-anchor": "end" }, percent(tick)));
  }
  for (const tick of [-20, -10, 0, 10, 20]) {
    svg.append(made("text", { class: "faint", x: Math.min(x(tick), 386), y: 175, "text-anchor": "middle" }, signed(tick).replace(".0", "")));
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
