/**
 * From rows to what is drawn, by what the reader asked for. Pure.
 *
 * @typedef {Record<string, any>} Row
 * @typedef {{queues: boolean, idle: boolean, group: string, focus: string, environment: string}} Asked
 * @typedef {{nodes: Row[], edges: Row[]}} Model
 */

/** The newest messages are on their way and not missing yet; agents/topology/figures.py counts the same. */
const FEW = 3;
/** A focus shows whom the node hears and calls, and those beyond them. */
const REACH = 2;

/**
 * @param {Iterable<Row>} rows nodes, and edges, which have a source
 * @param {Asked} asked
 * @param {Record<string, Record<string, string>>} groups by what they group: which node is in which group
 * @param {Record<string, {input: number, output: number, currency: string}>} prices of a million tokens, by model
 * @returns {Model}
 */
export function model(rows, asked, groups = {}, prices = {}) {
  const all = [...rows].filter((row) => row.id && (!asked.environment || row.environment === asked.environment));
  const known = new Map(all.filter((row) => !row.source).map((row) => [row.id, row]));
  let edges = all.filter((row) => row.source && isDrawn(row, asked.queues));
  if (!asked.idle) edges = edges.filter((row) => row.state !== "idle");
  if (asked.focus) edges = around(asked.focus, edges);
  const ends = new Set(edges.flatMap((row) => [row.source, row.target]));
  const alone = [...known.values()].filter((row) => !ends.has(row.id) && standsAlone(row, asked)).map((row) => row.id);
  const nodes = [...ends, ...alone].map((id) => known.get(id) ?? stub(id));
  return { nodes: nodes.map((row) => ({ ...row, ...costOf(row, prices[row.id]), group: groupOf(row, asked.group, groups) })), edges };
}

/** With queues a message is a send and a take; without, what never arrived still shows where it was sent to. */
function isDrawn(row, queues) {
  if (row.kind === "send" || row.kind === "take") return queues || (row.kind === "send" && row.missing >= FEW);
  return !(queues && row.queued);
}

function standsAlone(row, asked) {
  if (asked.focus) return row.id === asked.focus;
  return row.kind !== "queue" && (asked.idle || row.state !== "idle");
}

/** An end that the reader may not see by itself: known by name only. */
function stub(id) {
  const kind = id.slice(0, id.indexOf(":"));
  const rest = id.slice(kind.length + 1);
  const slash = rest.indexOf("/");
  return { id, kind, environment: rest.slice(0, slash), name: rest.slice(slash + 1), state: "idle", rate: 0, p95_ms: null, wait_p95_ms: null, missing: 0, stub: true };
}

const NONE = { owner: "nobody's", workflow: "in no workflow" };

function groupOf(row, by, groups) {
  if (by === "environment") return row.environment;
  return by in NONE ? (groups[by]?.[row.id] ?? NONE[by]) : "";
}

/** What a model came to in the minutes that are shown; nothing where nobody entered a price. */
function costOf(row, price) {
  if (!price || row.kind !== "model") return {};
  const amount = (row.input_tokens * price.input + row.output_tokens * price.output) / 1e6;
  return { cost: amount, currency: price.currency };
}

/** The edges within reach of a node, whichever way they lead. */
function around(focus, edges) {
  let inside = new Set([focus]);
  let found = [];
  for (let step = 0; step < REACH; step++) {
    found = edges.filter((row) => inside.has(row.source) || inside.has(row.target));
    inside = new Set([focus, ...found.flatMap((row) => [row.source, row.target])]);
  }
  return found;
}

/** Does a name have this text in it? */
export const fits = (row, text) => row.name.toLowerCase().includes(text.toLowerCase());

/** How wide an edge is drawn: each doubling of the rate adds as much. */
export const width = (row) => (row.rate ? Math.min(8, 1.25 + 0.7 * Math.log2(1 + row.rate)) : 1);

/** How many dots are on their way on an edge. */
export const dots = (row) => (row.rate && row.state !== "unknown" ? Math.min(6, Math.ceil(Math.log2(1 + row.rate))) : 0);
