/** One message while its page is open: drawn anew when something of it changed, but never while somebody types. */
import { subscribe } from "../live.js";

const page = document.querySelector("[data-message]");
const id = page?.dataset.message;
let known;

if (page) {
  subscribe("messages", {
    snapshot: (rows) => look(rows.get(id)),
    delta: (ops, rows) => ops.some((op) => op.id === id) && look(rows.get(id)),
  });
}

function look(row) {
  if (!row) return;
  const now = JSON.stringify(row);
  const changed = known !== undefined && known !== now;
  known = now;
  if (changed) refresh();
}

const refresh = () =>
  window.htmx?.ajax("GET", location.href, { target: "#message", select: "#message", swap: "outerHTML" });
