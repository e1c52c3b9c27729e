--- Where plain names are looked up: the subscription, resource group and service of the run.
--
-- They come from the command line, the environment or the simulator; options named
-- `resource_group` and `service` say otherwise for one call.
-- @module scope
local check = require "core.check"
local model = require "core.model"
local run = require "run"

local scope = {}

local own = {} -- the ids of the run's own names, which stay the same as long as its world

local function need(value, what, option, variable)
  if not value then
    check.fail(("no %s: give %s or set %s"):format(what, option, variable))
  end
  return value
end

--- The id of the subscription.
-- @treturn string such as `/subscriptions/...`
function scope.subscription()
  own.subscription = own.subscription
    or "/subscriptions/" .. need(run.scope().subscription, "subscription", "--subscription",
                                 "AZURE_SUBSCRIPTION_ID")
  return own.subscription
end

--- The id of the resource group.
-- @tparam[opt] string name another one than the run's, or an id
-- @treturn string
function scope.resource_group(name)
  if name then
    return name:sub(1, 1) == "/" and name
      or model.format_id("resource group", scope.subscription(), name)
  end
  own.resource_group = own.resource_group
    or model.format_id("resource group", scope.subscription(),
                       need(run.scope().resource_group, "resource group", "--resource-group",
                            "MOONGATE_RESOURCE_GROUP"))
  return own.resource_group
end

--- The id of the API Management service.
-- @tparam[opt] string name another one than the run's, or an id
-- @tparam[opt] string resource_group where it is
-- @treturn string
function scope.service(name, resource_group)
  if name and name:sub(1, 1) == "/" then
    return name
  elseif name or resource_group then
    name = need(name or run.scope().service, "service", "--service", "MOONGATE_SERVICE")
    return model.format_id("service", scope.resource_group(resource_group), name)
  end
  own.service = own.service
    or model.format_id("service", scope.resource_group(),
                       need(run.scope().service, "service", "--service", "MOONGATE_SERVICE"))
  return own.service
end

--- The run's own names are asked for anew: the simulator has another world.
function scope.forget()
  own = {}
end

return scope
