// What the theme leaves unsaid to a keyboard and a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  for (const table of document.querySelectorAll(".md-typeset table:not([class])")) {
    const columns = [...table.querySelectorAll("thead th")].map(cell => cell.textContent);
    if (columns.length < 3) continue;
    table.dataset.rows = "";
    for (const row of table.tBodies[0].rows)
      [...row.cells].forEach((cell, place) => { if (columns[place]) cell.dataset.column = columns[place]; });
  }
});
window.addEventListener("load", () => {
  for (const part of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  }
});
