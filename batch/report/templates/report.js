"use strict";
// The table of orders: unpack, search, choose, sort, show more. Without a script it is simply a long table.
(() => {
  const table = document.querySelector("table.orders");
  if (!table) return;
  const body = table.tBodies[0];
  const find = (selector) => document.querySelector(selector);
  const [controls, search, choice, output] = [".controls", "input", "select", "output"].map(find);
  const [onward, packed, more] = [".onward", "#packed", "#more"].map(find);
  const AT_ONCE = 100; // rows shown before somebody asks for more
  const NEED_A_PERSON = "rejected held refused unknown".split(" ");
  let most = AT_ONCE;
  let rows = [];

  const take = (added) => {
    rows = rows.concat(added.map((element) => ({ element, text: element.textContent.toLowerCase() })));
  };
  const fitting = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return rows.filter(({ element, text }) =>
      (!choice.value || element.className === choice.value) && wanted.every((word) => text.includes(word)));
  };
  const show = () => {
    const found = fitting();
    body.replaceChildren(...found.slice(0, most).map(({ element }) => element));
    const figures = [Math.min(most, found.length), found.length].map((count) => count.toLocaleString("en"));
    output.textContent = figures[0] === figures[1] ? `${figures[1]} shown` : `${figures[0]} of ${figures[1]} shown`;
    onward.hidden = found.length <= most;
  };
  const anew = () => { most = AT_ONCE; show(); };

  const collator = new Intl.Collator("en", { numeric: true });
  const sort = (heading) => {
    const column = heading.cellIndex;
    const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const key = ({ element }) => element.cells[column].textContent.trim();
    rows.sort((one, other) => {
      const [left, right] = [key(one), key(other)];
      return !left - !right || direction * collator.compare(left, right); // what is empty comes last
    });
    table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    show();
  };

  const made = (texts) => {
    const row = document.createElement("tr");
    row.className = texts[1];
    for (const [column, text] of texts.entries()) {
      row.insertCell().textContent = column === 1 ? text.replaceAll("_", " ") : text;
    }
    return row;
  };
  const unpack = async () => {
    const bytes = Uint8Array.from(atob(more.content.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    take((await new Response(stream).json()).map(made));
    packed.remove();
    show();
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
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(anew, 120); });
  choice.addEventListener("change", anew);
  onward.firstElementChild.addEventListener("click", () => { most += 5 * AT_ONCE; show(); });
  controls.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("beforeprint", () => { // on paper: all that need a person, or all that was looked for
    const needing = rows.filter(({ element }) => NEED_A_PERSON.includes(element.className)).length;
    most = Math.max(most, search.value || choice.value ? rows.length : needing);
    show();
  });
  controls.hidden = false;
  table.classList.add("sortable");
  take([...body.rows]);
  show();
  if (more && "DecompressionStream" in window) unpack();
})();
