// What can be done to a job, each after a question; and the dialogs of the page.

import {announce, byId, fill, h} from "./dom.js";
import {act, signIn, signOut, state} from "./state.js";

/** Opens the dialog of the page with a form. `onSubmit` may raise an Error, whose message is
    shown. */
function ask(title, fields, label, onSubmit) {
  const dialog = byId("dialog");
  const problem = h("p", {class: "problem", role: "alert"});
  const submit = h("button", {type: "submit", class: "main"}, label);
  const form = h("form", {on: {submit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.textContent = "";
    try {
      await onSubmit(form);
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      submit.disabled = false;
    }
  }}},
  h("h2", {id: "dialog-title"}, title), fields, problem,
  h("div", {class: "buttons"},
    h("button", {type: "button", on: {click: () => dialog.close()}}, onSubmit ? "Cancel" : "Close"),
    onSubmit && submit));
  fill(dialog, form);
  dialog.showModal();
  form.querySelector("input:not([hidden]), button.main")?.focus();
}

/** Asks for the token. */
export function askToken(then) {
  if (!state.session.can_sign_in) {
    ask("This page is read-only", [h("p", {}, "The scheduler was started without a token. With ",
      h("code", {}, "--token-file FILE"), " or ", h("code", {}, "MOONGATE_JOBS_TOKEN"),
      ", whoever has the token can run, pause and resume jobs here.")]);
    return;
  }
  ask("Sign in", [
    h("p", {}, "The token is that of ", h("code", {}, "--token-file"), " or ",
      h("code", {}, "MOONGATE_JOBS_TOKEN"), " of the scheduler."),
    h("input", {name: "username", autocomplete: "username", value: "moongate", hidden: true}),
    h("label", {class: "field"}, h("span", {}, "Token"),
      h("input", {type: "password", name: "token", autocomplete: "current-password",
        required: true}))],
  "Sign in", async (form) => {
    await signIn(form.elements.token.value);
    announce("You are signed in");
    if (then) setTimeout(then);
  });
}

export async function leave() {
  await signOut();
  announce("You are signed out");
}

const QUESTIONS = {
  run: ["Run now", (name) => `Run ${name} now?`,
    "A run begins at once, whatever the schedule says.", "begins"],
  pause: ["Pause", (name) => `Pause ${name}?`,
    "No slot of it begins on any host until somebody resumes it. A run that goes on is left alone.",
    "is paused"],
  resume: ["Resume", (name) => `Resume ${name}?`,
    "Slots begin again from now on; those that passed in the pause stay left out.", "is resumed"],
};

function askAction(name, what) {
  if (!state.session.csrf) {
    askToken(() => askAction(name, what));
    return;
  }
  const [label, title, text, done] = QUESTIONS[what];
  const reason = what === "pause" && h("label", {class: "field"}, h("span", {}, "Reason"),
    h("input", {name: "reason", maxlength: "200", autocomplete: "off"}));
  ask(title(name), [h("p", {}, text), reason], label, async (form) => {
    const words = form.elements.reason?.value.trim();
    await act(name, what, words ? {reason: words} : {});
    announce(`${name} ${done}`);
  });
}

/** The buttons of a job; in a table with its name for readers of the screen. */
export function actions(job, isBrief) {
  const button = (what, className) => h("button", {type: "button", class: className,
    "data-part": "do", "data-do": what, "aria-haspopup": "dialog",
    "aria-label": `${QUESTIONS[what][0]}: ${job.name}`,
    on: {click: () => askAction(job.name, what)}}, QUESTIONS[what][0]);
  return h("div", {class: isBrief ? "buttons brief" : "buttons"},
    button("run", isBrief ? "" : "main"), button(job.paused ? "resume" : "pause", ""));
}

const KEYS = [["/", "search the jobs"], ["g j", "all jobs"], ["g g", "the gateways"],
  ["r", "run the job that is open now"], ["p", "pause or resume it"],
  ["f", "follow the log or not"],
  ["?", "these keys"], ["Esc", "close a dialog, or leave the search"]];

export function showKeys() {
  ask("Keys", [h("dl", {class: "keys"}, KEYS.map(([key, text]) =>
    [h("dt", {}, key.split(" ").map((one) => h("kbd", {}, one))), h("dd", {}, text)]))]);
}
