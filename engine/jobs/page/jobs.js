// The view of all jobs: a table of one page of those that fit the search.

import {badge, cell, fill, h, moment, plural, span, stateOf, tick} from "./dom.js";
import {state} from "./state.js";
import {actions} from "./actions.js";

const PER_PAGE = 50;

const FILTERS = [
  ["all", "All", () => true],
  ["running", "Running", (job) => job.running.length > 0],
  ["failing", "Last run failed", (job) => ["failed", "timed out"].includes(job.last?.status)],
  ["late", "Late or missed", (job) => (job.counts.late ?? 0) + (job.counts.missed ?? 0) > 0],
  ["paused", "Paused", (job) => Boolean(job.paused)],
  ["disabled", "Disabled", (job) => !job.enabled],
];

const ORDERS = [
  ["name", "Name", (a, b) => a.name.localeCompare(b.name, "en")],
  ["next", "Next run", (a, b) => (a.next ?? Infinity) - (b.next ?? Infinity)],
  ["last", "Last run", (a, b) => (b.last?.slot ?? 0) - (a.last?.slot ?? 0)],
];

const kept = {search: "", filter: "all", order: "name", page: 0}; // while other views are open

const fits = (job, words) => words.every((word) =>
  `${job.name} ${job.description ?? ""} ${job.schedule ?? ""}`.toLowerCase().includes(word));

function choose() {
  const words = kept.search.toLowerCase().split(/\s+/).filter(Boolean);
  const passes = FILTERS.find(([key]) => key === kept.filter)[2];
  const order = ORDERS.find(([key]) => key === kept.order)[2];
  return [...state.jobs.values()].filter((job) => passes(job) && fits(job, words)).sort(order);
}

function lastCell(job) {
  if (!job.last) return cell("Last run", h("span", {class: "faint"}, "none yet"));
  return cell("Last run", badge(job.last.status),
    h("span", {class: "second"}, moment(job.last.slot, false),
      job.last.duration !== undefined && `, took ${span(job.last.duration)}`));
}

function nextCell(job) {
  if (job.next === undefined) return cell("Next run", h("span", {class: "faint"}, "none"));
  return cell("Next run", moment(job.next, false), job.paused && h("span", {class: "second"},
    "is left out: paused"));
}

export const jobLink = (name) => h("a", {href: `#/job/${encodeURIComponent(name)}`}, name);

function rowOf(job) {
  return h("tr", {"data-name": job.name},
    h("th", {scope: "row", "data-label": "Job"}, h("div", {class: "cell"}, jobLink(job.name),
      job.description && h("span", {class: "second"}, job.description))),
    cell("State", badge(stateOf(job)), job.waiting > 0 &&
      h("span", {class: "second"}, `${job.waiting} waiting`)),
    cell("Schedule", h("code", {}, job.schedule ?? ""),
      h("span", {class: "second"}, job.timezone ?? "")),
    nextCell(job), lastCell(job),
    h("td", {"data-label": "Do"}, actions(job, true)));
}

const chooser = (label, rows, chosen, onChange) => h("label", {class: "field"},
  h("span", {}, label), h("select", {on: {change: (event) => onChange(event.target.value)}},
    rows.map(([key, text]) => h("option", {value: key, selected: key === chosen}, text))));

/** Builds the view into `main`. Returns how it hears of changes. */
export function showJobs(main) {
  const body = h("tbody"), count = h("p", {class: "count", role: "status"});
  const pager = h("nav", {class: "pager", "aria-label": "Pages of jobs"});
  const drawn = new Map(); // rows by name, with the text that they were made of

  const turn = (page) => {
    kept.page = page;
    draw();
    body.querySelector("a")?.focus();
  };

  function drawPager(pages) {
    fill(pager, pages > 1 && [
      h("button", {type: "button", disabled: kept.page === 0,
        on: {click: () => turn(kept.page - 1)}}, "Previous"),
      h("span", {}, `Page ${kept.page + 1} of ${pages}`),
      h("button", {type: "button", disabled: kept.page >= pages - 1,
        on: {click: () => turn(kept.page + 1)}}, "Next")]);
  }

  // Rows that are as they were stay in place, so that nobody loses the focus.
  function drawRows(jobs) {
    const wanted = jobs.map((job) => {
      const text = JSON.stringify(job) + Boolean(state.session.csrf), old = drawn.get(job.name);
      return old?.text === text ? old : {name: job.name, text, row: rowOf(job), old};
    });
    const focused = document.activeElement?.closest?.("tr")?.dataset.name;
    const focusedPart = document.activeElement?.dataset?.part;
    const isSame = wanted.length === body.children.length &&
      wanted.every((entry, i) => entry.row === body.children[i]);
    drawn.clear();
    for (const entry of wanted) drawn.set(entry.name, entry);
    if (isSame) return;
    body.replaceChildren(...wanted.map((entry) => entry.row));
    if (focused !== undefined && body.contains(drawn.get(focused)?.row ?? null)) {
      const row = drawn.get(focused).row;
      (row.querySelector(`[data-part="${focusedPart === "do" ? "do" : "none"}"]`) ??
        row.querySelector("a")).focus();
    }
  }

  function draw() {
    const jobs = choose(), pages = Math.max(1, Math.ceil(jobs.length / PER_PAGE));
    kept.page = Math.min(kept.page, pages - 1);
    drawRows(jobs.slice(kept.page * PER_PAGE, (kept.page + 1) * PER_PAGE));
    const all = plural(state.jobs.size, "job");
    count.textContent = state.info.host === undefined ? "Loading …"
      : jobs.length === state.jobs.size ? all : `${jobs.length} of ${all}`;
    drawPager(pages);
    tick();
  }

  const change = (name) => (value) => {
    kept[name] = value;
    kept.page = 0;
    draw();
  };

  fill(main, h("h1", {}, "Jobs"),
    h("search", {class: "tools"},
      h("label", {class: "field wide"}, h("span", {}, "Search"),
        h("input", {type: "search", id: "search", value: kept.search, autocomplete: "off",
          spellcheck: "false", placeholder: "name, description or schedule",
          on: {input: (event) => change("search")(event.target.value)}})),
      chooser("Show", FILTERS, kept.filter, change("filter")),
      chooser("Order", ORDERS, kept.order, change("order"))),
    count,
    h("table", {class: "jobs"},
      h("thead", {}, h("tr", {}, ["Job", "State", "Schedule", "Next run", "Last run", "Do"].map(
        (text) => h("th", {scope: "col"}, text)))),
      body),
    pager);
  draw();

  let isDue = false;
  return {
    title: "Jobs",
    hear(what) {
      if (!["jobs", "job", "session"].includes(what) || isDue) return;
      isDue = true; // many changes are drawn at once
      requestAnimationFrame(() => {
        isDue = false;
        draw();
      });
    },
  };
}
