// The view of a job: its state, its history as bars, the slots to come.

import {badge, cell, fact, fill, h, lookOf, moment, offsetText, plural, s, span, stamp, stateOf,
  tick} from "./dom.js";
import {askHistory, askJob, state} from "./state.js";
import {actions} from "./actions.js";

const STEP = 15, HEIGHT = 150, BASE = 120; // of a bar; of the picture; where its ground is

export const runLink = (id, text) => h("a", {href: `#/run/${encodeURIComponent(id)}`}, text ?? id);

// The first line of why something failed.
const firstLine = (text) => text.split("\n")[0];

function drawLast(last) {
  return fact("Last run", badge(last.status), " ", moment(last.ended ?? last.slot), " ",
    last.run && runLink(last.run),
    last.error && h("span", {class: "second"}, firstLine(last.error)));
}

function drawFacts(job) {
  const counts = job.counts;
  return h("dl", {class: "facts"},
    fact("State", badge(stateOf(job))),
    fact("Schedule", h("code", {}, job.schedule ?? ""), ` in ${job.timezone ?? "UTC"}`),
    fact("Next slot", job.next === undefined ? "none" : moment(job.next)),
    job.last && drawLast(job.last),
    job.paused && fact("Paused", moment(job.paused.at), h("span", {class: "second"},
      `by ${job.paused.by ?? "?"}${job.paused.reason ? `: ${job.paused.reason}` : ""}`)),
    job.running.length > 0 && fact("Running", job.running.map((run) => h("div", {},
      runLink(run.run), ` on ${run.host ?? "?"}, attempt ${run.attempt ?? 1}`))),
    job.waiting > 0 && fact("Waiting", plural(job.waiting, "slot")),
    fact("Since the start", [["succeeded", "succeeded"], ["failed", "failed"],
      ["timed_out", "timed out"], ["canceled", "canceled"], ["skipped", "skipped"],
      ["missed", "missed"], ["late", "late"]]
      .filter(([key]) => counts[key] > 0).map(([key, text]) => `${counts[key]} ${text}`)
      .join(", ") || "none yet"));
}

// A bar is as high as its run was long; what had no run is a mark on the ground. The shape on top
// says how it ended without its colour.
function drawBar(entry, x, width, longest) {
  const look = lookOf(entry.status), took = entry.duration ?? 0;
  const height = entry.run ? Math.max(4, 96 * Math.sqrt(took / longest)) : 3;
  const top = BASE - height, middle = x + width / 2;
  const marks = {
    bad: s("path", {d: `M${middle - 4} ${top - 3}h8l-4 -8Z`}),
    lost: s("path", {d: `M${middle - 4} ${top - 11}l8 8m0 -8l-8 8`, class: "stroke"}),
    left: s("path", {d: `M${middle - 4} ${top - 6}h8`, class: "stroke"}),
    busy: s("circle", {cx: middle, cy: top - 7, r: 3}),
  };
  return s("g", {class: `bar ${look}`},
    s("title", {}, `${stamp(entry.slot)} UTC: ${entry.status}` +
      (entry.duration === undefined ? "" : `, took ${span(entry.duration)}`)),
    s("rect", {x, y: top, width, height, rx: 1.5}), marks[look]);
}

function drawHistory(entries, columns) {
  const bars = Math.max(16, Math.min(72, Math.floor(columns / STEP))), width = bars * STEP;
  const shown = entries.slice(0, bars).reverse();
  const longest = Math.max(1, ...shown.map((entry) => entry.duration ?? 0));
  return h("figure", {class: "chart"},
    s("svg", {viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label":
      `The last ${shown.length} slots: the longest took ${span(longest)}; ` +
      "the table below has all of them"},
    s("line", {x1: 0, x2: width, y1: BASE, y2: BASE, class: "ground"}),
    shown.map((entry, i) => drawBar(entry, i * STEP + 2, STEP - 4, longest)),
    shown.length > 0 && s("text", {x: 0, y: BASE + 20},
      stamp(shown[0].slot).slice(0, 16)),
    shown.length > 24 && s("text", {x: shown.length * STEP, y: BASE + 20, "text-anchor": "end"},
      stamp(shown.at(-1).slot).slice(0, 16))),
    h("figcaption", {}, `Height is duration (square root), up to ${span(longest)}.`));
}

function historyRow(entry) {
  const what = entry.count > 1 ? `${entry.count} slots up to this one` : entry.kind;
  return h("tr", {},
    h("th", {scope: "row", "data-label": "Slot"}, h("div", {class: "cell"}, stamp(entry.slot),
      h("span", {class: "second"}, what ?? ""))),
    cell("State", badge(entry.status)),
    cell("Took", entry.duration === undefined ? "" : span(entry.duration)),
    cell("Late", entry.late > 1 ? span(entry.late) : ""),
    cell("Attempts", entry.attempts > 1 ? entry.attempts : ""),
    cell("Host", entry.host ?? ""),
    cell("Run", entry.run && runLink(entry.run, entry.key)),
    cell("Why", (entry.error ?? entry.reason ?? "").split("\nstack traceback")[0]));
}

function drawTable(entries) {
  if (entries.length === 0) return h("p", {class: "note"}, "No slot of this job was due yet.");
  return h("table", {class: "history"},
    h("thead", {}, h("tr", {}, ["Slot (UTC)", "State", "Took", "Late", "Attempts", "Host", "Run",
      "Why"].map((text) => h("th", {scope: "col"}, text)))),
    h("tbody", {}, entries.map(historyRow)));
}

const NOTES = {shifted: "shifted: this time does not exist on that day",
  first: "the first of two: this time is there twice"};

function drawComing(list) {
  if (list.length === 0) return h("p", {class: "note"}, "No slot is to come.");
  return h("ol", {class: "coming"}, list.map((slot) => h("li", {}, moment(slot.at, false), " ",
    h("span", {class: "faint"}, `${stamp(slot.at, slot.offset ?? 0).replace(/:00$/, "")} ` +
      `${offsetText(slot.offset ?? 0)} ${slot.zone ?? ""}`),
    NOTES[slot.note] && h("span", {class: "second"}, NOTES[slot.note]))));
}

export function showJob(main, name) {
  const top = h("div"), past = h("div"), coming = h("div"), slots = h("div");
  const title = h("h1", {}, name);
  const buttons = h("div");
  let job = state.jobs.get(name);

  let drawn = null;
  function drawTop() {
    const text = JSON.stringify([job, state.session.csrf]), link = document.activeElement?.hash;
    if (!job || text === drawn) return;
    drawn = text;
    fill(top, job.description && h("p", {class: "lead"}, job.description), drawFacts(job));
    const had = document.activeElement?.dataset?.do;
    fill(buttons, actions(job, false));
    if (link) top.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
    if (had) (buttons.querySelector(`[data-do="${CSS.escape(had)}"]`) ??
      buttons.querySelector("button:last-child"))?.focus();
    tick();
  }

  let isLoading = false, isStale = false;
  async function load() {
    isStale = isLoading;
    if (isLoading) return;
    isLoading = true;
    try {
      const [answer, history] = await Promise.all([askJob(name), askHistory(name, 200)]);
      job = answer.job;
      drawTop();
      fill(coming, drawComing(answer.coming));
      fill(past, drawHistory(history.history, main.clientWidth - 60));
      fill(slots, drawTable(history.history));
      tick();
    } catch (error) {
      fill(past, h("p", {class: "problem", role: "alert"}, error.message));
    }
    isLoading = false;
    if (isStale) load();
  }

  fill(main, h("div", {class: "heading"}, h("p", {class: "crumbs"}, h("a", {href: "#/"}, "Jobs")),
    title, buttons), top,
  h("section", {"aria-labelledby": "past"}, h("h2", {id: "past"}, "History"), past),
  h("section", {"aria-labelledby": "coming"}, h("h2", {id: "coming"}, "Coming slots"), coming),
  h("section", {"aria-labelledby": "slots"}, h("h2", {id: "slots"}, "Slots that were"), slots));
  drawTop();
  load();
  return {
    title: name,
    job: () => job,
    hear(what, about) {
      if (what === "jobs" || (what === "job" && about.job.name === name)) {
        job = state.jobs.get(name) ?? job;
        drawTop();
        load();
      } else if (what === "session") {
        drawTop();
      }
    },
  };
}
