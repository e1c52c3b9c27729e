-- Names of live resources: read in a task, kept for a minute, never a trouble.
local completion = require "completion"
local live_names = require "live_names"
local scope = require "scope"
local sim = require "sim"
local tasks = require "tasks"
local test = require "test"
local workspaces = require "workspaces"

local MOST = 20000

local function workspace_key()
  return live_names.key("workspace", scope.service())
end

local function make(names)
  for _, name in ipairs(names) do
    workspaces.create(name, {display_name = name})
  end
end

test.case("names are sorted, and old after a minute", function()
  make {"payments", "audit", "billing"}
  local key = workspace_key()
  test.equal({live_names.get(key)}, {[2] = true})
  live_names.refresh(key)
  local names, is_old = live_names.get(key)
  test.equal(names, {"audit", "billing", "payments"})
  test.equal(is_old, false)
  local before = sim.requests().requests
  live_names.refresh(key)
  test.equal(sim.requests().requests, before, "not read again before its time")
  tasks.sleep "61s"
  names, is_old = live_names.get(key)
  test.equal(#names, 3, "what is old is still given")
  test.equal(is_old, true)
end)

test.case("what the script itself creates or deletes makes names old", function()
  make {"payments", "audit"}
  local key = workspace_key()
  live_names.refresh(key)
  workspaces.ensure("audit", {description = "changed"})
  test.equal(select(2, live_names.get(key)), false)
  make {"claims"}
  test.equal(select(2, live_names.get(key)), true)
  live_names.refresh(key)
  test.equal(live_names.get(key), {"audit", "claims", "payments"})
  workspaces.delete "audit"
  workspaces.delete "audit"
  live_names.refresh(key)
  test.equal({live_names.get(key)}, {{"claims", "payments"}, false})
end)

test.case("a key is read once, and keys one after another", function()
  make {"payments"}
  local ws = workspaces.get "payments"
  local keys = {workspace_key(), live_names.key("api", ws.id), live_names.key("product", ws.id)}
  local before = sim.requests().requests
  local readers = {}
  for _ = 1, 3 do
    for _, key in ipairs(keys) do
      readers[#readers + 1] = tasks.spawn(live_names.refresh, key)
    end
  end
  tasks.all(readers)
  test.equal(sim.requests().requests - before, 3)
  for _, key in ipairs(keys) do
    local names, is_old = live_names.get(key)
    test.ok(names and not is_old, key)
  end
end)

test.case("what cannot be read is quiet, and asked again after a minute", function()
  make {"payments"}
  local key = live_names.key("api", scope.service() .. "/workspaces/nobody")
  live_names.refresh(key)
  test.equal({live_names.get(key)}, {{}, false})
  local before = sim.requests().requests
  live_names.refresh(key)
  test.equal(sim.requests().requests, before)
  tasks.sleep "61s"
  live_names.refresh(key)
  test.ok(sim.requests().requests > before)
end)

test.case("a failure leaves the names that were known", function()
  make {"payments"}
  local key = workspace_key()
  live_names.refresh(key)
  tasks.sleep "61s"
  sim.as("guest", function()
    test.raises("AuthorizationFailed", workspaces.list)
    live_names.refresh(key)
  end)
  test.equal({live_names.get(key)}, {{"payments"}, false})
end)

test.case("a reader that is canceled hinders no other", function()
  make {"payments"}
  local reader = tasks.spawn(live_names.refresh, workspace_key())
  tasks.yield()
  reader:cancel()
  test.equal({live_names.get(workspace_key())}, {[2] = true})
  live_names.refresh(workspace_key())
  test.equal(live_names.get(workspace_key()), {"payments"})
end)

test.case("completion says which names it misses, and has them then", function()
  make {"payments", "payroll"}
  local text = 'workspaces.get("pa'
  local found = completion.at(text, #text, {})
  test.equal(found.total, 0)
  live_names.refresh(found.is_missing)
  found = completion.at(text, #text, {})
  test.equal(found.is_missing, nil)
  test.equal(found.common, "pay")
  test.equal({found.candidates[1].text, found.candidates[2].text}, {'payments"', 'payroll"'})
end)

test.case("at most 20,000 names are kept", function()
  sim.load {groups = {prefix = "team-", count = MOST + 500, members = 1}}
  live_names.refresh(live_names.GROUPS)
  test.equal(#live_names.get(live_names.GROUPS), MOST)
end)

test.case("names that nobody asks for are let go", function()
  local key = workspace_key()
  live_names.refresh(key)
  tasks.sleep "61m"
  live_names.refresh(live_names.GROUPS)
  test.equal({live_names.get(key)}, {[2] = true})
end)

test.case("a range of a sorted list", function()
  local names = {"a", "ab", "abc", "b", "ba", "\xff"}
  test.equal({live_names.range(names, "")}, {1, 6})
  test.equal({live_names.range(names, "ab")}, {2, 3})
  test.equal({live_names.range(names, "b")}, {4, 5})
  test.equal({live_names.range(names, "c")}, {6, 5})
  test.equal({live_names.range(names, "\xff")}, {6, 6})
  test.equal({live_names.range({}, "a")}, {1, 0})
end)
