/** Relative times, kept right while the page stays open; a copy carries the exact ones. dashboard/words.py says the same. */
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LONG_AGO = 30 * DAY;

/** @param {number} seconds */
export function span(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < 2 * DAY) return `${Math.floor(whole / HOUR)} h`;
  return `${Math.floor(whole / DAY)} d`;
}

/**
 * @param {Date} moment
 * @param {Date} now
 */
export function relative(moment, now) {
  const distance = (now - moment) / 1000;
  if (Math.abs(distance) >= LONG_AGO) return moment.toISOString().slice(0, 10);
  if (Math.abs(distance) < 1) return "now";
  return distance > 0 ? `${span(distance)} ago` : `in ${span(distance)}`;
}

/** @param {Date} moment */
export const exact = (moment) => `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;

/**
 * A time that keeps itself right: `how` is "ago" or "span".
 *
 * @param {string} moment RFC 3339
 * @param {string} how
 */
export function timeElement(moment, how) {
  const element = document.createElement("time");
  element.dateTime = moment;
  element.title = exact(new Date(moment));
  element.dataset.time = how;
  draw(element, new Date());
  return element;
}

function draw(element, now) {
  const moment = new Date(element.dateTime);
  const text = element.dataset.time === "span" ? span((now - moment) / 1000) : relative(moment, now);
  if (element.textContent !== text) element.textContent = text;
}

function drawAll() {
  if (document.hidden) return;
  const now = new Date();
  for (const element of document.querySelectorAll("time[data-time]")) draw(element, now);
}

setInterval(drawAll, 1000);
document.addEventListener("visibilitychange", drawAll);

document.addEventListener("copy", (event) => {
  const part = selectedPart();
  const times = part?.querySelectorAll("time[data-time]");
  if (!times?.length) return;
  for (const element of times) element.textContent = element.dateTime;
  event.clipboardData.setData("text/plain", part.textContent);
  event.preventDefault();
});

function selectedPart() {
  const selection = getSelection();
  return selection?.rangeCount ? selection.getRangeAt(0).cloneContents() : null;
}
