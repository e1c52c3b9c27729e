-- How resources are shown: as cards, as tables, as blocks; one of every kind.
local card = require "show_card"
local check = require "core.check"
local doc = require "doc"
local entra = require "entra"
local gateways = require "gateways"
local inspect = require "core.inspect"
local ledger = require "ledger"
local model = require "core.model"
local networks = require "networks"
local rbac = require "rbac"
local shown = require "shown"
local sim = require "sim"
local tasks = require "tasks"
local terminal = require "core.terminal"
local test = require "test"
local workspaces = require "workspaces"

local equal, ok, contains = test.equal, test.ok, test.contains
local plain, lines_of = shown.plain, shown.lines

-- exact texts ----------------------------------------------------------------------------

local function make_gateways()
  local subnet = networks.ensure_gateway_subnet {
    vnet = "vnet-apim", name = "snet-payments", prefix = "10.0.4.0/24", mode = "integration"}
  local gateway = gateways.ensure("gw-payments", {
    units = 2, network = "integration", subnet = subnet,
    tags = {team = "支払い", stage = "prod"}})
  local operation = gateways.create("gw-orders", {wait = false})
  tasks.sleep "1m"
  return gateway, gateways.list(), operation
end

-- What the name of the host has besides, made from the subscription.
local HASH = "%x%x%x%x%x%x%x%x%x%x%x%x"

-- The same text where drawings keep to ASCII: what was cut ends earlier.
local EXPECTED = {
  [60] = {
    utf8 = [[
gateway gw-payments: Succeeded
  location                westeurope
  sku                     WorkspaceGatewayPremium
  units                   2
  network                 integration
  subnet                  virtualNetworks/v…ts/snet-payments
  tags                    {
    stage = "prod",
    team = "支払い",
  }
  created_at              TIME
  hostname                gw-payments-HASH.gateway.…
  configuration_hostname  gw-payments-HASH.configur…
  id                      /subscriptions/0b…ways/gw-payments

name         state       units  network
───────────  ──────────  ─────  ───────────
gw-orders    Activating      1  none
gw-payments  Succeeded       2  integration
(2 gateways; 2 more columns: \x)]],
    ascii = [[
gateway gw-payments: Succeeded
  location                westeurope
  sku                     WorkspaceGatewayPremium
  units                   2
  network                 integration
  subnet                  virtualNetworks/...s/snet-payments
  tags                    {
    stage = "prod",
    team = "支払い",
  }
  created_at              TIME
  hostname                gw-payments-HASH.gatewa...
  configuration_hostname  gw-payments-HASH.config...
  id                      /subscriptions/0...ays/gw-payments

name         state       units  network
-----------  ----------  -----  -----------
gw-orders    Activating      1  none
gw-payments  Succeeded       2  integration
(2 gateways; 2 more columns: \x)]],
  },
  [80] = {
    utf8 = [[
gateway gw-payments: Succeeded
  location                westeurope
  sku                     WorkspaceGatewayPremium
  units                   2
  network                 integration
  subnet                  virtualNetworks/vnet-apim/subnets/snet-payments
  tags                    { stage = "prod", team = "支払い" }
  created_at              TIME
  hostname                gw-payments-HASH.gateway.westeurope-01.azure-…
  configuration_hostname  gw-payments-HASH.configuration.gateway.westeu…
  id                      /subscriptions/0b1f6471-1bf…ement/gateways/gw-payments

name         state       units  network      hostname
───────────  ──────────  ─────  ───────────  ───────────────────────────────────
gw-orders    Activating      1  none
gw-payments  Succeeded       2  integration  gw-payments-HASH.gateway.w…
(2 gateways; 1 more column: \x)]],
    ascii = [[
gateway gw-payments: Succeeded
  location                westeurope
  sku                     WorkspaceGatewayPremium
  units                   2
  network                 integration
  subnet                  virtualNetworks/vnet-apim/subnets/snet-payments
  tags                    { stage = "prod", team = "支払い" }
  created_at              TIME
  hostname                gw-payments-HASH.gateway.westeurope-01.azur...
  configuration_hostname  gw-payments-HASH.configuration.gateway.west...
  id                      /subscriptions/0b1f6471-1b...ment/gateways/gw-payments

name         state       units  network      hostname
-----------  ----------  -----  -----------  -----------------------------------
gw-orders    Activating      1  none
gw-payments  Succeeded       2  integration  gw-payments-HASH.gateway...
(2 gateways; 1 more column: \x)]],
  },
  [200] = {
    utf8 = [[
gateway gw-payments: Succeeded
  location                westeurope
  sku                     WorkspaceGatewayPremium
  units                   2
  network                 integration
  subnet                  virtualNetworks/vnet-apim/subnets/snet-payments
  tags                    { stage = "prod", team = "支払い" }
  created_at              TIME
  hostname                gw-payments-HASH.gateway.westeurope-01.azure-api.net
  configuration_hostname  gw-payments-HASH.configuration.gateway.westeurope-01.azure-api.net
  id                      ID

name         state       units  network      hostname                                                      sku
───────────  ──────────  ─────  ───────────  LINE  ───────────────────────
gw-orders    Activating      1  none                                                                       WorkspaceGatewayPremium
gw-payments  Succeeded       2  integration  HOSTNAME  WorkspaceGatewayPremium
(2 gateways)]],
  },
}
EXPECTED[200].ascii = EXPECTED[200].utf8:gsub("\u{2500}", "-")

-- What is expected, with the names that the world has given.
local function expect(columns, gateway)
  local dash = terminal.is_utf8() and "\u{2500}" or "-"
  local hash = gateway.hostname:match("%-(" .. HASH .. ")%.")
  local known = {HASH = hash, ID = gateway.id,
                 TIME = gateway.created_at, HOSTNAME = gateway.hostname,
                 LINE = dash:rep(#gateway.hostname)}
  local text = EXPECTED[columns][terminal.is_utf8() and "utf8" or "ascii"]
  return (text:gsub("%f[%w][A-Z]+%f[%W]", known))
end

for _, columns in ipairs {60, 80, 200} do
  test.case(("a gateway and its list at %d columns"):format(columns), function()
    local gateway, list, operation = make_gateways()
    local have = plain(gateway, columns) .. "\n\n" .. plain(list, columns)
    equal(have, expect(columns, gateway))
    operation:cancel()
  end)
end

test.case("expanded, each resource has a block with all of its fields", function()
  workspaces.ensure("payments", {display_name = "Payments"})
  workspaces.ensure("orders", {display_name = "Orders\27[0m", description = "a\nb"})
  local list = workspaces.list()
  equal(plain(list, 60, {is_expanded = true}), ([[
-[ 1: orders ]----------------------------------------------
  kind         | workspace
  id           | ID/orders
  display_name | Orders\x1b[0m
  description  |
    a
    b
-[ 2: payments ]--------------------------------------------
  kind         | workspace
  id           | ID/payments
  display_name | Payments
  description  |
(2 workspaces)]]):gsub("ID/(%a+)", function(name)
    return list[name == "orders" and 1 or 2].id
  end))
  contains(plain(list[1], 60, {is_expanded = true}), "-[ 1: orders ]--")
end)

-- tables ---------------------------------------------------------------------------------

test.case("a table is never wider than the terminal, nor are its columns askew", function()
  workspaces.ensure("payments", {display_name = "支払い 🚀", description = ("長い"):rep(50)})
  workspaces.ensure("orders", {display_name = "\u{202e}Orders", description = "x\ty"})
  workspaces.ensure("stock", {display_name = "Zürich"})
  for _, columns in ipairs {20, 33, 40, 60, 80, 200} do
    local lines = lines_of(plain(workspaces.list(), columns))
    equal(#lines, 6)
    for i = 1, 5 do
      ok(terminal.width(lines[i]) <= columns, lines[i])
    end
  end
  local lines = lines_of(plain(workspaces.list(), 80))
  local at = terminal.width(lines[1]:match "^(.-)description")
  for i, start in ipairs {"x\\ty", "長い"} do
    equal(terminal.width(lines[i + 2]:match("^(.-)" .. start:gsub("\\", "\\"))), at)
  end
end)

test.case("columns go before names are cut, and that is said", function()
  local rows = {}
  for i = 1, 3 do
    rows[i] = {name = "a-name-of-twenty-four-ch"}
    for k = 1, 12 do
      rows[i]["column_" .. string.char(96 + k)] = ("v"):rep(30)
    end
  end
  local lines = lines_of(plain(rows, 60))
  contains(lines[3], "a-name-of-twenty-four-ch  ")
  equal(lines[#lines], "(3 rows; 11 more columns: \\x)")
  contains(plain(rows, 60, {is_expanded = true}), "  column_l | " .. ("v"):rep(30))
end)

test.case("numbers stand at the right, and what is no number for all at the left", function()
  local lines = lines_of(plain({{name = "a", n = 1, m = 1}, {name = "b", n = 22.5, m = "x"}}, 60))
  equal({lines[1], lines[3], lines[4]}, {"name  m     n", "a     1     1", "b     x  22.5"})
end)

test.case("rows are cut with a count, and those that are not shown cost nothing", function()
  local rows = {}
  for i = 1, 5000 do
    rows[i] = i <= 100 and {name = "n" .. i} or ("no row"):rep(10)
  end
  local lines = lines_of(plain(rows, 60))
  equal(#lines, 103)
  equal(lines[103], "(100 rows and 4,900 more)")
  local workspace = workspaces.ensure("payments", {})
  local list = {}
  for i = 1, 5000 do
    list[i] = workspace
  end
  lines = lines_of(plain(list, 60, {most_rows = 1}))
  equal(lines[#lines], "(1 workspace and 4,999 more)")
end)

test.case("tables that are not alike are no rows", function()
  equal(plain({{a = 1}, {b = 2}, {c = 3}}, 60), "{ { a = 1 }, { b = 2 }, { c = 3 } }")
  equal(plain({{a = 1}, {2}}, 60), "{ { a = 1 }, { 2 } }")
  equal(plain({{f = print}}, 60), "{ { f = function print } }")
  equal(plain({{a = 1}, n = 2}, 60), "{ { a = 1 }, n = 2 }")
end)

test.case("resources of several kinds have their kind, name and id", function()
  local workspace = workspaces.ensure("payments", {})
  local api = workspace.apis:ensure("invoices", {display_name = "Invoices", path = "invoices"})
  local lines = lines_of(plain({workspace, api}, 200))
  equal(lines[1], "kind       name      id")
  equal(lines[4], "api        invoices  " .. api.id)
  equal(lines[5], "(2 resources)")
  equal(plain({workspace, 1}, 200), "{ <workspace payments>, 1 }")
end)

test.case("failures have their code, status, target and message", function()
  local list = {}
  for i = 1, 2 do
    list[i] = check.failure {code = "Busy", message = "later\27[0m", status = 409,
                             target = "gw-" .. i}
  end
  local lines = lines_of(plain(list, 80))
  equal(lines[1], "code  status  target  message")
  equal(lines[4], "Busy     409  gw-2    later\\x1b[0m")
  equal(lines[5], "(2 failures)")
end)

test.case("a role assignment has the role's name, and its own comes last", function()
  local team = entra.ensure "api-team-payments"
  local workspace = workspaces.ensure("payments", {})
  rbac.assign {principal = team, role = "Reader", scope = workspace.id}
  local lines = lines_of(plain(rbac.list {scope = workspace}, 120))
  ok(lines[1]:find "^role_definition +scope +principal_id +principal_type +name$", lines[1])
  local text = table.concat(lines, "\n")
  contains(text, "Reader")
  contains(text, "workspaces/payments")
end)

-- cards ----------------------------------------------------------------------------------

test.each({
  {what = "of the same group", id = "/subscriptions/S/resourceGroups/rg/providers/Microsoft.Network"
   .. "/virtualNetworks/v/subnets/s", text = "virtualNetworks/v/subnets/s"},
  {what = "of the same service", id = "/subscriptions/s/resourcegroups/RG/providers/"
   .. "Microsoft.ApiManagement/service/apim/workspaces/other", text = "workspaces/other"},
  {what = "of another group", id = "/subscriptions/S/resourceGroups/net/providers/"
   .. "Microsoft.Network/virtualNetworks/v", text = "resourceGroups/net/providers/"
   .. "Microsoft.Network/virtualNetworks/v"},
  {what = "of another subscription", id = "/subscriptions/T/resourceGroups/rg", text =
   "/subscriptions/T/resourceGroups/rg"},
  {what = "of the resource itself", id = "/subscriptions/S/resourceGroups/rg/providers/"
   .. "Microsoft.ApiManagement/service/apim/workspaces/payments", text = "workspaces/payments"},
  {what = "of the subscription", id = "/subscriptions/S", text = "/subscriptions/S"},
  {what = "of a built-in role", id = "/subscriptions/T/providers/Microsoft.Authorization/"
   .. "roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7", text = "Reader"},
}, "an id {what} is said as seen from a resource", function(row)
  equal(card.relative_id(row.id, "/subscriptions/S/resourceGroups/rg/providers/"
                         .. "Microsoft.ApiManagement/service/apim/workspaces/payments"), row.text)
end)

test.case("a policy is shown as its lines", function()
  local workspace = workspaces.ensure("payments", {})
  local policy = workspace.policy:ensure {
    value = "<policies>\n  <inbound><base /></inbound>\n</policies>"}
  contains(plain(policy, 60), [[
workspace policy policy
  value
    <policies>
      <inbound><base /></inbound>
    </policies>
]])
end)

test.case("secrets are not shown, whatever shows them", function()
  local workspace = workspaces.ensure("payments", {})
  local backend = workspace.backends:ensure("backend", {
    url = "https://invoices.example", protocol = "http", credentials = {
      header = {["x-key"] = {"hidden-1"}}, query = {code = {"hidden-2"}},
      authorization = {scheme = "Basic", parameter = "hidden-3"}}})
  local named = workspace.named_values:ensure("key", {display_name = "key", value = "hidden-4",
                                                      secret = true})
  equal(backend.credentials.authorization.parameter, "hidden-3", "it is there to be shown")
  for _, value in ipairs {backend, {backend}, {a = backend}, named, {named}, {named, backend}} do
    for _, is_expanded in ipairs {false, true} do
      local text = plain(value, 200, {is_expanded = is_expanded})
      ok(not text:find "hidden", text)
    end
  end
  contains(plain(backend, 200), "parameter = (secret)")
  contains(plain(backend, 200), "header = (secret)")
end)

test.case("the keys of a subscription are not shown", function()
  local workspace = workspaces.ensure("payments", {})
  local product = workspace.products:ensure("gold", {})
  local keys = workspace.subscriptions:ensure("mobile", {scope = product}):keys()
  for _, value in ipairs {keys, {keys}, {a = keys}} do
    local text = plain(value, 200)
    ok(not text:find(keys.primary, 1, true), text)
    contains(text, "keys of subscription 'mobile'")
  end
end)

test.case("a collection says what it is", function()
  local workspace = workspaces.ensure("payments", {})
  equal(plain(workspace.apis, 60), "apis of workspace 'payments': list() reads them")
  equal(plain(workspace.policy, 60), "policy of workspace 'payments': get() reads it")
  equal(plain({a = workspace.apis}, 60), "{ a = <apis of workspace 'payments'> }")
end)

test.case("groups and their members are shown", function()
  local team = entra.ensure "api-team-payments"
  contains(plain(team, 80), "  display_name   api-team-payments\n  type           Group\n")
  local role = plain(rbac.role "Reader", 80)
  contains(role, "\n  role_type          BuiltInRole\n")
end)

-- every kind -----------------------------------------------------------------------------

test.case("the columns of a kind are fields of it, none of them secret", function()
  local count = 0
  for _, kind in ipairs(model.kinds()) do
    local fields = {}
    for _, field in ipairs(kind.fields) do
      fields[field.name] = field
    end
    for name in (kind.columns or ""):gmatch "%S+" do
      ok(fields[name] and not fields[name].secret, kind.name .. "." .. name)
      count = count + 1
    end
  end
  ok(count > 100, count)
end)

-- Runs lines of an example so that the names they set stay.
local function run(code, env)
  return assert(load(code:gsub("%f[^%z\n]local ", ""), "=example", "t", env))()
end

-- One of the kind, as the reference's examples make it, and the list of them.
local function make_one(kind)
  sim.reset()
  local env = setmetatable({print = function() end}, {__index = _G})
  run(kind.setting, env)
  for _, verb in ipairs(kind.verbs) do
    if verb.name == kind.prefix .. "ensure" then
      run(verb.examples[1], env)
    end
  end
  if kind.operations.list and kind.only_name == nil then
    return run(("return %slist()"):format(kind.prefix), env)
  end
  return {run(("return %sget(%s)"):format(kind.prefix, kind.only_name and "" or '"one"'), env)}
end

local function check_shown(kind, list)
  local one = list[1]
  contains(plain(one, 80), ("%s %s"):format(kind.name, one.id:match "[^/]*$"))
  for _, columns in ipairs {20, 60, 80, 200} do
    local lines = lines_of(plain(list, columns))
    equal(#lines, math.min(#list, 100) + 3)
    for i = 1, #lines - 1 do
      ok(terminal.width(lines[i]) <= columns, lines[i])
    end
    local block = plain(list, columns, {is_expanded = true})
    for _, field in ipairs(kind.fields) do
      contains(block, terminal.start(field.name, columns // 2))
    end
  end
end

local reached = {}
for _, kind in ipairs(doc.gather().kinds) do
  if kind.prefix then
    reached[#reached + 1] = kind
  end
end

test.each(reached, "{name}: one and a list of them are shown, without a request", function(kind)
  local list = make_one(kind)
  if #list == 0 then
    test.skip "the simulator has none"
  end
  local fine, why
  local cost = {ledger.during(function()
    fine, why = inspect.call(check_shown, kind, list)
  end)}
  ok(fine, tostring(why))
  equal(cost, {0, 0}, "requests and writes")
end)

test.case("a display name that says the name again is no column", function()
  workspaces.ensure("orders", {display_name = "orders", description = "first"})
  equal(lines_of(plain(workspaces.list()))[1], "name    description")
  workspaces.ensure("payments", {display_name = "Payments"})
  equal(lines_of(plain(workspaces.list()))[1], "name      display_name  description")
end)
