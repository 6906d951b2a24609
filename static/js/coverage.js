/* The coverage calendar: the newest days come into view, and the arrow keys walk from day to day. */
(() => {
  "use strict";
  document.querySelectorAll("[data-from-end]").forEach((region) => { region.scrollLeft = region.scrollWidth; });
  const days = (row) => [...row.querySelectorAll("a.day")];
  const at = (day) => day.getBoundingClientRect().left;
  document.addEventListener("keydown", (event) => {
    const day = event.target.closest(".cal a.day");
    if (!day || event.metaKey || event.ctrlKey || event.altKey) return;
    const row = day.closest("tr"), mine = days(row);
    let next;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") next = mine[mine.indexOf(day) + (event.key === "ArrowLeft" ? -1 : 1)];
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const rows = [...row.closest("table").querySelectorAll("tr[data-row]")].filter((one) => days(one).length);
      const other = rows[rows.indexOf(row) + (event.key === "ArrowUp" ? -1 : 1)];
      if (other) next = days(other).reduce((best, one) => (Math.abs(at(one) - at(day)) < Math.abs(at(best) - at(day)) ? one : best));
    } else return;
    event.preventDefault();
    if (next) next.focus();
  });
})();
