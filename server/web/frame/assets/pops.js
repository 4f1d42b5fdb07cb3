// What asks something before it acts closes as people expect: by Esc, by a click
// elsewhere, and when another one opens.
export function pops() {
  const close = (except) => {
    for (const pop of document.querySelectorAll("details.pop[open]")) if (pop !== except) pop.open = false;
  };
  addEventListener("click", (event) => close(event.target.closest("details.pop")));
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const pop = document.querySelector("details.pop[open]");
    if (!pop) return;
    const inside = pop.contains(document.activeElement);
    pop.open = false;
    if (inside) pop.querySelector("summary").focus();
  });
}
