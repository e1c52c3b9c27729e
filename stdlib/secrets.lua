--- Secrets of resources: keys of subscriptions, named values, secrets of authorization servers.
--
--     local keys = ws.subscriptions:get("mobile"):keys()
--     give_to_team(keys.primary)
--
-- Nothing but these methods reads a secret. What they give shows its values by name alone: it
-- prints without them, and nobody who goes through its fields meets them.
-- @module secrets
local check = require "core.check"
local collection = require "collection"

-- A table that hides `values` from all who do not ask for one by its name.
local function hide(values, text)
  return setmetatable({}, {
    __index = function(_, name)
      return values[name]
    end,
    __newindex = function()
      check.fail(text .. " cannot be changed by assignment")
    end,
    __pairs = function()
      return next, {}
    end,
    __tostring = function()
      return text
    end,
    __metatable = false,
  })
end

local KEYS = {primary = "regeneratePrimaryKey", secondary = "regenerateSecondaryKey"}

local subscription_methods = collection.methods "subscription"

--- Read the keys of a subscription.
-- @treturn table `primary` and `secondary`; it prints without them
-- @raise failure
-- @usage local key = subscription:keys().primary
function subscription_methods:keys()
  local answer = collection.act(self, "listSecrets", true) or {}
  return hide({primary = answer.primaryKey, secondary = answer.secondaryKey},
              ("keys of subscription '%s'"):format(self.name))
end

--- Make a new key; the old one stops working at once.
-- @tparam string which `primary` or `secondary`
-- @raise failure
-- @usage subscription:regenerate "primary"
function subscription_methods:regenerate(which)
  if not KEYS[which] then
    check.fail(("regenerate: '%s' is not primary or secondary"):format(tostring(which)))
  end
  collection.act(self, KEYS[which])
end

local service_methods = collection.methods "service subscription"
service_methods.keys = subscription_methods.keys
service_methods.regenerate = subscription_methods.regenerate

local named_value_methods = collection.methods "named value"

--- Read the value, secret or not.
-- @treturn string
-- @raise failure
-- @usage local value = named_value:reveal()
function named_value_methods:reveal()
  return (collection.act(self, "listValue", true) or {}).value
end

--- Let the service read the secret anew from its key vault. Waits.
-- @treturn resource itself, as it is now
-- @raise failure
function named_value_methods:refresh_secret()
  collection.act(self, "refreshSecret")
  return self:refresh()
end

local authorization_server_methods = collection.methods "authorization server"

--- Read the secrets of an authorization server.
-- @treturn table `client_secret`, `resource_owner_username` and `resource_owner_password`; it
--   prints without them
-- @raise failure
function authorization_server_methods:secrets()
  local answer = collection.act(self, "listSecrets", true) or {}
  return hide({client_secret = answer.clientSecret,
               resource_owner_username = answer.resourceOwnerUsername,
               resource_owner_password = answer.resourceOwnerPassword},
              ("secrets of authorization server '%s'"):format(self.name))
end

return {}
