// Keeps the order form of one mind: a typed drug or reason selects "as written", and the button says what the hook is.
"use strict";
for (const [typed, chosen, asWritten] of [["written", "drug", "by-name"], ["words", "reason", "words"]]) {
  const input = document.getElementById(typed);
  const select = document.getElementById(chosen);
  const before = select.value === asWritten ? select.options[0].value : select.value;
  input.addEventListener("input", () => { select.value = input.value.trim() ? asWritten : before; });
  select.addEventListener("change", () => { if (select.value !== asWritten) input.value = ""; });
}
const hook = document.getElementById("hook");
hook.addEventListener("change", () => {
  document.getElementById("action").textContent = hook.selectedOptions[0].dataset.action;
});
