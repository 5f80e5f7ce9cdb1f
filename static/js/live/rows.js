/**
 * The rows of one topic and how a frame changes them. Pure: no socket, no clock, no page.
 *
 * @typedef {Record<string, any>} Row
 * @typedef {{op: "put", id: string, row: Row} | {op: "drop", id: string}} Op
 * @typedef {{topic: string, kind: "snapshot" | "delta", base: number | null, revision: number, at: string,
 *   ops: Op[], part?: number, parts?: number}} Frame
 * @typedef {{revision: number, rows: Map<string, Row>}} Held
 */

/**
 * A long change comes in parts, one right after the other. This is what came so far of it and this part, joined.
 *
 * @param {Frame | null} begun
 * @param {Frame} frame
 * @returns {Frame} whole when `isWhole` says so
 */
export function joined(begun, frame) {
  if (part(frame) === 1) return frame;
  const follows = begun && sameChange(begun, frame) && part(begun) === part(frame) - 1;
  // Without the parts before it, it can never become whole: a delta from nowhere makes itself known as a gap.
  if (!follows) return { ...frame, kind: "delta", base: null, ops: [], parts: part(frame) };
  return { ...frame, ops: [...begun.ops, ...frame.ops] };
}

/**
 * A delta and a snapshot can lead to the same revision: a part of one is no part of the other.
 *
 * @param {Frame} one
 * @param {Frame} other
 */
const sameChange = (one, other) =>
  one.revision === other.revision && one.kind === other.kind && one.base === other.base;

/** @param {Frame} frame */
export const isWhole = (frame) => part(frame) === (frame.parts ?? 1);

/** @param {Frame} frame */
const part = (frame) => frame.part ?? 1;

/**
 * What is held after a frame, or null when the frame does not follow from it: then only a snapshot helps.
 * What was held before is not changed.
 *
 * @param {Held | null} held
 * @param {Frame} frame
 * @returns {Held | null}
 */
export function after(held, frame) {
  if (frame.kind === "snapshot") return { revision: frame.revision, rows: applied(new Map(), frame.ops) };
  if (!held || frame.base !== held.revision) return null;
  return { revision: frame.revision, rows: applied(new Map(held.rows), frame.ops) };
}

/**
 * @param {Map<string, Row>} rows changed in place
 * @param {Op[]} ops
 */
function applied(rows, ops) {
  for (const op of ops) {
    if (op.op === "put") rows.set(op.id, op.row);
    else rows.delete(op.id);
  }
  return rows;
}
