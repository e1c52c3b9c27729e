--- What a store has of scheduled jobs: which slot is whose, and what came of it.
--
--     jobs/known/STAMP-RANDOM.json    since when a job is known: earlier slots do not exist
--     jobs/open/KEY.NAME.json         a mark: the slot is claimed, or is being, and has not ended
--     jobs/slots/NAME/KEY.json        the claim; or that the slot was skipped or missed
--     jobs/slots/NAME/KEY.attempt-N.json, KEY.end.json     how its attempts and how it ended
--     jobs/slots/NAME/KEY.missed.json slots up to this one that nobody began in time
--     jobs/slots/NAME/floor-KEY       slots up to this one were missed, or passed in a pause
--     jobs/slots/NAME/pruned-KEY      slots up to this one are over, and may have been removed
--     jobs/paused/NAME.json
--
-- Every text is put when there is none, and never changed: of all hosts that want a slot one has
-- its claim, and one that was stopped for a day overwrites nothing. A slot goes from mark to claim
-- to attempts to end, then its mark goes; a process may die between any two steps:
--
-- - A mark without a claim: the slot is free; whoever finds it claims it, or calls `unmark`.
-- - A claim without an end: whoever finds the mark follows, under the lease of the slot's run.
-- - An end and still a mark: `unmark` removes it, and so does another `finish`.
-- - No mark and no end, but a claim: only a slot that was skipped or missed is so.
-- @module jobs_records
local clock = require "clock"
local core = require "core.runs"
local json = require "json"
local known = require "jobs_known"
local pauses = require "jobs_pauses"
local shelf = require "shelf"
local tasks = require "tasks"
local texts = require "jobs_texts"
local upkeep = require "upkeep"

local records = {key = texts.key, time = texts.time, run_id = texts.run_id,
                 known = known.read, add_known = known.add, pause = pauses.pause,
                 paused = pauses.paused, all_paused = pauses.all_paused}

local AT_ONCE = 16         -- texts that are read
local MOST_ATTEMPTS = 1000 -- of a slot
local LEASE = 60           -- seconds in which a process begins a run, or again
-- Seconds that what says up to where slots are over may be ahead of our clock. That of another host
-- may be a little ahead; and ours may have been set back since slots ran and were removed.
local AHEAD = {floor = 60, pruned = 2 * 86400}
local NEVER = 30 * 86400   -- seconds ahead: the clock was wrong that wrote it

local function folder_of(name)
  return ("jobs/slots/%s/"):format(name)
end

local function path_of(name, key, rest)
  return ("jobs/slots/%s/%s%s.json"):format(name, key, rest or "")
end

local function mark_of(name, key)
  return ("jobs/open/%s.%s.json"):format(key, name)
end

-- Writes that all slots up to one are over.
local function add_floor(name, key)
  core.put(("%sfloor-%s"):format(folder_of(name), key), "{}")
end

local function kind_of(key)
  local _, is_by_hand = texts.time(key)
  return is_by_hand and "by hand" or "scheduled"
end

local function put(sort, name, note)
  return core.put(name, texts.encode(texts.sorts[sort], note))
end

-- --- what there is of a job --------------------------------------------------------------------

-- What the leaves of a job's folder say; each returns false when it is none of that.
local function take_floor(seen, leaf, entry)
  local word, key = leaf:match "^(%l+)%-(.+)$"
  if word ~= "floor" and word ~= "pruned" or not texts.time(key) then
    return false
  elseif texts.time(key) > clock.now() + AHEAD[word] then
    seen.ahead[#seen.ahead + 1] = {name = entry.name, at = (texts.time(key))}
    return true -- written while a clock was wrong: it says nothing before its time has come
  end
  seen[word] = math.max(seen[word] or 0, (texts.time(key)))
  seen.floors[#seen.floors + 1] = {name = entry.name, word = word, at = (texts.time(key))}
  return true
end

local function take_slot(seen, leaf, entry)
  local key, rest = leaf:match "^([^.]+)(.*)%.json$"
  local number = rest and rest:match "^%.attempt%-([1-9]%d?%d?%d?)$"
  if key and rest == ".missed" and texts.time(key) then
    seen.missed[#seen.missed + 1] = key
    return true
  elseif not key or not texts.time(key) or not (number or rest == "" or rest == ".end") then
    return false
  end
  local slot = seen.slots[key] or {ended = false, attempts = 0, modified = 0}
  seen.slots[key] = slot
  if number then
    slot.attempts = math.max(slot.attempts, tonumber(number))
  else
    slot.is_claimed = slot.is_claimed or rest == ""
    slot.ended = slot.ended or rest == ".end"
    slot.modified = math.max(slot.modified, entry.modified)
  end
  return true
end

-- All of it, by one list.
local function look(name)
  local folder = folder_of(name)
  local seen = {slots = {}, floors = {}, ahead = {}, missed = {}}
  for _, entry in ipairs(core.list(folder)) do
    local leaf = entry.name:sub(#folder + 1)
    if not take_floor(seen, leaf, entry) and not take_slot(seen, leaf, entry) then
      texts.tell(entry.name, "is no name that moongate gives")
    end
  end
  return seen
end

local function is_over(seen, key)
  local at, is_by_hand = texts.time(key)
  return not is_by_hand and at <= math.max(seen.floor or -1, seen.pruned or -1)
end

--- The slots of a job that have a record, and up to where others are over. One list.
-- @tparam string name
-- @treturn table `slots` by key, each with `ended` and `attempts` (how many failed); `missed`, the
--   keys up to which others were missed; `floor`, the key up to which all slots are over, or nil;
--   `pruned`, the same of what may have been removed
-- @raise failure what the store refuses, as all functions here
function records.survey(name)
  local seen = look(name)
  local floor = math.max(seen.floor or -1, seen.pruned or -1)
  return {slots = seen.slots, missed = seen.missed, floor = floor >= 0 and texts.key(floor) or nil,
          pruned = seen.pruned and texts.key(seen.pruned)}
end

--- The jobs that have records. One list.
-- @treturn table a set of names
function records.names()
  local names = {}
  for _, entry in ipairs(core.list "jobs/slots/") do
    local name = entry.name:match "^jobs/slots/(.+)/$"
    names[name or ""] = name and texts.is_name(name) or nil
  end
  return names
end

--- The slots that are marked: claimed without an end, or left between two steps. One list.
-- @treturn table `{key=, name=, since=}`, the oldest first; `since` by the store's clock
function records.open()
  local list = {}
  for _, entry in ipairs(core.list "jobs/open/") do
    local key, name = entry.name:match "^jobs/open/([^.]+)%.(.+)%.json$"
    if key and texts.time(key) and texts.is_name(name) then
      list[#list + 1] = {key = key, name = name, since = entry.modified}
    else
      texts.tell(entry.name, "is no name that moongate gives")
    end
  end
  return list
end

-- --- from claim to end -------------------------------------------------------------------------

-- Whether a slot with a record is over for good.
local function is_final(name, key)
  if core.get(path_of(name, key, ".end"), 0, 0) then
    return true
  end
  local claim = texts.read(texts.sorts.claim, path_of(name, key))
  return claim ~= nil and claim.status ~= "claimed"
end

-- Somebody else has the slot. A mark that came after that of its end is nobody's.
local function yield_slot(name, key, has_marked)
  if has_marked and is_final(name, key) then
    core.remove(mark_of(name, key))
  end
  return false
end

-- A host that was stopped for long, or whose clock was set back, may find a slot free because it was
-- over and is removed: what says so is put before anything is removed, and so is seen after the
-- claim. It is looked for before, too, as who claims may not come to look after that.
local function was_over(name, key, kind)
  local at, is_by_hand = texts.time(key)
  if is_by_hand then
    return false
  end
  local seen = look(name)
  if kind == "backfill" then -- wanted although the job was paused then
    return at <= (seen.pruned or -1)
  end
  return is_over(seen, key)
end

--- A text that nobody else has, by which one knows one's own claim.
function records.nonce()
  return core.random()
end

-- Whether a claim is this one, which was put while its answer was lost.
local function is_same(name, key, note)
  local claim = note.nonce and texts.read(texts.sorts.claim, path_of(name, key)) or nil
  return claim ~= nil and claim.status == "claimed" and claim.nonce == note.nonce
end

-- Takes a claim back. The mark goes last: a claim without one looks final.
local function withdraw(name, key)
  core.remove(path_of(name, key))
  core.remove(mark_of(name, key))
end

--- Claim a slot.
-- @tparam string name
-- @tparam string key
-- @tparam table claim `kind` ("scheduled", "by hand", "backfill"), `run`, `host`, `late` in
--   seconds, and what else is known; `status` and, unless given, `at` are set here. Who tries again
--   because the store has failed gives the same `nonce`
-- @treturn boolean whether it is ours; false when somebody has it, or it was over before
function records.claim(name, key, claim)
  local note = {status = "claimed", at = clock.now()}
  for member, value in pairs(claim) do
    note[member] = value
  end
  if was_over(name, key, note.kind) then
    if is_same(name, key, note) then
      withdraw(name, key)
    end
    return false
  end
  local has_marked = core.put(mark_of(name, key), "{}")
  if not put("claim", path_of(name, key), note) and not is_same(name, key, note) then
    return yield_slot(name, key, has_marked)
  elseif was_over(name, key, note.kind) then
    withdraw(name, key)
    return false
  end
  return true
end

--- Write that nobody began slots in time: those up to one, which are over now. They are no claims:
-- what a wrong clock took for missed is free when its time comes.
-- @tparam string name
-- @tparam string key of the last one
-- @tparam table record `reason`, `count`, and the `first` key
-- @treturn boolean whether it is ours; false when it was written before
function records.missed(name, key, record)
  local note = {kind = "scheduled", status = "missed", at = clock.now()}
  for member, value in pairs(record) do
    note[member] = value
  end
  local is_ours = put("claim", path_of(name, key, ".missed"), note)
  add_floor(name, key)
  return is_ours
end

--- Write that a slot is over without a run. There is no mark of it before or after.
-- @tparam string name
-- @tparam string key
-- @tparam table record `status` ("skipped"), `kind`, `reason`
-- @treturn boolean whether that is so; false when somebody has claimed or settled it
function records.settle(name, key, record)
  local note = {kind = kind_of(key), at = clock.now()}
  for member, value in pairs(record) do
    note[member] = value
  end
  return put("claim", path_of(name, key), note)
end

--- Remove the mark of a slot that is over. One that nobody has claimed is settled as skipped
-- first, so that nobody who is just about to claim it runs without a mark.
-- @tparam string name
-- @tparam string key
-- @tparam[opt] string reason why nobody is to claim it
-- @treturn boolean whether it is over; else the mark stays
function records.unmark(name, key, reason)
  local seen = look(name)
  local is_pruned = not seen.slots[key] and is_over(seen, key)
  if not is_pruned and not seen.slots[key] then
    records.settle(name, key, {status = "skipped", reason = reason})
  end
  if not is_pruned and not is_final(name, key) then
    return false
  end
  core.remove(mark_of(name, key))
  return true
end

--- Write how an attempt failed.
-- @tparam string name
-- @tparam string key
-- @tparam integer n its number, from 1 on
-- @tparam table note `status` ("failed", "timed out", "died"), `exit_code`, `began`, `at`, `host`,
--   `error`
-- @treturn boolean whether it is new
function records.attempt(name, key, n, note)
  return put("attempt", path_of(name, key, (".attempt-%d"):format(n)), note)
end

--- Write how a slot ended, and remove its mark.
-- @tparam string name
-- @tparam string key
-- @tparam table finish `status` ("succeeded", "failed", "timed out", "canceled"), `exit_code`,
--   `began`, `at`, `host`, `attempts`, `error`
-- @treturn boolean whether it is ours; false when its end was written before
function records.finish(name, key, finish)
  local is_ours = put("finish", path_of(name, key, ".end"), finish)
  core.remove(mark_of(name, key))
  return is_ours
end

-- --- reading -----------------------------------------------------------------------------------

-- What stands for a damaged claim: somebody has the slot.
local function damaged_claim(name, key)
  return {kind = kind_of(key), status = "claimed", at = (texts.time(key)), is_damaged = true}
end

local function damaged_end()
  return {status = "failed", error = "the record of its end is damaged", is_damaged = true}
end

local function read_attempts(name, key, most)
  local attempts = {}
  for n = 1, most do
    local path = path_of(name, key, (".attempt-%d"):format(n))
    local note, is_damaged = texts.read(texts.sorts.attempt, path)
    if not note and not is_damaged then
      break
    end
    attempts[n] = note or {status = "failed", is_damaged = true}
  end
  return attempts
end

--- What is known of a slot.
-- @tparam string name
-- @tparam string key
-- @tparam[opt] table slot what `survey` says of it: that is not looked up again
-- @treturn ?table `claim`, `finish` (nil while it goes on) and `attempts`, those that failed;
--   nil when nobody has claimed it. What stands for a damaged one has `is_damaged`
function records.read(name, key, slot)
  local claim, is_damaged = texts.read(texts.sorts.claim, path_of(name, key))
  if not claim and not is_damaged then
    return nil
  end
  local attempts = read_attempts(name, key, slot and slot.attempts or MOST_ATTEMPTS)
  local finish, is_end_damaged
  if not slot or slot.ended then
    finish, is_end_damaged = texts.read(texts.sorts.finish, path_of(name, key, ".end"))
  end
  claim = claim or damaged_claim(name, key)
  claim.run = claim.status == "claimed" and texts.run_id(name, key) or nil -- whatever it says
  return {claim = claim, attempts = attempts,
          finish = finish or is_end_damaged and damaged_end() or nil}
end

--- What the journal says of a slot's run.
-- @tparam string id of the run
-- @treturn table `is_held`, whether somebody carries it; `fence`, 0 when nobody ever did; and how
--   its last attempt ended: `status` ("succeeded", "failed", "interrupted", "canceled", "died",
--   "damaged"; nil while it is carried or when it never began), `exit_code`, `ended`, `error`
function records.look_run(id)
  local own = shelf.look(id)
  local seen = {is_held = own.lease.is_held, fence = own.lease.fence}
  if not seen.is_held and seen.fence > 0 then
    local finish = own.finish and own.finish.fence == seen.fence and own.finish or {}
    seen.status, seen.ended = own.state, own.ended
    seen.exit_code, seen.error = finish.exit_code, own.why or finish.error
  end
  return seen
end

--- Whether somebody carries a slot's run, or is about to: to begin it, or to try it again.
-- @tparam string id of the run
-- @tparam number claimed when the slot was claimed, seconds since 1970
-- @tparam[opt] number failed when its last attempt failed
-- @tparam number retry_after seconds that are waited then
-- @treturn boolean
function records.is_carried(id, claimed, failed, retry_after)
  local run = records.look_run(id)
  local since = failed and failed + retry_after or run.fence == 0 and claimed or 0
  return run.is_held or clock.now() < since + LEASE
end

-- Whether a slot ended by a run, or by record, or goes on.
local function status_of(seen)
  if seen.finish then
    return seen.finish.status
  end
  return seen.claim.status == "claimed" and "running" or seen.claim.status
end

local function entry_of(name, key, seen)
  local claim, finish = seen.claim, seen.finish or {}
  local status = status_of(seen)
  local has_run = claim.status == "claimed"
  local last = seen.attempts[#seen.attempts] or {}
  local began = has_run and (finish.began or claim.at) or nil
  return {
    key = key, slot = claim.slot or (texts.time(key)), kind = claim.kind, status = status,
    run = claim.run,
    host = finish.host or last.host or claim.host, late = claim.late, began = began,
    ended = finish.at, duration = began and finish.at and math.max(0, finish.at - began),
    exit_code = finish.exit_code,
    attempts = has_run and (finish.attempts or #seen.attempts + 1) or nil,
    error = finish.error or not seen.finish and last.error or nil,
    reason = claim.reason, count = claim.count, first = claim.first and texts.time(claim.first),
    by = claim.by, failed = not seen.finish and last.at or nil,
    is_damaged = claim.is_damaged or finish.is_damaged,
  }
end

-- The keys of a job's slots, the newest first, and which of them were missed.
local function list_keys(seen)
  local keys, is_missed = {}, {}
  for key, slot in pairs(seen.slots) do
    keys[#keys + 1] = slot.is_claimed and key or nil -- an end alone is left of what is pruned
  end
  for _, key in ipairs(seen.missed) do
    if not (seen.slots[key] and seen.slots[key].is_claimed) then
      keys[#keys + 1], is_missed[key] = key, true
    end
  end
  table.sort(keys, function(a, b) return a > b end)
  return keys, is_missed
end

local function read_missed(name, key)
  local note = texts.read(texts.sorts.claim, path_of(name, key, ".missed"))
  return note and {claim = note, attempts = {}}
end

--- What became of one slot, or of those that were missed up to it.
-- @tparam string name
-- @tparam string key
-- @tparam[opt] table slot what `survey` says of it: that is not looked up again
-- @treturn ?table an entry of `history`; nil when there is none
function records.entry(name, key, slot)
  local seen = records.read(name, key, slot) or read_missed(name, key)
  return seen and entry_of(name, key, seen)
end

--- What became of the newest slots of a job.
-- @tparam string name
-- @tparam[opt] integer most how many; all unless given
-- @treturn table `{key=, slot=, kind=, status=, run=, host=, late=, began=, ended=, duration=,
--   exit_code=, attempts=, error=, reason=, count=, first=, by=, failed=}`, the newest first;
--   `status` is "running" while a slot is claimed, and `failed` then when its last attempt failed
-- @treturn integer how many there are
function records.history(name, most)
  local seen = look(name)
  local keys, is_missed = list_keys(seen)
  local total = #keys
  for i = (most or total) + 1, total do
    keys[i] = nil
  end
  local read = tasks.map(keys, function(key) -- false: pruned meanwhile
    return (is_missed[key] and read_missed or records.read)(name, key, seen.slots[key]) or false
  end, {limit = AT_ONCE})
  local list = {}
  for i, key in ipairs(keys) do
    list[#list + 1] = read[i] and entry_of(name, key, read[i]) or nil
  end
  return list, total
end

-- --- going on behind a pause --------------------------------------------------------------------

-- Floors below another of the same sort say nothing.
local function remove_floors(seen, word, at)
  for _, floor in ipairs(seen.floors) do
    if floor.word == word and floor.at < at then
      core.remove(floor.name)
    end
  end
end

--- Let a paused job go on: with what is due after `at`. The floor comes first, so that what
-- passed in the pause never looks due.
-- @tparam string name
-- @tparam number at seconds since 1970
-- @treturn boolean whether it was paused
function records.unpause(name, at)
  if not core.get(pauses.path(name), 0, 0) then
    return false
  end
  add_floor(name, texts.key(at))
  core.remove(pauses.path(name))
  remove_floors(look(name), "floor", at // 1)
  return true
end

-- --- prune -------------------------------------------------------------------------------------

-- Slots that are over, the one that ended last first: what was backfilled is new, however old its
-- slot is.
local function sort_by_end(slots)
  table.sort(slots, function(a, b)
    if a.modified ~= b.modified then
      return a.modified > b.modified
    end
    return a.key > b.key
  end)
end

-- Adds the slots behind the first `keep`, and those that are too old.
local function add_surplus(chosen, slots, keep, oldest)
  sort_by_end(slots)
  for i, slot in ipairs(slots) do
    if i > keep or slot.modified < oldest then
      chosen[#chosen + 1] = slot
    end
  end
end

-- Those that ran and those that were skipped or missed have each a share of their own, so that a
-- job that skips often keeps its runs. What a list does not tell of is looked into. What a clock
-- that was wrong has begun too early stays: when its time comes, it has run.
local function choose(name, slots, keep, oldest, now)
  local ran, others, chosen = {}, {}, {}
  for key, slot in pairs(slots) do
    slot.key = key
    local list = slot.ended and ran or others
    list[#list + 1] = texts.time(key) <= now and slot or nil
  end
  add_surplus(chosen, ran, keep, oldest)
  local surplus = {}
  add_surplus(surplus, others, keep, oldest)
  local finals = tasks.map(surplus, function(slot)
    return not slot.is_claimed or is_final(name, slot.key)
  end, {limit = AT_ONCE})
  for i, slot in ipairs(surplus) do
    chosen[#chosen + 1] = finals[i] and slot or nil
  end
  return chosen
end

-- Before anything goes it is written that it is over: a slot without a record looks due.
local function raise_floor(name, seen, chosen)
  local at = -1
  for _, slot in ipairs(chosen) do
    local own, is_by_hand = texts.time(slot.key)
    at = is_by_hand and at or math.max(at, own)
  end
  if at > (seen.pruned or -1) then
    core.put(("%spruned-%s"):format(folder_of(name), texts.key(at)), "{}")
    remove_floors(seen, "pruned", at)
  end
end

-- The run first: without its slot nobody would find it. The claim before the end: a claim without
-- an end looks as if it went on. Returns whether it is gone; not while somebody carries its run.
local function remove_slot(name, slot)
  if slot.ended and not upkeep.clear(texts.run_id(name, slot.key)) then
    return false
  end
  for n = 1, slot.attempts do
    core.remove(path_of(name, slot.key, (".attempt-%d"):format(n)))
  end
  core.remove(path_of(name, slot.key))
  core.remove(path_of(name, slot.key, ".end"))
  return true
end

-- What a clock wrote that was far ahead would count when its time comes.
local function remove_ahead(seen, now)
  for _, floor in ipairs(seen.ahead) do
    if floor.at > now + NEVER then
      core.remove(floor.name)
    end
  end
end

-- What was missed, but for the newest.
local function prune_missed(name, keys, keep, oldest)
  table.sort(keys, function(a, b) return a > b end)
  for i, key in ipairs(keys) do
    if i > keep or texts.time(key) < oldest then
      core.remove(path_of(name, key, ".missed"))
    end
  end
end

--- Ask for the end of a run, for good: whoever carries it hears of that when it renews its lease.
-- @tparam string id
function records.cancel(id)
  core.put(shelf.path(id, "cancel.json"), json.encode {version = 1, at = clock.utc()})
end

--- Remove slots that are over, with their runs. One that is claimed and has not ended stays, and
-- one whose run somebody carries.
-- @tparam string name
-- @tparam integer keep how many that ran, and how many that were skipped or missed, may stay
-- @tparam ?number keep_for seconds since their end; whatever their age when nil or 0
-- @tparam number now seconds since 1970
-- @treturn integer how many are removed
function records.prune(name, keep, keep_for, now)
  local seen = look(name)
  local oldest = keep_for and keep_for > 0 and now - keep_for or -math.huge
  prune_missed(name, seen.missed, keep, oldest)
  remove_ahead(seen, now)
  local chosen = choose(name, seen.slots, keep, oldest, now)
  local count = 0
  if #chosen == 0 then
    return 0
  end
  raise_floor(name, seen, chosen)
  for _, slot in ipairs(chosen) do
    count = count + (remove_slot(name, slot) and 1 or 0)
  end
  return count
end

return records
