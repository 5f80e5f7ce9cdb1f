/** The trace page: reads the spans, draws those that are seen, and follows keys and clicks. */
import { on } from "../actions.js";
import { Window } from "../traces/window.js";
import { Arcs } from "./arcs.js";
import { drawAxis } from "./axis.js";
import * as details from "./details.js";
import { Trace } from "./model.js";
import { HEIGHT, fillRow, makeRow } from "./rows.js";
import { makeScale } from "./scale.js";
import { drawSide } from "./side.js";
import { number, took } from "./words.js";

const root = document.querySelector("[data-trace]");
const view = root.querySelector("[data-rows-view]");
const axis = root.querySelector("[data-axis]");
const note = root.querySelector("[data-trace-note]");
const drawing = { trace: null, scale: null, width: 0, flat: false };
const unfolded = new Set();
let list = null;
let arcs = null;
let current = -1;

start();

async function start() {
  const data = await read();
  if (!data) return;
  drawing.trace = new Trace(data);
  for (const part of root.querySelectorAll("[data-plain]")) part.remove();
  for (const part of [view, axis, root.querySelector("[data-trace-tools]"), root.querySelector("[data-legend]")]) part.hidden = false;
  // A short trace leaves no empty room below it.
  if (drawing.trace.count * HEIGHT < view.clientHeight) view.style.height = `${drawing.trace.count * HEIGHT}px`;
  list = new Window(view, { height: HEIGHT, make: makeRow, fill });
  arcs = new Arcs(view);
  arrange(new URLSearchParams(location.search).get("order") ?? "tree");
  new ResizeObserver(measure).observe(view);
  tell(data);
  drawSide(drawing.trace, choose);
  showAsked();
  root.dataset.drawn = "";
}

async function read() {
  const embedded = document.getElementById("trace-data");
  if (embedded) return JSON.parse(embedded.textContent);
  try {
    const answer = await fetch(root.dataset.rows);
    if (answer.ok) return await answer.json();
    note.textContent = `Postroom answered ${answer.status}; the first spans stand below. Load the page again.`;
  } catch {
    note.textContent = "Postroom cannot be reached; the first spans stand below.";
  }
  return null;
}

/** What could not be known before all spans were here. */
function tell(data) {
  const { trace } = drawing;
  note.textContent = data.complete === false ? `The first ${number(trace.count)} spans; the trace has more than one page can hold.` : "";
  const facts = { took: took(trace.end), spans: number(trace.count), agents: number(trace.lanes.length), errors: number(trace.errors.length) };
  for (const fact of document.querySelectorAll("[data-fact]")) fact.textContent = facts[fact.dataset.fact];
}

// ---- Drawing ----------------------------------------------------------------------------------------------------
function fill(element, place) {
  const row = drawing.trace.row(place);
  fillRow(element, row, drawing);
  element.setAttribute("aria-rowindex", place + 1);
  element.toggleAttribute("data-current", row === current);
  element.setAttribute("aria-selected", String(row === current));
}

function measure() {
  const line = view.querySelector(".trace-line");
  const width = line ? line.clientWidth : 0;
  if (!width || width === drawing.width) return;
  drawing.width = width;
  scaleAnew();
}

function scaleAnew() {
  const { trace } = drawing;
  drawing.scale = makeScale(trace.until, trace.folds, unfolded);
  axis.style.marginInlineStart = `${view.querySelector(".trace-name")?.offsetWidth ?? 0}px`;
  drawAxis(axis, drawing, toggle);
  const button = root.querySelector("[data-unfold]");
  button.hidden = !trace.folds.length;
  button.textContent = unfolded.size ? "Fold pauses" : "Unfold pauses";
  redraw();
}

/** Rows and what connects them. */
function redraw() {
  list.redraw();
  arcs.show(drawing, current);
}

function toggle(pause) {
  if (!unfolded.delete(pause)) unfolded.add(pause);
  scaleAnew();
}

function arrange(order) {
  const { trace } = drawing;
  drawing.flat = order === "lanes";
  trace.arrange(order);
  drawing.scale ??= makeScale(trace.until, trace.folds, unfolded);
  list.resize(trace.count);
  arcs.show(drawing, current);
  for (const button of root.querySelectorAll("[data-order]")) button.setAttribute("aria-pressed", String((button.dataset.order === "lanes") === drawing.flat));
  details.remember("order", drawing.flat ? "lanes" : "");
}

// ---- Moving about -----------------------------------------------------------------------------------------------
function choose(row, { show = true } = {}) {
  if (row < 0) return;
  current = row;
  const place = drawing.trace.place(row);
  list.reveal(place);
  redraw();
  view.setAttribute("aria-activedescendant", list.element(place)?.id ?? "");
  if (show) details.open(drawing.trace.id(row));
}

/** The span that the address names. */
function showAsked() {
  const asked = new URLSearchParams(location.search).get("span");
  if (asked) choose(drawing.trace.rowOf(asked), { show: !details.isOpen() });
}

function move(by) {
  if (!drawing.trace) return;
  const place = current < 0 ? (by > 0 ? 0 : drawing.trace.count - 1) : drawing.trace.place(current) + by;
  const within = Math.min(Math.max(place, 0), drawing.trace.count - 1);
  choose(drawing.trace.row(within), { show: details.isOpen() });
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity };

view.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && current >= 0) choose(current);
  else if (event.key in STEPS) move(STEPS[event.key]);
  else return;
  event.preventDefault();
});

view.addEventListener("click", (event) => {
  const row = event.target.closest(".trace-row");
  if (row) choose(Number(row.dataset.row));
});

// Before the console's own: Escape closes the details first.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Escape" || !details.isOpen() || document.querySelector("dialog[open]")) return;
    event.stopPropagation();
    details.close();
    view.focus({ preventScroll: true });
  },
  { capture: true },
);

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-do=trace-close], [data-do=trace-compare]")) return;
  event.preventDefault();
});

on("row-next", () => move(1));
on("row-before", () => move(-1));
on("row-open", () => current >= 0 && choose(current));
on("trace-close", () => details.close());
on("trace-tree", () => arrange("tree"));
on("trace-lanes", () => arrange("lanes"));
on("trace-unfold", () => {
  if (unfolded.size) unfolded.clear();
  else drawing.trace.folds.forEach((_fold, index) => unfolded.add(index));
  scaleAnew();
});
on("trace-compare", () => {
  const panel = document.getElementById("compare");
  panel.hidden = false;
  panel.querySelector("input[name=with]").focus();
});
