// What the page knows: the jobs, the session, and the stream that keeps them up to date.

import {setNow} from "./dom.js";

export const state = {
  jobs: new Map(), // rows by name, in the order of the configuration
  info: {},
  session: {can_sign_in: false, may_read: true},
  connection: "connecting", // "live", "waiting" for the host to come back, "locked"
};

const listeners = new Set();

/** Calls a function with "jobs", "job", "run", "session" or "connection" and what it is about.
    Returns what ends that. */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(what, about) {
  for (const listener of listeners) listener(what, about);
}

// --- asking -----------------------------------------------------------------------------------

/** JSON from the host; raises an Error with what the host says is wrong. */
export async function ask(path, options = {}) {
  const response = await fetch(path, {credentials: "same-origin", ...options});
  if (response.status === 204) return null;
  const body = await response.json().catch(() => ({error: `the host answered ${response.status}`}));
  if (!response.ok) {
    const error = new Error(body.error ?? `the host answered ${response.status}`);
    error.status = response.status;
    if (response.status === 401 && options.method === undefined) lock();
    throw error;
  }
  return body;
}

const jobPath = (name) => `/api/jobs/${encodeURIComponent(name)}`;

export const askJob = (name) => ask(jobPath(name));
export const askHistory = (name, most) => ask(`${jobPath(name)}/history?most=${most}`);
export const askRun = (id) => ask(`/api/runs/${encodeURIComponent(id)}`);
export const askEstate = () => ask("/api/estate");

function send(method, path, body) {
  return ask(path, {method, body: body && JSON.stringify(body), headers: {
    "Content-Type": "application/json", "X-CSRF-Token": state.session.csrf ?? ""}});
}

/** "run", "pause" or "resume" */
export const act = (name, what, body = {}) => send("POST", `${jobPath(name)}/${what}`, body);

// --- the session ------------------------------------------------------------------------------

function setSession(session) {
  state.session = session;
  tell("session");
}

export async function signIn(token) {
  setSession(await send("POST", "/api/session", {token}));
  await start();
}

export async function signOut() {
  await send("DELETE", "/api/session");
  setSession(await ask("/api/session"));
  if (!state.session.may_read) lock();
}

function lock() {
  setConnection("locked");
  source?.close();
  source = null;
}

// --- jobs and the stream ----------------------------------------------------------------------

let source = null, watched = null, loading = null;

function setConnection(connection) {
  if (state.connection !== connection) {
    state.connection = connection;
    tell("connection");
  }
}

async function load() {
  const answer = await ask("/api/jobs");
  state.info = answer.info;
  setNow(answer.now);
  state.jobs = new Map(answer.jobs.map((job) => [job.name, job]));
  tell("jobs");
}

/** Loads all jobs anew; several calls at a time are one. */
export function reload() {
  loading ??= load().finally(() => { loading = null; });
  return loading;
}

function onJob(event) {
  const job = JSON.parse(event.data), before = state.jobs.get(job.name);
  state.jobs.set(job.name, job);
  tell("job", {job, before});
}

function open() {
  source?.close();
  source = new EventSource(watched ? `/events?run=${encodeURIComponent(watched)}` : "/events");
  source.addEventListener("hello", () => setConnection("live"));
  source.addEventListener("job", onJob);
  source.addEventListener("reload", () => reload().catch(comeAgainSoon));
  source.addEventListener("run", (event) => tell("run", JSON.parse(event.data)));
  source.addEventListener("error", onError);
}

// A browser comes again by itself unless the host has refused it.
function onError() {
  if (state.connection === "locked") return;
  setConnection("waiting");
  if (source?.readyState === EventSource.CLOSED) {
    comeAgainSoon();
  }
}

function comeAgainSoon() {
  source?.close();
  source = null;
  if (state.connection !== "locked") setTimeout(comeAgain, 3000);
}

async function comeAgain() {
  if (source) return;
  try {
    await start();
  } catch {
    setConnection("waiting");
    comeAgainSoon();
  }
}

/** Follows a run, too; null: none. */
export function watchRun(id) {
  if (watched === id) return;
  watched = id;
  if (source) open();
}

/** Asks who we are, follows the stream, and loads what there is. */
export async function start() {
  setSession(await ask("/api/session"));
  if (!state.session.may_read) return lock();
  setConnection("connecting");
  open(); // first: what changes from now on is told
  await reload();
}
