-- The ready scripts that are made for schedules.
local gateways = require "gateways"
local ledger = require "ledger"
local run = require "run"
local test = require "test"

local equal, contains = test.equal, test.contains

test.world "../../scripts/worlds/contoso.lua"

-- What a ready script prints, run with these arguments, and the code that it ended with.
local function run_script(name, ...)
  local file = assert(io.open("scripts/" .. name .. ".lua"))
  local source = file:read "a"
  file:close()
  local lines, code = {}, 0
  local ended = {}
  local env = setmetatable({print = function(text)
    lines[#lines + 1] = text
  end}, {__index = _G})
  local exit = run.exit
  run.exit = function(given)
    code = given
    error(ended, 0)
  end
  local went_well, wrong = pcall(assert(load(source, "=" .. name, "t", env)), ...)
  run.exit = exit
  if not went_well and wrong ~= ended then
    error(wrong, 0)
  end
  return lines, code
end

local function units()
  return {gateways.get "gw-payments".units, gateways.get "gw-shared".units}
end

local HOURS = "06:00=3,20:00=1"

-- The slot, and how many units then count in Berlin.
test.each({
  {slot = 1772478000, units = 1, shown = "20:00 CET: 1 unit from 20:00 on"}, -- 2026-03-02
  {slot = 1772477999, units = 3, shown = "19:59 CET: 3 units from 06:00 on"},
  {slot = 1783015200, units = 1, shown = "20:00 CEST: 1 unit from 20:00 on"}, -- 2026-07-02
  {slot = 1783015140, units = 3, shown = "19:59 CEST: 3 units from 06:00 on"},
  {slot = 1782957600, units = 1, shown = "04:00 CEST: 1 unit from 20:00 on"}, -- since yesterday
}, "scale_by_time: {shown}", function(row)
  run.slot = row.slot
  local lines = run_script("scale_by_time", "--gateways", "gw-payments,gw-shared", "--hours", HOURS,
    "--timezone", "Europe/Berlin", "--change")
  equal(lines[1], row.shown)
  equal(units(), {row.units, row.units})
end)

test.case("scale_by_time changes nothing by itself, and says what it would do", function()
  run.slot = 1772478000
  local lines, writes
  _, writes = ledger.during(function()
    lines = run_script("scale_by_time", "--gateways", "gw-payments, gw-shared", "--hours", HOURS,
      "--timezone", "Europe/Berlin")
  end)
  equal(writes, 0)
  equal(lines, {"20:00 CET: 1 unit from 20:00 on", "gw-payments  would get 1 unit, has 4",
                "gw-shared    would get 1 unit, has 2",
                "nothing was changed: --change does it"})
end)

test.case("scale_by_time sends nothing where the units are right", function()
  run.slot = nil
  local arguments = {"--gateways", "gw-shared", "--hours", "00:00=2", "--change"}
  local lines, writes
  _, writes = ledger.during(function()
    lines = run_script("scale_by_time", table.unpack(arguments))
  end)
  equal(writes, 0)
  equal(lines[2], "gw-shared  has 2 units")
end)

test.each({
  {"--hours", "6=3"}, {"--hours", "24:00=3"}, {"--hours", "06:60=3"}, {"--hours", "06:00=0"},
  {"--hours", "06:00=13"}, {"--hours", "06:00=99999999999999999999"}, {"--hours", ""},
  {"--hours", "06:00=1,6:00=2"}, {"--hours", "06:00=1,"}, {"--timezone", "Mars", "--hours", HOURS},
  {"--gateways", ",", "--hours", HOURS},
}, "scale_by_time takes no {1} {2}", function(row)
  local lines, code = run_script("scale_by_time", "--gateways", "gw-shared", table.unpack(row))
  equal(code, 2)
  equal(lines, {})
end)

test.case("access_report has a line for each who may change policies", function()
  local lines, writes
  _, writes = ledger.during(function()
    lines = run_script("access_report", "--type", "User")
  end)
  equal(writes, 0)
  equal(lines[1], "workspace,type,name,upn,role,scope,through")
  local leads = {}
  for _, line in ipairs(lines) do
    contains(line, ",")
    leads[#leads + 1] = line:match "^billing,User,Lead Billing,lead.billing@contoso.example,(.*)$"
  end
  equal(#leads, 1)
  contains(leads[1], "API Management Workspace API Developer,/subscriptions/")
  contains(leads[1], "/workspaces/billing,api-team-billing")
end)

test.case("access_report quotes what a spreadsheet would misread", function()
  local entra, rbac, workspaces = require "entra", require "rbac", require "workspaces"
  local group = entra.create('=cmd|"x",1')
  rbac.assign {principal = group, role = "Contributor", scope = workspaces.get "billing"}
  local lines = run_script("access_report", "--type", "Group")
  local found = 0
  for _, line in ipairs(lines) do
    found = found + (line:find([[billing,Group,"'=cmd|""x"",1",,Contributor,]], 1, true) and 1 or 0)
  end
  equal(found, 1)
end)
