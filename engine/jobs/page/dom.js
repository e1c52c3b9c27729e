// Elements, times and states in words and shapes.
//
// What comes from outside (names, errors, lines of logs) is hostile: it only ever becomes the text
// of a node or the value of one of the attributes below.

const SVG = "http://www.w3.org/2000/svg";

const ATTRIBUTES = new Set(["class", "id", "role", "type", "for", "name", "value", "placeholder",
  "autocomplete", "tabindex", "title", "datetime", "scope", "colspan", "disabled", "hidden",
  "checked", "selected", "open", "required", "viewBox", "preserveAspectRatio", "x", "y", "x1",
  "x2", "y1", "y2", "cx", "cy", "r", "rx", "width", "height", "d", "points", "text-anchor",
  "transform", "spellcheck", "list", "inputmode", "maxlength"]);

function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === "href") {
      if (!String(value).startsWith("#")) throw new Error("links stay on the page");
      node.setAttribute("href", value);
    } else if (ATTRIBUTES.has(name) || name.startsWith("aria-") || name.startsWith("data-")) {
      node.setAttribute(name, value === true ? "" : String(value));
    } else {
      throw new Error(`attribute ${name} is not one of those that may be set`);
    }
  }
}

function addChildren(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** An HTML element; children that are no nodes become text. */
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  setAttributes(node, attributes);
  return addChildren(node, children);
}

/** The same for SVG. */
export function s(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  setAttributes(node, attributes);
  return addChildren(node, children);
}

/** Puts other children into a node. */
export function fill(node, ...children) {
  node.replaceChildren();
  return addChildren(node, children);
}

/** A cell of a table, which on a phone has its column's name with it. */
export const cell = (label, ...children) =>
  h("td", {"data-label": label}, h("div", {class: "cell"}, ...children));

/** A name and what is so called, for a list of facts. */
export const fact = (name, ...value) => [h("dt", {}, name), h("dd", {}, ...value)];

/** The start of a text, where there is no room for more letters. */
export function shorten(text, most) {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("")}…`;
}

export const byId = (id) => document.getElementById(id);

// --- states -----------------------------------------------------------------------------------

// Each has a word, a colour and a shape of its own: colours alone tell nothing to many.
const SHAPES = {
  good: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-1 9.6L4.2 7.8l1.1-1.1L7 8.4l3.8-3.8 1.1 1.1L7 10.6Z",
  bad: "M8 1 .8 14.5h14.4L8 1Zm-.8 4.8h1.6v4.4H7.2V5.8Zm0 5.6h1.6V13H7.2v-1.6Z",
  busy:
    "M8 1a7 7 0 0 1 7 7h-2.2A4.8 4.8 0 0 0 8 3.2V1ZM8 15a7 7 0 0 1-7-7h2.2A4.8 4.8 0 0 0 8 12.8V15Z",
  paused: "M3 2h3.6v12H3V2Zm6.4 0H13v12H9.4V2Z",
  idle: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2Zm0 1.8a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z",
  left: "M2 6.8h12v2.4H2V6.8Z",
  lost: "M3.4 2 8 6.6 12.6 2 14 3.4 9.4 8l4.6 4.6-1.4 1.4L8 9.4 3.4 14 2 12.6 6.6 8 2 3.4 3.4 2Z",
};

const LOOKS = {
  succeeded: "good", created: "good", changed: "good", Succeeded: "good", Active: "good",
  Online: "good", Running: "good", unchanged: "idle", absent: "idle", deleted: "left",
  failed: "bad", "timed out": "bad", died: "bad", damaged: "bad", Failed: "bad",
  running: "busy", claimed: "busy", Activating: "busy", Updating: "busy", Creating: "busy",
  Deleting: "busy", Accepted: "busy", "under way": "busy",
  paused: "paused", interrupted: "paused", "left open": "lost", "not begun": "left",
  canceled: "lost", missed: "lost", skipped: "left", disabled: "left", waiting: "idle",
  ready: "idle",
};

/** Which of the shapes and colours a state has. */
export const lookOf = (state) => (Object.hasOwn(LOOKS, state) ? LOOKS[state] : "idle");

/** "1 job", "2 jobs". */
export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** A state as a shape and a word. */
export function badge(state, text) {
  const look = lookOf(state);
  return h("span", {class: `badge ${look}`},
    s("svg", {viewBox: "0 0 16 16", "aria-hidden": "true"}, s("path", {d: SHAPES[look]})),
    h("span", {}, text ?? state));
}

/** The state of a job that counts most. */
export function stateOf(job) {
  if (job.running.length > 0) return "running";
  if (job.paused) return "paused";
  if (!job.enabled) return "disabled";
  if (job.last && job.last.status !== "running") return job.last.status;
  return "ready";
}

// --- times ------------------------------------------------------------------------------------

let skew = 0; // seconds that the host's clock is ahead of ours

export const now = () => Date.now() / 1000 + skew;
export const setNow = (seconds) => { skew = seconds - Date.now() / 1000; };

/** "1 h 05 min" */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (seconds > 0 && seconds < 0.1) return "under 0.1 s";
  if (seconds > 0 && seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  if (whole < 172800) {
    const minutes = Math.floor(whole / 60);
    return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  }
  return `${Math.floor(whole / 86400)} days`;
}

function ago(seconds) {
  const distance = seconds - now();
  if (Math.abs(distance) < 1) return "now";
  return distance > 0 ? `in ${span(Math.round(distance))}` : `${span(Math.round(-distance))} ago`;
}

/** "2026-01-31 19:00:00" in UTC, or at an offset in seconds. */
export const stamp = (seconds, offset = 0) =>
  new Date((seconds + offset) * 1000).toISOString().slice(0, 19).replace("T", " ");

export const offsetText = (offset) => {
  const minutes = Math.round(Math.abs(offset) / 60);
  const pad = (number) => String(number).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
};

/** A moment: how long ago it was or until it is, which goes on by itself, and when. */
export function moment(seconds, withStamp = true) {
  if (seconds === undefined || seconds === null) return h("span", {class: "faint"}, "never");
  return h("span", {class: "moment"},
    h("time", {datetime: new Date(seconds * 1000).toISOString(), "data-at": seconds}, ago(seconds)),
    withStamp && h("span", {class: "faint stamp"}, `${stamp(seconds)} UTC`));
}

/** Brings the relative times up to date. */
export function tick() {
  for (const node of document.querySelectorAll("time[data-at]")) {
    const text = ago(Number(node.dataset.at));
    if (node.textContent !== text) node.textContent = text;
  }
}

// --- saying -----------------------------------------------------------------------------------

/** Tells readers of the screen, politely. */
export function announce(text) {
  byId("announcer").textContent = text;
}
