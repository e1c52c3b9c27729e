--- The texts that a store has of scheduled jobs: their names, and what is in them.
--
-- Others can write there, too: what is no such text, or has a member of another type, is damaged.
-- It is told once, by a line of the log, and stops nothing. Times are seconds since 1970 here and
-- text in the store, "2026-01-31T19:00:00.000Z".
-- @module jobs_texts
local clock = require "clock"
local core = require "core.runs"
local json = require "json"
local log = require "log"

local texts = {}

local MOST_BYTES = 64 << 10 -- of a text about one slot
local MOST_WORDS = 4000     -- bytes of a member: what an error says may be long
local LATEST = 253402300799 -- the last second of the year 9999
local MOST_NUMBER = 1 << 53 -- JSON's numbers are exact up to there

-- --- keys and names ----------------------------------------------------------------------------

--- The key of a slot: "20260131-190000", or of one begun by hand "20260131-190512-m1f3a".
-- @tparam number at seconds since 1970
-- @tparam[opt] boolean hand begun by hand: another key each time
-- @treturn string
function texts.key(at, hand)
  local key = clock.utc(at // 1):gsub("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+).*$", "%1%2%3-%4%5%6")
  return hand and ("%s-m%s"):format(key, core.random():sub(1, 4)) or key
end

--- The time of a slot.
-- @treturn ?integer seconds since 1970; nil when that is no key
-- @treturn ?boolean whether it is that of a slot begun by hand
function texts.time(key)
  local year, month, day, hour, minute, second, rest =
    key:match "^(%d%d%d%d)(%d%d)(%d%d)%-(%d%d)(%d%d)(%d%d)(.*)$"
  if not year or rest ~= "" and not rest:find "^%-m%x%x%x%x$" then
    return nil
  end
  local at = clock.parse(("%s-%s-%sT%s:%s:%sZ"):format(year, month, day, hour, minute, second))
  if not at or texts.key(at) ~= key:sub(1, 15) then -- 31 February is none
    return nil
  end
  return at // 1 | 0, rest ~= ""
end

--- The id of a slot's run.
function texts.run_id(name, key)
  return ("%s-%s"):format(key, name)
end

--- Whether a text can be the name of a job.
function texts.is_name(name)
  return #name >= 1 and #name <= 40 and name:find "^[%w_-][%w._-]*$" ~= nil
    and name:sub(-1) ~= "."
end

-- --- what is in them ---------------------------------------------------------------------------

local CLAIM = {kind = "string", status = "string", run = "string", host = "string", at = "time",
               late = "number", reason = "string", count = "number", first = "key", slot = "time",
               by = "string", nonce = "string"}
local ATTEMPT = {status = "string", exit_code = "number", began = "time", at = "time",
                 host = "string", error = "string"}
local FINISH = {status = "string", exit_code = "number", began = "time", at = "time",
                host = "string", attempts = "number", error = "string"}
local PAUSE = {at = "time", by = "string", reason = "string"}

--- What the texts of each sort hold, by member: a time is a number of seconds. `must` and one of
-- `status` are in every good one.
texts.sorts = {
  claim = {members = CLAIM, must = {"kind", "status", "at"},
           status = {claimed = true, skipped = true, missed = true}},
  attempt = {members = ATTEMPT, must = {"status", "at"},
             status = {failed = true, ["timed out"] = true, died = true}},
  finish = {members = FINISH, must = {"status", "at"},
            status = {succeeded = true, failed = true, ["timed out"] = true, canceled = true}},
  pause = {members = PAUSE, must = {"at"}},
}

-- The words without what JSON cannot hold, and not too many.
local function clean(words)
  words = words:gsub("%z", "?")
  if #words > MOST_WORDS then
    words = words:sub(1, (utf8.offset(words, 0, MOST_WORDS + 1) or MOST_WORDS + 1) - 1) .. "..."
  end
  return utf8.len(words) and words or (words:gsub("[\x80-\xff]", "?"))
end

local WRITE = {
  string = function(value) return type(value) == "string" and clean(value) or nil end,
  number = function(value) return tonumber(value) end,
  key = function(value) return texts.time(value) and value end,
  time = function(value) return type(value) == "number" and clock.utc(value) or nil end,
}

--- A text of a sort. Raises a message when a member is none of it: the program is wrong then.
-- @tparam table sort of `sorts`
-- @tparam table note
-- @treturn string JSON
function texts.encode(sort, note)
  local tree = {version = 1}
  for name, value in pairs(note) do
    local kind = sort.members[name]
    tree[name] = kind and WRITE[kind](value)
    if tree[name] == nil then
      error(("a record cannot hold %s = %s"):format(tostring(name), tostring(value)), 2)
    end
  end
  return json.encode(tree)
end

--- The moment that a text of the store tells; nil when it is none.
-- @param value
-- @treturn ?number seconds since 1970
function texts.moment(value)
  local at = type(value) == "string" and clock.parse(value) or nil
  return at and at >= 0 and at <= LATEST and at or nil
end

local function is_number(value)
  return type(value) == "number" and value > -MOST_NUMBER and value < MOST_NUMBER
end

local READ = {
  string = function(value) return type(value) == "string" and value or nil end,
  number = function(value) return is_number(value) and value or nil end,
  key = function(value) return type(value) == "string" and texts.time(value) and value or nil end,
  time = texts.moment,
}

-- The members of a sort, or nil.
local function choose(sort, tree)
  local note = {}
  for name, kind in pairs(sort.members) do
    if tree[name] ~= nil then
      note[name] = READ[kind](tree[name])
      if note[name] == nil then
        return nil
      end
    end
  end
  for _, name in ipairs(sort.must) do
    if note[name] == nil then
      return nil
    end
  end
  return (not sort.status or sort.status[note.status]) and note or nil
end

--- What a text of a sort says; nil when it is damaged. Members that are not known are left out.
function texts.decode(sort, text)
  local ok, tree = pcall(json.decode, text)
  return ok and type(tree) == "table" and choose(sort, tree) or nil
end

-- --- the store ---------------------------------------------------------------------------------

local MOST_TOLD = 1000 -- texts; who damages more of them has been heard
local told, told_count = {}, 0

--- Say once that a text is damaged; as an error, which is told however quiet the program is.
function texts.tell(name, what)
  if told[name] or told_count > MOST_TOLD then
    return
  end
  told[name], told_count = true, told_count + 1
  log.error(told_count > MOST_TOLD and "more texts about jobs in the store are damaged"
    or ("%s in %s %s"):format(name, core.label(), what or "is not what moongate writes there"))
end

--- Read a whole text; nil when it is absent.
-- @treturn ?string
-- @treturn boolean whether it is there, but longer than `most`
function texts.get(name, most)
  local text, size = core.get(name, 0, most)
  if text and size > most then
    return nil, true
  end
  return text, false
end

--- Read a text of a sort.
-- @treturn ?table what it says; nil when it is absent or damaged
-- @treturn boolean whether it is damaged; that is told
function texts.read(sort, name)
  local text, is_huge = texts.get(name, MOST_BYTES)
  local note = text and texts.decode(sort, text)
  if note or not text and not is_huge then
    return note, false
  end
  texts.tell(name)
  return nil, true
end

return texts
