/**
 * The edges of a large graph: a canvas under the nodes, where ten thousand lines are a few strokes. While the view
 * moves only the busiest are drawn, and what is wrong; all of them as soon as it stands still.
 */
import { width } from "./model.js";

const MOST_WHILE_MOVING = 300;
const STILL_AFTER = 250;
const ORDER = ["idle", "ok", "unknown", "warn", "bad"];
const FAINT = { idle: 0.15, ok: 0.35, unknown: 0.8, warn: 0.8, bad: 0.8 };

export class Lines {
  #rows = [];
  #still = 0;
  #moving = false;
  #view = "";

  constructor(canvas, stage) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.stage = stage;
  }

  follow(cy) {
    cy.on("viewport", () => this.#move());
    cy.on("resize", () => this.draw());
  }

  /** Other rows: the busiest and the broken first, so that a beginning of the list is the best part of it. */
  changed() {
    const rank = (row) => 1000 * ORDER.indexOf(row.state) + width(row);
    this.#rows = this.stage.large ? [...this.stage.model.edges].sort((one, other) => rank(other) - rank(one)) : [];
    this.draw();
  }

  #move() {
    if (!this.#rows.length) return;
    this.#moving = true;
    clearTimeout(this.#still);
    this.#still = setTimeout(() => {
      this.#moving = false;
      this.draw();
    }, STILL_AFTER);
    const { x, y } = this.stage.cy.pan();
    const view = `${x} ${y} ${this.stage.cy.zoom()}`;
    if (view !== this.#view) requestAnimationFrame(() => this.draw());
    this.#view = view;
  }

  draw() {
    const { pen, stage, canvas } = this;
    const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== wide) canvas.width = wide;
    if (canvas.height !== high) canvas.height = high;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, wide, high);
    if (!this.#rows.length || !stage.cy) return;
    const zoom = stage.cy.zoom();
    const { x, y } = stage.cy.pan();
    pen.setTransform(zoom, 0, 0, zoom, x, y);
    for (const [key, rows] of strokes(this.#moving ? this.#rows.slice(0, MOST_WHILE_MOVING) : this.#rows, stage.chosen)) this.#stroke(key, rows, zoom);
  }

  /** Lines of one kind in one go. */
  #stroke(key, rows, zoom) {
    const { pen, stage } = this;
    const [state, mood] = key.split(" ");
    pen.globalAlpha = mood === "far" ? 0.06 : mood === "near" ? 1 : FAINT[state];
    pen.strokeStyle = mood === "near" && state === "ok" ? stage.colours.accent : (stage.colours[state === "ok" ? "control-line" : state] ?? stage.colours.line);
    pen.lineWidth = Math.max(mood === "near" ? 2 : 1, 0.6 / zoom);
    pen.setLineDash(state === "unknown" ? [8, 6] : []);
    pen.beginPath();
    const places = stage.places();
    for (const row of rows) {
      const [from, to] = [places.get(row.source), places.get(row.target)];
      pen.moveTo(from.x, from.y);
      pen.lineTo(to.x, to.y);
    }
    pen.stroke();
  }
}

/** Rows by state, and by whether they touch the chosen node. */
function strokes(rows, chosen) {
  const found = new Map();
  for (const row of rows) {
    const mood = !chosen ? "usual" : row.source === chosen || row.target === chosen ? "near" : "far";
    const key = `${row.state} ${mood}`;
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(row);
  }
  return [...found].sort(([one], [other]) => ORDER.indexOf(one.split(" ")[0]) - ORDER.indexOf(other.split(" ")[0]));
}
