/** Topology: rows in, live or of the past; a graph, a panel and an address out. */
import { on } from "../actions.js";
import { subscribe } from "../live.js";
import { toast } from "../toasts.js";
import { asked, change, given } from "./address.js";
import { drawOnChange } from "./bar.js";
import { downloadPng, downloadSvg } from "./download.js";
import { Lines } from "./lines.js";
import { mark } from "./look.js";
import { model } from "./model.js";
import { Motion } from "./motion.js";
import { Panel } from "./panel.js";
import { Stage } from "./stage.js";
import { svg } from "./svg.js";
import { Time } from "./time.js";

const root = document.querySelector("[data-topology]");
const state = root.querySelector(".topology-state");
const told = (id) => JSON.parse(document.getElementById(id).textContent);
const groups = { owner: told("topology-owners"), workflow: told("topology-workflows") };
const prices = told("topology-prices");
const panel = new Panel(root.querySelector(".topology-panel"), { url: root.dataset.panel, plotly: root.dataset.plotly, choose });
const time = new Time(root.querySelector(".topology-time"), { api: root.dataset.api, past: showPast, now: showNow, failed: fail });

/** @type {Map<string, Record<string, any>>} */
let live = new Map();
let past = null;
let stage = null;
let motion = null;
let lines = null;
let due = false;

async function start() {
  const library = await import(root.dataset.cytoscape);
  stage = new Stage(library.default, root.querySelector(".topology-canvas"));
  motion = new Motion(root.querySelector(".topology-motion"), stage);
  lines = new Lines(root.querySelector(".topology-lines"), stage);
  stage.begun = begun;
  time.begin();
  subscribe("topology", { snapshot: take, delta: (_ops, rows) => take(rows), state: judge });
}

function take(rows) {
  live = rows;
  if (!stage.cy) performance.mark("topology-rows");
  if (!past && !time.isPast) drawSoon();
}

/** However many frames come, the graph is drawn once for each picture that the screen shows. */
function drawSoon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    draw();
  });
}

function draw() {
  const found = model(past ?? live.values(), asked(), groups, prices);
  tell(found.nodes.length ? "" : "empty");
  if (found.nodes.length || stage.cy) show(found);
  root.dataset.nodes = `${found.nodes.length}`;
}

function show(found) {
  const first = !stage.cy;
  stage.show(found, given("group"));
  if (first) stage.cy.one("render", () => performance.mark("topology-drawn"));
  motion.changed();
  lines.changed();
  root.querySelector("[data-focused]").hidden = !given("focus");
}

function begun(cy) {
  motion.follow(cy);
  lines.follow(cy);
  cy.on("tap", (event) => choose(event.target === cy || !event.target.isNode?.() || event.target.data("kind") === "group" ? "" : event.target.id()));
  cy.on("dbltap", "node", (event) => focus(event.target.id()));
  cy.on("mouseover", "edge", (event) => event.target.addClass("told"));
  cy.on("mouseout", "edge", (event) => !event.target.hasClass("near") && event.target.removeClass("told"));
  stage.choose(given("node"));
  if (given("q")) stage.find(given("q"));
  if (given("node")) {
    panel.open(given("node"));
    stage.see(given("node"));
  }
}

function choose(id) {
  if (id === given("node")) return;
  change({ node: id });
  stage.choose(id);
  lines.draw();
  panel.open(id);
}

function focus(id) {
  change({ focus: id, node: id });
  drawNow();
  stage.choose(id);
  panel.open(id);
}

function drawNow() {
  draw();
  stage.cy?.resize();
  stage.fit();
}

// ---- Live, past, stale ------------------------------------------------------------------------------------------
function showPast(rows) {
  past = rows;
  motion.live = false;
  draw();
}

function showNow() {
  past = null;
  motion.live = true;
  draw();
}

function judge(freshness) {
  motion.live = freshness.state === "live" && !past;
  if (freshness.state === "refused") fail(freshness.reason || "This may not be followed live.");
}

/** What stands in the middle when there is no graph: loading, nothing, or what went wrong. */
function tell(what, text = "") {
  const words = { empty: time.isPast ? "Nothing was seen in these five minutes." : "No agent has worked in the last day, or none that fits." };
  state.hidden = !what;
  state.dataset.state = what;
  if (what) state.querySelector("[role=status]").textContent = text || words[what];
}

function fail(text) {
  if (!stage?.cy) tell("failed", text);
  else toast(text, "bad");
}

// ---- What can be pressed ----------------------------------------------------------------------------------------
const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

/** From node to node by arrow keys: the nearest one that way. */
function step(event) {
  const way = STEPS[event.key];
  if (!way || !stage.cy) return;
  event.preventDefault();
  const places = stage.places();
  const here = places.get(given("node"));
  const others = stage.model.nodes.filter((row) => row.id !== given("node"));
  const next = here ? nearest(here, way, others, places) : others[0];
  if (!next) return;
  choose(next.id);
  stage.see(next.id);
}

function nearest(here, [right, down], rows, places) {
  const cost = (row) => {
    const at = places.get(row.id);
    const [dx, dy] = [at.x - here.x, at.y - here.y];
    const ahead = dx * right + dy * down;
    return ahead > 1 ? ahead + 2 * Math.abs(dx * down + dy * right) : Infinity;
  };
  const sorted = rows.map((row) => ({ row, cost: cost(row) })).filter((each) => each.cost < Infinity).sort((one, other) => one.cost - other.cost);
  return sorted[0]?.row;
}

root.querySelector(".topology-canvas").addEventListener("keydown", step);
drawOnChange({
  switched: drawNow,
  searched: (text, entered) => {
    const hits = stage?.cy ? stage.find(text) : [];
    if (!entered || !hits.length) return;
    const next = hits[(hits.indexOf(given("node")) + 1) % hits.length];
    choose(next);
    stage.see(next);
  },
});
on("topology-in", () => stage?.cy && stage.zoom(1.3));
on("topology-out", () => stage?.cy && stage.zoom(1 / 1.3));
on("topology-fit", () => stage?.cy && stage.fit(true));
on("topology-tidy", () => {
  if (!stage?.cy) return;
  stage.tidy();
  lines.changed();
  motion.changed();
});
on("topology-now", () => time.now());
on("topology-all", () => {
  change({ focus: "" });
  drawNow();
});
const drawing = () => svg(stage.model, stage.places(), stage.colours, mark);
on("topology-svg", () => stage?.cy && downloadSvg(drawing(), "topology.svg"));
on("topology-png", () => stage?.cy && downloadPng(drawing(), "topology.png"));
document.addEventListener("theme", () => {
  stage?.repaint();
  lines?.draw();
});

start().catch(() => fail("The graph's script is not there: `make run` installs it. The table shows the same."));
