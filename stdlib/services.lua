--- The API Management service itself.
--
--     local service = services.current()
--     for product in service.products:each() do print(product.display_name) end
--
-- A service has `workspaces`, `workspace_links` and `skus`, and of its own what a workspace has,
-- too: `products`, `subscriptions`, `tags`, `groups`; and `users` and `authorization_servers`.
-- @module services
local collection = require "collection"
local core = require "core.resources"
local scope = require "scope"
local tasks = require "tasks"

local services = collection.verbs("service", {
  where = {"resource_group"},
  parent = function(where)
    return scope.resource_group(where.resource_group)
  end,
})

collection.methods "service"

local locations = {} -- by id; a service does not move
local readings = {} -- by id: the tasks that find out for all who ask

local function read(id)
  local ok, found = pcall(core.get, "service", "", id)
  readings[id] = nil
  locations[id] = ok and found.location or nil
  return ok, found
end

--- The primary region of a service: where its gateways and their networks must be.
-- Read once in a run.
-- @tparam[opt] string name the run's service when it is not given
-- @treturn string such as `westeurope`
-- @raise failure `ResourceNotFound`
function services.location(name)
  local id = scope.service(name)
  if not locations[id] then
    readings[id] = readings[id] or tasks.spawn(read, id)
    local ok, failure = readings[id]:join()
    if not ok then
      error(failure, 0)
    end
  end
  return locations[id]
end

--- The service of the run.
-- @treturn service
-- @raise failure `ResourceNotFound`
function services.current()
  return (core.get("service", "", scope.service()))
end

return services
