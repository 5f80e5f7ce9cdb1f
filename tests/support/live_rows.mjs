// The browser's own rows.js behind a pipe: a frame a line in; what is held after it, and whether it followed, out.
import { createInterface } from "node:readline";
import { after } from "../../static/js/live/rows.js";

let held = null;
for await (const line of createInterface({ input: process.stdin })) {
  const frame = JSON.parse(line);
  if (frame === null) held = null;
  const next = frame && after(held, frame);
  held = next ?? held;
  const rows = held ? Object.fromEntries(held.rows) : {};
  process.stdout.write(`${JSON.stringify({ took: next !== null, rows, revision: held?.revision ?? null })}\n`);
}
