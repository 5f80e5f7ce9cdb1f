/** One cause while its page is open: drawn anew when something of it changed, or when it is over. */
import { subscribe } from "../live.js";

const LEAST_MS = 2_000;
const id = document.querySelector("[data-stuck-cause]")?.dataset.stuckCause;
let known;
let drawing;

if (id) {
  subscribe("stuck", {
    snapshot: (rows) => look(rows.get(id)),
    delta: (ops, rows) => ops.some((op) => op.id === id) && look(rows.get(id)),
  });
}

function look(row) {
  const now = JSON.stringify(row ?? null);
  const changed = known !== undefined && known !== now;
  known = now;
  if (changed) drawing ??= setTimeout(draw, LEAST_MS);
}

/** Not while somebody has a menu open or a link under the keyboard. */
function draw() {
  drawing = undefined;
  if (document.querySelector("#stuck-cause")?.contains(document.activeElement)) return;
  window.htmx?.ajax("GET", location.href, { target: "#stuck-cause", select: "#stuck-cause", swap: "outerHTML" });
}
