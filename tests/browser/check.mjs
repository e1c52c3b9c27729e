// What somebody at a browser sees of the status page, and what hostile texts can do there: nothing.
// usage: check.mjs MOONGATE HOST FOLDER

import {spawn, execFileSync} from "node:child_process";
import {createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {createInterface} from "node:readline";
import {fileURLToPath} from "node:url";

const [,, moongate, host, folder] = process.argv;
const require = createRequire(join(folder, "node_modules", "x"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const here = dirname(fileURLToPath(import.meta.url));
const TOKEN = "a-token-of-24-letters-ok";
const RUN = "20260131-190000-nightly";
const temporary = mkdtempSync(join(tmpdir(), "moongate-browser-"));
const children = [];

// --- the hosts --------------------------------------------------------------------------------

async function firstLine(stream) {
  for await (const line of createInterface({input: stream})) return line;
  throw new Error("it ended without a word");
}

async function startStandIn(name, count, listen = "127.0.0.1:0") {
  const fifo = join(temporary, name);
  execFileSync("mkfifo", [fifo]);
  const child = spawn(host, [join(temporary, `${name}-store`), join(here, "stand_in.lua"), fifo,
    TOKEN, String(count), listen], {stdio: ["ignore", "inherit", "inherit"]});
  children.push(child);
  return {child, base: `http://${await firstLine(createReadStream(fifo))}`};
}

async function startScheduler() {
  const place = join(temporary, "real");
  execFileSync("mkdir", [place]);
  writeFileSync(join(place, "slow.lua"), `
local tasks, workspaces = require "tasks", require "workspaces"
workspaces.ensure("payments")
for i = 1, 6 do print("line " .. i) tasks.sleep(0.3) end
`);
  writeFileSync(join(place, "moongate.lua"),
    'job "slow" {schedule = "@yearly", script = "slow.lua", description = "Says some lines"}\n');
  const child = spawn(moongate, ["jobs", "start", "--sim", "--config", "moongate.lua", "--listen",
    "127.0.0.1:0"], {cwd: place, stdio: ["ignore", "inherit", "pipe"],
    env: {...process.env, MOONGATE_JOBS_TOKEN: TOKEN}});
  children.push(child);
  for await (const line of createInterface({input: child.stderr})) {
    const found = line.match(/http:\/\/[^/]+/);
    if (found) {
      child.stderr.resume();
      return {child, base: found[0]};
    }
  }
  throw new Error("the scheduler tells no address");
}

const act = (base, name, what, body = {}) => fetch(`${base}/api/jobs/${name}/${what}`, {
  method: "POST", body: JSON.stringify(body),
  headers: {"Content-Type": "application/json", Authorization: `Bearer ${TOKEN}`}});

// --- pages ------------------------------------------------------------------------------------

let browser;
const troubles = []; // of any page: what must never be

function check(isSo, what) {
  if (!isSo) throw new Error(what);
}

/** A page that notes whatever must not happen. */
async function openPage(base, {width = 1200, scheme = "light", motion = "no-preference",
  expected = /status of 401|ERR_/, connection = "live"} = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({width, height: 900});
  await page.emulateMediaFeatures([{name: "prefers-color-scheme", value: scheme},
    {name: "prefers-reduced-motion", value: motion}]);
  page.on("dialog", (dialog) => troubles.push(`a dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("pageerror", (error) => troubles.push(`an error: ${error.message}`));
  page.on("console", (message) => {
    if (!expected.test(message.text())) troubles.push(`the console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base)) troubles.push(`a request to ${request.url()}`);
  });
  await page.evaluateOnNewDocument(() => document.addEventListener("securitypolicyviolation",
    (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  await page.goto(`${base}/`);
  await page.waitForSelector(`#connection.${connection}`);
  return page;
}

const textOf = (page, selector) => page.$eval(selector, (node) => node.textContent);

const waitForText = (page, selector, text) => page.waitForFunction((where, what) =>
  [...document.querySelectorAll(where)].some((node) => node.textContent.includes(what)),
{timeout: 10000}, selector, text);

async function go(page, hash, selector) {
  await page.evaluate((to) => { location.hash = to; }, hash);
  await page.waitForSelector(selector);
  await new Promise((resolve) => setTimeout(resolve, 300)); // what is drawn at the next frames
}

async function findViolations(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}));
  return result.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) =>
    `${node.html.slice(0, 160)} ${node.failureSummary}`).join("; ")}`);
}

const VIEWS = [["jobs", "#/", "table.jobs tbody tr"], ["job", "#/job/nightly", ".history tbody tr"],
  ["hostile_job", null, ".history tbody tr"], ["run", `#/run/${RUN}`, ".tree .operation"],
  ["gateways", "#/estate", ".estate svg"], ["nothing", "#/nothing", "h1"]];

const HOSTILE = '<img src=x onerror="window.pwned=1">\'"</script><script>window.pwned=2</script>';

// --- the tests --------------------------------------------------------------------------------

let standIn;
const tests = [];
const test = (name, body) => tests.push([name, body]);

for (const scheme of ["light", "dark"]) {
  for (const width of [1200, 320]) {
    test(`each view is accessible and fits, ${scheme}, ${width} pixels`, async () => {
      const page = await openPage(standIn.base, {width, scheme});
      for (const [name, hash, selector] of VIEWS) {
        await go(page, hash ?? `#/job/${encodeURIComponent(HOSTILE)}`, selector);
        await page.screenshot({path: join(folder, "pictures", `${name}_${scheme}_${width}.png`),
          fullPage: true});
        const violations = await findViolations(page);
        check(violations.length === 0, `${name}: ${violations.join("\n  ")}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        check(wide <= width, `${name} is ${wide} pixels wide`);
      }
    });
  }
}

test("the dialogs are accessible, and Escape closes them", async () => {
  const page = await openPage(standIn.base);
  for (const selector of ["#keys", "#sign"]) {
    await page.click(selector);
    await page.waitForSelector("dialog[open]");
    const violations = await findViolations(page);
    check(violations.length === 0, violations.join("\n  "));
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog").open);
    check(await page.$eval(selector, (node) => node === document.activeElement),
      "the focus is not back");
  }
});

test("hostile texts are shown as they are, and nothing of them runs", async () => {
  const page = await openPage(standIn.base);
  await go(page, "#/", "table.jobs tbody tr");
  check((await textOf(page, "table.jobs")).includes(HOSTILE), "the job's name is not shown");
  await go(page, `#/run/${RUN}`, ".log .line");
  check((await textOf(page, ".log")).includes(HOSTILE), "the line of the log is not shown");
  check((await textOf(page, ".tree")).includes("<img src=x"), "the resource is not shown");
  await go(page, "#/estate", ".estate svg");
  check((await textOf(page, "main table")).includes(HOSTILE), "the gateway is not shown");
  check(await page.evaluate(() => document.images.length) === 0, "there is an image");
  check(await page.evaluate(() => document.scripts.length) === 1, "there is another script");
  check(await page.evaluate(() => window.pwned) === undefined, "a hostile text ran");
});

test("text that becomes HTML is refused by the browser", async () => {
  const page = await openPage(standIn.base, {
    expected: /TrustedHTML|policy: require-trusted-types-for/});
  const refused = await page.evaluate(() => {
    try {
      document.createElement("div").innerHTML = "<b>x</b>";
      return false;
    } catch (error) {
      return error instanceof TypeError;
    }
  });
  check(refused, "innerHTML took a text");
});

test("a change is seen without loading anything anew", async () => {
  const page = await openPage(standIn.base);
  await go(page, "#/", "table.jobs tbody tr");
  await page.evaluate(() => { window.isSame = true; });
  await act(standIn.base, "nightly", "pause", {reason: "audit"});
  await waitForText(page, 'tr[data-name="nightly"]', "paused");
  await waitForText(page, "#announcer", "nightly: paused");
  await act(standIn.base, "nightly", "resume");
  await waitForText(page, 'tr[data-name="nightly"]', "succeeded");
  check(await page.evaluate(() => window.isSame), "the page was loaded anew");
});

test("a job is run, paused and resumed by click, after signing in", async () => {
  const page = await openPage(standIn.base);
  await go(page, "#/", "table.jobs tbody tr");
  await page.click('tr[data-name="nightly"] [data-do="run"]');
  await page.waitForSelector("dialog[open] input[type=password]");
  await page.type("dialog input[type=password]", "wrong");
  await page.click("dialog button.main");
  await waitForText(page, "dialog .problem", "the token is wrong");
  await page.$eval("dialog input[type=password]", (node) => { node.value = ""; });
  await page.type("dialog input[type=password]", TOKEN);
  await page.click("dialog button.main");
  await waitForText(page, "dialog h2", "Run nightly now?"); // what was asked for goes on
  await page.click("dialog button.main");
  await waitForText(page, 'tr[data-name="nightly"]', "running");
  await waitForText(page, 'tr[data-name="nightly"]', "succeeded");
  await page.click('tr[data-name="nightly"] [data-do="pause"]');
  await page.waitForSelector("dialog[open] input[name=reason]");
  await page.type("dialog input[name=reason]", "by click");
  await page.click("dialog button.main");
  await waitForText(page, 'tr[data-name="nightly"]', "paused");
  const cookies = await page.cookies();
  check(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Strict",
    "the cookie is not as it should be");
  check(await page.evaluate(() => document.cookie) === "", "scripts see the cookie");
  await go(page, "#/job/nightly", ".facts");
  await waitForText(page, ".facts", "by click");
  await page.click('.heading [data-do="resume"]');
  await page.waitForSelector("dialog[open] button.main");
  await page.click("dialog button.main");
  await page.waitForSelector('.heading [data-do="pause"]');
  await page.click("#sign");
  await waitForText(page, "#sign", "Sign in");
});

/** Presses Tab until the focus is on what fits. */
async function tabTo(page, selector) {
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((what) => document.activeElement.matches(what), selector)) return;
  }
  throw new Error(`Tab does not lead to ${selector}`);
}

test("all can be done by keyboard, and the focus is seen", async () => {
  const page = await openPage(standIn.base);
  await page.waitForSelector("table.jobs tbody tr");
  await page.keyboard.press("Tab");
  check(await page.evaluate(() => document.activeElement.matches(".skip")), "no way to skip");
  await page.keyboard.press("/");
  check(await page.evaluate(() => document.activeElement.id) === "search", "/ does not search");
  await page.keyboard.type("nightly");
  await page.waitForFunction(() => document.querySelectorAll("table.jobs tbody tr").length === 1);
  await tabTo(page, "tbody th a");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
  check(parseFloat(outline) >= 2, `the focus has an outline of ${outline}`);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".heading [data-do=run]");
  await page.keyboard.press("r");
  await page.waitForSelector("dialog[open] input[type=password]");
  await page.keyboard.type(TOKEN);
  await page.keyboard.press("Enter");
  await waitForText(page, "dialog h2", "Run nightly now?");
  await page.keyboard.press("Enter");
  await waitForText(page, ".facts", "running");
  await page.keyboard.press("g");
  await page.keyboard.press("g");
  await page.waitForSelector(".estate svg");
  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await page.waitForSelector("table.jobs");
});

test("a view is there again after a reload", async () => {
  const page = await openPage(standIn.base);
  await go(page, `#/run/${RUN}`, ".log .line");
  await page.reload();
  await page.waitForSelector(".log .line");
  check((await textOf(page, "h1")) === RUN, "the view is another one");
});

test("with reduced motion nothing moves", async () => {
  const page = await openPage(standIn.base, {motion: "reduce"});
  await act(standIn.base, "nightly", "run");
  await page.waitForSelector(".badge.busy");
  check(await page.evaluate(() => document.getAnimations().length) === 0, "something moves");
});

test("a large run is drawn in a moment", async () => {
  const page = await openPage(standIn.base);
  await go(page, "#/run/20260131-200000-large", ".tree .operation");
  await waitForText(page, ".tree .open", "w1");
  await waitForText(page, ".note", "older ones that have ended are not shown");
  check((await page.$$(".operation")).length <= 310, "too much is drawn");
});

test("where others can come, one signs in first", async () => {
  const open = await startStandIn("open", 3, "0.0.0.0:0");
  const base = open.base.replace("0.0.0.0", "127.0.0.1");
  const page = await openPage(base, {connection: "locked"});
  await waitForText(page, "h1", "Sign in to see the jobs");
  const violations = await findViolations(page);
  check(violations.length === 0, violations.join("\n  "));
  await page.click("main button.main");
  await page.waitForSelector("dialog[open] input[type=password]");
  await page.type("dialog input[type=password]", TOKEN);
  await page.keyboard.press("Enter");
  await waitForText(page, "table.jobs", "nightly");
  await page.click("#sign");
  await waitForText(page, "h1", "Sign in to see the jobs");
});

test("ten thousand jobs are searched at once", async () => {
  const large = await startStandIn("large", 10000);
  const page = await openPage(large.base);
  await waitForText(page, ".count", "10000 jobs");
  check((await page.$$("table.jobs tbody tr")).length === 50, "not 50 on a page");
  await page.focus("#search");
  const took = await page.evaluate(() => new Promise((resolve) => {
    const search = document.querySelector("#search"), began = performance.now();
    search.value = "job-09999";
    search.dispatchEvent(new Event("input"));
    requestAnimationFrame(() => resolve(performance.now() - began));
  }));
  await waitForText(page, ".count", "1 of 10000 jobs");
  check(took < 1000, `a search took ${Math.round(took)} ms`);
  console.log(`  a search of 10,000 jobs took ${Math.round(took)} ms`);
  large.child.kill();
  await waitForText(page, "#connection-text", "Reconnecting");
});

test("the real scheduler: run by click, its log and tree live", async () => {
  const real = await startScheduler();
  const page = await openPage(real.base);
  await go(page, "#/job/slow", ".heading [data-do=run]");
  await page.click(".heading [data-do=run]");
  await page.waitForSelector("dialog[open] input[type=password]");
  await page.type("dialog input[type=password]", TOKEN);
  await page.click("dialog button.main");
  await waitForText(page, "dialog h2", "Run slow now?");
  await page.click("dialog button.main");
  await page.waitForSelector(".facts a[href^='#/run/']");
  await page.$eval(".facts a[href^='#/run/']", (link) => link.click());
  await waitForText(page, ".log", "line 2");
  check(!(await textOf(page, ".log")).includes("line 6"), "the log was not live");
  await waitForText(page, ".log", "line 6");
  await waitForText(page, ".facts", "succeeded");
  await waitForText(page, ".tree", "payments");
  check(!(await textOf(page, ".facts")).includes("Carried by"), "somebody is said to carry it");
  await page.screenshot({path: join(folder, "pictures", "real_run.png"), fullPage: true});
  await go(page, "#/estate", ".estate svg");
  await waitForText(page, "main table", "payments");
  const violations = await findViolations(page);
  check(violations.length === 0, violations.join("\n  "));
});

// --- running them -----------------------------------------------------------------------------

let failed = 0;

try {
  browser = await puppeteer.launch({executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: process.getuid() === 0 ? ["--no-sandbox"] : []});
  standIn = await startStandIn("stand-in", 3);
  for (const [name, body] of tests) {
    try {
      await body();
      check(troubles.length === 0, troubles.splice(0).join("\n  "));
      console.log(`ok: ${name}`);
    } catch (error) {
      failed++;
      troubles.length = 0;
      console.log(`FAILED: ${name}\n  ${error.message}`);
    }
  }
} finally {
  for (const child of children) child.kill();
  await browser?.close();
  rmSync(temporary, {recursive: true, force: true});
}
console.log(`${tests.length - failed} of ${tests.length} passed`);
process.exit(failed > 0 ? 1 : 0);
