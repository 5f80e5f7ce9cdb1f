/**
 * A tally that the server drew, kept right: the bar's parts and the figures change in their place. dashboard/tallies.py
 * says the same.
 */
import { tint } from "../tint.js";

/**
 * @param {Element} tally
 * @param {Record<string, number>} counts by state
 */
export function drawTally(tally, counts) {
  const bars = [...tally.querySelectorAll("rect[data-part]")];
  const whole = bars.reduce((sum, bar) => sum + (counts[bar.dataset.part] ?? 0), 0);
  let start = 0;
  for (const bar of bars) {
    const width = (100 * (counts[bar.dataset.part] ?? 0)) / (whole || 1);
    bar.setAttribute("x", `${start}%`);
    bar.setAttribute("width", `${width}%`);
    start += width;
  }
  write(tally.querySelector("[data-whole]"), whole);
  for (const figure of tally.querySelectorAll("[data-count-of]")) count(figure, counts[figure.dataset.countOf] ?? 0);
  say(tally);
}

function count(figure, value) {
  const line = figure.closest("li");
  if ("quiet" in line.dataset) line.hidden = !value;
  write(figure, value);
}

function write(figure, value) {
  const text = value.toLocaleString("en");
  if (figure.textContent === text) return;
  figure.textContent = text;
  tint(figure);
}

/** For who does not see the bar. */
function say(tally) {
  const lines = [...tally.querySelectorAll("li[data-part]:not([hidden])")];
  tally.querySelector("svg").setAttribute("aria-label", lines.map((line) => line.textContent.trim()).join(", "));
}
