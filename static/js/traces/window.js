/**
 * A window on a long list: only the rows that are seen are in the document, whatever their number. Rows have one
 * height; an element that leaves at one end comes back at the other.
 */
export class Window {
  /**
   * @param {HTMLElement} view the element that scrolls
   * @param {{height: number, make: () => HTMLElement, fill: (element: HTMLElement, row: number) => void, beyond?: number}} how
   */
  constructor(view, { height, make, fill, beyond = 6 }) {
    Object.assign(this, { view, height, make, fill, beyond, count: 0 });
    this.shown = new Map();
    this.spare = [];
    this.inner = document.createElement("div");
    this.inner.className = "window-inner";
    this.inner.setAttribute("role", "presentation");
    view.replaceChildren(this.inner);
    view.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(view);
  }

  /** @param {number} count */
  resize(count) {
    this.count = count;
    this.inner.style.height = `${count * this.height}px`;
    this.redraw();
  }

  /** Everything anew: what the rows show has changed. */
  redraw() {
    for (const [row, element] of this.shown) if (row < this.count) this.fill(element, row);
    this.draw();
  }

  /** Only what came into view or left it. */
  draw() {
    const first = Math.max(0, Math.floor(this.view.scrollTop / this.height) - this.beyond);
    const seen = Math.ceil(this.view.clientHeight / this.height) + 2 * this.beyond;
    const last = Math.min(this.count, first + seen);
    for (const [row, element] of this.shown) if (row < first || row >= last) this.put(row, element);
    for (let row = first; row < last; row += 1) if (!this.shown.has(row)) this.take(row);
  }

  put(row, element) {
    this.shown.delete(row);
    this.spare.push(element);
    element.hidden = true;
  }

  take(row) {
    const element = this.spare.pop() ?? this.inner.appendChild(this.make());
    element.hidden = false;
    element.style.transform = `translateY(${row * this.height}px)`;
    this.shown.set(row, element);
    this.fill(element, row);
  }

  /** Scroll as far as needed for a row to be seen. */
  reveal(row) {
    const top = row * this.height;
    const { scrollTop, clientHeight } = this.view;
    if (top < scrollTop) this.view.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) this.view.scrollTop = top + this.height - clientHeight;
    this.draw();
  }

  /** The element of a row, if it is in the document. */
  element(row) {
    return this.shown.get(row);
  }
}
