/**
 * The list of workflows while it is open: when the topology changed, its figures are asked for again, at most every
 * few seconds. A figure changes in its place; new workflows wait behind a button.
 */
import { subscribe } from "../live.js";
import { offer } from "../newer.js";
import { tint } from "../tint.js";
import { lasting, perMinute } from "../topology/words.js";

const AGAIN = 3000;
const body = document.querySelector("[data-workflows]");
const button = document.querySelector("[data-workflows-newer]");
const count = (value) => (value ? value.toLocaleString("en") : "—");
const READS = { rate: perMinute, done: (value) => value.toLocaleString("en"), failing: count, unfinished: count, p50_ms: lasting, p95_ms: lasting };
let waiting = 0;

if (body) subscribe("topology", { snapshot: soon, delta: soon });

function soon() {
  waiting ||= setTimeout(ask, AGAIN);
}

async function ask() {
  waiting = 0;
  if (document.hidden) return;
  try {
    const answer = await fetch(`${body.dataset.workflows}${location.search}`, { headers: { Accept: "application/json" } });
    if (answer.ok) show(new Map(Object.entries(await answer.json())));
  } catch {
    // The connection's pill says that figures are stale; the next change asks again.
  }
}

/** @param {Map<string, Record<string, any>>} rows */
function show(rows) {
  const elements = [...body.querySelectorAll("[data-row]")];
  for (const element of elements) {
    const row = rows.get(element.dataset.row);
    if (row) write(element, row);
  }
  if ("workflowsAll" in body.dataset) offer(button, rows.size - elements.filter((element) => rows.has(element.dataset.row)).length);
}

function write(element, row) {
  for (const [name, reads] of Object.entries(READS)) {
    // The overview has fewer columns.
    const field = element.querySelector(`[data-figure=${name}]`);
    if (field) text(field, reads(row[name]));
  }
  const status = element.querySelector("[data-figure=state] .status");
  status.dataset.status = JSON.parse(body.dataset.shapes)[row.state] ?? row.state;
  text(status.lastChild, row.state === "unknown" ? "unfinished" : row.state);
  element.querySelector("[data-spark] polyline").setAttribute("points", row.spark);
}

function text(field, value) {
  if (field.textContent === value) return;
  field.textContent = value;
  tint(field.nodeType === Node.TEXT_NODE ? field.parentElement : field);
}
