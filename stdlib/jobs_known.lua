--- Since when jobs are known: what a job had been due for before that is no slot of it.
--
-- Hosts put what they hear of into texts of their own, "jobs/known/STAMP-RANDOM.json"; of what
-- several of them say of a job, the earliest counts. A job with another schedule is another job.
-- @module jobs_known
local check = require "core.check"
local clock = require "clock"
local core = require "core.runs"
local json = require "json"
local tasks = require "tasks"
local texts = require "jobs_texts"

local known = {}

local AT_ONCE = 16         -- texts that are read
local MOST_TEXTS = 16      -- more are merged
local MOST_JOBS = 100000   -- that a merged text holds
local MOST_BYTES = 64 << 20
local MOST_TRIES = 10      -- to read all while others merge

-- One job of a text, {name, fingerprint, time}, checked; the time only where it is not the text's.
local function take_row(found, row, at)
  if type(row) ~= "table" or type(row[1]) ~= "string" or type(row[2]) ~= "string" then
    return false
  end
  local own = row[3] == nil and at or texts.moment(row[3])
  local id = row[1] .. "\n" .. row[2]
  if own then
    found[id] = math.min(found[id] or own, own)
  end
  return own ~= nil
end

-- What a text says, by job; nil when it is damaged.
local function decode(text)
  local ok, tree = pcall(json.decode, text)
  local at = ok and type(tree) == "table" and texts.moment(tree.at)
  if not at or type(tree.jobs) ~= "table" then
    return nil
  end
  local found = {}
  for _, row in ipairs(tree.jobs) do
    if not take_row(found, row, at) then
      return nil
    end
  end
  return found
end

-- What a text says, which is nothing when it is damaged; nil when it is gone.
local function read(name)
  local text, is_huge = texts.get(name, MOST_BYTES)
  if not text and not is_huge then
    return nil
  end
  local found = text and decode(text)
  if not found then
    texts.tell(name)
  end
  return {name = name, found = found or {}, is_damaged = not found}
end

local function list_names()
  local names = {}
  for _, entry in ipairs(core.list "jobs/known/") do
    if entry.name:find "^jobs/known/%d+%-%d+%-%x+%.json$" then
      names[#names + 1] = entry.name
    else
      texts.tell(entry.name, "is no name that moongate gives")
    end
  end
  return names
end

-- All texts. Where others merge meanwhile, what is gone is in a text that the list did not have.
local function read_all()
  for _ = 1, MOST_TRIES do
    local names = list_names()
    local list = tasks.map(names, function(name) return read(name) or false end,
                           {limit = AT_ONCE})
    local is_whole = true
    for i = 1, #names do
      is_whole = is_whole and list[i] ~= false
    end
    if is_whole then
      return list
    end
  end
  error(check.failure {code = "IOError", retryable = true, message =
    ("jobs/known/ in %s changes each time that it is read"):format(core.label())})
end

-- A random part, as several hosts put their own in the same second.
local function put(rows, at)
  local name = ("jobs/known/%s-%s.json"):format(texts.key(clock.now()), core.random())
  core.put(name, json.encode {version = 1, at = clock.utc(at), jobs = json.array(rows)})
end

-- The oldest go when there are too many, but for what is declared.
local function drop_surplus(rows, declared)
  table.sort(rows, function(a, b)
    if a.is_declared ~= b.is_declared then
      return a.is_declared
    end
    return a.at > b.at
  end)
  for i = math.max(MOST_JOBS, declared) + 1, #rows do
    rows[i] = nil
  end
end

-- Puts all into one text before the others go. What comes meanwhile is not touched.
local function merge(list, found, declared)
  local rows, count = {}, 0
  for id, at in pairs(found) do
    local name, fingerprint = id:match "^(.-)\n(.*)$"
    local is_declared = declared[id] ~= nil
    count = count + (is_declared and 1 or 0)
    rows[#rows + 1] = {name, fingerprint, clock.utc(at), at = at, is_declared = is_declared}
  end
  drop_surplus(rows, count)
  for i, row in ipairs(rows) do
    rows[i] = {row[1], row[2], row[3]}
  end
  put(rows, clock.now())
  for _, seen in ipairs(list) do
    if not seen.is_damaged then
      core.remove(seen.name)
    end
  end
end

--- Since when jobs are known.
-- @tparam[opt] table declared a set of what is declared, by the same keys: it stays, however many
--   others there are
-- @treturn table seconds since 1970, by `name.."\n"..fingerprint`
-- @raise failure what the store refuses
function known.read(declared)
  local list, found, good = read_all(), {}, 0
  for _, seen in ipairs(list) do
    good = good + (seen.is_damaged and 0 or 1)
    for id, at in pairs(seen.found) do
      found[id] = math.min(found[id] or at, at)
    end
  end
  if good > MOST_TEXTS then
    merge(list, found, declared or {})
  end
  return found
end

--- Tell since when jobs are known.
-- @tparam table list of `{name, fingerprint}`
-- @tparam number at seconds since 1970
-- @raise failure what the store refuses
function known.add(list, at)
  if #list > 0 then
    put(list, at)
  end
end

return known
