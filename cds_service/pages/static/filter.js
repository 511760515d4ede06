// Shows only the rows that contain every word typed.
"use strict";
const field = document.getElementById("search");
const count = document.getElementById("count");
const rows = [...document.querySelectorAll("table[data-filter] tbody tr")];
const texts = rows.map((row) => row.textContent.toLowerCase());
field.closest("p").hidden = false;
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  rows.forEach((row, index) => {
    row.hidden = !words.every((word) => texts[index].includes(word));
    shown += row.hidden ? 0 : 1;
  });
  count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
});
