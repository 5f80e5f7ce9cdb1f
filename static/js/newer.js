/**
 * "7 new, show": what came since a list was drawn waits behind a button, so that nothing moves under the cursor.
 *
 * @param {HTMLButtonElement} button
 * @param {number} number
 * @param {() => void} [take] what pressing it does
 */
export function offer(button, number, take = () => location.reload()) {
  button.hidden = number <= 0;
  button.textContent = `${number.toLocaleString("en")} new, show`;
  button.onclick = take;
}
