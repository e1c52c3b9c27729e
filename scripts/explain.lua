-- Explain whether somebody may do something, and why.
--
--   moongate run --sim explain me Microsoft.ApiManagement/service/read service
--
--   service principal 'contoso-automation' (9360...) may Microsoft.ApiManagement/service/read
--     at /subscriptions/.../providers/Microsoft.ApiManagement/service/contoso-apim
--     because role 'Owner' at /subscriptions/...: allows it by '*'
--     + role 'Owner' at /subscriptions/...: allows it by '*'
local args = require "args"
local check = require "core.check"
local entra = require "entra"
local log = require "log"
local rbac = require "rbac"
local run = require "run"
local scopes = require "scope"

local options = args.parse({
  purpose = [[
Tells whether a principal may do something at a scope, by which role assignments, groups and
roles, and what deny assignments and conditions make of it. Without ACTION all that it may do
there. Exit code 0: it may; 1: it may not, or only on a condition, or it cannot be told.]],
  {name = "principal", value = "PRINCIPAL", positional = true, required = true,
   help = "a user principal name, a group's name, an object id, or me"},
  {name = "action", value = "ACTION", positional = true,
   help = "such as Microsoft.ApiManagement/service/workspaces/write; - for all"},
  {name = "scope", value = "SCOPE", positional = true, default = "service",
   help = "an id, service, subscription, workspaces/NAME or gateways/NAME"},
  {name = "data", help = "ACTION is one on data"},
}, ...)

local function find_principal(name)
  if name == "me" or check.is_uuid(name) then
    return name
  end
  return name:find("@", 1, true) and entra.user(name) or entra.group(name)
end

local function find_scope(name)
  local kind, of = name:match "^(%a+)/([^/]+)$"
  if name:sub(1, 1) == "/" then
    return name
  elseif name == "service" or name == "subscription" then
    return scopes[name]()
  elseif kind == "workspaces" then
    return scopes.service() .. "/workspaces/" .. of
  elseif kind == "gateways" then
    return scopes.resource_group() .. "/providers/Microsoft.ApiManagement/gateways/" .. of
  end
  log.error(("SCOPE: '%s' is no id, service, subscription, workspaces/NAME or gateways/NAME; "
    .. "see --help"):format(name))
  run.exit(2)
end

local where = find_scope(options.scope)
local principal = find_principal(options.principal)

if options.action == nil or options.action == "-" then
  print(rbac.access {principal = principal, scope = where})
else
  local explanation = rbac.explain(principal, options.action, where, {data = options.data})
  print(explanation)
  run.exit(explanation.is_allowed and 0 or 1)
end
