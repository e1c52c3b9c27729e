// The picture of the service: which workspace is on which gateway, in which network.

import {badge, cell, fill, h, lookOf, moment, s, shorten, stamp, tick} from "./dom.js";
import {askEstate} from "./state.js";

const BOX = 298, GAP = 16, CHIP = 26, HEAD = 56, LETTERS = 28; // a gateway's width; of its parts

// Gateways by their network, in the order of names; workspaces without a gateway last.
function group(estate) {
  const networks = new Map();
  for (const gateway of estate.gateways) {
    const key = gateway.network ?? "";
    if (!networks.has(key)) networks.set(key, []);
    networks.get(key).push({...gateway, workspaces:
      estate.workspaces.filter((workspace) => workspace.gateways.includes(gateway.name))});
  }
  const groups = [...networks].map(([network, gateways]) => ({network, gateways}));
  const homeless = estate.workspaces.filter((workspace) => workspace.gateways.length === 0);
  if (homeless.length > 0) {
    groups.push({network: null, gateways: [{name: "no gateway of its own", workspaces: homeless}]});
  }
  return groups;
}

const SHAPES = {good: "M0 -5a5 5 0 1 0 0 10 5 5 0 1 0 0 -10Z", bad: "M0 -6 6 5H-6Z",
  busy: "M-5 -5h10v10h-10Z", idle: "M0 -5 5 0 0 5 -5 0Z"};

const mark = (state, x, y) => {
  const look = SHAPES[lookOf(state)] ? lookOf(state) : "idle";
  return s("path", {class: `mark ${look}`, d: SHAPES[look], transform: `translate(${x} ${y})`});
};

const heightOf = (gateway) => HEAD + Math.max(1, gateway.workspaces.length) * CHIP + 8;

function drawGateway(gateway, x, y) {
  const units = gateway.units && `${gateway.units} unit${gateway.units > 1 ? "s" : ""}`;
  const second = [gateway.state, units].filter(Boolean).join(", ");
  return s("g", {transform: `translate(${x} ${y})`},
    s("rect", {class: "gateway", width: BOX, height: heightOf(gateway), rx: 8}),
    gateway.state && mark(gateway.state, 18, 20),
    s("text", {x: gateway.state ? 32 : 14, y: 25, class: "name"}, shorten(gateway.name, LETTERS),
      s("title", {}, gateway.name)),
    s("text", {x: gateway.state ? 32 : 14, y: 43, class: "faint"}, shorten(second, LETTERS + 8)),
    gateway.workspaces.map((workspace, i) => s("g", {transform: `translate(12 ${HEAD + i * CHIP})`},
      s("rect", {class: "workspace", width: BOX - 24, height: CHIP - 6, rx: 10}),
      s("text", {x: 12, y: 14}, shorten(workspace.display_name ?? workspace.name, LETTERS),
        s("title", {}, workspace.name)))),
    gateway.workspaces.length === 0 && s("text", {x: 14, y: HEAD + 14, class: "faint"},
      "no workspace"));
}

function nameOf(network) {
  if (network === null) return "Workspaces without a gateway";
  return network === "" ? "Open to the internet" : `Network ${network}`;
}

const widthOf = (columns) => GAP + columns * (BOX + GAP);

function drawGroup(one, y, columns) {
  const parts = [];
  let top = 40;
  for (let i = 0; i < one.gateways.length; i += columns) {
    const row = one.gateways.slice(i, i + columns);
    parts.push(row.map((gateway, j) => drawGateway(gateway, GAP + j * (BOX + GAP), top)));
    top += Math.max(...row.map(heightOf)) + GAP;
  }
  return {height: top, node: s("g", {transform: `translate(0 ${y})`},
    s("rect", {class: one.network ? "network" : "network outside", width: widthOf(columns),
      height: top, rx: 12}),
    s("text", {x: GAP, y: 26, class: "name"}, shorten(nameOf(one.network), columns * LETTERS)), parts)};
}

function drawPicture(estate, columns) {
  let y = 1;
  const nodes = group(estate).map((one) => {
    const drawn = drawGroup(one, y, columns);
    y += drawn.height + GAP;
    return drawn.node;
  });
  return h("figure", {class: "chart estate"},
  s("svg", {viewBox: `-1 0 ${widthOf(columns) + 2} ${y}`, role: "img", "aria-label":
    `${estate.gateways.length} gateways and ${estate.workspaces.length} workspaces; ` +
    "the table below says the same"},
  nodes));
}

function drawTable(estate) {
  return h("table", {},
    h("thead", {}, h("tr", {}, ["Workspace", "Gateway", "State", "Network"].map((text) =>
      h("th", {scope: "col"}, text)))),
    h("tbody", {}, estate.workspaces.map((workspace) => {
      const gateways = estate.gateways.filter((one) => workspace.gateways.includes(one.name));
      return h("tr", {},
        h("th", {scope: "row", "data-label": "Workspace"},
          h("div", {class: "cell"}, workspace.name)),
        cell("Gateway", gateways.map((one) => one.name).join(", ") || "none"),
        cell("State", gateways.map((one) => badge(one.state ?? "?"))),
        cell("Network", gateways.map((one) => one.network ?? "internet").join(", ")));
    })));
}

export function showEstate(main) {
  const body = h("div", {}, h("p", {class: "note"},
    "The service is asked. This may take a moment."));
  const facts = h("p", {class: "lead"});

  async function load() {
    try {
      const estate = await askEstate();
      if (estate.absent) {
        fill(body, h("p", {class: "note"}, estate.absent));
        return;
      }
      fill(facts, `Service ${estate.service}, as of ${stamp(estate.at).slice(11)} UTC (`,
        moment(estate.at, false), ")");
      const columns = Math.max(1, Math.min(3, Math.floor(main.clientWidth / BOX)));
      fill(body, drawPicture(estate, columns), h("h2", {}, "In words"), drawTable(estate));
      tick();
    } catch (error) {
      fill(body, h("p", {class: "problem", role: "alert"}, error.message));
    }
  }

  fill(main, h("h1", {}, "Gateways and workspaces"), facts, body);
  load();
  const clock = setInterval(() => !document.hidden && load(), 60000);
  return {title: "Gateways", close: () => clearInterval(clock), hear() {}};
}
