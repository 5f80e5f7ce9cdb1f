/** One row of the waterfall: the name with its place in the tree, and the bar on the line of time. */
import { ERROR, LINKS, ORPHAN, TICK_ERROR, TICK_LOG } from "./model.js";
import { took } from "./words.js";

export const HEIGHT = 26;
const INDENT = 12;
const DEEPEST = 14;
export const COLOURS = 10;
// A bar is at least so wide, in pixels.
const LEAST = 2;

const element = (tag, name, parent) => {
  const made = document.createElement(tag);
  made.className = name;
  parent?.append(made);
  return made;
};

/** An empty row, to be filled and filled again. */
export function makeRow() {
  const row = element("div", "trace-row");
  row.setAttribute("role", "row");
  const name = element("div", "trace-name", row);
  const line = element("div", "trace-line", row);
  name.setAttribute("role", "gridcell");
  line.setAttribute("role", "gridcell");
  row.parts = {
    name,
    line,
    lane: element("i", "trace-lane", name),
    shape: element("i", "shape", name),
    text: element("span", "trace-text", name),
    note: element("span", "trace-row-note", name),
    bar: element("div", "trace-bar", line),
    label: element("span", "trace-label", line),
  };
  return row;
}

/** @param {{trace: import("./model.js").Trace, scale: any, width: number, flat: boolean}} drawing */
export function fillRow(row, at, drawing) {
  const { trace } = drawing;
  row.dataset.row = at;
  row.dataset.lane = trace.lane[at] % COLOURS;
  row.id = `span-${trace.id(at)}`;
  fillName(row, at, drawing);
  fillLine(row.parts, at, drawing);
}

function fillName(row, at, { trace, flat }) {
  const { name, shape, text, note } = row.parts;
  const failed = trace.mark[at] & ERROR;
  const agent = trace.lanes[trace.lane[at]];
  const depth = trace.depth[at];
  name.style.paddingInlineStart = `${8 + (flat ? 0 : Math.min(depth, DEEPEST) * INDENT)}px`;
  row.dataset.status = failed ? "bad" : "ok";
  shape.hidden = !failed;
  text.textContent = trace.name(at);
  note.textContent = [trace.noteOf.get(at), agent, marks(trace.mark[at])].filter(Boolean).join(" · ");
  name.title = `${trace.name(at)} · ${agent} · ${took(trace.took[at])}`;
  row.setAttribute("aria-level", depth + 1);
  row.setAttribute("aria-label", `${trace.name(at)}, ${agent || "no agent"}, ${took(trace.took[at])}${failed ? ", error" : ""}`);
}

const marks = (mark) => [mark & ORPHAN ? "parent not here" : "", mark & LINKS ? "linked" : ""].filter(Boolean).join(", ");

function fillLine(parts, at, { trace, scale, width }) {
  const { line, bar, label } = parts;
  const from = scale.x(trace.at[at]) * width;
  const to = Math.max(scale.x(trace.at[at] + trace.took[at]) * width, from + LEAST);
  stretch(bar, from, to);
  for (const extra of line.querySelectorAll(".extra")) extra.remove();
  const x = (moment) => scale.x(moment) * width;
  for (const piece of trace.pathOf.get(at) ?? []) drawPath(line, piece, x);
  for (const tick of trace.ticksOf.get(at) ?? []) drawTick(line, tick, x);
  const ghost = trace.ghostOf.get(at);
  if (ghost) drawGhost(line, ghost, to, width);
  label.textContent = ghost ? `not received for ${took(trace.now - ghost[1])}` : took(trace.took[at]);
  const begun = Math.min(from, ...(trace.pathOf.get(at) ?? []).map((piece) => x(piece[1])));
  placeLabel(label, begun, to, width, Boolean(ghost));
}

/** Beside the bar where there is room: after it, else before it, else upon it. */
function placeLabel(label, from, to, width, ghost) {
  const needed = label.textContent.length * 6.5 + 10;
  const after = to + needed < width && !ghost;
  label.dataset.on = after ? "after" : from > needed ? "before" : "bar";
  const left = after ? to + 5 : from > needed ? from - needed : Math.max(from, 0) + 4;
  label.style.transform = `translateX(${left}px)`;
}

function stretch(part, from, to) {
  part.style.transform = `translateX(${from}px)`;
  part.style.width = `${to - from}px`;
}

function drawPath(line, [, from, to, queue], x) {
  const piece = element("i", queue ? "extra trace-wait" : "extra trace-path", line);
  stretch(piece, x(from), Math.max(x(to), x(from) + 1));
  if (queue) piece.title = `waited ${took(to - from)} in ${queue}`;
}

function drawTick(line, [, at, kind, text], x) {
  const tick = element("i", "extra trace-tick", line);
  tick.style.transform = `translateX(${x(at)}px)`;
  tick.dataset.kind = kind & TICK_ERROR ? "error" : kind & TICK_LOG ? "log" : "event";
  tick.title = text;
}

function drawGhost(line, [, , queue], to, width) {
  const bar = element("i", "extra trace-ghost", line);
  stretch(bar, to, Math.max(width, to + 8));
  bar.title = `sent to ${queue || "a queue"}, not received`;
}
