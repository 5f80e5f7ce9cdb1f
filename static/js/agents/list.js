/**
 * The list of agents while it is open: figures.js keeps state and instances live, this keeps traffic live and says
 * when there are agents that the list does not show yet. Nothing moves under the cursor.
 */
import { subscribe } from "../live.js";
import { offer } from "../newer.js";
import { lasting, perMinute, share } from "../topology/words.js";

const READS = { rate: perMinute, error_ratio: share, p95_ms: lasting };
const body = document.querySelector("[data-agents]");

if (body) {
  subscribe("topology", { snapshot: showTraffic, delta: (_ops, rows) => showTraffic(rows) });
  if ("agentsAll" in body.dataset) subscribe("agents", { snapshot: offerNewer, delta: (_ops, rows) => offerNewer(rows) });
}

/** @param {Map<string, Record<string, any>>} rows */
function showTraffic(rows) {
  for (const row of body.querySelectorAll("[data-node]")) {
    const figures = rows.get(row.dataset.node) ?? {};
    for (const field of row.querySelectorAll("[data-figure]")) write(field, figures[field.dataset.figure] ?? null);
  }
}

function write(field, value) {
  const text = READS[field.dataset.figure](value);
  if (field.textContent !== text) field.textContent = text;
}

/** @param {Map<string, Record<string, any>>} rows */
function offerNewer(rows) {
  const { environment } = body.dataset;
  const shown = new Set([...body.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
  const newer = [...rows].filter(([id, row]) => !shown.has(id) && (!environment || row.environment === environment));
  offer(document.querySelector("[data-agents-newer]"), newer.length);
}
