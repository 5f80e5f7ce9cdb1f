/** The way of an edge between two cards: out on the right, in on the left; one that leads back goes below. Pure. */
export const CARD = { width: 156, height: 48 };
const BELOW = 70;

/**
 * Two bends, each a quadratic curve: [start, control, middle, control, end].
 *
 * @param {{x: number, y: number}} from
 * @param {{x: number, y: number}} to
 */
export function curve(from, to) {
  if (to.x <= from.x) return back(from, to);
  const start = { x: from.x + CARD.width / 2, y: from.y };
  const end = { x: to.x - CARD.width / 2, y: to.y };
  const half = (end.x - start.x) / 2;
  return [start, { x: start.x + half, y: start.y }, middle(start, end), { x: end.x - half, y: end.y }, end];
}

function back(from, to) {
  const start = { x: from.x, y: from.y + CARD.height / 2 };
  const end = { x: to.x, y: to.y + CARD.height / 2 };
  const low = Math.max(start.y, end.y) + BELOW;
  const bends = [{ x: start.x, y: low }, { x: end.x, y: low }];
  return [start, bends[0], middle(...bends), bends[1], end];
}

const middle = (one, other) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });

/** Where one is after this share of the way. */
export function along([start, first, half, second, end], share) {
  return share < 0.5 ? bend(start, first, half, 2 * share) : bend(half, second, end, 2 * share - 1);
}

function bend(from, control, to, share) {
  const rest = 1 - share;
  const mix = (axis) => rest * rest * from[axis] + 2 * rest * share * control[axis] + share * share * to[axis];
  return { x: mix("x"), y: mix("y") };
}

/** The control points as Cytoscape wants them: shares of the straight way, and distances from it. */
export function controls(way) {
  const [start, first, , second, end] = way;
  const along_ = { x: end.x - start.x, y: end.y - start.y };
  const length = Math.hypot(along_.x, along_.y) || 1;
  const of = (point) => {
    const at = { x: point.x - start.x, y: point.y - start.y };
    return [(at.x * along_.x + at.y * along_.y) / length ** 2, (at.y * along_.x - at.x * along_.y) / length];
  };
  const [one, other] = [of(first), of(second)];
  return { weights: `${one[0].toFixed(4)} ${other[0].toFixed(4)}`, distances: `${one[1].toFixed(2)} ${other[1].toFixed(2)}` };
}

/** As SVG writes a path. */
export function path([start, first, half, second, end]) {
  const at = ({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  return `M${at(start)}Q${at(first)} ${at(half)}Q${at(second)} ${at(end)}`;
}
