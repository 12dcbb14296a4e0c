// Data, settings, and the address that holds them; small helpers that all of the page uses.

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
  ["Hard targets lower the bias", { hard: 16 }, "Without 3 again. The labels say “no 3” of every image, and push the threes down."],
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
const signed = (value) => (value === 0 ? "0" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`);
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
