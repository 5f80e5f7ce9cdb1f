/** The list of operations: tallies of those that go on change in their place; one that begins or ends redraws both lists. */
import { subscribe } from "../live.js";
import { drawTally } from "./tally.js";

const OPEN = new Set(["awaiting_approval", "running", "paused", "halted", "cancelling"]);
let before;

if (document.querySelector("[data-operations]")) {
  subscribe("operations", { snapshot: look, delta: (_ops, rows) => look(rows) });
}

/** @param {Map<string, Record<string, any>>} rows */
function look(rows) {
  for (const element of document.querySelectorAll("[data-operations] [data-row]")) {
    const row = rows.get(element.dataset.row);
    if (row) drawTally(element.querySelector(".tally"), row.tally);
  }
  const open = [...rows].filter(([, row]) => OPEN.has(row.state)).map(([id, row]) => `${id} ${row.state}`);
  const now = open.sort().join();
  if (before !== undefined && before !== now) refresh();
  before = now;
}

function refresh() {
  for (const id of ["running", "history"]) {
    if (!document.getElementById(id)?.contains(document.activeElement)) {
      window.htmx?.ajax("GET", location.href, { target: `#${id}`, select: `#${id}`, swap: "outerHTML" });
    }
  }
}
