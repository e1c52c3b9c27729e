--- Ending runs, and making room: `moongate runs cancel` and `prune`.
-- @module upkeep
local clock = require "clock"
local core = require "core.runs"
local json = require "json"
local shelf = require "shelf"
local tasks = require "tasks"

local upkeep = {}

-- --- cancel ----------------------------------------------------------------------------------

local PATIENCE = 25 -- seconds; whoever carries a run looks every 20 s, with a lease of 60 s
local LOOK_EVERY = 0.3 -- seconds; elsewhere than in a folder each look is a request
local LOOK_FAR_EVERY = 2

-- Writes that the run is canceled. Returns false when somebody carries it.
local function give_up(own)
  local finish = own.finish or {}
  return core.give_up(shelf.path(own.id, "journal.jsonl"), {
    version = 1, attempt = finish.attempt, status = "canceled", exit_code = 1,
    ended = clock.utc(), error = "the run was canceled while nobody carried it",
    summary = finish.summary,
  })
end

local function say_canceled(own)
  print(("run %s is canceled"):format(own.id))
  return 0
end

-- What became of a run that nobody carries any more; nil when it is carried again.
local function settle(own)
  if own.state == "canceled" then
    return say_canceled(own)
  elseif own.state == "succeeded" then
    shelf.tell("moongate runs: run %s had succeeded before it could be canceled", own.id)
    return 1
  end
  return give_up(own) and say_canceled(own) or nil
end

local function wait_for_end(own)
  local pause = core.label():find "^folder " and LOOK_EVERY or LOOK_FAR_EVERY
  local deadline = clock.now() + PATIENCE
  repeat
    tasks.sleep(pause)
    own = shelf.look(own.id)
    local code = own.state ~= "running" and settle(own)
    if code then
      return code
    end
  until clock.now() > deadline
  shelf.tell("moongate runs: run %s has not ended within %d s; it is carried by %s, and ends "
    .. "when that hears of it", own.id, PATIENCE, shelf.describe_holder(own) or "somebody")
  return 1
end

--- Ask for the end of a run, and wait for it.
-- @tparam table options `id`
-- @treturn integer the exit code
function upkeep.cancel(options)
  local own = shelf.find(options.id)
  if own.state == "succeeded" then
    shelf.tell("moongate runs: run %s has succeeded already", own.id)
    return 1
  elseif own.state == "canceled" then
    return say_canceled(own)
  end
  core.put(shelf.path(own.id, "cancel.json"), json.encode {version = 1, at = clock.utc()})
  return own.state ~= "running" and settle(own) or wait_for_end(own)
end

-- --- prune -----------------------------------------------------------------------------------

local OVER = {succeeded = true, canceled = true}

local function size_of(id)
  local size = 0
  for _, folder in ipairs {"", "modules/"} do
    for _, entry in ipairs(core.list(shelf.path(id, folder))) do
      size = size + entry.size
    end
  end
  return size
end

local function describe_size(bytes)
  if bytes < 10240 then
    return ("%d bytes"):format(bytes)
  elseif bytes < 10 << 20 then
    return ("%d KiB"):format(bytes >> 10)
  end
  return ("%d MiB"):format(bytes >> 20)
end

local function is_old(own, seconds)
  local last = own.ended or own.started
  return last ~= nil and clock.now() - last > seconds
end

local function may_go(own, options)
  return (OVER[own.state] or options.unfinished and own.state ~= "running")
    and (not options.older or is_old(own, options.older))
end

-- Those that may go, the newest first, and whether all could be looked at.
local function choose(options)
  local chosen, list, is_whole = {}, shelf.list(), true
  table.move(list, (options.keep or 0) + 1, #list + (options.keep or 0), 1)
  for _, own in ipairs(shelf.look_at(list)) do
    if own.state == "unknown" then
      shelf.tell("moongate runs: run %s stays: %s", own.id, own.why)
      is_whole = false
    elseif may_go(own, options) then
      chosen[#chosen + 1] = own
    end
  end
  return chosen, is_whole
end

-- Removes a run; what may be carried on is given up first, so that nobody does meanwhile. Returns
-- false when somebody carries it.
local function remove(own)
  if not OVER[own.state] and not give_up(own) then
    return false
  end
  core.remove(shelf.path(own.id, ""))
  return true
end

--- Remove a run that nobody carries, whatever came of it. Absent is fine.
-- @tparam string id
-- @treturn boolean false when somebody carries it: then it stays
function upkeep.clear(id)
  local own = shelf.look(id)
  if own.state == "running" then
    return false
  elseif own.lease.fence == 0 then -- nobody ever carried it: there may be nothing at all
    core.remove(shelf.path(id, ""))
    return true
  end
  return remove(own)
end

--- Remove runs that are over.
-- @tparam table options `older` (seconds since the end), `keep` (so many of the newest),
--   `unfinished` (those that could be carried on, too), `dry` (only say what would go)
-- @treturn integer the exit code
function upkeep.prune(options)
  local chosen, is_whole = choose(options)
  local code, count, room = is_whole and 0 or 1, 0, 0
  for _, own in ipairs(chosen) do
    local size, failure = tasks.try(function()
      local bytes = size_of(own.id)
      return (options.dry or remove(own)) and bytes
    end)
    if failure then
      shelf.tell("moongate runs: run %s stays: %s", own.id, failure.message)
      code = 1
    elseif size then
      count, room = count + 1, room + size
      print(("%s  %s  %s"):format(own.id, own.state, describe_size(size)))
    else
      shelf.tell("run %s stays: somebody carries it on", own.id)
    end
  end
  print(("%d run%s %s, %s"):format(count, count == 1 and "" or "s",
                                   options.dry and "would be removed" or "removed",
                                   describe_size(room)))
  return code
end

return upkeep
