/** Light and dark. The choice is a cookie, so that the server draws the next page right from the start. */
import { on } from "./actions.js";

const YEAR = 365 * 24 * 60 * 60;
const root = document.documentElement;
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

const shown = () => root.dataset.theme || (systemIsDark.matches ? "dark" : "light");

on("theme", () => {
  const theme = shown() === "dark" ? "light" : "dark";
  root.dataset.theme = theme;
  document.cookie = `postroom_theme=${theme}; path=/; max-age=${YEAR}; samesite=lax`;
  document.dispatchEvent(new CustomEvent("theme", { detail: theme }));
});
