--- Workspace gateways: they run the APIs of workspaces.
--
--     local gw = gateways.ensure("gw-payments", {units = 2, network = "none"})
--     gw:attach(ws)
--
-- Creating one takes up to three hours and more. Its network cannot be changed afterwards.
-- Functions take the name, and options: the fields of a gateway, `resource_group` and `wait`.
-- @module gateways
local check = require "core.check"
local clock = require "clock"
local collection = require "collection"
local core = require "core.resources"
local model = require "core.model"
local scope = require "scope"
local services = require "services"

-- Gateways made before this day serve one workspace (Azure API Management documentation,
-- "Create a workspace").
local SHARED_SINCE = clock.parse "2025-04-15T00:00:00Z"
local MOST_WORKSPACES = 30 -- of one gateway

local gateways = collection.verbs("gateway", {
  where = {"resource_group"},
  parent = function(where)
    return scope.resource_group(where.resource_group)
  end,
  defaults = function()
    return {location = services.location(), sku = "WorkspaceGatewayPremium", units = 1,
            network = "none"}
  end,
})

local methods = collection.methods "gateway"

--- The most workspaces that one gateway serves.
gateways.MOST_WORKSPACES = MOST_WORKSPACES

local function connections(gateway)
  return collection.all("config connection", gateway.id)
end

local function workspace_id(workspace)
  local id = type(workspace) == "userdata" and workspace.id or workspace
  if type(id) ~= "string" or not id:lower():find "/service/[^/]+/workspaces/[^/]+$" then
    check.fail "a workspace or its id expected"
  end
  return id
end

local function find_connection(all, id)
  for _, connection in ipairs(all) do
    if (connection.workspace or ""):lower() == id:lower() then
      return connection
    end
  end
end

-- A connection's name has 30 letters, digits and hyphens; a workspace's may have more.
local function connection_name(id)
  local name = id:match "[^/]+$"
  if not model.check_name("config connection", name) then
    return name
  end
  local plain = name:gsub("[^%w]+", "-"):gsub("^[^%a]+", ""):sub(1, 21):gsub("%-+$", "")
  return (plain == "" and "ws" or plain) .. "-" .. check.uuid(id:lower()):sub(1, 8)
end

local function check_room(gateway, all)
  local created = gateway.created_at and clock.parse(gateway.created_at)
  local reason
  if #all >= MOST_WORKSPACES then
    reason = ("it serves %d workspaces already, the most"):format(#all)
  elseif #all > 0 and created and created < SHARED_SINCE then
    reason = "it was made before 2025-04-15 and serves one workspace already"
  end
  if reason then
    error(check.failure {
      code = "GatewayFull", target = gateway.id, message = reason, retryable = false,
      operation = ("attach to gateway '%s'"):format(gateway.name),
      cure = "attach the workspace to another gateway",
    }, 0)
  end
end

--- Let the gateway serve a workspace. Waits; nothing is written when it does already.
-- @tparam workspace|string workspace the workspace or its id
-- @treturn config_connection its `hostname` is where the workspace's APIs answer
-- @treturn string `created` or `unchanged`
-- @raise failure `GatewayFull` when it serves as many as it may; what the service refuses
-- @usage gw:attach(ws)
function methods:attach(workspace)
  local id = workspace_id(workspace)
  local all = connections(self)
  local connection = find_connection(all, id)
  if not connection then
    check_room(self, all)
  end
  return core.ensure("config connection", self.id,
                     connection and connection.name or connection_name(id), {workspace = id})
end

--- Let the gateway no longer serve a workspace. Waits; fine when it did not.
-- @tparam workspace|string workspace the workspace or its id
-- @treturn boolean whether it did
-- @raise failure
-- @usage gw:detach(ws)
function methods:detach(workspace)
  local connection = find_connection(connections(self), workspace_id(workspace))
  return connection ~= nil and core.delete("config connection", "", connection.id)
end

--- The ids of the workspaces that the gateway serves.
-- @treturn table of strings
-- @raise failure
function methods:workspaces()
  local ids = {}
  for i, connection in ipairs(connections(self)) do
    ids[i] = connection.workspace
  end
  return ids
end

--- Change the number of scale units. Waits.
-- @tparam integer units 1 to 12
-- @treturn gateway itself
-- @treturn string `changed` or `unchanged`
-- @raise failure; a message when `units` is outside 1 to 12
-- @usage gw:scale(3)
function methods:scale(units)
  if math.type(units) ~= "integer" then
    check.fail("scale: a whole number of units expected, got " .. tostring(units))
  end
  return self:update {units = units}
end

--- How many scale units the gateway can have in its tier, as the service says it.
-- @treturn integer the fewest
-- @treturn integer the most
-- @raise failure
function methods:unit_range()
  for sku in self.skus:each() do
    if sku.sku == self.sku then
      return sku.min_units, sku.max_units
    end
  end
  error(check.failure {
    code = "NotFound", target = self.id, retryable = false,
    message = ("the service names no units for the tier %s"):format(self.sku),
  }, 0)
end

return gateways
