/** How long to wait before trying again. Pure. */

const FIRST = 500;
const LONGEST = 30_000;

/**
 * Twice as long each time up to half a minute, and a random half of it off, so that a thousand browsers do not
 * come back to a restarted server in one moment.
 *
 * @param {number} attempt 0 for the first
 * @param {() => number} random
 */
export function wait(attempt, random = Math.random) {
  const longest = Math.min(LONGEST, FIRST * 2 ** attempt);
  return longest / 2 + (longest / 2) * random();
}
