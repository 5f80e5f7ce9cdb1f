/** Saved searches: whoever opens the list by its key goes on with the arrows, or types a name at once. */
const menu = document.querySelector("[data-saved]");

menu?.addEventListener("toggle", () => {
  if (menu.open) menu.querySelector(".saved-search a, #saved-name").focus();
});
