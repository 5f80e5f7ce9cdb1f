/**
 * Where nodes stand: layers from left to right. Pure: no page, no clock, no chance.
 *
 * A node that has a place keeps it, whatever comes or goes; a new one gets a free place in the layer after whoever
 * calls it. Only `before` decides: without it everything is laid out anew, and always in the same way.
 *
 * @typedef {{id: string, group?: string}} Node
 * @typedef {{source: string, target: string}} Edge
 * @typedef {{x: number, y: number}} Place
 */

export const COLUMN = 236;
export const ROW = 76;
const BAND = 2 * ROW;
const SWEEPS = 6;
/** A chain may be long; a layer for each of its nodes is only worth it while layers are few. */
const LONGEST = 24;

/**
 * @param {Node[]} nodes
 * @param {Edge[]} edges
 * @param {Map<string, Place>} [before]
 * @returns {Map<string, Place>}
 */
export function place(nodes, edges, before = new Map()) {
  const kept = new Map(nodes.filter((node) => before.has(node.id)).map((node) => [node.id, before.get(node.id)]));
  if (!kept.size) return anew(nodes, edges);
  const taken = new Set([...before.values()].map(spot));
  const wait = nodes.filter((node) => !kept.has(node.id)).sort(byId);
  const { into, out } = neighbours(nodes, edges);
  for (const node of nearestFirst(wait, kept, into, out)) {
    const found = free(wanted(node, kept, into, out), taken);
    kept.set(node.id, found);
    taken.add(spot(found));
  }
  return kept;
}

/** Groups stand one above the other, each with layers of its own. */
function anew(nodes, edges) {
  const places = new Map();
  let top = 0;
  for (const group of [...new Set(nodes.map((node) => node.group ?? ""))].sort()) {
    const members = nodes.filter((node) => (node.group ?? "") === group).sort(byId);
    const inside = new Set(members.map((node) => node.id));
    const placed = layered(
      members,
      edges.filter((edge) => inside.has(edge.source) && inside.has(edge.target)),
    );
    const ys = [...placed.values()].map((each) => each.y);
    const shift = top - Math.min(...ys);
    for (const [id, each] of placed) places.set(id, { x: each.x, y: each.y + shift });
    top += Math.max(...ys) - Math.min(...ys) + BAND;
  }
  return places;
}

function layered(nodes, edges) {
  const { into, out } = neighbours(nodes, edges);
  const layers = columns(layersOf(nodes, into, out));
  order(layers, into, out);
  const rows = Math.max(12, Math.ceil(1.4 * Math.sqrt(nodes.length)));
  const places = new Map();
  let x = 0;
  for (const layer of layers) {
    const parts = Math.ceil(layer.length / rows);
    const heights = parts > 1 ? layer.map((_, at) => (at % rows) * ROW - ((rows - 1) * ROW) / 2) : aligned(layer, into, places);
    layer.forEach((id, at) => places.set(id, { x: x + Math.floor(at / rows) * COLUMN, y: heights[at] }));
    x += parts * COLUMN;
  }
  return places;
}

/** @returns {{into: Map<string, string[]>, out: Map<string, string[]>}} each neighbour once, a loop to itself never */
function neighbours(nodes, edges) {
  const into = new Map(nodes.map((node) => [node.id, new Set()]));
  const out = new Map(nodes.map((node) => [node.id, new Set()]));
  for (const { source, target } of edges) {
    if (source === target || !out.has(source) || !into.has(target)) continue;
    out.get(source).add(target);
    into.get(target).add(source);
  }
  const lists = (sets) => new Map([...sets].map(([id, set]) => [id, [...set].sort()]));
  return { into: lists(into), out: lists(out) };
}

/** The longest way from a beginning, along edges that lead on; rings are cut where the walk closes them. */
function layersOf(nodes, into, out) {
  const sequence = walked(nodes, into, out);
  const rank = new Map(sequence.map((id, at) => [id, at]));
  const layer = new Map(sequence.map((id) => [id, 0]));
  for (const id of sequence) {
    for (const next of out.get(id)) {
      if (rank.get(next) > rank.get(id)) layer.set(next, Math.max(layer.get(next), layer.get(id) + 1));
    }
  }
  if (Math.max(0, ...layer.values()) > LONGEST) return nearest(sequence, out);
  pullToWork(sequence, rank, layer, into, out);
  return layer;
}

/** Depth first from those that nobody calls; read backwards, everybody comes before whom they call. */
function walked(nodes, into, out) {
  const starts = [...nodes].sort((one, other) => into.get(one.id).length - into.get(other.id).length || byId(one, other));
  const seen = new Set();
  const done = [];
  for (const { id: start } of starts) {
    const stack = seen.has(start) ? [] : [[start, 0]];
    seen.add(start);
    while (stack.length) {
      const top = stack.at(-1);
      const next = out.get(top[0])[top[1]++];
      if (next === undefined) done.push(stack.pop()[0]);
      else if (!seen.has(next)) stack.push([next, seen.add(next) && 0]);
    }
  }
  return done.reverse();
}

/** In a thicket the longest way says nothing: there the shortest one counts. */
function nearest(sequence, out) {
  const layer = new Map();
  for (const start of sequence) {
    if (layer.has(start)) continue;
    layer.set(start, 0);
    const queue = [start];
    for (const id of queue) {
      for (const next of out.get(id)) {
        if (layer.has(next)) continue;
        layer.set(next, Math.min(layer.get(id) + 1, LONGEST));
        queue.push(next);
      }
    }
  }
  return layer;
}

/** Whoever is called by nobody stands right before the first one it calls. */
function pullToWork(sequence, rank, layer, into, out) {
  for (const id of sequence) {
    const ahead = out.get(id).filter((next) => rank.get(next) > rank.get(id));
    if (into.get(id).length || !ahead.length) continue;
    layer.set(id, Math.max(0, Math.min(...ahead.map((next) => layer.get(next))) - 1));
  }
}

function columns(layer) {
  const found = [];
  for (const [id, at] of layer) (found[at] ??= []).push(id);
  return [...found].map((ids) => ids ?? []).filter((ids) => ids.length);
}

/** Sort each layer by the middle of its neighbours, forwards and backwards in turn: fewer lines cross. */
function order(layers, into, out) {
  const at = new Map();
  const number = (layer) => layer.forEach((id, index) => at.set(id, index - layer.length / 2));
  layers.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const ahead = sweep % 2 === 0;
    for (const layer of ahead ? layers : [...layers].reverse()) {
      const middle = new Map(layer.map((id) => [id, mean((ahead ? into : out).get(id).map((each) => at.get(each))) ?? at.get(id)]));
      layer.sort((one, other) => middle.get(one) - middle.get(other) || (one < other ? -1 : 1));
      number(layer);
    }
  }
}

/** As near to the height of whoever calls them as the order and the room between allow. */
function aligned(layer, into, places) {
  const wish = layer.map((id, index) => mean(into.get(id).map((each) => places.get(each)?.y).filter((y) => y !== undefined)) ?? (index - (layer.length - 1) / 2) * ROW);
  const blocks = [];
  wish.forEach((y, index) => {
    let block = { sum: y - index * ROW, size: 1 };
    while (blocks.length && blocks.at(-1).sum / blocks.at(-1).size > block.sum / block.size) {
      const last = blocks.pop();
      block = { sum: last.sum + block.sum, size: last.size + block.size };
    }
    blocks.push(block);
  });
  const heights = blocks.flatMap((block) => Array(block.size).fill(block.sum / block.size));
  return heights.map((y, index) => y + index * ROW);
}

// ---- A new one among old ones -----------------------------------------------------------------------------------

/** New nodes that know somebody with a place come before those that only know each other. */
function nearestFirst(wait, kept, into, out) {
  const knows = (node) => [...into.get(node.id), ...out.get(node.id)].some((id) => kept.has(id));
  return [...wait.filter(knows), ...wait.filter((node) => !knows(node))];
}

function wanted(node, kept, into, out) {
  const callers = into.get(node.id).map((id) => kept.get(id)).filter(Boolean);
  const called = out.get(node.id).map((id) => kept.get(id)).filter(Boolean);
  const near = callers.length ? callers : called;
  if (!near.length) return { x: 0, y: Math.max(...[...kept.values()].map((each) => each.y)) + ROW };
  const y = mean(near.map((each) => each.y));
  const x = callers.length ? Math.max(...callers.map((each) => each.x)) + COLUMN : Math.min(...called.map((each) => each.x)) - COLUMN;
  return { x, y };
}

/** The nearest height in this column at which nobody stands, nor did. */
function free({ x, y }, taken) {
  for (let step = 0; ; step++) {
    for (const by of step ? [step, -step] : [0]) {
      const found = { x, y: (Math.round(y / ROW) + by) * ROW };
      if (!isTaken(found, taken)) return found;
    }
  }
}

/** A place takes up the whole height of a row, and old ones need not stand on the grid. */
const isTaken = (found, taken) => [-1, 0, 1].some((by) => taken.has(spot({ x: found.x, y: found.y + (by * ROW) / 2 })));
const spot = ({ x, y }) => `${Math.round(x / COLUMN)}:${Math.round((2 * y) / ROW)}`;
const byId = (one, other) => (one.id < other.id ? -1 : 1);
const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : undefined);
