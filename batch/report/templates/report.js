"use strict";
// The table of orders: search, choose, sort. Without a script it is simply a long table.
(() => {
  const table = document.querySelector("table.orders");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const words = rows.map((row) => row.textContent.toLowerCase());
  const controls = document.querySelector(".controls");
  const [search, choice, output] = ["input", "select", "output"].map((name) => controls.querySelector(name));

  const show = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      const fits = (!choice.value || row.classList.contains(choice.value)) && wanted.every((word) => words[at].includes(word));
      row.hidden = !fits;
      shown += fits;
    });
    output.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  };

  const collator = new Intl.Collator("en", { numeric: true });
  const sort = (heading) => {
    const column = heading.cellIndex;
    const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const key = (row) => row.cells[column].textContent.trim();
    const sorted = [...body.rows].sort((one, other) => {
      const [left, right] = [key(one), key(other)];
      return !left - !right || direction * collator.compare(left, right); // what is empty comes last
    });
    table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    body.append(...sorted);
  };

  table.querySelectorAll("thead th").forEach((heading) => {
    heading.tabIndex = 0;
    heading.setAttribute("role", "columnheader button");
    heading.addEventListener("click", () => sort(heading));
    heading.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(heading); }
    });
  });
  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 120); });
  choice.addEventListener("change", show);
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.hidden = false;
  table.classList.add("sortable");
  show();
})();
