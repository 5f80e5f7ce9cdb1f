/** The graph as a drawing of its own, for documents. Pure: rows, places and colours in, text out. */
import { CARD, curve, path } from "./curve.js";
import { width } from "./model.js";
import { underName } from "./words.js";

const MARGIN = 40;
const DASHES = { unknown: ' stroke-dasharray="6 5"', idle: ' stroke-dasharray="2 4"' };
const ROUND = { agent: 8, queue: 24, model: 0, tool: 14, service: 0 };

/**
 * @param {{nodes: Record<string, any>[], edges: Record<string, any>[]}} model
 * @param {Map<string, {x: number, y: number}>} places
 * @param {Record<string, string>} colours
 * @param {(state: string, colours: Record<string, string>) => string} mark the shape that stands for a state
 */
export function svg(model, places, colours, mark) {
  const box = bounds(model.nodes.map((row) => places.get(row.id)));
  const lines = model.edges.map((row) => edge(row, places, colours));
  const cards = model.nodes.map((row) => card(row, places.get(row.id), colours, mark));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${box.width}" height="${box.height}" viewBox="${box.x} ${box.y} ${box.width} ${box.height}" font-family="${escaped(colours.sans)}">`,
    `<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" fill="${colours.canvas}"/>`,
    ...lines,
    ...cards,
    "</svg>",
  ].join("\n");
}

function bounds(all) {
  const [xs, ys] = [all.map((each) => each.x), all.map((each) => each.y)];
  const x = Math.floor(Math.min(0, ...xs) - CARD.width / 2 - MARGIN);
  const y = Math.floor(Math.min(0, ...ys) - CARD.height / 2 - MARGIN);
  const right = Math.max(0, ...xs) + CARD.width / 2 + MARGIN;
  const bottom = Math.max(0, ...ys) + CARD.height / 2 + 2 * MARGIN;
  return { x, y, width: Math.ceil(right - x), height: Math.ceil(bottom - y) };
}

function edge(row, places, colours) {
  const way = curve(places.get(row.source), places.get(row.target));
  const colour = colours[row.state] && row.state !== "ok" ? colours[row.state] : colours["line-strong"];
  return `<path d="${path(way)}" fill="none" stroke="${colour}" stroke-width="${width(row).toFixed(1)}"${DASHES[row.state] ?? ""}/>`;
}

function card(row, at, colours, mark) {
  const border = row.state === "idle" ? colours["control-line"] : colours[row.state];
  const [x, y] = [at.x - CARD.width / 2, at.y - CARD.height / 2];
  return `<g transform="translate(${x.toFixed(1)} ${y.toFixed(1)})"><rect width="${CARD.width}" height="${CARD.height}" rx="${ROUND[row.kind] ?? 0}" fill="${colours.raised}" stroke="${border}" stroke-width="1.5"${DASHES[row.state] ?? ""}/><text x="${CARD.width / 2}" y="20" text-anchor="middle" font-size="13" font-weight="600" fill="${colours.text}">${escaped(short(row.name || "unknown sender"))}</text><text x="${CARD.width / 2}" y="38" text-anchor="middle" font-size="11" fill="${colours["text-3"]}">${escaped(underName(row))}</text><g transform="translate(${CARD.width - 18} -7)">${mark(row.state, colours)}</g></g>`;
}

const short = (name) => (name.length > 21 ? `${name.slice(0, 20)}…` : name);
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
