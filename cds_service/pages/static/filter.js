// Shows only the rows that contain every word typed, and only the sections with such a row.
"use strict";
const field = document.getElementById("search");
const count = document.getElementById("count");
const rows = [...document.querySelectorAll("[data-filter] tbody tr")];
const heading = (row) => row.closest("details")?.querySelector("summary").textContent ?? "";
const texts = rows.map((row) => `${heading(row)} ${row.textContent}`.toLowerCase());
const sections = [...document.querySelectorAll("details.fold")].filter((one) => one.querySelector("[data-filter]"));
let openBefore = null; // the search; null while nothing is searched
const showSections = (searching) => {
  openBefore ??= sections.map((section) => section.open);
  sections.forEach((section, index) => {
    const found = section.querySelector("tbody tr:not([hidden])") !== null;
    section.hidden = searching && !found;
    section.open = searching ? found : openBefore[index];
  });
  if (!searching) openBefore = null;
};
field.closest("p").hidden = false;
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  rows.forEach((row, index) => { row.hidden = !words.every((word) => texts[index].includes(word)); });
  showSections(words.length > 0);
  const shown = rows.filter((row) => !row.hidden).length;
  const found = shown ? `${shown} of ${rows.length} rows` : "No row holds all these words. Try fewer, or part of a word.";
  count.textContent = words.length ? found : "";
});
