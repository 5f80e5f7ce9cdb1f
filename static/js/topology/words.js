/** How figures read; dashboard/templatetags/topology.py says the same. Pure. */
const SECOND = 1000;
const MINUTE = 60 * SECOND;

const digits = (value, count) => `${Number(value.toPrecision(count))}`;

/** @param {number} rate */
export function perMinute(rate) {
  if (!rate) return "—";
  return rate >= 10 ? `${Math.round(rate).toLocaleString("en")}/min` : `${digits(rate, 2)}/min`;
}

/** @param {number | null} ms */
export function lasting(ms) {
  if (ms === null || ms === undefined) return "—";
  if (ms < SECOND) return `${digits(ms, 3)} ms`;
  return ms < MINUTE ? `${digits(ms / SECOND, 3)} s` : `${digits(ms / MINUTE, 3)} min`;
}

/** @param {number} ratio */
export function share(ratio) {
  if (!ratio) return "—";
  return ratio < 0.001 ? "<0.1%" : `${digits(100 * ratio, 3)}%`;
}

/** What stands under a node's name. */
export function underName(row) {
  if (row.state === "idle") return "idle";
  if (row.kind === "queue") return joined(perMinute(row.rate), row.missing ? `${row.missing} not taken` : row.wait_p95_ms !== null && `wait ${lasting(row.wait_p95_ms)}`);
  if (row.kind === "model" && row.input_tokens + row.output_tokens) return joined(perMinute(row.rate), row.cost === undefined ? `${compact(row.input_tokens + row.output_tokens)} tokens` : money(row));
  return joined(perMinute(row.rate), row.p95_ms !== null && row.p95_ms !== undefined && `p95 ${lasting(row.p95_ms)}`);
}

const compact = (value) => Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);

/** An amount to two digits that say something. */
const money = (row) => `${row.cost >= 1 ? row.cost.toFixed(2) : digits(row.cost, 2)} ${row.currency}`;

/** What stands on an edge, a line each. */
export function onEdge(row) {
  const lines = [perMinute(row.rate)];
  if (row.missing) lines.push(`◌ ${row.missing} missing`);
  else if (row.p95_ms !== null) lines.push(`p95 ${lasting(row.p95_ms)}`);
  if (row.errors) lines.push(`${share(row.error_ratio)} errors`);
  return lines.join("\n");
}

const joined = (...parts) => parts.filter(Boolean).join(" · ");
