/**
 * The causes while the page is open: figures.js changes their figures in place and takes away what is over; new ones
 * wait behind a button. An empty page has nothing under the cursor that could move: there they come by themselves.
 */
import { subscribe } from "../live.js";
import { offer } from "../newer.js";

const here = document.querySelector("[data-stuck]");

if (here && !("narrowed" in here.dataset)) subscribe("stuck", { snapshot: show, delta: (_ops, rows) => show(rows) });

/** @param {Map<string, Record<string, any>>} rows */
function show(rows) {
  const { environment } = here.dataset;
  const shown = new Set([...here.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
  const newer = [...rows].filter(([id, row]) => !shown.has(id) && (!environment || row.environment === environment));
  if (newer.length && !shown.size) location.reload();
  else offer(document.querySelector("[data-stuck-newer]"), newer.length);
}
