/** How the graph looks: the console's own colours, a shape for each kind, a mark and a line for each state. */
import { CARD } from "./curve.js";

const NAMES = ["canvas", "surface", "raised", "sunken", "line", "line-strong", "control-line", "text", "text-2", "text-3", "accent", "accent-soft", "ok", "warn", "bad", "bad-soft", "warn-soft", "unknown"];
/** Each kind's outline: an agent is a card, a queue a pipe, a model a gem, a tool a bolt's head, a service somebody else's box. */
export const OUTLINES = { agent: "round-rectangle", queue: "barrel", model: "cut-rectangle", tool: "round-hexagon", service: "rectangle" };
const MARKS = {
  warn: (c) => `<path d="M8 1.5 15 14H1z" fill="${c.warn}" stroke="${c.surface}" stroke-width="1.5"/>`,
  bad: (c) => `<rect x="2" y="2" width="12" height="12" rx="2" fill="${c.bad}" stroke="${c.surface}" stroke-width="1.5"/>`,
  unknown: (c) => `<circle cx="8" cy="8" r="6" fill="${c.surface}" stroke="${c.unknown}" stroke-width="2" stroke-dasharray="3 2"/>`,
};

/** Seen from afar a card says its name alone, and the larger the farther: below this zoom, in this size. */
const FAR = [
  { below: 0.5, size: 21 },
  { below: 0.42, size: 25 },
  { below: 0.36, size: 29 },
];

/** @returns {string} the class of a card at this zoom; near enough for everything: none */
export const distance = (zoom) => FAR.filter((each) => zoom < each.below).map((each) => `far-${each.size}`).at(-1) ?? "";

/** The colours of the page as it is now: a probe asks for each, since a token may be a function. */
export function colours(root) {
  const probe = document.createElement("i");
  root.append(probe);
  const found = {};
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    found[name] = plain(getComputedStyle(probe).color);
  }
  probe.remove();
  found.sans = getComputedStyle(root).fontFamily;
  return found;
}

const pad = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Any CSS colour as one that every drawing library reads. */
function plain(colour) {
  pad.fillStyle = "#000";
  pad.fillStyle = colour;
  return pad.fillStyle;
}

export const mark = (state, c) => MARKS[state]?.(c) ?? "";

const image = (state, c) => `data:image/svg+xml;utf8,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${mark(state, c)}</svg>`)}`;

/** Everything that Cytoscape draws. */
export function stylesheet(c) {
  return [...nodes(c), ...states(c), ...edges(c), ...moods(c)];
}

function nodes(c) {
  const kinds = Object.entries(OUTLINES).map(([kind, shape]) => ({ selector: `node[kind="${kind}"]`, style: { shape } }));
  return [
    {
      selector: "node",
      style: {
        width: CARD.width, height: CARD.height, "background-color": c.raised, "border-width": 1.5, "border-color": c["control-line"],
        label: "data(label)", color: c.text, "font-family": c.sans, "font-size": 13, "font-weight": 600, "text-valign": "center",
        "text-halign": "center", "text-margin-y": -8, "text-max-width": CARD.width - 22, "text-wrap": "ellipsis",
        "min-zoomed-font-size": 6, "overlay-opacity": 0,
      },
    },
    ...kinds,
    ...FAR.map(({ size }) => ({ selector: `node.far-${size}`, style: { "font-size": size, "text-margin-y": 0, "text-max-width": CARD.width - 6 } })),
    { selector: 'node[kind="queue"]', style: { "background-color": c.sunken } },
    { selector: 'node[kind="service"]', style: { "border-style": "double", "border-width": 4 } },
    {
      selector: 'node[kind="group"]',
      style: {
        shape: "round-rectangle", "background-color": c.sunken, "background-opacity": 0.5, "border-width": 1, "border-color": c.line,
        "text-valign": "top", "text-margin-y": -6, color: c["text-3"], padding: 26, "text-max-width": 600,
      },
    },
  ];
}

function states(c) {
  const badge = { "background-width": 15, "background-height": 15, "background-position-x": "96%", "background-position-y": -7, "background-clip": "none", "background-image-containment": "over", "bounds-expansion": 8 };
  const marked = ["warn", "bad", "unknown"].map((state) => ({
    selector: `node[state="${state}"]`,
    style: { "border-color": c[state], "border-width": 2.5, "background-image": image(state, c), ...badge },
  }));
  return [
    ...marked,
    { selector: 'node[state="ok"]', style: { "border-color": c.ok } },
    { selector: 'node[state="unknown"]', style: { "border-style": "dashed" } },
    { selector: 'node[state="idle"]', style: { opacity: 0.55, "border-style": "dashed" } },
  ];
}

function edges(c) {
  const curved = {
    "curve-style": "unbundled-bezier", "edge-distances": "endpoints", "control-point-distances": "data(distances)",
    "control-point-weights": "data(weights)", "source-endpoint": "data(from)", "target-endpoint": "data(to)",
    "target-arrow-shape": "triangle", "arrow-scale": 0.9,
  };
  const line = (colour) => ({ "line-color": colour, "target-arrow-color": colour, "mid-target-arrow-color": colour });
  return [
    { selector: "edge", style: { width: "data(width)", opacity: 0.9, "overlay-opacity": 0, ...line(c["line-strong"]), ...curved } },
    { selector: 'edge[state="warn"]', style: { ...line(c.warn), "mid-target-arrow-shape": "triangle" } },
    { selector: 'edge[state="bad"]', style: { ...line(c.bad), "mid-target-arrow-shape": "square" } },
    { selector: 'edge[state="unknown"]', style: { ...line(c.unknown), "line-style": "dashed", "line-dash-pattern": [6, 5], "mid-target-arrow-shape": "circle", "mid-target-arrow-fill": "hollow" } },
    { selector: 'edge[state="idle"]', style: { opacity: 0.3, "line-style": "dotted" } },
    { selector: "edge.told", style: { label: "data(label)", "font-size": 11, "font-family": c.sans, color: c.text, "text-background-color": c.surface, "text-background-opacity": 0.95, "text-background-padding": 4, "text-background-shape": "round-rectangle", "text-wrap": "wrap", "min-zoomed-font-size": 5, "z-index": 9 } },
  ];
}

function moods(c) {
  return [
    { selector: ".dim", style: { opacity: 0.22 } },
    { selector: "edge.near", style: { opacity: 1, "z-index": 8 } },
    { selector: "node.chosen", style: { "border-color": c.accent, "border-width": 3, "underlay-color": c.accent, "underlay-opacity": 0.16, "underlay-padding": 5 } },
    { selector: "node.found", style: { "underlay-color": c.warn, "underlay-opacity": 0.25, "underlay-padding": 6 } },
  ];
}
