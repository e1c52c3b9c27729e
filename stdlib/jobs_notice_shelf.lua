--- What a store has of notices: what is still to be told, and what was.
--
--     jobs/notices/pending/KEY.NAME.EVENT-INDEX.TERM.json   to be told; by whom, until when
--     jobs/notices/told/NAME/KEY.EVENT-INDEX.json           how telling ended
--     jobs/notices/told/NAME/KEY.failure.json, KEY.recovery.json    told of in a series of failures
--     jobs/notices/told/NAME/KEY.lateness.json, KEY.late-COUNT.json  told of, and not told of
--
-- Every text is put when there is none, and never changed. Whoever puts the first term of a notice
-- tells it; the next term is put by the same one when it takes longer, or by anybody once the last
-- is over: its owner has died. What says that it was told is put before the terms are removed, and
-- looked for after one was put: whatever dies where, it is told, and by its id it is told once.
-- @module jobs_notice_shelf
local clock = require "clock"
local json = require "json"

local shelf = {}

local PENDING, TOLD = "jobs/notices/pending/", "jobs/notices/told/"

-- --- notices that are to be told ---------------------------------------------------------------

--- What stands for a notice in names: slot, job, event and the place among those who are told.
function shelf.base(note)
  return ("%s.%s.%s-%d"):format(note.key, note.job, note.event, note.index)
end

local function term_path(note, term)
  return ("%s%s.%d.json"):format(PENDING, shelf.base(note), term)
end

local function end_path(note)
  return ("%s%s/%s.%s-%d.json"):format(TOLD, note.job, note.key, note.event, note.index)
end

--- The notices that wait to be told.
-- @treturn table the number of the last term by base
function shelf.pending(store)
  local terms = {}
  for _, entry in ipairs(store.list(PENDING)) do
    local base, term = entry.name:sub(#PENDING + 1):match "^(.+)%.(%d+)%.json$"
    if base then
      terms[base] = math.max(terms[base] or 0, tonumber(term))
    end
  end
  return terms
end

local NUMBERS = {"at", "tries", "until", "index"}
local STRINGS = {"id", "job", "event", "key", "way", "host", "holder"}

local function is_whole(tree)
  for _, name in ipairs(NUMBERS) do
    if type(tree[name]) ~= "number" then
      return false
    end
  end
  for _, name in ipairs(STRINGS) do
    if type(tree[name]) ~= "string" then
      return false
    end
  end
  return type(tree.entry) == "table"
end

-- A term; nil when it is absent, nil and true when it is damaged.
local function read(store, path)
  local text = store.get(path)
  if not text then
    return nil
  end
  local ok, tree = pcall(json.decode, text)
  if ok and type(tree) == "table" and is_whole(tree) then
    tree.index = math.tointeger(tree.index)
    return tree
  end
  return nil, true
end

--- A term of a notice.
-- @treturn ?table the note as it was then, with `holder` and `until`; nil when it is absent
-- @treturn ?boolean whether it is damaged
function shelf.read_term(store, base, term)
  return read(store, ("%s%s.%d.json"):format(PENDING, base, term))
end

--- Put the next term of a notice.
-- @tparam table store
-- @tparam table note whose `id` becomes that of the text when we had put it before
-- @tparam integer term
-- @tparam string holder who puts it
-- @tparam number till when it is over
-- @treturn boolean whether the notice is ours for that time; false when it is another's, or told
function shelf.take(store, note, term, holder, till)
  local tree = {["until"] = till, holder = holder}
  for name, value in pairs(note) do
    tree[name] = value
  end
  if not store.put(term_path(note, term), json.encode(tree)) then
    local there = read(store, term_path(note, term)) -- an answer may have been lost
    if not there or there.holder ~= holder then
      return false
    end
    note.id = there.id
  end
  if store.get(end_path(note), 0, 0) then
    shelf.clear(store, note, term)
    return false
  end
  return true
end

--- Remove the terms of a notice that was told.
function shelf.clear(store, note, term)
  for n = 1, term do
    store.remove(term_path(note, n))
  end
end

--- Write how telling ended.
function shelf.finish(store, note, term, status, at)
  store.put(end_path(note), json.encode {version = 1, id = note.id, status = status,
    way = note.way, host = note.host, at = clock.utc(at), tries = note.tries})
  shelf.clear(store, note, term)
end

-- --- what was told of a job --------------------------------------------------------------------

local function told_path(job, key, rest)
  return ("%s%s/%s.%s.json"):format(TOLD, job, key, rest)
end

--- What was told of a job, by one list.
-- @treturn table `series`, the last of failure and recovery that was told, `{key=, what=, at=}`, or
--   nil; `marks`, all of them and those of lateness by "KEY.what"; `late`, the last that was told;
--   `others`, how many late slots were not; `old`, names of texts before `oldest`
function shelf.look(store, job, oldest)
  local seen = {marks = {}, others = 0, old = {}}
  local folder = ("%s%s/"):format(TOLD, job)
  for _, entry in ipairs(store.list(folder)) do
    local key, rest = entry.name:sub(#folder + 1):match "^([^.]+)%.(.+)%.json$"
    local mark = key and {key = key, what = rest, at = entry.modified, name = entry.name}
    local count = rest and rest:match "^late%-(%d+)$"
    if mark and (rest == "failure" or rest == "recovery") then
      seen.marks[key .. "." .. rest] = mark
      local last = seen.series
      -- of one slot: a run that failed and was carried on has recovered
      if not last or key > last.key or key == last.key and rest == "recovery" then
        seen.series = mark
      end
    elseif mark and rest == "lateness" then
      seen.marks[key .. "." .. rest] = mark
      seen.late = seen.late and seen.late.at > mark.at and seen.late or mark
    elseif count then
      seen.marks[key .. ".late"] = mark
      seen.others = seen.others + tonumber(count)
    elseif mark and entry.modified < oldest then
      seen.old[#seen.old + 1] = entry.name
    end
  end
  return seen
end

--- Write that something was told, or for lateness that it was not.
function shelf.mark(store, job, key, what)
  store.put(told_path(job, key, what), "{}")
end

--- Remove marks that count no more.
-- @tparam table store
-- @tparam table seen of `look`
-- @tparam function is_over gets a mark
function shelf.drop(store, seen, is_over)
  for _, mark in pairs(seen.marks) do
    if is_over(mark) then
      store.remove(mark.name)
    end
  end
end

return shelf
