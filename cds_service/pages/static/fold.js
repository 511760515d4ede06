// Closes the folding sections on a phone, but not the one that the address leads to; opens all of them for printing.
"use strict";
const folds = [...document.querySelectorAll("details.fold")];
const leadsInto = (fold) => location.hash !== "" && (fold.matches(":target") || fold.querySelector(":target") !== null);
const openAll = (some) => some.forEach((fold) => { fold.open = true; });
let closedBeforePrinting = [];
if (matchMedia("(max-width: 40rem)").matches) folds.forEach((fold) => { fold.open = leadsInto(fold); });
const follow = () => {
  openAll(folds.filter(leadsInto));
  document.querySelector(":target")?.scrollIntoView();
};
addEventListener("hashchange", follow);
addEventListener("beforeprint", () => {
  closedBeforePrinting = folds.filter((fold) => !fold.open);
  openAll(closedBeforePrinting);
});
addEventListener("afterprint", () => closedBeforePrinting.forEach((fold) => { fold.open = false; }));
