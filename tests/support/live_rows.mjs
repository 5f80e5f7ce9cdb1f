// The browser's own rows.js behind a pipe: a frame a line in; what is held after it, and whether it followed, out.
import { createInterface } from "node:readline";
import { after, isWhole, joined } from "../../static/js/live/rows.js";

let held = null;
let begun = null;
for await (const line of createInterface({ input: process.stdin })) {
  const part = JSON.parse(line);
  if (part === null) held = begun = null;
  else begun = joined(begun, part);
  const next = begun && isWhole(begun) ? after(held, begun) : held;
  const took = next !== null;
  held = next ?? held;
  const rows = held ? Object.fromEntries(held.rows) : {};
  process.stdout.write(`${JSON.stringify({ took, rows, revision: held?.revision ?? null })}\n`);
}
