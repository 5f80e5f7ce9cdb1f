/** The graph on the page: what Cytoscape draws, kept equal to a model by changing only what differs. */
import { controls, curve } from "./curve.js";
import { place } from "./layout.js";
import { colours, distance, stylesheet } from "./look.js";
import { fits, width } from "./model.js";
import { onEdge } from "./words.js";

/** From so many edges on, they are drawn by lines.js, and Cytoscape keeps the nodes alone. */
const LARGE = 1200;
/** What nobody named. */
const NAMELESS = { agent: "unknown sender", queue: "unnamed queue" };
const NEAREST = 2.5;
const FARTHEST = 0.02;
const MARGIN = 36;
/** Smaller than this nobody reads a name: a graph that does not fit is shown in part, and can be moved. */
const READABLE = { desk: 0.3, phone: 0.42 };
const PHONE = 600;

export class Stage {
  /** @type {Map<string, {x: number, y: number}>} every place that anybody had, so that who comes back stands there */
  #places = new Map();
  #model = { nodes: [], edges: [] };
  #grouped = "";
  #chosen = "";
  #distance = "";

  constructor(cytoscape, container) {
    this.container = container;
    this.colours = colours(document.documentElement);
    this.cy = null;
    new ResizeObserver(() => this.#resized()).observe(container);
    this.make = (elements, large) =>
      cytoscape({
        container, elements, style: stylesheet(this.colours), layout: { name: "preset" }, minZoom: FARTHEST, maxZoom: NEAREST,
        autoungrabify: true, boxSelectionEnabled: false, selectionType: "single", pixelRatio: large ? 1 : "auto",
        motionBlur: false,
      });
  }

  get chosen() {
    return this.#model.nodes.some((row) => row.id === this.#chosen) ? this.#chosen : "";
  }

  get model() {
    return this.#model;
  }

  /** Draw this model; what is drawn already stays where it is. */
  show(model, grouped) {
    if (grouped !== this.#grouped) this.#places = new Map();
    this.#grouped = grouped;
    this.#model = model;
    for (const [id, at] of place(model.nodes, model.edges, this.#places)) this.#places.set(id, at);
    const large = model.edges.length > LARGE;
    const elements = this.#elements(large);
    if (this.cy && this.large === large) this.#update(elements);
    else this.#begin(elements, large);
  }

  #begin(elements, large) {
    const view = this.cy && { zoom: this.cy.zoom(), pan: this.cy.pan() };
    this.cy?.destroy();
    this.large = large;
    this.cy = this.make(elements, large);
    this.#distance = "";
    this.cy.on("zoom", () => this.#stepBack());
    if (view) this.cy.viewport(view);
    else this.fit();
    this.#stepBack();
    this.begun?.(this.cy);
    this.choose(this.#chosen);
  }

  #elements(large) {
    const ids = new Set(this.#model.nodes.map((row) => row.id));
    const groups = this.#grouped ? [...new Set(this.#model.nodes.map((row) => row.group))] : [];
    return [
      ...groups.map((name) => ({ group: "nodes", data: { id: `group:${name}`, kind: "group", label: name }, selectable: false })),
      ...this.#model.nodes.map((row) => this.#node(row)),
      ...(large ? [] : this.#model.edges).filter((row) => ids.has(row.source) && ids.has(row.target)).map((row) => this.#edge(row)),
    ];
  }

  #node(row) {
    const parent = this.#grouped ? `group:${row.group}` : undefined;
    const data = { id: row.id, kind: row.kind, state: row.state, label: row.name || NAMELESS[row.kind], parent };
    return { group: "nodes", data, position: { ...this.#places.get(row.id) } };
  }

  #edge(row) {
    const data = { id: row.id, source: row.source, target: row.target, state: row.state, width: width(row), label: onEdge(row) };
    return { group: "edges", data: { ...data, ...this.#way(row) } };
  }

  #way(row) {
    const [from, to] = [this.#places.get(row.source), this.#places.get(row.target)];
    const ahead = to.x > from.x;
    return { ...controls(curve(from, to)), from: ahead ? "50% 0%" : "0% 50%", to: ahead ? "-50% 0%" : "0% 50%" };
  }

  #update(elements) {
    const wanted = new Map(elements.map((element) => [element.data.id, element]));
    this.cy.batch(() => {
      this.cy.elements().forEach((element) => !wanted.has(element.id()) && element.remove());
      for (const [id, element] of wanted) {
        const there = this.cy.getElementById(id);
        if (there.empty()) this.cy.add(element).addClass(this.#distance);
        else this.#write(there, element);
      }
    });
  }

  /** A node keeps its place; only figures change. */
  #write(there, { data, position }) {
    const before = there.data();
    const changed = Object.keys(data).filter((name) => name !== "id" && name !== "parent" && before[name] !== data[name]);
    if (changed.length) there.data(Object.fromEntries(changed.map((name) => [name, data[name]])));
    if (position && there.position().x !== position.x) there.position(position);
  }

  /** Lay everything out anew, by the reader's wish only. */
  tidy() {
    this.#places = new Map();
    this.cy?.destroy();
    this.cy = null;
    this.show(this.#model, this.#grouped);
  }

  /** All of it in view; `whole`: also where nobody could read it. */
  fit(whole = false) {
    this.cy.fit(undefined, MARGIN);
    const readable = this.cy.width() < PHONE ? READABLE.phone : READABLE.desk;
    const least = whole ? 0 : readable;
    if (this.large || this.cy.zoom() >= least) return void (this.cy.zoom() > 1.1 && this.zoom(1.1 / this.cy.zoom()));
    const { x1, y1, y2 } = this.cy.elements().boundingBox();
    const top = (this.cy.height() - (y2 - y1) * least) / 2;
    this.cy.viewport({ zoom: least, pan: { x: MARGIN / 2 - x1 * least, y: top - y1 * least } });
  }

  /** What a card says depends on how far away it is. Of very many cards nobody reads one from afar. */
  #stepBack() {
    const now = this.large ? "" : distance(this.cy.zoom());
    if (now === this.#distance) return;
    this.cy.batch(() => this.cy.nodes('[kind!="group"]').removeClass(this.#distance).addClass(now));
    this.#distance = now;
  }

  /** The panel takes room away: what was chosen stays in sight. */
  #resized() {
    this.cy?.resize();
    if (this.cy && this.#chosen) this.see(this.#chosen);
  }

  #centre = () => ({ x: this.cy.width() / 2, y: this.cy.height() / 2 });

  zoom(by) {
    this.cy.zoom({ level: this.cy.zoom() * by, renderedPosition: this.#centre() });
  }

  /** Bring a node into the middle when it cannot be seen. */
  see(id) {
    const node = this.cy.getElementById(id);
    if (node.empty()) return;
    const { x1, x2, y1, y2 } = node.renderedBoundingBox();
    if (x1 < 0 || y1 < 0 || x2 > this.cy.width() || y2 > this.cy.height()) this.cy.center(node);
  }

  /** Mark one node and its edges; everything else steps back. */
  choose(id) {
    this.#chosen = id;
    const { cy } = this;
    if (!cy) return;
    cy.batch(() => {
      cy.elements(".dim, .chosen, .near").removeClass("dim chosen near told");
      const node = id ? cy.getElementById(id) : cy.collection();
      if (node.empty()) return;
      const near = this.large ? this.#near(id) : node.closedNeighborhood();
      cy.elements().difference(near.union(near.parents())).addClass("dim");
      near.edges().addClass("near told");
      node.addClass("chosen");
    });
  }

  /** A node and whom it hears and calls, where Cytoscape knows no edges. */
  #near(id) {
    const found = this.cy.collection().union(this.cy.getElementById(id));
    const ids = this.#model.edges.filter((row) => row.source === id || row.target === id).flatMap((row) => [row.source, row.target]);
    return ids.reduce((all, each) => all.union(this.cy.getElementById(each)), found);
  }

  /** Mark what the search found. */
  find(text) {
    const hits = text ? this.#model.nodes.filter((row) => fits(row, text)).map((row) => row.id) : [];
    this.cy.batch(() => {
      this.cy.nodes(".found").removeClass("found");
      for (const id of hits) this.cy.getElementById(id).addClass("found");
    });
    return hits;
  }

  /** The theme changed. */
  repaint() {
    this.colours = colours(document.documentElement);
    this.cy?.style(stylesheet(this.colours));
  }

  places() {
    return this.#places;
  }
}
