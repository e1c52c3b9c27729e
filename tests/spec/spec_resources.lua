-- Resources: the verbs of collections, operations that nobody waits for, resource objects.
local clock = require "clock"
local gateways = require "gateways"
local json = require "json"
local ledger = require "ledger"
local run = require "run"
local test = require "test"
local tasks = require "tasks"
local workspaces = require "workspaces"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains

-- The start of a message that blames the line of this file that is `below` the caller's.
local function here(below)
  return ("spec_resources.lua:%d: "):format(debug.getinfo(2, "l").currentline + (below or 0))
end

local function took(fn, ...)
  local began = clock.elapsed()
  fn(...)
  return clock.elapsed() - began
end

-- every verb that waits ------------------------------------------------------------------

-- Each verb with arguments that are fine and give `result`, that the service refuses with
-- `code`, and that are wrong so that the message holds `says`.
local function sentences(name, collection, field, value)
  local function make_six()
    return (collection.ensure("six", {}))
  end
  local cases = {
    get = {fine = {"six"}, refused = {"absent"}, code = "ResourceNotFound"},
    find = {fine = {"six"}},
    exists = {fine = {"six"}, result = true},
    create = {fine = {"made", {}}, refused = {"six", {}}, code = "AlreadyExists"},
    ensure = {fine = {"six", {}}},
    update = {fine = {"six", {[field] = value}}, refused = {"absent", {[field] = value}},
              code = "ResourceNotFound"},
    delete = {fine = {"gone"}, result = false},
    list = {fine = {}, list = true},
  }
  for verb, case in pairs(cases) do
    local call = collection[verb]
    test.case(("%s.%s returns what is there"):format(name, verb), function()
      local six = make_six()
      local result = call(table.unpack(case.fine))
      if case.list then
        local names = {}
        for _, item in ipairs(result) do
          names[item.name] = true
        end
        ok(names.six)
      elseif case.result ~= nil then
        equal(result, case.result)
      else
        equal({result.name, result.kind}, {case.fine[1], six.kind})
      end
    end)
    test.case(("%s.%s raises a failure with its code"):format(name, verb), function()
      make_six()
      if case.refused then
        local failure = raises(case.code, call, table.unpack(case.refused))
        contains(failure.operation, verb)
        contains(failure.target, "/" .. case.refused[1])
        ok(not failure.retryable)
      else
        local arguments = case.list and {{resource_group = "nowhere"}}
          or {"x", {resource_group = "nowhere"}}
        if verb == "ensure" or verb == "list" then
          raises("ResourceGroupNotFound", call, table.unpack(arguments))
        else -- absent is absent, wherever it was looked for
          ok(not call(table.unpack(arguments)))
        end
      end
    end)
    test.case(("%s.%s raises on a bad argument with the script's line"):format(name, verb), function()
      local where = here(2)
      local message = raises("unknown option 'dispaly_name'", function()
        local _ = call(case.list and {dispaly_name = 1} or "six", {dispaly_name = 1})
      end)
      equal(message:sub(1, #message - #message:match "%S+:%d+: (.*)$"):match "[^/]*$", where)
      if not case.list then
        raises("a name expected, got nil", call)
        raises("a name expected, got boolean", call, true)
        raises("has a NUL byte in it", call, "a\0b")
      end
    end)
    test.case(("%s.%s raises where it cannot wait"):format(name, verb), function()
      make_six()
      raises("cannot wait here", table.sort, {2, 1}, function()
        call(table.unpack(case.fine))
      end)
    end)
    test.case(("%s.%s is canceled with its task"):format(name, verb), function()
      make_six()
      local task = tasks.spawn(call, table.unpack(case.fine))
      tasks.yield()
      equal(task:status(), "waiting")
      task:cancel()
      equal(task:status(), "canceled")
      raises("Canceled", task.join, task)
    end)
  end
  test.case(("%s.each goes from one to the next, page by page"):format(name), function()
    make_six()
    local names = {}
    for item in collection.each() do
      names[#names + 1] = item.name
    end
    equal(names, {"six"})
    collection.delete "six"
    equal(collection.list(), {})
    raises("cannot wait here", table.sort, {2, 1}, function()
      collection.each()
    end)
  end)
end

sentences("workspaces", workspaces, "description", "d")

sentences("gateways", gateways, "tags", {a = "b"})

-- what tests begin with ------------------------------------------------------------------

local function make_two(description)
  return (workspaces.create("two", {display_name = "Two", description = description}))
end

local function make_apart(units)
  return (gateways.create("apart", {units = units}))
end

-- verbs ----------------------------------------------------------------------------------

test.case("create fails when it exists, find and exists take absence as an answer", function()
  equal(select(2, workspaces.create("one", {display_name = "One"})), "created")
  raises("AlreadyExists", workspaces.create, "one", {display_name = "One"})
  equal({workspaces.find "none", workspaces.exists "none", workspaces.exists "one"},
        {nil, false, true})
  equal(ledger.of "/workspaces/one", {1, 0, 0})
end)

test.case("ensure creates, then writes nothing while nothing differs", function()
  local fields = {display_name = "Two", description = "Number two"}
  equal(select(2, workspaces.ensure("two", fields)), "created")
  for _, same in ipairs {fields, {}, {display_name = "Two"}} do
    local requests, writes = ledger.during(function()
      equal(select(2, workspaces.ensure("two", same)), "unchanged")
    end)
    equal({requests, writes}, {1, 0})
  end
end)

test.case("ensure changes only what differs", function()
  make_two "Number two"
  local changed, outcome = workspaces.ensure("two", {description = "Other"})
  equal({outcome, changed.display_name, changed.description}, {"changed", "Two", "Other"})
  equal(ledger.of "/workspaces/two", {1, 1, 0})
end)

test.case("a new resource has its defaults, one that exists keeps what it has", function()
  equal(workspaces.ensure("plain", {}).display_name, "plain")
  workspaces.update("plain", {display_name = "Plain"})
  equal(select(2, workspaces.ensure("plain", {})), "unchanged")
  local gateway = gateways.ensure("plain", {})
  equal({gateway.location, gateway.sku, gateway.units, gateway.network, gateway.state},
        {"westeurope", "WorkspaceGatewayPremium", 1, "none", "Succeeded"})
end)

test.case("creating a gateway takes hours of virtual time", function()
  local seconds = took(gateways.create, "slow", {units = 2})
  ok(seconds >= 10200 and seconds <= 12000, "about three hours, took " .. seconds)
end)

test.case("ensure waits for one that another task is still making", function()
  local first = tasks.spawn(gateways.ensure, "adopted", {units = 1})
  tasks.sleep "10m"
  equal(gateways.get("adopted").state, "Activating")
  local gateway = gateways.ensure("adopted", {units = 1})
  equal(gateway.state, "Succeeded")
  equal(first:join().state, "Succeeded")
  equal(ledger.of "/gateways/adopted", {1, 0, 0})
end)

test.case("ensure changes one that is still being made once it is there", function()
  local first = tasks.spawn(gateways.ensure, "grown", {units = 1})
  tasks.sleep "1m"
  equal(gateways.ensure("grown", {units = 3}).units, 3)
  first:join()
  equal(ledger.of "/gateways/grown", {1, 1, 0})
end)

test.case("many tasks may ensure the same thing", function()
  local list = {}
  for i = 1, 20 do
    list[i] = i
  end
  for _, gateway in ipairs(tasks.map(list, function()
    return (gateways.ensure("common", {}))
  end)) do
    equal(gateway.state, "Succeeded")
  end
  equal(ledger.of "/gateways/common", {1, 0, 0})
end)

test.case("the network of a gateway cannot be changed", function()
  gateways.create("plain", {})
  local requests, writes = ledger.during(function()
    local failure = raises("ImmutableProperty", gateways.ensure, "plain", {network = "injection"})
    contains(failure.message, "network is")
    contains(failure.cure, "delete it and create it anew")
  end)
  equal({requests, writes}, {1, 0})
  equal(gateways.ensure("plain", {network = "none"}).network, "none")
end)

test.case("fields are checked before anything is sent", function()
  gateways.create("first", {}) -- the first asks where the service is, for its location
  local requests = ledger.during(function()
    raises("units 0 is outside 1 to 12", gateways.ensure, "g", {units = 0})
    raises("units 13 is outside 1 to 12", gateways.ensure, "g", {units = 13})
    raises("units 1.5 is not a whole number", gateways.ensure, "g", {units = 1.5})
    raises("units must be a number", gateways.ensure, "g", {units = "1"})
    raises("units 1e+300 is", gateways.ensure, "g", {units = 1e300})
    raises("JSON has no infinity and no NaN", gateways.ensure, "g", {units = 0 / 0})
    raises("network 'vnet' is not one of none, integration, injection", gateways.ensure, "g",
           {network = "vnet"})
    raises("subnet: a resource or its id expected, got s", gateways.ensure, "g", {subnet = "s"})
    raises("unknown option 'unit'; did you mean 'units'?", gateways.ensure, "g", {unit = 1})
    raises("option names are strings", gateways.ensure, "g", {"units"})
    raises("state of a gateway is set by the service", gateways.ensure, "g", {state = "x"})
    raises("hostname of a gateway is set by the service", gateways.update, "g", {hostname = "x"})
    raises("wait: true or false expected", gateways.ensure, "g", {wait = "no"})
    raises("display_name must be a string", workspaces.ensure, "w", {display_name = 7})
    raises("gateway name", gateways.get, "")
    raises("gateway name", gateways.get, "-g")
    raises("allowed are 1 to 45", gateways.get, ("g"):rep(46))
    raises("is not the id of a gateway", gateways.get, "/subscriptions/x")
    raises("may not contain '/'", workspaces.get, "a/b")
    raises("would be taken for a folder", workspaces.get, "..")
    raises("a table of options expected, got number", gateways.get, "g", 7)
    raises("get: unknown option 'units'", gateways.get, "g", {units = 1})
  end)
  equal(requests, 0)
end)

test.case("names may be ids, resources, and of any script", function()
  local two = make_two()
  equal(workspaces.get(two.id), two)
  equal(workspaces.get(two), two)
  equal(workspaces.get("TWO"):refresh().name:lower(), "two")
  local name = "Überweisung & co."
  raises("does not match", workspaces.ensure, name, {})
  name = "Größe 50% (β)"
  equal(workspaces.ensure(name, {}).name, name)
  equal(workspaces.get(name).name, name)
  ok(workspaces.delete(name))
end)

test.case("where a name is looked up can be said", function()
  local id = make_two().id
  gateways.create("plain", {})
  equal(workspaces.get("two", {service = run.scope().service}).id, id)
  equal(workspaces.get("two", {service = id:match "^(.*)/workspaces"}).id, id)
  raises("ResourceNotFound", workspaces.get, "two", {service = "elsewhere"})
  raises("NotFound", gateways.get, "plain", {resource_group = "elsewhere"})
end)

test.case("update changes what is named and raises when it is absent", function()
  make_two "Number two"
  local changed, outcome = workspaces.update("two", {description = "Updated"})
  equal({changed.description, changed.display_name, outcome}, {"Updated", "Two", "changed"})
  raises("ResourceNotFound", workspaces.update, "none", {description = "x"})
end)

test.case("delete is fine when it is absent, and says whether it was there", function()
  workspaces.create("plain", {})
  equal({workspaces.delete "plain", workspaces.delete "plain"}, {true, false})
  equal(workspaces.find "plain", nil)
  equal(ledger.of("/workspaces/plain")[3], 1)
end)

test.case("list and each read all pages", function()
  local names = {}
  for i = 1, 60 do
    names[i] = ("many%03d"):format(i)
  end
  tasks.map(names, function(name)
    return (workspaces.ensure(name, {}))
  end)
  equal(#workspaces.list(), 60)
  local seen, count = {}, 0
  for workspace in workspaces.each() do
    ok(not seen[workspace.id], "twice: " .. workspace.id)
    seen[workspace.id] = true
    count = count + 1
  end
  equal(count, 60)
  tasks.map(names, function(name)
    return workspaces.delete(name)
  end)
  equal(workspaces.list(), {})
end)

-- operations that nobody waits for -------------------------------------------------------

test.case("wait = false gives an operation that goes on by itself", function()
  local op
  equal(took(function()
    op = gateways.create("apart", {wait = false})
  end), 0)
  equal({op:status()}, {"running"})
  contains(op, "operation (create gateway 'apart')")
  tasks.sleep "10m"
  equal({op:status()}, {"running", "Activating"})
  local gateway, outcome = op:wait()
  equal({gateway.name, outcome}, {"apart", "created"})
  equal({op:status(), op:percent()}, {"succeeded", 100.0})
  equal(op:result(), gateway)
end)

test.case("a wait has its own time, and its end does not end the operation", function()
  make_apart(1)
  local op = gateways.update("apart", {units = 2, wait = false})
  local failure
  equal(took(function()
    failure = raises("Timeout", op.wait, op, {timeout = "5m"})
  end), 300)
  contains(failure.message, "it goes on, and can be waited for again")
  contains(failure.operation, "update gateway 'apart'")
  local gateway, outcome = op:wait {timeout = "3h"}
  equal({gateway.units, outcome}, {2, "changed"})
  equal(op:wait({timeout = 1}).units, 2)
end)

test.case("an operation gives what its verb gives, also when that is no resource", function()
  local op = workspaces.delete("absent", {wait = false})
  equal(op:wait {timeout = "1m"}, false)
  op = workspaces.ensure("delayed", {wait = false})
  equal({select(2, op:wait {timeout = "1m"})}, {"created"})
  op = workspaces.delete("delayed", {wait = false})
  equal(op:result(), true)
end)

test.case("an operation raises its failure each time it is asked", function()
  make_two()
  local op = workspaces.create("two", {wait = false})
  raises("AlreadyExists", op.wait, op)
  equal(op:status(), "failed")
  raises("AlreadyExists", op.result, op)
  raises("AlreadyExists", op.wait, op, {timeout = "1s"})
end)

test.case("an operation that was canceled says so; the service goes on", function()
  local op = gateways.create("left", {wait = false})
  tasks.sleep "1m"
  local waiter = tasks.spawn(op.result, op)
  tasks.yield()
  op:cancel()
  op:cancel()
  equal({op:status(), op:percent()}, {"canceled"})
  equal(tostring(op), "operation (canceled)")
  raises("Canceled", op.wait, op)
  waiter:cancel()
  equal(gateways.get("left").state, "Activating")
  equal(gateways.ensure("left", {}).state, "Succeeded")
  equal(ledger.of "/gateways/left", {1, 0, 0})
end)

test.case("who waits for an operation is told when it is canceled", function()
  make_apart(1)
  local op = gateways.update("apart", {units = 2, wait = false})
  local waiter = tasks.spawn(pcall, op.result, op)
  tasks.sleep "1m"
  op:cancel()
  local fine, failure = tasks.timeout("1h", waiter.join, waiter)
  equal({fine, failure.code}, {false, "Canceled"})
end)

test.case("op:wait and op:result raise on wrong arguments and where they cannot wait", function()
  local op = workspaces.ensure("two", {wait = false})
  raises("wait: unknown option 'time'; there is 'timeout'", op.wait, op, {time = 1})
  raises("duration", op.wait, op, {timeout = "soon"})
  raises("cannot wait here", table.sort, {2, 1}, function()
    op:result()
  end)
  raises("operation", op.status, workspaces)
  op:wait()
end)

-- resource objects -----------------------------------------------------------------------

test.case("fields have the model's names, raw is the body as it came", function()
  local gateway = make_apart(2)
  equal({gateway.name, gateway.kind, gateway.units}, {"apart", "gateway", 2})
  contains(gateway.hostname, ".azure-api.net")
  contains(gateway.id, "/providers/Microsoft.ApiManagement/gateways/apart")
  contains(gateway.etag, '"')
  equal(gateway.raw.sku.capacity, 2)
  equal(gateway.raw.properties.frontend.defaultHostname, gateway.hostname)
  equal(gateway.nothing_like_that, nil)
  equal(math.type(gateway.units), "integer")
end)

test.case("raw is a copy", function()
  local gateway = make_apart(2)
  gateway.raw.sku.capacity = 12
  equal(gateway.units, 2)
end)

test.case("tostring names kind, name and fields; pairs gives the fields that are set", function()
  local two = make_two "Updated"
  equal(tostring(two), "workspace 'two' (display_name = Two, description = Updated)")
  local fields = {}
  for name, value in pairs(two) do
    fields[name] = value
  end
  equal(fields, {display_name = "Two", description = "Updated"})
end)

test.case("two readings of the same are equal, others are not", function()
  local two = make_two()
  ok(two == workspaces.get "two")
  ok(two ~= workspaces.ensure("three", {}))
  local old = workspaces.get "two"
  two:update {description = "New"}
  ok(two ~= old)
  ok(two == old:refresh())
end)

test.case("fields are not assigned", function()
  make_two()
  local where = here(2)
  local message = raises("fields of a workspace are changed with update", function()
    workspaces.get("two").description = "x"
  end)
  contains(message, where)
end)

test.case("update, refresh and delete are methods that give the resource itself", function()
  local three = workspaces.create("three", {})
  local same, outcome = three:update {description = "3"}
  ok(rawequal(same, three))
  equal({three.description, outcome}, {"3", "changed"})
  equal(select(2, three:update {description = "3"}), "unchanged")
  workspaces.update("three", {description = "III"})
  equal(three.description, "3")
  ok(rawequal(three:refresh(), three))
  equal(three.description, "III")
  equal({three:delete(), three:delete()}, {true, false})
  raises("ResourceNotFound", three.refresh, three)
  raises("ResourceNotFound", three.update, three, {description = "x"})
  raises("a table of its fields expected, got nil", three.update, three)
  raises("unknown option 'descripton'; did you mean 'description'?", three.update, three,
         {descripton = "x"})
end)

test.case("update with wait = false leaves the object as it is and gives an operation", function()
  local gateway = make_apart(2)
  local op = gateway:update {units = 1, wait = false}
  equal(gateway.units, 2)
  equal(op:wait {timeout = "2h"}.units, 1)
  equal(gateway:refresh().units, 1)
end)

test.case("a resource with a description of JSON's worst comes back as it went", function()
  local text = 'quote " back \\ tab \t line \n ü 漢 𝄞 \u{7f} <&>'
  equal(workspaces.ensure("worst", {description = text}).description, text)
  equal(workspaces.get("worst").description, text)
  equal(select(2, workspaces.ensure("worst", {description = text})), "unchanged")
  contains(json.encode(workspaces.get("worst").raw), "\\n")
end)

test.case("tasks that want the same absent resource make it once", function()
  local function outcomes(ensure)
    local counts = {}
    for _, outcome in ipairs(tasks.map({1, 2, 3, 4, 5, 6, 7, 8}, function(i)
      return (select(2, ensure(i)))
    end)) do
      counts[outcome] = (counts[outcome] or 0) + 1
    end
    return counts
  end
  test.equal(outcomes(function()
    return gateways.ensure("gw-once", {})
  end), {created = 1, unchanged = 7})
  test.equal(outcomes(function()
    return workspaces.ensure("ws-once", {description = "one"})
  end), {created = 1, unchanged = 7})
  test.equal(outcomes(function()
    return workspaces.ensure("ws-once", {description = "two"})
  end), {changed = 1, unchanged = 7})
end)
