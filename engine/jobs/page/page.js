// The frame of the page: which view is open, what the top says, and the keys.

import {announce, badge, byId, fill, h, moment, stateOf, tick} from "./dom.js";
import {askToken, leave, showKeys} from "./actions.js";
import {showEstate} from "./estate.js";
import {showJob} from "./job.js";
import {showJobs} from "./jobs.js";
import {showRun} from "./run.js";
import {listen, start, state, watchRun} from "./state.js";

const main = byId("main");

// --- views ------------------------------------------------------------------------------------

let view = null;

function showLocked() {
  fill(main, h("h1", {}, "Sign in to see the jobs"),
    h("p", {class: "lead"}, "Others than this machine can come to this page, so that it is shown " +
      "to those who have the token."),
    h("button", {type: "button", class: "main", on: {click: () => askToken(show)}}, "Sign in"));
  return {title: "Sign in", hear() {}};
}

function showMissing() {
  fill(main, h("h1", {}, "There is nothing here"), h("p", {}, h("a", {href: "#/"}, "All jobs")));
  return {title: "Nothing", hear() {}};
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function open(path) {
  const [, kind, rest] = path.match(/^#\/(\w*)(?:\/(.*))?$/) ?? [null, "", undefined];
  const name = rest === undefined ? null : decode(rest);
  watchRun(kind === "run" ? name : null);
  if (state.connection === "locked") return showLocked();
  if (kind === "") return showJobs(main);
  if (kind === "estate") return showEstate(main);
  if (kind === "job" && name) return showJob(main, name);
  if (kind === "run" && name) return showRun(main, name);
  return showMissing();
}

function markView(path) {
  const current = path.startsWith("#/estate") ? "estate" : "jobs";
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function show() {
  const path = location.hash || "#/";
  view?.close?.();
  view = open(path);
  document.title = `${view.title} · moongate jobs`;
  markView(path);
  tick();
}

window.addEventListener("hashchange", () => {
  if (!location.hash.startsWith("#/")) return; // the link that skips
  show();
  main.focus({preventScroll: true});
  window.scrollTo(0, 0);
});

// --- the top and the bottom -------------------------------------------------------------------

const CONNECTIONS = {connecting: "Connecting", live: "Live", waiting: "Reconnecting",
  locked: "Signed out"};

function drawTop() {
  byId("connection").className = `connection ${state.connection}`;
  byId("connection-text").textContent = CONNECTIONS[state.connection];
  const sign = byId("sign");
  sign.hidden = false;
  sign.textContent = state.session.csrf ? "Sign out" : "Sign in";
  const {host, store, config, running, max_runs: most} = state.info;
  fill(byId("about"), host && [h("span", {}, `host ${host}`), h("span", {}, `store ${store}`),
    h("span", {}, `configuration ${config}`), h("span", {}, `${running} of ${most} runs at once`),
    state.info.is_draining && badge("canceled", "about to end"),
    h("span", {}, "last sweep ", moment(state.info.last_sweep, false))]);
}

byId("sign").addEventListener("click", () => (state.session.csrf ? leave() : askToken()));
byId("keys").addEventListener("click", showKeys);

const SAID = new Set(["succeeded", "failed", "timed out", "canceled", "paused", "running"]);

function sayChange({job, before}) {
  const state_ = stateOf(job);
  if (before && stateOf(before) !== state_ && SAID.has(state_)) announce(`${job.name}: ${state_}`);
}

listen((what, about) => {
  if (what === "connection" || what === "session" || what === "jobs") drawTop();
  const isLocked = state.connection === "locked";
  if (what === "connection" && isLocked !== (view?.title === "Sign in")) show();
  if (what === "job") sayChange(about);
  view?.hear(what, about);
});

// --- keys -------------------------------------------------------------------------------------

let isGoing = false; // after "g"

function go(key) {
  isGoing = false;
  if (key === "j") location.hash = "#/";
  if (key === "g") location.hash = "#/estate";
}

const press = (what) => main.querySelector(`.heading [data-do="${what}"]`)?.click();

const COMMANDS = {
  "/": () => {
    if (!byId("search")) location.hash = "#/";
    setTimeout(() => byId("search")?.focus());
  },
  g: () => { isGoing = true; },
  r: () => press("run"),
  p: () => (main.querySelector('.heading [data-do="pause"]') ? press("pause") : press("resume")),
  f: () => byId("follow")?.click(),
  "?": showKeys,
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea, dialog");
  if (event.key === "Escape" && event.target.id === "search") main.focus();
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  if (isGoing) go(event.key);
  else if (Object.hasOwn(COMMANDS, event.key)) {
    event.preventDefault();
    COMMANDS[event.key]();
  }
});

// --- the beginning ----------------------------------------------------------------------------

setInterval(tick, 1000);
show();
start().catch((error) => {
  fill(main, h("h1", {}, "The scheduler does not answer"),
    h("p", {class: "problem", role: "alert"}, error.message));
});
