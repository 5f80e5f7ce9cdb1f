// The browser's own modules behind a pipe: {call, with} a line in, the answer out. Maps travel as lists of pairs.
import { createInterface } from "node:readline";
import { along, controls, curve } from "../../static/js/topology/curve.js";
import { place } from "../../static/js/topology/layout.js";
import { model, width } from "../../static/js/topology/model.js";
import { svg } from "../../static/js/topology/svg.js";
import { lasting, perMinute, share } from "../../static/js/topology/words.js";

const CALLS = {
  place: ({ nodes, edges, before }) => [...place(nodes, edges, new Map(before))],
  model: ({ rows, asked, owners }) => model(rows, asked, { owner: owners }),
  curve: ({ from, to }) => ({ way: curve(from, to), controls: controls(curve(from, to)), middle: along(curve(from, to), 0.5) }),
  svg: ({ drawn, places, colours }) => svg(drawn, new Map(places), colours, (state) => `<!-- ${state} -->`),
  width: ({ rates }) => rates.map((rate) => width({ rate })),
  words: ({ values }) => values.map((value) => [perMinute(value), lasting(value), share(value)]),
  timed: ({ nodes, edges }) => {
    const began = performance.now();
    place(nodes, edges);
    return performance.now() - began;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, with: given } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(CALLS[call](given))}\n`);
}
