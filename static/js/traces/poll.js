/** Ask again and again: often while answers come, seldom while they fail, and not at all in a hidden tab. */
const PAUSE = 2000;
const LONGEST = 30000;

/**
 * @param {() => Promise<boolean>} ask says whether asking again at once is worth it
 * @param {(failed: boolean) => void} [tell] how the last one went
 */
export function every(ask, tell = () => {}) {
  let pause = PAUSE;
  const step = async () => {
    if (document.hidden) return again();
    try {
      const more = await ask();
      pause = more ? 0 : PAUSE;
      tell(false);
    } catch {
      pause = Math.min(Math.max(pause, PAUSE) * 2, LONGEST);
      tell(true);
    }
    return again();
  };
  const again = () => setTimeout(step, pause);
  again();
}
