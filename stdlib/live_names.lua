--- Names of resources as they were when somebody last looked: for completion, which cannot wait.
--
-- A key says which names: the kind and the id of what they are in. Whoever misses a key's names
-- has them read in a task; they are there at the next look. One request is under way at a time,
-- and reading changes nothing.
-- @module live_names
local clock = require "clock"
local collection = require "collection"
local core = require "core.resources"
local core_prompt = require "core.prompt"

local live_names = {}

local MOST_NAMES = 20000 -- of a key
local AGE = 60 -- seconds on the run's clock until names are read again
local FAILED_AGE = 5 -- seconds on the machine's, which moves even while nothing happens
local FORGOTTEN = 3600 -- seconds until they are let go

--- The key of the names of Entra's groups.
live_names.GROUPS = "entra groups"

-- By key: the sorted `names`, the time `at` which they were read, and the `turnover` then.
local known = {}
local wanted = {} -- keys in the order they are read; each is in the set, too, until it is done
local is_reading = false

--- The key of the names of a kind's resources.
-- @tparam string kind the model's name of it
-- @tparam string parent the id of what they are in
-- @treturn string
function live_names.key(kind, parent)
  return kind .. " " .. parent
end

local function split(key)
  return key:match "^(.-) (/.*)$"
end

-- Another number once the script has created or deleted one of these.
local function turnover(key)
  return key ~= live_names.GROUPS and core.turnover((split(key))) or 0
end

--- The names that are known.
-- @tparam string key
-- @treturn ?table a sorted list, read only; nil when they were never read
-- @treturn boolean whether they should be read again: they are a minute old, the script has
--   created or deleted one since, or they could not be read some seconds ago
function live_names.get(key)
  local found = known[key]
  return found and found.names, not found or clock.now() - found.at >= AGE
    or found.turnover ~= turnover(key) or found.retry_at ~= nil
    and core_prompt.machine_seconds() >= found.retry_at
end

local function each(key)
  if key == live_names.GROUPS then
    return require("entra").each(), "display_name"
  end
  return collection.each(split(key)), "name"
end

local function list(key)
  local names = {}
  local next_one, member = each(key)
  for one in next_one do
    names[#names + 1] = one[member]
    if #names == MOST_NAMES then
      break
    end
  end
  table.sort(names)
  return names
end

-- What cannot be read (no rights, no network) leaves what was known, and is not tried again
-- before its time: nobody asked for it in so many words.
local function read(key)
  local count = turnover(key)
  for other, found in pairs(known) do
    known[other] = clock.now() - found.at < FORGOTTEN and found or nil
  end
  local is_fine, names = pcall(list, key)
  local before = known[key]
  known[key] = {names = is_fine and names or before and before.names or {}, at = clock.now(),
                turnover = count,
                retry_at = not is_fine and core_prompt.machine_seconds() + FAILED_AGE or nil}
end

-- Reading goes on or is over, also when the task is canceled in the middle.
local function stop_reading()
  is_reading, wanted = false, {}
end

--- Read the names of a key, unless they are new or being read. Waits; never raises. While another
-- task reads, that one goes on with this key, and this returns at once.
-- @tparam string key
function live_names.refresh(key)
  if wanted[key] or not select(2, live_names.get(key)) then
    return
  end
  wanted[key] = true
  wanted[#wanted + 1] = key
  if is_reading then
    return
  end
  is_reading = true
  local _ <close> = setmetatable({}, {__close = stop_reading})
  while wanted[1] do
    local next_key = table.remove(wanted, 1)
    read(next_key)
    wanted[next_key] = nil
  end
end

--- Where the names that begin with a text stand.
-- @tparam table names a sorted list
-- @tparam string prefix
-- @treturn integer the first of them
-- @treturn integer the last; less than the first when there is none
function live_names.range(names, prefix)
  local function bound(is_in_front)
    local low, high = 1, #names + 1
    while low < high do
      local middle = (low + high) // 2
      if is_in_front(names[middle]:sub(1, #prefix)) then
        low = middle + 1
      else
        high = middle
      end
    end
    return low
  end
  return bound(function(start) return start < prefix end),
    bound(function(start) return start <= prefix end) - 1
end

return live_names
