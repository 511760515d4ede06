// Buttons that copy an address and say so; where the browser does not let them, the address is selected instead.
"use strict";
const copied = document.getElementById("copied");
const sayOnButton = (button, says) => {
  button.firstChild.data = says;
  setTimeout(() => { button.firstChild.data = "Copy"; }, 4000);
};
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
      copied.textContent = `Copied: ${field.value}`;
      sayOnButton(button, "Copied");
    } catch {
      field.select();
      copied.textContent = "Not copied: the browser does not allow it. The address is selected; press Ctrl+C.";
      sayOnButton(button, "Selected");
    }
  });
}
