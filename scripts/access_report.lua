-- Report who may do something in each workspace, and by which roles, as CSV.
--
--   moongate run --sim-world scripts/worlds/contoso.lua --read-only access_report
--
--   workspace,type,name,upn,role,scope,through
--   billing,User,Ada King,ada.king@contoso.example,Contributor,/subscriptions/...,api-platform
--   ...
local args = require "args"
local clock = require "clock"
local log = require "log"
local rbac = require "rbac"
local run = require "run"
local workspaces = require "workspaces"

local options = args.parse({
  purpose = [[
Writes a line for each principal that may do something in a workspace: users, groups, and who is
in them, with the first way to it. A role that counts on a condition alone is told with "(on a
condition)". Nothing is changed. As a scheduled job the report is in the log of its run: moongate
runs logs RUN.]],
  {name = "action", value = "ACTION", help = "what they may do",
   default = "Microsoft.ApiManagement/service/workspaces/policies/write"},
  {name = "data", help = "ACTION is one on data"},
  {name = "type", value = "TYPE", choices = {"User", "Group", "ServicePrincipal"},
   help = "only principals of this kind"},
}, ...)

-- RFC 4180; a spreadsheet takes what begins with one of =+-@ for a formula.
local function cell(value)
  local text = tostring(value or "")
  if text:find "^[=+%-@\t\r]" then
    text = "'" .. text
  end
  return text:find '[",\r\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

local function print_row(...)
  local cells = {...}
  for i = 1, select("#", ...) do
    cells[i] = cell(cells[i])
  end
  print(table.concat(cells, ","))
end

local now = rbac.snapshot()
local rows, count = 0, 0

print_row("workspace", "type", "name", "upn", "role", "scope", "through")
for workspace in workspaces.each() do
  count = count + 1
  for _, holder in ipairs(now:who(options.action, workspace, {data = options.data})) do
    if options.type == nil or holder.type == options.type then
      rows = rows + 1
      local way = holder.paths[1]
      print_row(workspace.name, holder.type, holder.name, holder.upn,
        way.role .. (holder.is_conditional and " (on a condition)" or ""), way.scope,
        table.concat(way.groups, " > "))
    end
  end
end
log.info(("for %s: %d workspaces, %d principals with access"):format(
  clock.utc(run.slot):sub(1, 16) .. "Z", count, rows))
