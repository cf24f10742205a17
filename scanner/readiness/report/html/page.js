"use strict";
// Filters and order live in the fragment (#verdict=fail&sort=gain), so that a view can be kept and passed on.
// The page is complete without this script: it only hides, orders and opens what is there.
(() => {
  const filters = document.getElementById("filters");
  if (!filters) return;
  const checks = [...document.querySelectorAll("li.check")];
  const floors = [...document.querySelectorAll("section.floor")];
  const homes = new Map(checks.map((check) => [check, check.parentElement]));
  const texts = new Map(checks.map((check) => [check, check.textContent.toLowerCase()]));
  const sorted = document.getElementById("sorted");
  const shown = document.getElementById("shown");
  const fields = [...filters.querySelectorAll("input, select")];

  const ranks = {
    weight: ["critical", "high", "medium", "low"],
    verdict: ["fail", "partial", "unknown", "pass", "not-applicable"],
  };
  const byRank = (key) => (one, other) => ranks[key].indexOf(one.dataset[key]) - ranks[key].indexOf(other.dataset[key]);
  const byGain = (one, other) => other.dataset.gain - one.dataset.gain;
  const byPlace = (one, other) => one.dataset.rank - other.dataset.rank;
  const orders = {
    gain: byGain,
    weight: (one, other) => byRank("weight")(one, other) || byGain(one, other),
    verdict: (one, other) => byRank("verdict")(one, other) || byGain(one, other),
    name: (one, other) => (one.dataset.name < other.dataset.name ? -1 : 1),
  };

  const wanted = () => {
    const pairs = fields.map((field) => [field.name, field.type === "checkbox" ? field.checked && "1" : field.value]);
    return new Map(pairs.filter(([, value]) => value));
  };

  const fits = (check, wish) =>
    ["verdict", "layer", "debt", "weight"].every((key) => !wish.has(key) || check.dataset[key] === wish.get(key)) &&
    (!wish.has("findings") || check.dataset.findings !== "0") &&
    (!wish.has("new") || check.dataset.new === "1") &&
    (wish.get("text") || "").toLowerCase().split(/\s+/).every((word) => texts.get(check).includes(word));

  const arrange = (order) => {
    const list = sorted.querySelector("ol");
    const compare = orders[order];
    for (const check of [...checks].sort((one, other) => (compare && compare(one, other)) || byPlace(one, other))) {
      (compare ? list : homes.get(check)).append(check);
    }
    sorted.hidden = !compare;
  };

  const show = () => {
    const wish = wanted();
    for (const check of checks) check.hidden = !fits(check, wish);
    arrange(wish.get("sort"));
    for (const floor of floors) floor.hidden = !floor.querySelector("li.check:not([hidden])");
    const number = checks.filter((check) => !check.hidden).length;
    const all = `${checks.length} ${checks.length === 1 ? "check" : "checks"}`;
    shown.textContent = number === checks.length ? all : `${number} of ${all}`;
    return wish;
  };

  const keep = () => {
    const fragment = new URLSearchParams([...show()]).toString();
    history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
  };

  const set = (wish) => {
    for (const field of fields) {
      const value = wish.get(field.name) || "";
      if (field.type === "checkbox") field.checked = value === "1";
      else field.value = value;
      if (field.selectedIndex === -1) field.value = ""; // a value that this page does not have
    }
  };

  const reveal = (check) => {
    if (check.hidden) {
      set(new Map());
      show();
    }
    check.querySelector("details").open = true;
    check.scrollIntoView();
  };

  const follow = () => {
    const fragment = location.hash.slice(1);
    if (fragment.includes("=")) {
      set(new URLSearchParams(fragment));
      show();
      return true;
    }
    const target = document.getElementById(fragment);
    if (target && target.matches("li.check")) reveal(target);
    return false;
  };

  filters.addEventListener("input", keep);
  filters.addEventListener("change", keep);
  filters.addEventListener("click", (event) => {
    const name = event.target.name;
    if (name === "reset") {
      set(new Map());
      keep();
    } else if (name === "open" || name === "close") {
      for (const check of checks) if (!check.hidden) check.querySelector("details").open = name === "open";
    }
  });
  // A frame that is wider than its room is scrolled with the keyboard too.
  document.addEventListener("toggle", (event) => {
    for (const frame of event.target.querySelectorAll("pre")) {
      if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
    }
  }, true);
  addEventListener("hashchange", follow);

  filters.hidden = false;
  show();
  if (follow()) document.getElementById("checks").scrollIntoView();
})();
