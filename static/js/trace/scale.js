/** From time to place, as a share of the width. Pauses are folded: each takes a little, however long it lasted. Pure. */
const FOLD = 0.05;
const FOLDS_AT_MOST = 0.35;
const TICKS = 6;

/**
 * @param {number} end how long the whole took, in nanoseconds
 * @param {[number, number][]} pauses in which nothing ran, in order
 * @param {Set<number>} unfolded which of them are shown in full
 */
export function makeScale(end, pauses, unfolded) {
  const folds = pauses.map(([from, to], index) => ({ from, to, index })).filter(({ index }) => !unfolded.has(index));
  const each = Math.min(FOLD, FOLDS_AT_MOST / Math.max(folds.length, 1));
  const open = Math.max(end - folds.reduce((sum, fold) => sum + fold.to - fold.from, 0), 1);
  const perNano = (1 - each * folds.length) / open;
  const pieces = piecesOf(folds, end, each, perNano);
  return { pieces, folds: pieces.filter((piece) => piece.fold), x: (at) => place(pieces, at) };
}

function piecesOf(folds, end, each, perNano) {
  const pieces = [];
  let at = 0;
  let x = 0;
  const add = (to, width, fold) => {
    pieces.push({ from: at, to, x, width, fold });
    at = to;
    x += width;
  };
  for (const fold of folds) {
    add(fold.from, (fold.from - at) * perNano, null);
    add(fold.to, each, fold);
  }
  add(Math.max(end, at + 1), Math.max(0, 1 - x), null);
  return pieces;
}

function place(pieces, at) {
  for (const { from, to, x, width } of pieces) {
    if (at <= to) return x + (Math.max(at - from, 0) / Math.max(to - from, 1)) * width;
  }
  return 1;
}

/** Round moments along the open pieces: where, and when after the start. */
export function ticksOf(scale, end) {
  const open = scale.pieces.filter((piece) => !piece.fold);
  const whole = open.reduce((sum, piece) => sum + piece.to - piece.from, 0);
  const step = round(Math.max(Math.min(whole, end), 1) / TICKS);
  const ticks = [];
  for (const piece of open) {
    for (let at = Math.ceil(piece.from / step) * step; at < piece.to; at += step) ticks.push({ at, x: scale.x(at) });
  }
  return ticks;
}

/** The next of 1, 2, 5, 10, 20, 50… */
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((each) => each * power >= value);
}
