/**
 * One queue while it is open: its figures follow the topic, its charts are asked for anew every half minute and drawn
 * anew in another theme. Everything else works without a script.
 */
import { subscribe } from "../live.js";
import { tint } from "../tint.js";
import { drawCharts } from "../topology/charts.js";

const CHARTS_EVERY = 30_000;
const OLD = new Set(["unreachable", "stale", "gone"]);
const page = document.getElementById("queue");
const figures = page.querySelector("[data-queue-figures]");
const row = figures.querySelector("[data-row]");
const shapes = JSON.parse(figures.dataset.shapes);
const places = [...page.querySelectorAll("[data-chart]")];

subscribe("queues", { snapshot: show, delta: (_ops, rows) => show(rows) });
draw();
document.addEventListener("theme", draw);
setInterval(refresh, CHARTS_EVERY);

function draw() {
  for (const place of places) drawCharts(place, page.dataset.plotly).catch(() => {});
}

async function refresh() {
  if (document.hidden || !places.length) return;
  try {
    const answer = await fetch(`${page.dataset.figures}${location.search}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const newest = await answer.json();
    for (const place of places) {
      const figure = newest[place.dataset.chart];
      if (figure) place.querySelector("script[type='application/json']").textContent = JSON.stringify(figure);
    }
    draw();
  } catch {
    // The connection's pill says that figures are stale; the next time asks again.
  }
}

/** @param {Map<string, Record<string, any>>} rows */
function show(rows) {
  const data = rows.get(row.dataset.row);
  if (!data) return;
  page.classList.toggle("queue-old", OLD.has(data.state));
  for (const field of row.querySelectorAll("[data-field]")) write(field, data[field.dataset.field]);
}

function write(field, value) {
  if (field.dataset.as === "status") {
    const status = field.querySelector(".status");
    status.dataset.status = shapes[value] ?? "unknown";
    status.lastChild.textContent = value.replaceAll("_", " ");
  } else if (field.textContent !== value) {
    field.textContent = value;
    tint(field);
  }
}
