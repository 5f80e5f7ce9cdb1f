/** The list of operations: tallies of those that go on change in their place; one that begins or ends redraws both lists. */
import { subscribe } from "../live.js";
import { redraw } from "../live/one.js";
import { drawTally } from "./tally.js";

const OPEN = new Set(["awaiting_approval", "running", "paused", "halted", "cancelling"]);
// What the server drew: one may have begun or ended before the first rows arrive.
let before = named([...document.querySelectorAll("[data-operations] [data-row]")].map(({ dataset }) => [dataset.row, dataset]));

if (document.querySelector("[data-operations]")) {
  subscribe("operations", { snapshot: look, delta: (_ops, rows) => look(rows) });
}

/** @param {Map<string, Record<string, any>>} rows */
function look(rows) {
  for (const element of document.querySelectorAll("[data-operations] [data-row]")) {
    const row = rows.get(element.dataset.row);
    if (row) drawTally(element.querySelector(".tally"), row.tally);
  }
  const now = named([...rows].filter(([, row]) => OPEN.has(row.state)));
  if (before !== now) refresh();
  before = now;
}

function named(rows) {
  return rows.map(([id, row]) => `${id} ${row.state}`).sort().join();
}

function refresh() {
  for (const id of ["running", "history"]) {
    const element = document.getElementById(id);
    if (element && !element.contains(document.activeElement)) redraw(`#${id}`);
  }
}
