-- Keys of subscriptions, named values, secrets of authorization servers.
local json = require "json"
local services = require "services"
local test = require "test"
local workspaces = require "workspaces"

local equal, ok, raises = test.equal, test.ok, test.raises

local function subscription(fields)
  local ws = workspaces.ensure("payments", {})
  fields = fields or {}
  fields.scope = ws.id .. "/apis"
  return (ws.subscriptions:ensure("mobile", fields))
end

test.case("a subscription gives its keys to whoever asks for them", function()
  local own = subscription {primary_key = "first-key-of-all", secondary_key = "second-key-of-all"}
  equal({own.primary_key, own.secondary_key}, {nil, nil})
  local keys = own:keys()
  equal({keys.primary, keys.secondary}, {"first-key-of-all", "second-key-of-all"})
end)

test.case("keys show by name alone", function()
  local keys = subscription():keys()
  ok(#keys.primary > 8)
  equal(tostring(keys), "keys of subscription 'mobile'")
  equal({next(keys), keys.nonsense}, {nil, nil})
  for _ in pairs(keys) do
    error "a key was met"
  end
  equal(json.encode(keys):find(keys.primary, 1, true), nil)
  raises("cannot be changed", function() keys.primary = "x" end)
  equal(getmetatable(keys), false)
end)

test.case("a new key is another one, and leaves the other alone", function()
  local own = subscription()
  local before = own:keys()
  own:regenerate "primary"
  local after = own:keys()
  ok(before.primary ~= after.primary)
  equal(before.secondary, after.secondary)
  own:regenerate "secondary"
  ok(own:keys().secondary ~= after.secondary)
  raises("'tertiary' is not primary or secondary", own.regenerate, own, "tertiary")
  raises("'nil' is not primary or secondary", own.regenerate, own)
end)

test.case("a subscription that is gone has no keys", function()
  local own = subscription()
  own:delete()
  equal(raises("NotFound", own.keys, own).status, 404)
end)

test.case("a named value is revealed when asked for, secret or not", function()
  local values = workspaces.ensure("payments", {}).named_values
  local hidden = values:ensure("hidden", {value = "top-of-all", secret = true})
  equal(hidden.value, nil)
  equal(tostring(hidden):find("top-of-all", 1, true), nil)
  equal(hidden:reveal(), "top-of-all")
  equal(values:ensure("plain", {value = "open"}):reveal(), "open")
  equal(select(2, values:ensure("hidden", {value = "top-of-all", secret = true})), "unchanged")
  equal(select(2, values:ensure("hidden", {value = "another", secret = true})), "changed")
end)

test.case("an authorization server gives its secrets", function()
  local server = services.current().authorization_servers:ensure("login", {
    client_registration_endpoint = "https://login.example/register",
    authorization_endpoint = "https://login.example/authorize",
    grant_types = {"authorizationCode"}, client_id = "a-client", client_secret = "hush-hush"})
  equal(server.client_secret, nil)
  equal(server:secrets().client_secret, "hush-hush")
  equal(tostring(server:secrets()), "secrets of authorization server 'login'")
end)
