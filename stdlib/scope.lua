--- Where plain names are looked up: the subscription, resource group and service of the run.
--
-- They come from the command line, the environment or the simulator; options named
-- `resource_group` and `service` say otherwise for one call.
-- @module scope
local check = require "core.check"
local model = require "core.model"
local run = require "run"

local scope = {}

local function need(value, what, option, variable)
  if not value then
    check.fail(("no %s: give %s or set %s"):format(what, option, variable))
  end
  return value
end

--- The id of the subscription.
-- @treturn string such as `/subscriptions/...`
function scope.subscription()
  return "/subscriptions/" .. need(run.scope().subscription, "subscription", "--subscription",
                                   "AZURE_SUBSCRIPTION_ID")
end

--- The id of the resource group.
-- @tparam[opt] string name another one than the run's, or an id
-- @treturn string
function scope.resource_group(name)
  if name and name:sub(1, 1) == "/" then
    return name
  end
  name = name or need(run.scope().resource_group, "resource group", "--resource-group",
                      "MOONGATE_RESOURCE_GROUP")
  return model.format_id("resource group", scope.subscription(), name)
end

--- The id of the API Management service.
-- @tparam[opt] string name another one than the run's, or an id
-- @tparam[opt] string resource_group where it is
-- @treturn string
function scope.service(name, resource_group)
  if name and name:sub(1, 1) == "/" then
    return name
  end
  name = name or need(run.scope().service, "service", "--service", "MOONGATE_SERVICE")
  return model.format_id("service", scope.resource_group(resource_group), name)
end

return scope
