--- Workspaces: each a team's own part of a service.
--
--     local ws = workspaces.ensure("payments", {display_name = "Payments"})
--
-- Functions take the name, and options: the fields of a workspace, `service`,
-- `resource_group` and `wait`.
-- @module workspaces
local collection = require "collection"
local core = require "core.resources"
local scope = require "scope"

local workspaces = collection.verbs("workspace", {
  where = {"service", "resource_group"},
  parent = function(where)
    return scope.service(where.service, where.resource_group)
  end,
  defaults = function(name)
    return {display_name = type(name) == "string" and name or nil}
  end,
})

local methods = collection.methods "workspace"

--- The gateways that serve the workspace.
-- @treturn table of gateways
-- @raise failure
function methods:gateways()
  local service = self.id:match "^(.*)/workspaces/[^/]+$"
  local link = core.find("workspace link", service, self.name)
  local found = {}
  for i, id in ipairs(link and link.gateways or {}) do
    found[i] = core.get("gateway", "", id)
  end
  return found
end

return workspaces
