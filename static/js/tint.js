/**
 * A figure that has just changed is tinted for a moment, again when it changes again.
 *
 * @param {HTMLElement} element
 */
export function tint(element) {
  element.classList.remove("changed");
  void element.offsetWidth;
  element.classList.add("changed");
}
