/** One live row while its page is open: `changed(row)` is called when something of it is no longer as it was. */
import { subscribe } from "../live.js";

/** `part`: the row as far as it counts; undefined when what came says nothing. */
export function watchOne(topic, id, changed, part = (row) => row ?? null) {
  let known;
  const look = (row) => {
    const counts = part(row);
    if (counts === undefined) return;
    const now = JSON.stringify(counts);
    const differs = known !== undefined && known !== now;
    known = now;
    if (differs) changed(row);
  };
  subscribe(topic, {
    snapshot: (rows) => look(rows.get(id)),
    delta: (ops, rows) => ops.some((op) => op.id === id) && look(rows.get(id)),
  });
}

/** Draw a part of the page anew, as the server has it now. */
export const redraw = (part) =>
  window.htmx?.ajax("GET", location.href, { target: part, select: part, swap: "outerHTML" });
