/** The line of time above the rows: round moments, and the pauses, each a button that folds it or unfolds it. */
import { ticksOf } from "./scale.js";
import { took } from "./words.js";

// What a moment and its words take, in pixels.
const NARROW = 56;

/**
 * @param {HTMLElement} axis
 * @param {{trace: import("./model.js").Trace, scale: any, width: number}} drawing
 * @param {(pause: number) => void} unfold
 */
export function drawAxis(axis, { trace, scale, width }, unfold) {
  axis.replaceChildren();
  let reached = -NARROW;
  for (const { at, x } of ticksOf(scale, trace.until)) {
    if (x * width < reached + NARROW || x * width > width - NARROW || isUnderFold(x, scale, width)) continue;
    reached = x * width;
    axis.append(mark("trace-moment", at ? took(at).replace(/\.0+ /, " ") : "0", reached));
  }
  for (const piece of scale.folds) axis.append(fold(piece, trace, width, unfold));
}

/** Whether a pause's button would lie over its words. */
function isUnderFold(x, scale, width) {
  return scale.folds.some((piece) => x > 0 && x * width > piece.x * width - NARROW && x < piece.x + piece.width);
}

function mark(name, text, left) {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  made.style.transform = `translateX(${left}px)`;
  return made;
}

function fold(piece, trace, width, unfold) {
  const made = document.createElement("button");
  const toNow = piece.to === trace.now;
  made.type = "button";
  made.tabIndex = -1;
  made.className = "trace-fold";
  made.style.transform = `translateX(${piece.x * width}px)`;
  made.style.width = `${piece.width * width}px`;
  made.title = toNow ? `${took(piece.to - piece.from)} until now; click to unfold` : `Nothing ran for ${took(piece.to - piece.from)}; click to unfold`;
  made.textContent = toNow ? "now" : "⋯";
  made.addEventListener("click", () => unfold(piece.fold.index));
  return made;
}
