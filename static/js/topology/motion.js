/**
 * What moves, and the small figures: a canvas over the graph. A dot is on its way where messages are, more of them
 * where the rate is higher. Nothing moves for whoever asks for less motion, in the past, and where the page is stale.
 */
import { CARD, along, curve } from "./curve.js";
import { dots } from "./model.js";
import { underName } from "./words.js";

const SPEED = 0.16;
const FRAME = 1000 / 30;
const MOST_EDGES = 240;
const READABLE = 0.5;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Motion {
  #last = 0;
  #ways = new Map();

  constructor(canvas, stage) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.stage = stage;
    this.running = false;
    calm.addEventListener("change", () => this.draw());
  }

  /** A new graph: draw along with it, and measure the ways anew. */
  follow(cy) {
    cy.on("render", () => this.draw());
  }

  changed() {
    this.#ways = new Map();
    this.draw();
  }

  /** May anything move now? */
  set live(value) {
    this.running = value;
    if (value) requestAnimationFrame((now) => this.#frame(now));
  }

  get moves() {
    return this.running && !calm.matches && !document.hidden && this.stage.model.edges.length <= MOST_EDGES;
  }

  #frame(now) {
    if (!this.running) return;
    if (this.moves && now - this.#last >= FRAME) {
      this.#last = now;
      this.draw(now);
    }
    requestAnimationFrame((next) => this.#frame(next));
  }

  draw(now = this.#last) {
    const { cy } = this.stage;
    if (!cy) return;
    this.#size();
    const { pen } = this;
    const scale = devicePixelRatio;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const zoom = cy.zoom();
    const pan = cy.pan();
    pen.setTransform(scale * zoom, 0, 0, scale * zoom, scale * pan.x, scale * pan.y);
    if (this.moves) this.#dots(now);
    if (zoom >= READABLE) this.#figures(cy.extent());
  }

  #size() {
    const { clientWidth, clientHeight } = this.canvas;
    const [width, height] = [Math.round(clientWidth * devicePixelRatio), Math.round(clientHeight * devicePixelRatio)];
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
  }

  #dots(now) {
    const { pen, stage } = this;
    const shown = stage.colours;
    for (const row of stage.model.edges) {
      const count = dots(row);
      const line = stage.cy.getElementById(row.id);
      // What is written on a line is not run over.
      if (!count || line.hasClass("dim") || line.hasClass("told")) continue;
      pen.fillStyle = row.state === "ok" ? shown.accent : shown[row.state];
      const way = this.#way(row);
      for (let dot = 0; dot < count; dot++) this.#dot(along(way, ((now / 1000) * SPEED + dot / count) % 1));
    }
  }

  #dot({ x, y }) {
    this.pen.beginPath();
    this.pen.arc(x, y, 3.2, 0, 7);
    this.pen.fill();
  }

  #way(row) {
    if (!this.#ways.has(row.id)) {
      const places = this.stage.places();
      this.#ways.set(row.id, curve(places.get(row.source), places.get(row.target)));
    }
    return this.#ways.get(row.id);
  }

  #figures({ x1, x2, y1, y2 }) {
    const { pen, stage } = this;
    pen.font = `11px ${stage.colours.sans}`;
    pen.textAlign = "center";
    const places = stage.places();
    for (const row of stage.model.nodes) {
      const at = places.get(row.id);
      if (at.x < x1 - CARD.width || at.x > x2 + CARD.width || at.y < y1 - CARD.height || at.y > y2 + CARD.height) continue;
      if (stage.cy.getElementById(row.id).hasClass("dim")) continue;
      pen.fillStyle = stage.colours[row.state === "ok" || row.state === "idle" ? "text-3" : row.state];
      pen.fillText(underName(row), at.x, at.y + 14, CARD.width - 16);
    }
  }
}
