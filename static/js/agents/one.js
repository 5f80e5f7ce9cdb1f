/** One agent while its page is open: drawn anew when something of it changed, but never while somebody types. */
import { subscribe } from "../live.js";

const page = document.querySelector("[data-agent]");
const id = page?.dataset.agent;
let known;

if (page) {
  subscribe("agents", {
    snapshot: (rows) => look(rows.get(id)),
    delta: (ops, rows) => ops.some((op) => op.id === id) && look(rows.get(id)),
  });
}

/** A heartbeat alone changes no more than when it was seen last. */
function look(row) {
  if (!row) return;
  const now = JSON.stringify({ ...row, last_seen: "" });
  const changed = known !== undefined && known !== now;
  known = now;
  if (changed && !isBusy()) refresh();
}

const isBusy = () => document.querySelector("#agent")?.contains(document.activeElement) && document.activeElement.matches("input, summary");

const refresh = () => window.htmx?.ajax("GET", location.href, { target: "#agent", select: "#agent", swap: "outerHTML" });
