/** One alert while its page is open: drawn anew when something of it changed, but not while somebody reads attempts. */
import { subscribe } from "../live.js";

const page = document.querySelector("[data-alert]");
const id = page?.dataset.alert;
let known;

if (page) {
  subscribe("alerts", {
    snapshot: (rows) => look(rows.get(id)),
    delta: (ops, rows) => ops.some((op) => op.id === id) && look(rows.get(id)),
  });
}

function look(row) {
  const now = JSON.stringify(row ?? null);
  const changed = known !== undefined && known !== now;
  known = now;
  if (changed && !isBusy()) refresh();
}

const isBusy = () => Boolean(document.querySelector("#alert details[open], #alert :focus-visible"));

const refresh = () => window.htmx?.ajax("GET", location.href, { target: "#alert", select: "#alert", swap: "outerHTML" });
