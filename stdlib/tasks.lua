--- Run things side by side and wait for them.
--
-- A task is a function with a coroutine of its own. Every call that waits (a request, a
-- sleep, a join) suspends only its task. Tasks end before the run does: at the end of the
-- script the run waits for those that still live, and one that failed without anybody
-- joining it fails the run.
-- @module tasks
local check = require "core.check"
local core = require "core.tasks"

local tasks = {}

local LIMIT = 64 -- as many requests as go out at once

--- Start a task.
-- @tparam function fn what it does
-- @param ... arguments for `fn`
-- @treturn task with `task:join()` (waits; gives what `fn` returned, raises what it raised),
--   `task:cancel()` and `task:status()`: ready, running, waiting, done, failed or canceled
-- @usage local t = tasks.spawn(function() return 6 * 7 end); print(t:join())
tasks.spawn = core.spawn

--- Wait for a time.
-- @tparam number|string duration seconds, or text such as `"90s"`, `"45m"`, `"3h"`
-- @raise a message when it is not a duration
-- @usage tasks.sleep("5s")
tasks.sleep = core.sleep

--- Let the other tasks run.
function tasks.yield()
  core.sleep(0)
end

local function callable(value)
  return type(value) == "function"
end

--- Run a function with a group of tasks that does not outlive it.
-- When the function returns, the group waits for its children; when it or a child fails, the
-- other children are canceled and the failure is raised.
-- @tparam function fn gets the group, which has `group:spawn(fn, ...)`
-- @return what `fn` returns
-- @usage tasks.group(function(g) g:spawn(work, 1); g:spawn(work, 2) end)
function tasks.group(fn)
  if not callable(fn) then
    check.fail("tasks.group: a function expected, got " .. type(fn))
  end
  local outer <close> = core.group()
  local children = core.group()
  local closing <close> = children
  -- the body is a child, too, so that a failing sibling ends it at its next wait
  local body = outer:spawn(fn, children)
  local watch = outer:spawn(function()
    local open = true
    while open do
      local child = children:next()
      if child then
        child:join()
      elseif body:status() == "done" then
        open = false
      else
        body:join()
      end
    end
  end)
  for _ = 1, 2 do
    local ended = outer:next()
    if ended == body and body:status() ~= "done" then
      body:join() -- raises
    elseif ended == watch then
      watch:join()
    end
  end
  return body:join()
end

-- Spawns fn(list[i], i) for each i, at most `limit` at once; calls `on_end(i, task)` as they
-- end, until it returns true.
local function each_ended(count, limit, start, on_end)
  local group <close> = core.group()
  local numbers, next_number = {}, 1
  local function spawn()
    numbers[start(group, next_number)] = next_number
    next_number = next_number + 1
  end
  for _ = 1, math.min(limit, count) do
    spawn()
  end
  for ended in group.next, group do
    local number = numbers[ended]
    numbers[ended] = nil
    if on_end(number, ended) then
      return
    end
    if next_number <= count then
      spawn()
    end
  end
end

--- Call a function for each element of a list, several at once.
-- Results keep the order of the list. The first failure cancels the rest and is raised.
-- @tparam table list the elements
-- @tparam function fn called with the element and its index
-- @tparam[opt] table options
-- @tparam[opt=64] integer options.limit how many at once
-- @treturn table the first result of each call
-- @usage local sizes = tasks.map({"a", "b"}, function(name) return #name end, {limit = 8})
function tasks.map(list, fn, options)
  if type(list) ~= "table" then
    check.fail("tasks.map: a list expected, got " .. type(list))
  elseif not callable(fn) then
    check.fail("tasks.map: a function expected, got " .. type(fn))
  end
  local limit = check.options(options, {"limit"}).limit or LIMIT
  if math.type(limit) ~= "integer" or limit < 1 then
    check.fail("tasks.map: limit must be a whole number from 1 on")
  end
  local results = {}
  each_ended(#list, limit, function(group, i)
    return group:spawn(fn, list[i], i)
  end, function(i, task)
    results[i] = task:join()
  end)
  return results
end

-- A list of functions (spawned here) and tasks (waited for).
local function starter(name, list)
  if type(list) ~= "table" then
    check.fail(("tasks.%s: a list expected, got %s"):format(name, type(list)))
  end
  for i, entry in ipairs(list) do
    if not callable(entry) and not (type(entry) == "userdata" and entry.join) then
      check.fail(("tasks.%s: element %d is neither a task nor a function"):format(name, i))
    end
  end
  return function(group, i)
    local entry = list[i]
    if callable(entry) then
      return group:spawn(entry)
    end
    return group:spawn(entry.join, entry)
  end
end

--- Wait for all of several tasks.
-- Functions in the list are started as tasks. The first failure is raised at once, and the
-- functions that still run are canceled.
-- @tparam table list tasks and functions
-- @treturn table the first result of each
-- @usage local r = tasks.all {function() return 1 end, function() return 2 end}
function tasks.all(list)
  local start = starter("all", list)
  local results = {}
  each_ended(#list, math.max(#list, 1), start, function(i, task)
    results[i] = task:join()
  end)
  return results
end

--- Wait for the first of several tasks that succeeds.
-- Functions in the list are started as tasks; those that still run then are canceled. When
-- all fail, the last failure is raised.
-- @tparam table list tasks and functions, at least one
-- @return its first result
-- @treturn integer its place in the list
-- @usage local r, i = tasks.any {slow, fast}
function tasks.any(list)
  local start = starter("any", list)
  if #list == 0 then
    check.fail("tasks.any: the list is empty")
  end
  local result, winner, failure
  each_ended(#list, #list, start, function(i, task)
    local ok, value = pcall(task.join, task)
    if ok then
      result, winner = value, i
    else
      failure = value
    end
    return ok
  end)
  if not winner then
    error(failure, 0)
  end
  return result, winner
end

--- Call a function and give up when it takes too long.
-- @tparam number|string duration seconds, or text such as `"90m"`
-- @tparam function fn canceled when the time is over
-- @param ... arguments for `fn`
-- @return what `fn` returns
-- @raise failure `Timeout`; what `fn` raises
-- @usage tasks.timeout("90m", function() gw:refresh() end)
function tasks.timeout(duration, fn, ...)
  if not callable(fn) then
    check.fail("tasks.timeout: a function expected, got " .. type(fn))
  end
  local seconds = require("clock").duration(duration)
  local group <close> = core.group()
  local work = group:spawn(fn, ...)
  group:spawn(core.sleep, seconds)
  if group:next() ~= work and work:status() ~= "done" then
    error(check.failure {
      code = "Timeout", retryable = true,
      message = ("no result in %s"):format(require("clock").format(seconds)),
    }, 0)
  end
  return work:join()
end

-- What pcall gives, with failures as results and other errors (a wrong program) raised.
local function sort_out(ok, ...)
  if ok then
    return ...
  elseif check.is_failure((...)) then
    return nil, (...)
  end
  error((...), 0)
end

--- Call a function and take a refusal of the world as a result.
-- @tparam function fn
-- @param ... arguments for `fn`
-- @return what `fn` returns; or nil and the failure object that it raised
-- @raise errors that are no failures: a program that is wrong
-- @usage local ws, failure = tasks.try(workspaces.get, "nope")
function tasks.try(fn, ...)
  return sort_out(pcall(fn, ...))
end

return tasks
