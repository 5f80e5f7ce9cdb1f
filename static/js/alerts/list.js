/** The list of alerts while it is open: figures.js keeps its rows live, this says when there are others. */
import { subscribe } from "../live.js";
import { offer } from "../newer.js";

const body = document.querySelector("[data-alerts]");
const OPEN = ["firing", "acknowledged", "pending"];

if (body && !("filtered" in body.dataset)) subscribe("alerts", { snapshot: offerNewer, delta: (_ops, rows) => offerNewer(rows) });

/** @param {Map<string, Record<string, any>>} rows */
function offerNewer(rows) {
  const { environment, alerts: view } = body.dataset;
  const states = view === "open" ? OPEN : [view];
  const shown = new Set([...document.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
  const newer = [...rows].filter(
    ([id, row]) => !shown.has(id) && (view === "any" || states.includes(row.state)) && (!environment || row.environment === environment),
  );
  offer(document.querySelector("[data-alerts-newer]"), newer.length);
}
