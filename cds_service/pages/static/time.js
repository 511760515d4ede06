// Moves the chart of /try through time: says the day while the slider moves, then fetches what that day shows.
"use strict";
const slider = document.getElementById("day");
const form = document.getElementById("time");
const words = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const counted = (number, unit) => (number ? [`${number} ${unit}${number === 1 ? "" : "s"}`] : []);
const today = Date.parse(slider?.dataset.now);
let waiting = 0;
let asked = new AbortController();
const say = (day) => {
  const ago = [...counted(Math.floor(-day / 7), "week"), ...counted(-day % 7, "day")].join(" and ");
  const said = `${words.format(today + day * 86400000)}, ${ago ? `${ago} ago` : "today"}`;
  slider.setAttribute("aria-valuetext", said);
  document.getElementById("day-in-words").textContent = said;
};
const show = async () => {
  const address = `/try?${new URLSearchParams(new FormData(form))}`;
  asked.abort();
  asked = new AbortController();
  try {
    const answer = await fetch(address, { signal: asked.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-of-day]")) {
      part.replaceChildren(...page.getElementById(part.id).childNodes);
    }
    for (const part of document.querySelectorAll("[data-today]")) part.hidden = slider.value !== "0";
    for (const part of document.querySelectorAll("[data-past]")) part.hidden = slider.value === "0";
    history.replaceState(null, "", address);
  } catch (error) {
    if (error.name !== "AbortError") location.assign(address);
  }
};
const move = () => {
  say(slider.valueAsNumber);
  clearTimeout(waiting);
  waiting = setTimeout(show, 150);
};
if (slider) {
  slider.addEventListener("input", move);
  slider.addEventListener("keydown", (event) => {
    const days = { PageUp: 7, PageDown: -7 }[event.key];
    if (!days) return;
    event.preventDefault();
    slider.valueAsNumber += days;
    move();
  });
  document.getElementById("show-day").hidden = true;
  document.getElementById("day-keys").hidden = false;
}
