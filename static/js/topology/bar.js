/** The bar above graph and table: in the table a change asks the server, over the graph it only draws anew. */
import { change } from "./address.js";

const bar = document.querySelector("[data-topology-bar]");
const SWITCHES = "input[type=checkbox], select";
for (const button of bar.querySelectorAll("[data-without-script]")) button.hidden = true;

export function submitOnChange() {
  bar.addEventListener("change", (event) => event.target.matches(SWITCHES) && bar.requestSubmit());
}

/**
 * @param {{switched: () => void, searched: (text: string, entered: boolean) => void}} how
 */
export function drawOnChange(how) {
  bar.addEventListener("change", (event) => {
    if (!event.target.matches(SWITCHES)) return;
    const { type, name, value, checked } = event.target;
    change({ [name]: type === "checkbox" && !checked ? "" : value });
    how.switched();
  });
  const search = bar.querySelector("input[type=search]");
  search.addEventListener("input", () => {
    change({ q: search.value.trim() });
    how.searched(search.value.trim(), false);
  });
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    how.searched(search.value.trim(), true);
  });
}
