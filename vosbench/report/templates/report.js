"use strict";
(() => {
  const compare = (a, b) => {
    const x = Number(a), y = Number(b);
    if (a === "" || b === "") return (a === "") - (b === "");  // what was not measured stays last
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    return a.localeCompare(b, undefined, { numeric: true });
  };

  const sortBy = (table, place, down) => {
    const body = table.tBodies[0];
    const key = (row) => row.cells[place].dataset.sort ?? row.cells[place].textContent.trim();
    const rows = [...body.rows].map((row) => ({ row, key: key(row) }));
    rows.sort((a, b) => (a.key === "" || b.key === "" || !down ? compare(a.key, b.key) : compare(b.key, a.key)));
    body.append(...rows.map((one) => one.row));
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      if (head.hasAttribute("aria-sort")) {
        head.setAttribute("aria-sort", index !== place ? "none" : down ? "descending" : "ascending");
      }
    });
  };

  const makeSortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      if (!head.hasAttribute("aria-sort")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sortBy(table, place, head.getAttribute("aria-sort") === "ascending"));
      head.replaceChildren(button);
    });
  };

  const makeFilter = (form, table) => {
    const rows = [...table.tBodies[0].rows];
    const fields = [...form.querySelectorAll("[data-filter]")];
    const fits = (row, field) => {
      if (field.dataset.filter === "failed") return !field.checked || row.hasAttribute("data-failed");
      if (field.dataset.filter === "text") return row.textContent.toLowerCase().includes(field.value.trim().toLowerCase());
      return field.value === "" || row.cells[Number(field.dataset.filter)].dataset.sort === field.value;
    };
    const apply = () => {
      let shown = 0;
      for (const row of rows) {
        row.hidden = !fields.every((field) => fits(row, field));
        shown += !row.hidden;
      }
      form.querySelector("[data-shown]").textContent = `${shown} of ${rows.length} shown`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    apply();
  };

  for (const table of document.querySelectorAll("[data-sortable]")) {
    makeSortable(table);
    const form = document.querySelector("[data-filters]");
    if (form) makeFilter(form, table);
  }
})();
