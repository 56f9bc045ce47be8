"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const set = root.getAttribute("data-theme");
    const dark = set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.setAttribute("data-theme", dark ? "light" : "dark");
  });

  const key = (row, column) => {
    const cell = row.cells[column];
    const words = cell.textContent.trim();
    if (cell.tagName === "TH" || cell.className) return words;
    const found = /(÷?)(−?)(\d[\d,]*)(\.\d+)?(e[+-]?\d+)?/.exec(words);
    if (!found) return words;
    const [, turned, minus, whole, rest = "", power = ""] = found;
    const size = Number(whole.replaceAll(",", "") + rest + power) * (minus ? -1 : 1);
    return turned ? 1 / size : size;
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1;
    if (typeof b === "number") return 1;
    return a.localeCompare(b, "en", { numeric: true });
  };
  const sort = (table, head) => {
    const body = table.tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    const rows = Array.from(body.rows);
    rows.sort((a, b) => (down ? -1 : 1) * compare(key(a, head.cellIndex), key(b, head.cellIndex)));
    table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows);
  };
  const filter = (table, words, count) => {
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !row.textContent.toLowerCase().includes(words.toLowerCase());
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = words ? `${shown} of ${table.tBodies[0].rows.length} rows` : "";
  };

  document.querySelectorAll("table.sortable").forEach((table) => {
    table.querySelectorAll("thead th").forEach((head) => {
      const press = document.createElement("button");
      press.type = "button";
      press.append(...head.childNodes);
      press.addEventListener("click", () => sort(table, head));
      head.append(press);
    });
    if (table.tBodies[0].rows.length < 9) return;
    const label = document.createElement("label");
    const field = document.createElement("input");
    const count = document.createElement("span");
    label.className = "filter";
    field.type = "search";
    count.setAttribute("role", "status");
    field.setAttribute("aria-label", `Filter rows: ${table.caption.textContent}`);
    label.append("Filter rows ", field, " ", count);
    field.addEventListener("input", () => filter(table, field.value.trim(), count));
    table.closest(".scroll").before(label);
  });
})();
