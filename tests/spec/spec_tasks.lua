-- Tasks: spawn, join, cancel, and what is made of them; waits inside a script's coroutines.
local clock = require "clock"
local core = require "core.arm"
local test = require "test"
local tasks = require "tasks"
local workspaces = require "workspaces"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains

-- A value whose closing is noted in `list`.
local function closing(list, name)
  return setmetatable({}, {__close = function()
    list[#list + 1] = name
  end})
end

local function took(fn, ...)
  local began = clock.elapsed()
  fn(...)
  return clock.elapsed() - began
end

local function forever()
  tasks.sleep "30d"
end

-- spawn, join, status --------------------------------------------------------------------

test.case("spawn passes arguments and join gives all results", function()
  local task = tasks.spawn(function(...)
    tasks.sleep(1)
    return select("#", ...), ...
  end, 1, nil, "c", nil)
  equal(table.pack(task:join()), {4, 1, nil, "c", nil, n = 5})
  equal(table.pack(task:join()), {4, 1, nil, "c", nil, n = 5})
end)

test.case("a task begins when the one that spawned it waits", function()
  local began = false
  local task = tasks.spawn(function()
    began = true
  end)
  equal({began, task:status()}, {false, "ready"})
  tasks.yield()
  equal({began, task:status()}, {true, "done"})
end)

test.case("status tells what becomes of a task", function()
  local task
  task = tasks.spawn(function()
    equal(task:status(), "running")
    tasks.sleep(1)
    error "no"
  end)
  equal(task:status(), "ready")
  tasks.yield()
  equal(task:status(), "waiting")
  raises("no", task.join, task)
  equal(task:status(), "failed")
  contains(task, "task (failed)")
end)

test.case("join raises what the task raised, as it was", function()
  local what = {}
  local task = tasks.spawn(function()
    error(what)
  end)
  local fine, raised = pcall(task.join, task)
  ok(not fine and rawequal(raised, what))
  local failing = tasks.spawn(workspaces.get, "nobody")
  local failure = raises("ResourceNotFound", failing.join, failing)
  equal(failure.status, 404)
  contains(failure.traceback, "stdlib/collection.lua")
end)

test.case("several may join one task", function()
  local task = tasks.spawn(function()
    tasks.sleep(5)
    return "x"
  end)
  equal(tasks.all {task, task, function()
    return task:join()
  end}, {"x", "x", "x"})
end)

test.case("a task cannot wait for itself", function()
  local task
  task = tasks.spawn(function()
    task:join()
  end)
  raises("a task cannot wait for itself", task.join, task)
end)

test.case("hundreds of tasks run side by side", function()
  local sum, list = 0, {}
  local seconds = took(function()
    for i = 1, 500 do
      list[i] = tasks.spawn(function()
        tasks.sleep(i % 10)
        sum = sum + i
      end)
    end
    for i = 1, 500 do
      list[i]:join()
    end
  end)
  equal({sum, seconds}, {125250, 9})
end)

test.case("coroutine.yield in a task lets the others run", function()
  local order = {}
  local function turn(name)
    for _ = 1, 2 do
      order[#order + 1] = name
      coroutine.yield "ignored"
    end
  end
  tasks.all {function() turn "a" end, function() turn "b" end}
  equal(order, {"a", "b", "a", "b"})
end)

-- time -----------------------------------------------------------------------------------

test.case("sleep takes seconds and durations, in virtual time", function()
  equal(took(tasks.sleep, 0.25), 0.25)
  equal(took(tasks.sleep, "1h30m"), 5400)
  equal(took(tasks.sleep, "250ms"), 0.25)
  equal(took(tasks.sleep, 0), 0)
end)

test.case("sleep refuses what is no duration, with the script's line", function()
  local line = debug.getinfo(1, "l").currentline
  local message = raises("duration 'soon' is not a duration", function()
    tasks.sleep "soon"
  end)
  contains(message, ("spec_tasks.lua:%d:"):format(line + 2))
  raises("duration", tasks.sleep, -1)
  raises("duration", tasks.sleep, 0 / 0)
  raises("duration", tasks.sleep, math.huge)
  raises("duration", tasks.sleep, {})
  raises("duration", tasks.sleep)
end)

test.case("timeout gives what the function returns in time", function()
  equal(table.pack(tasks.timeout("1m", function(a, b)
    tasks.sleep(59)
    return b, a
  end, 1, nil)), {nil, 1, n = 2})
end)

test.case("timeout raises Timeout at its time and cancels the function", function()
  local closed = {}
  local failure
  equal(took(function()
    failure = raises("Timeout", tasks.timeout, "90s", function()
      local _ <close> = closing(closed, "work")
      forever()
    end)
  end), 90)
  contains(failure.message, "no result in 01:30")
  ok(failure.retryable)
  equal(closed, {"work"})
end)

test.case("timeout raises what the function raises and refuses wrong arguments", function()
  raises("ResourceNotFound", tasks.timeout, 60, workspaces.get, "nobody")
  raises("a function expected, got nil", tasks.timeout, 60)
  raises("duration", tasks.timeout, "soon", forever)
end)

-- canceling ------------------------------------------------------------------------------

test.case("cancel closes what the task holds, innermost first", function()
  local closed = {}
  local task = tasks.spawn(function()
    local _ <close> = closing(closed, "outer")
    local _ <close> = closing(closed, "inner")
    forever()
  end)
  tasks.yield()
  task:cancel()
  equal(closed, {"inner", "outer"})
  equal(task:status(), "canceled")
  task:cancel()
end)

test.case("cancel closes what the script's own coroutines hold", function()
  local closed = {}
  local task = tasks.spawn(function()
    local _ <close> = closing(closed, "task")
    coroutine.wrap(function()
      local _ <close> = closing(closed, "wrap")
      coroutine.resume(coroutine.create(function()
        local _ <close> = closing(closed, "resume")
        forever()
      end))
    end)()
  end)
  tasks.yield()
  task:cancel()
  equal(closed, {"resume", "wrap", "task"})
end)

test.case("the joiner of a canceled task gets Canceled", function()
  local task = tasks.spawn(forever)
  local joiner = tasks.spawn(task.join, task)
  tasks.yield()
  task:cancel()
  raises("Canceled", joiner.join, joiner)
  raises("Canceled", task.join, task)
end)

test.case("a task that was never resumed can be canceled", function()
  local began = false
  local task = tasks.spawn(function()
    began = true
  end)
  task:cancel()
  raises("Canceled", task.join, task)
  ok(not began)
end)

test.case("a task cancels itself at its next wait", function()
  local after, task = false, nil
  task = tasks.spawn(function()
    task:cancel()
    tasks.sleep(1)
    after = true
  end)
  raises("Canceled", task.join, task)
  ok(not after)
end)

test.case("a pcall does not catch a cancellation", function()
  local caught = false
  local task = tasks.spawn(function()
    pcall(forever)
    caught = true
  end)
  tasks.yield()
  task:cancel()
  tasks.sleep(1)
  ok(not caught)
end)

test.case("waiting while a task is being closed raises", function()
  local message
  local task = tasks.spawn(function()
    local _ <close> = setmetatable({}, {__close = function()
      message = select(2, pcall(tasks.sleep, 1))
    end})
    forever()
  end)
  tasks.yield()
  task:cancel()
  contains(message, "cannot wait here")
end)

test.case("a task is canceled while its request is on the wire", function()
  local before = core.request {path = "/_sim/requests"}.body.requests
  local list = {}
  for i = 1, 20 do
    list[i] = tasks.spawn(workspaces.get, "nobody")
  end
  tasks.yield()
  for i = 1, 20 do
    equal(list[i]:status(), "waiting")
    list[i]:cancel()
    equal(list[i]:status(), "canceled")
  end
  ok(core.request {path = "/_sim/requests"}.body.requests >= before)
  raises("ResourceNotFound", workspaces.get, "nobody")
end)

-- all, any, map --------------------------------------------------------------------------

test.case("all keeps the order of the list, of functions and tasks", function()
  equal(tasks.all {
    function() tasks.sleep(3) return "a" end,
    tasks.spawn(function() tasks.sleep(2) return "b" end),
    function() return "c", "dropped" end,
  }, {"a", "b", "c"})
  equal(tasks.all {}, {})
end)

test.case("all raises the first failure at once and cancels its functions, not the tasks", function()
  local closed = {}
  local task = tasks.spawn(function()
    tasks.sleep(100)
    return "mine"
  end)
  equal(took(function()
    raises("early", tasks.all, {task, function()
      local _ <close> = closing(closed, "function")
      forever()
    end, function()
      tasks.sleep(7)
      error "early"
    end})
  end), 7)
  equal(closed, {"function"})
  equal(task:join(), "mine")
end)

test.case("any gives the first success, its place, and cancels the rest", function()
  local closed = {}
  local result, place = tasks.any {
    function()
      local _ <close> = closing(closed, "slow")
      forever()
    end,
    function() error "fails first" end,
    function() tasks.sleep(5) return "won" end,
  }
  equal({result, place}, {"won", 3})
  equal(closed, {"slow"})
end)

test.case("any raises the last failure when all fail, and refuses an empty list", function()
  raises("late", tasks.any, {
    function() tasks.sleep(2) error "late" end,
    function() error "soon" end,
  })
  raises("the list is empty", tasks.any, {})
  raises("element 2 is neither a task nor a function", tasks.any, {forever, 7})
  raises("a list expected, got number", tasks.all, 7)
end)

test.case("map keeps the order and gives element and index", function()
  equal(tasks.map({"a", "b", "c"}, function(element, i)
    tasks.sleep(10 - i)
    return element .. i
  end), {"a1", "b2", "c3"})
  equal(tasks.map({}, forever), {})
end)

test.case("map holds its limit", function()
  local alive, most, list = 0, 0, {}
  for i = 1, 50 do
    list[i] = i
  end
  local seconds = took(tasks.map, list, function()
    alive = alive + 1
    most = math.max(most, alive)
    tasks.sleep(1)
    alive = alive - 1
  end, {limit = 5})
  equal({most, seconds}, {5, 10})
end)

test.case("map's first failure cancels the rest and starts nothing new", function()
  local began, closed = 0, {}
  raises("three", tasks.map, {1, 2, 3, 4, 5, 6}, function(i)
    local _ <close> = closing(closed, i)
    began = began + 1
    tasks.sleep(i == 3 and 1 or 100)
    error "three"
  end, {limit = 4})
  equal(began, 4)
  table.sort(closed)
  equal(closed, {1, 2, 3, 4})
end)

test.case("map refuses wrong arguments", function()
  raises("a list expected, got nil", tasks.map)
  raises("a function expected, got nil", tasks.map, {})
  raises("unknown option 'limits'", tasks.map, {}, forever, {limits = 1})
  raises("limit must be a whole number from 1 on", tasks.map, {}, forever, {limit = 0})
  raises("limit must be a whole number from 1 on", tasks.map, {}, forever, {limit = 1.5})
end)

-- groups ---------------------------------------------------------------------------------

test.case("a group waits for its children and gives what the function returns", function()
  local done = {}
  local results = table.pack(tasks.group(function(group)
    for i = 1, 3 do
      group:spawn(function(name)
        tasks.sleep(i)
        group:spawn(tasks.sleep, 1)
        done[#done + 1] = name
      end, "child" .. i)
    end
    return "a", nil
  end))
  equal(results, {"a", nil, n = 2})
  equal(done, {"child1", "child2", "child3"})
end)

test.case("a failing child cancels its siblings and ends the function", function()
  local closed = {}
  equal(took(function()
    raises("child failed", tasks.group, function(group)
      local _ <close> = closing(closed, "function")
      group:spawn(function()
        local _ <close> = closing(closed, "sibling")
        forever()
      end)
      group:spawn(function()
        tasks.sleep(3)
        error "child failed"
      end)
      forever()
    end)
  end), 3)
  table.sort(closed)
  equal(closed, {"function", "sibling"})
end)

test.case("a failing function cancels the children", function()
  local closed = {}
  raises("function failed", tasks.group, function(group)
    group:spawn(function()
      local _ <close> = closing(closed, "child")
      forever()
    end)
    tasks.sleep(1)
    error "function failed"
  end)
  equal(closed, {"child"})
end)

test.case("nothing outlives a group whose task is canceled", function()
  local closed = {}
  local task = tasks.spawn(tasks.group, function(group)
    group:spawn(tasks.group, function(inner)
      inner:spawn(function()
        local _ <close> = closing(closed, "grandchild")
        forever()
      end)
      forever()
    end)
  end)
  tasks.sleep(1)
  task:cancel()
  equal(closed, {"grandchild"})
end)

test.case("a child that was canceled fails the group, unless somebody expects it", function()
  raises("Canceled", tasks.group, function(group)
    group:spawn(forever):cancel()
  end)
  raises("a function expected", tasks.group, 7)
end)

-- try ------------------------------------------------------------------------------------

test.case("try gives results, or nil and the failure", function()
  equal(table.pack(tasks.try(function(a) return a, nil end, 7)), {7, nil, n = 2})
  local nothing, failure = tasks.try(workspaces.get, "nobody")
  equal({nothing, failure.code, failure.status}, {nil, "ResourceNotFound", 404})
  ok(not failure.retryable)
  contains(failure.target, "/workspaces/nobody")
  contains(failure, "ResourceNotFound: ")
end)

test.case("try raises errors that are no failures", function()
  raises("a bug", tasks.try, error, "a bug")
  raises("workspace name", tasks.try, workspaces.get, "a*")
end)

-- coroutines of the script ---------------------------------------------------------------

test.case("a wait passes through several levels of the script's coroutines", function()
  local seconds = took(function()
    local result = coroutine.wrap(function(a)
      local fine, b = coroutine.resume(coroutine.create(function(c)
        tasks.sleep(2)
        return c + coroutine.wrap(function()
          tasks.sleep(3)
          return 1
        end)()
      end), a + 1)
      ok(fine)
      return b
    end)(1)
    equal(result, 3)
  end)
  equal(seconds, 5)
end)

test.case("an iterator waits between the values it yields", function()
  local seen = {}
  equal(took(function()
    for value, twice in coroutine.wrap(function()
      for i = 1, 3 do
        tasks.sleep(i)
        coroutine.yield(i, i * 2)
      end
    end) do
      seen[#seen + 1] = value + twice
    end
  end), 6)
  equal(seen, {3, 6, 9})
end)

test.case("values go both ways between resumes with waits in between", function()
  local co = coroutine.create(function(first)
    tasks.sleep(1)
    local second = coroutine.yield(first .. "!")
    tasks.sleep(1)
    return second .. "?", nil
  end)
  equal(table.pack(coroutine.resume(co, "a")), {true, "a!", n = 2})
  equal(table.pack(coroutine.resume(co, "b")), {true, "b?", nil, n = 3})
  equal(coroutine.status(co), "dead")
  equal({coroutine.resume(co)}, {false, "cannot resume dead coroutine"})
end)

test.case("pcall works across waits, at every level", function()
  local fine, message = pcall(function()
    local inside, problem = pcall(coroutine.wrap(function()
      tasks.sleep(1)
      error("inside", 0)
    end))
    ok(not inside)
    contains(problem, "inside")
    tasks.sleep(1)
    error("outside", 0)
  end)
  equal({fine, message}, {false, "outside"})
end)

test.case("an error behind a wait comes out of resume and wrap", function()
  local co = coroutine.create(function()
    tasks.sleep(1)
    workspaces.get "nobody"
  end)
  local fine, failure = coroutine.resume(co)
  equal({fine, failure.code, coroutine.status(co)}, {false, "ResourceNotFound", "dead"})
  raises("ResourceNotFound", coroutine.wrap(workspaces.get), "nobody")
end)

test.case("a coroutine that waits for the engine is resumed by nobody else", function()
  local co = coroutine.create(function()
    tasks.sleep(10)
    return "slept"
  end)
  local task = tasks.spawn(coroutine.resume, co)
  tasks.yield()
  equal({coroutine.resume(co)},
        {false, "cannot resume a coroutine that waits for an operation or is a task"})
  equal(select("#", task:join()), 2)
  equal(select(2, task:join()), "slept")
end)

test.case("a coroutine that waits for the engine is closed by nobody else", function()
  local co = coroutine.create(function()
    tasks.sleep(10)
    return "slept"
  end)
  local task = tasks.spawn(coroutine.resume, co)
  tasks.yield()
  raises("cannot close a coroutine that waits", coroutine.close, co)
  equal(select(2, task:join()), "slept")
  equal(coroutine.close(co), true)
end)

test.case("a script's own suspended coroutine is closed as ever", function()
  local closed = {}
  local co = coroutine.create(function()
    local _ <close> = closing(closed, "co")
    tasks.sleep(1)
    coroutine.yield(1)
  end)
  equal({coroutine.resume(co)}, {true, 1})
  equal({coroutine.close(co), coroutine.status(co), closed[1]}, {true, "dead", "co"})
  raises("coroutine", coroutine.close, 7)
end)

test.case("the coroutine of a task is neither resumed nor closed by a script", function()
  local own
  local task = tasks.spawn(function()
    own = coroutine.running()
    tasks.sleep(3)
    return "fine"
  end)
  tasks.yield()
  contains(select(2, coroutine.resume(own)), "cannot resume a coroutine that waits")
  raises("cannot close a coroutine that waits", coroutine.close, own)
  raises("cannot close", coroutine.close, (coroutine.running()))
  equal(task:join(), "fine")
  contains(select(2, coroutine.resume(own)), "cannot resume")
end)

test.case("running gives the coroutine that the script made", function()
  local inside
  local co = coroutine.create(function()
    inside = coroutine.running()
    coroutine.yield()
  end)
  coroutine.resume(co)
  equal({inside, coroutine.resume(co)}, {co, true})
end)

test.case("tasks are spawned and joined from inside a coroutine", function()
  equal(coroutine.wrap(function()
    return tasks.map({1, 2, 3}, function(i)
      tasks.sleep(i)
      return i * i
    end)
  end)(), {1, 4, 9})
end)

test.case("waiting below a C function that cannot be left raises a clear message", function()
  local message = raises("cannot wait here: this runs inside a C function", table.sort, {3, 1, 2},
                         function(a, b)
    tasks.sleep(1)
    return a < b
  end)
  contains(message, "spec_tasks.lua:")
  raises("cannot wait here", string.gsub, "x", "x", function()
    workspaces.exists "x"
  end)
end)

test.case("waits pass through metamethods and generic for", function()
  local slow = setmetatable({}, {__index = function(_, key)
    tasks.sleep(1)
    return key .. key
  end, __add = function()
    tasks.sleep(1)
    return 7
  end})
  equal(took(function()
    equal(slow.a, "aa")
    equal(slow + 1, 7)
  end), 2)
end)
