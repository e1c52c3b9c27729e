-- Policies: read before they are sent, compared by what they say.
local ledger = require "ledger"
local test = require "test"
local workspaces = require "workspaces"

local equal, raises, contains = test.equal, test.raises, test.contains

local RAW = [[
<policies>
  <inbound>
    <choose>
      <when condition="@(context.Request.Headers.GetValueOrDefault("x", "") == "a" && 1 < 2)" />
    </choose>
  </inbound>
</policies>]]

local function workspace()
  return (workspaces.ensure("payments", {}))
end

local function set(policy, fields)
  return policy:set(fields)
end

test.case("a policy is set once, and set again when it says something else", function()
  local policy = workspace().policy
  equal({policy:find(), policy:exists()}, {nil, false})
  local one, outcome = policy:set "<policies><inbound><base /></inbound></policies>"
  equal({outcome, one.name, one.format}, {"created", "policy", "rawxml"})
  local _, writes = ledger.during(function()
    equal(select(2, policy:set "<policies>\n <inbound>\n  <base/>\n </inbound>\n</policies>"),
          "unchanged")
    equal(select(2, policy:ensure {value = "<policies><inbound><base></base></inbound></policies>",
                                   format = "xml"}), "unchanged")
  end)
  equal(writes, 0)
  equal(select(2, policy:set "<policies><outbound><base /></outbound></policies>"), "changed")
  contains(policy:get().value, "outbound")
  equal({policy:exists(), policy:delete(), policy:delete()}, {true, true, false})
end)

test.case("expressions stand in it as they are", function()
  local ws = workspace()
  equal(select(2, ws.policy:set(RAW)), "created")
  equal(select(2, ws.policy:set(RAW)), "unchanged")
  equal(select(2, ws.policy:set(ws.policy:get().value)), "unchanged")
  equal(select(2, ws.policy:ensure {value = RAW}), "unchanged")
end)

test.case("what is no policy is not sent", function()
  local policy = workspace().policy
  local _, writes = ledger.during(function()
    raises("line 3, column 4: mismatched tag", set, policy,
           "<policies>\n <inbound>\n </policies>")
    raises("line 2, column 2: <inbond> is no section of a policy; did you mean <inbound>",
           set, policy, "<policies>\n <inbond/>\n</policies>")
    raises("the root is <policy>", set, policy, "<policy/>")
    raises("no element found", set, policy, "")
    raises("the expression @%( is never closed", set, policy,
           "<policies><inbound><a b='@(x'/></inbound></policies>")
    raises("not well%-formed", set, policy, {value = RAW, format = "xml"})
    raises("a table of its fields expected", set, policy)
    raises("unknown option 'vlaue'; did you mean 'value'", set, policy, {vlaue = "<policies/>"})
  end)
  equal(writes, 0)
end)

test.case("the default format is the same for a text and a table", function()
  local ws = workspace()
  equal(ws.policy:ensure {value = "<policies/>"}.format, "rawxml")
  local policy = ws.policy:get()
  equal(select(2, policy:update {value = RAW}), "changed")
  equal(select(2, policy:update(RAW)), "unchanged")
end)

test.case("fragments are resources with names", function()
  local fragments = workspace().policy_fragments
  local value = '<fragment><set-header name="@(a["b"])" /></fragment>'
  local one, outcome = fragments:ensure("f", {value = value, description = "x"})
  equal({outcome, one.format}, {"created", "rawxml"})
  equal(select(2, fragments:ensure("f", {value = value})), "unchanged")
  equal(select(2, fragments:ensure("f", {value = value, description = "y"})), "changed")
  raises("the root is <policies>, and must be <fragment>", fragments.ensure, fragments, "g",
         {value = "<policies/>"})
end)
