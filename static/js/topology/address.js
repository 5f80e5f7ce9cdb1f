/** What the page shows, in its address: a pasted link shows the same. */

/** @param {string} name */
export const given = (name) => new URL(location.href).searchParams.get(name) ?? "";

/** What the reader asked of the graph. */
export const asked = () => ({
  queues: given("queues") !== "off",
  idle: given("idle") !== "hide",
  group: given("group"),
  focus: given("focus"),
  environment: given("environment"),
});

/**
 * Change parts of the address; an empty one is taken away. Links that keep the rest are changed along.
 *
 * @param {Record<string, string>} changes
 */
export function change(changes) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  history.replaceState(history.state, "", url);
  for (const link of document.querySelectorAll("a[data-view]")) link.href = withView(url, link.dataset.view);
}

function withView(url, view) {
  const other = new URL(url);
  if (view === "table") other.searchParams.set("view", view);
  else other.searchParams.delete("view");
  return other.href;
}
