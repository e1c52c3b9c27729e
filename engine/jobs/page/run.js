// The view of a run: what waits as a tree, what was when as a timeline, and the end of its log.

import {badge, fact, fill, h, lookOf, moment, now, s, shorten, span, stamp, tick} from "./dom.js";
import {askRun, state as known} from "./state.js";
import {jobLink} from "./jobs.js";

const MOST_LINES = 1000, MOST_ROWS = 60, MOST_LEAVES = 300;

// The job that a run is of, as its id says: "20260131-190000-NAME"; by hand "-m1f3a" is between.
function jobOf(id) {
  const found = id.match(/^\d{8}-\d{6}-(?:m[0-9a-f]{4}-)?(.+)$/);
  return found && known.jobs.has(found[1]) ? found[1] : null;
}

function drawFacts(run) {
  const job = jobOf(run.id);
  return h("dl", {class: "facts"},
    fact("State", badge(run.state)),
    job && fact("Job", jobLink(job)),
    fact("Script", h("code", {}, [run.script ?? "?", ...(run.arguments ?? [])].join(" "))),
    fact("Began", moment(run.started)),
    run.ended && fact("Ended", moment(run.ended), h("span", {class: "second"},
      `after ${span(run.ended - (run.started ?? run.ended))}`)),
    run.holder && fact("Carried by",
      `process ${run.holder.pid ?? "?"} on ${run.holder.host ?? "?"}`),
    run.attempt > 1 && fact("Attempts", run.attempt),
    run.exit_code !== undefined && fact("Exit code", run.exit_code),
    run.error && fact("Error", h("span", {class: "problem"}, run.error)));
}

// --- the tree ---------------------------------------------------------------------------------

const stateOf = (operation) => operation.outcome ?? operation.state ?? "under way";

// What lies below the service in a resource's id: [["workspaces", "payments"], ["apis", "x"]].
function pathOf(target) {
  const words = (target ?? "").split("/").filter(Boolean);
  const at = words.findIndex((word) => word.toLowerCase() === "service");
  const rest = at >= 0 ? words.slice(at + 2) : words.slice(-2), pairs = [];
  for (let i = 0; i < rest.length; i += 2) pairs.push([rest[i], rest[i + 1] ?? ""]);
  return pairs;
}

function growTree(operations) {
  const root = {children: new Map(), operations: [], isOpen: false};
  for (const operation of operations) {
    let node = root;
    for (const [type, name] of pathOf(operation.target)) {
      const key = `${type}/${name}`.toLowerCase();
      if (!node.children.has(key)) {
        node.children.set(key, {type, name, children: new Map(), operations: [], isOpen: false});
      }
      node.isOpen ||= !operation.ended;
      node = node.children.get(key);
    }
    node.operations.push(operation);
    node.isOpen ||= !operation.ended;
  }
  return root;
}

function drawOperation(operation) {
  const took = (operation.ended ?? now()) - operation.began;
  return h("div", {class: "operation"}, badge(stateOf(operation)),
    h("span", {}, `${operation.verb ?? ""} ${operation.kind ?? ""}`.trim()),
    operation.percent >= 0 && !operation.ended &&
      h("span", {}, `${Math.round(operation.percent)} %`),
    h("span", {class: "faint"}, operation.ended ? `took ${span(took)}` : `for ${span(took)}`),
    operation.error && h("span", {class: "problem"}, operation.error));
}

function drawNode(node) {
  return h("li", {class: node.isOpen ? "open" : null},
    h("div", {class: "node"}, h("span", {class: "faint"}, node.type ?? ""), " ",
      h("strong", {}, node.name)),
    node.operations.map(drawOperation),
    node.children.size > 0 && h("ul", {}, [...node.children.values()].map(drawNode)));
}

function drawTree(operations) {
  if (operations.length === 0) return h("p", {class: "note"}, "No resource was written.");
  const shown = operations.filter((operation, i) =>
    !operation.ended || i >= operations.length - MOST_LEAVES);
  return [shown.length < operations.length && h("p", {class: "note"},
    `${operations.length - shown.length} older ones that have ended are not shown.`),
  h("ul", {class: "tree"}, [...growTree(shown).children.values()].map(drawNode))];
}

// --- the timeline -----------------------------------------------------------------------------

const WIDTH = 1000, LEFT = 220, ROW = 22, TOP = 26;
const DISTANCES = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400, 604800];

// The parts of an operation's bar: from each state to the next.
function partsOf(operation, last) {
  const points = [{at: operation.began, state: "sent"}, ...operation.states];
  return points.map((point, i) => ({...point, to: points[i + 1]?.at ?? operation.ended ?? last}));
}

function drawBar(operation, y, xOf, last) {
  const look = lookOf(stateOf(operation)), end = xOf(operation.ended ?? last);
  return s("g", {class: `bar ${look}`},
    partsOf(operation, last).map((part, i) => s("rect", {class: `part${Math.min(i, 2)}`,
      x: xOf(part.at), y, width: Math.max(2.5, xOf(part.to) - xOf(part.at)), height: ROW - 9,
      rx: 2},
    s("title", {}, `${operation.kind ?? ""} ${operation.name ?? ""}: ${part.state} for ` +
      span(part.to - part.at)))),
    look === "bad" && s("path", {d: `M${end + 3} ${y + ROW - 9}h11l-5.5 -12Z`}));
}

function drawAxis(first, last, xOf, height) {
  const distance = DISTANCES.find((one) => (last - first) / one <= 8) ?? 2592000, ticks = [];
  for (let at = 0; at <= last - first; at += distance) {
    const x = xOf(first + at);
    ticks.push(s("line", {class: "tick", x1: x, x2: x, y1: TOP - 8, y2: height}),
      x < WIDTH - 80 && s("text", {x: x + 3, y: 12},
        at === 0 ? stamp(first).slice(11) : `+${span(at)}`));
  }
  return ticks;
}

function drawTimeline(operations, isRunning) {
  if (operations.length === 0) return null;
  const rows = new Map();
  for (const operation of operations) {
    const key = `${operation.target ?? ""} ${operation.kind} ${operation.name}`;
    if (!rows.has(key)) rows.set(key, []);
    rows.get(key).push(operation);
  }
  const shown = [...rows.values()].slice(-MOST_ROWS), all = shown.flat();
  const first = Math.min(...all.map((operation) => operation.began));
  const last = Math.max(first + 1, isRunning ? now() : 0,
    ...all.map((operation) => operation.ended ?? operation.states.at(-1)?.at ?? operation.began));
  const xOf = (at) => LEFT + (WIDTH - LEFT - 20) * (at - first) / (last - first);
  const height = TOP + shown.length * ROW;
  return h("figure", {class: "chart wide", tabindex: "0", role: "group", "aria-label": "Timeline"},
    s("svg", {viewBox: `0 0 ${WIDTH} ${height}`, role: "img",
      "aria-label": `Timeline of ${shown.length} resources; the tree above says the same in words`},
    drawAxis(first, last, xOf, height),
    shown.map((row, i) => [
      s("text", {x: 0, y: TOP + i * ROW + 10},
        shorten(`${row[0].kind ?? ""} ${row[0].name ?? ""}`, 30),
        s("title", {}, `${row[0].kind ?? ""} ${row[0].name ?? ""}`)),
      row.map((operation) => drawBar(operation, TOP + i * ROW, xOf, last))])),
    rows.size > MOST_ROWS && h("figcaption", {},
      `The newest ${MOST_ROWS} of ${rows.size} resources.`));
}

// --- the log ----------------------------------------------------------------------------------

function makeLog() {
  const list = h("div", {class: "log", tabindex: "0", role: "log", "aria-live": "off",
    "aria-label": "Log of the run"});
  const follow = h("input", {type: "checkbox", id: "follow", checked: true,
    on: {change: () => follow.checked && toEnd()}});
  const toEnd = () => { list.scrollTop = list.scrollHeight; };
  let last = 0;

  return {
    part: h("section", {"aria-labelledby": "log"}, h("div", {class: "heading"},
      h("h2", {id: "log"}, "Log"), h("label", {class: "check"}, follow, " follow its end")), list),
    add(lines) {
      for (const line of lines) {
        if (line.n <= last) continue;
        last = line.n;
        list.append(h("div", {class: `line ${lookOf(line.level === "error" ? "failed" : "ready")}`},
          h("span", {class: "faint"}, line.at ? stamp(line.at).slice(11) : ""),
          h("span", {class: "level"}, line.level ?? ""),
          h("span", {class: "text"}, line.text ?? "")));
      }
      while (list.children.length > MOST_LINES) list.firstChild.remove();
      if (follow.checked && lines.length > 0) toEnd();
    },
  };
}

// --- the view ---------------------------------------------------------------------------------

export function showRun(main, id) {
  const facts = h("div"), tree = h("div"), log = makeLog();
  const time = h("section", {"aria-labelledby": "time", hidden: true});
  const operations = [];
  let run = null;

  function draw() {
    const list = operations.filter(Boolean);
    if (run) fill(facts, drawFacts(run));
    fill(tree, drawTree(list));
    time.hidden = list.length === 0;
    fill(time, h("h2", {id: "time"}, "Timeline"), drawTimeline(list, run?.state === "running"));
    tick();
  }

  function take(news) {
    for (const operation of news.operations) {
      if (!(operations[operation.n]?.v > operation.v)) operations[operation.n] = operation;
    }
    log.add(news.log);
    draw();
  }

  let isLoading = false, isStale = false;
  async function load() {
    isStale = isLoading;
    if (isLoading) return;
    isLoading = true;
    try {
      run = await askRun(id);
      take(run);
    } catch (error) {
      fill(facts, h("p", {class: "problem", role: "alert"}, error.message));
    }
    isLoading = false;
    if (isStale) load();
  }

  fill(main, h("div", {class: "heading"}, h("p", {class: "crumbs"}, h("a", {href: "#/"}, "Jobs")),
    h("h1", {}, id)), facts,
  h("section", {"aria-labelledby": "tree"}, h("h2", {id: "tree"}, "What it does"), tree),
  time, log.part);
  load();
  const clock = setInterval(() => run?.state === "running" && draw(), 2000);
  return {
    title: id,
    close: () => clearInterval(clock),
    hear(what, about) {
      if (what === "run" && about.id === id) {
        if (about.facts) run = about.facts;
        take(about);
        if (about.is_too_much) load();
      } else if (what === "jobs") {
        load();
      }
    },
  };
}
