/** One cause while its page is open: drawn anew when something of it changed, or when it is over. */
import { redraw, watchOne } from "../live/one.js";

const LEAST_MS = 2_000;
const id = document.querySelector("[data-stuck-cause]")?.dataset.stuckCause;
let drawing;

if (id) watchOne("stuck", id, () => (drawing ??= setTimeout(draw, LEAST_MS)));

/** Not while somebody has a menu open or a link under the keyboard. */
function draw() {
  drawing = undefined;
  if (!document.querySelector("#stuck-cause")?.contains(document.activeElement)) redraw("#stuck-cause");
}
