/**
 * One operation while its page is open: the tally follows each change in its place; the rest is drawn anew when the
 * state changed, and every few seconds while figures do. Never while somebody types or settles.
 */
import { subscribe } from "../live.js";
import { redraw } from "../live/one.js";
import { drawTally } from "./tally.js";

const AGAIN = 2000;
const page = () => document.getElementById("operation");
const id = page()?.dataset.operation;
// What the server drew: it may have gone on before the first row arrives.
let state = page()?.dataset.state;
let waiting = 0;
let known;

if (id) {
  subscribe("operations", {
    snapshot: (rows) => look(rows.get(id)),
    delta: (ops, rows) => ops.some((op) => op.id === id) && look(rows.get(id)),
  });
  // What was drawn anew may be older than what is known.
  document.addEventListener("htmx:afterSettle", () => known && draw());
}

function look(row) {
  if (!row) return;
  const changed = known && JSON.stringify(known) !== JSON.stringify(row);
  known = row;
  draw();
  if (state !== row.state) refresh();
  else if (changed) soon();
  state = row.state;
}

const draw = () => drawTally(page().querySelector(".tally"), known.tally);

function soon() {
  waiting ||= setTimeout(refresh, AGAIN);
}

function refresh() {
  clearTimeout(waiting);
  waiting = 0;
  if (isBusy()) return soon();
  return redraw("#operation");
}

const isBusy = () => page().contains(document.activeElement) && document.activeElement.matches("input, button, summary, a, tr");
