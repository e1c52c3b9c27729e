--- Tell people of jobs: failures, recoveries, slots that began late or never.
--
-- Telling never keeps a job waiting: what is to be told goes to the store and then to a few tasks.
-- Who tells what is settled there (jobs_notice_shelf): over all hosts each event of a slot is told
-- to each receiver at least once, with an id that stays the same when it is told again.
--
-- - The first failure of a series is told; another of the same job once a day, until it recovers.
-- - A recovery is told when a failure was told before.
-- - A late slot is told at most once per hour and job, with how many others there were.
--
-- What fails is tried again for a day, after 1 s, 2 s, up to 5 minutes, or as long as the receiver
-- asks for; a refusal that will not pass (HTTP 4xx, SMTP 5xx) is the end of it.
-- @module jobs_notices
local check = require "core.check"
local clock = require "clock"
local env = require "env"
local log = require "log"
local shelf = require "jobs_notice_shelf"
local tasks = require "tasks"
local texts = require "jobs_notice_texts"
local ways = require "jobs_notice_ways"

local notices = {}
notices.__index = notices

local AT_ONCE = 8 -- that are told
local MOST = 1000 -- that are told or wait for another try
local PATIENCE = 86400 -- seconds in which a notice is tried
local LONGEST_PAUSE = 300
local FIRST_TERM, TERM = 180, 900 -- for which a notice is its owner's
local CLOSING = 5 -- seconds that telling may take when the program ends
local MARGIN = 120 -- of a term, for the clocks of hosts and one try
local REMINDER = 86400 -- between failures of a series that are told
local LATENESS = 3600 -- between late slots of a job that are told
local KEPT = 7 * 86400 -- how long it is known what was told of a slot

--- What tells of jobs.
-- @tparam[opt] table own `find(name)` -> the job as it is declared now, or nil; `host`; and for
--   tests what stands in for `store` (core.runs), `post` (core.post), `now`, `sleep`, `spawn`,
--   `random`, `env` (a function) and `log`
-- @treturn table
function notices.new(own)
  local self = setmetatable({}, notices)
  for name, value in pairs(own or {}) do
    self[name] = value
  end
  self.store = self.store or require "core.runs"
  self.post = self.post or require "core.post"
  self.find = self.find or function() end
  self.host = self.host or "?"
  self.now, self.sleep = self.now or clock.now, self.sleep or tasks.sleep
  self.spawn, self.random = self.spawn or tasks.spawn, self.random or math.random
  self.env, self.log = self.env or env.get, self.log or log
  self.holder = self.post.id()
  self.ready, self.first, self.last = {}, 1, 0
  self.working, self.count = 0, 0
  self.mine, self.seen, self.events = {}, {}, {}
  self.workers, self.sleepers = {}, {}
  return self
end

-- --- the queue ---------------------------------------------------------------------------------

local perform -- what an item is; returns the seconds until it is tried again, or nil

-- After the n-th try: 1 s, 2 s, .. 5 minutes, a quarter more or less.
local function backoff(self, tries)
  local pause = math.min(LONGEST_PAUSE, 2 ^ math.min(tries - 1, 10))
  return pause * (0.75 + 0.5 * self.random())
end

-- The store could not be reached: the item waits, and is given up after a day.
local function after_trouble(self, item, why)
  item.troubles = (item.troubles or 0) + 1
  if not check.is_failure(why) then
    self.log.error(("a notice of job '%s' is lost: %s"):format(item.job, tostring(why)))
  elseif self.now() - item.at > PATIENCE then
    self.log.warning(("a notice of job '%s' is given up: %s"):format(item.job, tostring(why)))
  else
    if item.troubles == 1 then
      self.log.warning(("a notice of job '%s' waits: %s"):format(item.job, tostring(why)))
    end
    return backoff(self, item.troubles)
  end
end

local push

-- Runs a function in a task that is among `list` while it lives.
local function start(self, list, fn, ...)
  local task
  task = self.spawn(function(...)
    fn(...)
    list[task] = nil
  end, ...)
  list[task] = true
end

-- The item is over; of the events of a job the next one follows.
local function leave(self, item)
  self.count = self.count - 1
  if item.note then
    self.mine[item.base] = nil
    return
  end
  local chain = self.events[item.job]
  local following = table.remove(chain, 1)
  if following then
    push(self, following)
  else
    self.events[item.job] = nil
  end
end

local function work(self)
  while self.first <= self.last do
    local item = self.ready[self.first]
    self.ready[self.first], self.first = nil, self.first + 1
    local ok, pause = pcall(perform, self, item)
    if not ok then
      pause = after_trouble(self, item, pause)
    end
    if pause then
      start(self, self.sleepers, function()
        self.sleep(pause)
        push(self, item)
      end)
    else
      leave(self, item)
    end
  end
  self.working = self.working - 1
end

function push(self, item)
  self.last = self.last + 1
  self.ready[self.last] = item
  if self.working < AT_ONCE then
    self.working = self.working + 1
    start(self, self.workers, work, self)
  end
end

-- Whether there was room, and somebody to do it. Events of one job are looked at one after the other: what is told of one
-- depends on what was told before.
local function add(self, item)
  if self.count >= MOST or self.is_closed then
    return false
  end
  self.count = self.count + 1
  local chain = not item.note and self.events[item.job]
  if chain then
    chain[#chain + 1] = item
    return true
  elseif not item.note then
    self.events[item.job] = {}
  end
  push(self, item)
  return true
end

-- --- what is told ------------------------------------------------------------------------------

local function is_wanted(target, event)
  return not target.on or target.on[event] == true
end

-- Of a series of failures all is looked at when any of it is told: what is told depends on it.
local function is_of_use(notify, event)
  for _, target in ipairs(notify) do
    if is_wanted(target, event) or event ~= "lateness"
       and (is_wanted(target, "failure") or is_wanted(target, "recovery")) then
      return true
    end
  end
  return false
end

local function till(self, term, pause)
  return self.now() + (pause or 0) + (term == 1 and FIRST_TERM or TERM)
end

-- Puts the first term of a notice for each who is to be told; those that are ours go on.
local function begin_notices(self, item, more)
  local entry = {}
  for name, value in pairs(item.entry) do
    entry[name] = value
  end
  for name, value in pairs(more) do
    entry[name] = value
  end
  for index, target in ipairs(item.notify) do
    local note = {id = self.post.id(), job = item.job, event = item.event, key = entry.key,
                  index = index, way = target.way, at = item.at, host = self.host, tries = 0,
                  entry = entry}
    local base = shelf.base(note)
    local ends = till(self, 1)
    if is_wanted(target, item.event) and not self.mine[base]
       and shelf.take(self.store, note, 1, self.holder, ends) then
      local own = {note = note, base = base, job = note.job, at = note.at, term = 1, ends = ends,
                   target = target, progress = {}}
      self.mine[base] = own
      if not add(self, own) then
        self.mine[base] = nil -- `sweep` finds it
      end
    end
  end
end

local DECIDE = {}

function DECIDE.failure(self, item, seen)
  local last = seen.series
  local is_again = last ~= nil and last.what == "failure" and last.key < item.entry.key
  if is_again and not seen.marks[item.entry.key .. ".failure"]
     and self.now() - last.at < REMINDER then
    return
  end
  begin_notices(self, item, {again = is_again or nil})
  shelf.mark(self.store, item.job, item.entry.key, "failure")
end

function DECIDE.recovery(self, item, seen)
  local last, key = seen.series, item.entry.key
  local is_open = last ~= nil and last.what == "failure" and last.key <= key
  if not is_open and not seen.marks[key .. ".recovery"] then
    return
  end
  shelf.mark(self.store, item.job, key, "recovery") -- first: what fails from now on is told
  begin_notices(self, item, {})
  shelf.drop(self.store, seen, function(mark)
    return (mark.what == "failure" or mark.what == "recovery") and mark.key < key
  end)
end

function DECIDE.lateness(self, item, seen)
  local key = item.entry.key
  if seen.marks[key .. ".late"] then
    return
  elseif not seen.marks[key .. ".lateness"] and seen.late
         and self.now() - seen.late.at < LATENESS then
    shelf.mark(self.store, item.job, key, ("late-%d"):format(item.entry.count or 1))
    return
  end
  begin_notices(self, item, {others = seen.others > 0 and seen.others or nil})
  shelf.mark(self.store, item.job, key, "lateness")
  shelf.drop(self.store, seen, function(mark)
    return mark.what:find "^late" ~= nil and mark.key ~= key
  end)
end

local function decide(self, item)
  local seen = shelf.look(self.store, item.job, self.now() - KEPT)
  DECIDE[item.event](self, item, seen)
  for _, name in ipairs(seen.old) do
    self.store.remove(name)
  end
end

local function event_item(self, job, event, entry)
  assert(DECIDE[event], "an event of jobs expected")
  return {job = job.name, notify = job.notify or {}, event = event,
          entry = texts.entry(entry), at = self.now()}
end

--- Have the store know what is to be told, and tell it. Waits for the store alone; of two calls
-- for the same slot and event the second does nothing, so that what may not have been noted
-- before somebody died can be noted again.
-- @tparam table job as core.jobs has it: `name`, `notify`
-- @tparam string event "failure", "recovery" or "lateness"
-- @tparam table entry of the slot, as `jobs_records.history` gives them
-- @raise failure what the store refuses
function notices:note(job, event, entry)
  local item = event_item(self, job, event, entry)
  if is_of_use(item.notify, event) then
    decide(self, item)
  end
end

--- The same in a task of its own: returns at once, and raises nothing.
function notices:tell(job, event, entry)
  local ok, why = pcall(function()
    local item = event_item(self, job, event, entry)
    if is_of_use(item.notify, event) and not add(self, item) then
      self.log.warning(("a notice of job '%s' (%s) is dropped: %s"):format(item.job, event,
        self.is_closed and "the program ends" or ("%d wait already"):format(MOST)))
    end
  end)
  if not ok then
    self.log.error(("a notice is lost: %s"):format(tostring(why)))
  end
end

-- --- telling it --------------------------------------------------------------------------------

local function label(note)
  return ("job '%s': %s %d (%s of slot %s)"):format(note.job, note.way, note.index, note.event,
    note.key)
end

-- Puts the next term, which lasts beyond a pause. False when the notice is another's.
local function extend(self, item, pause)
  local ends = till(self, item.term + 1, pause)
  if not shelf.take(self.store, item.note, item.term + 1, self.holder, ends) then
    return false
  end
  item.term, item.ends = item.term + 1, ends
  return true
end

-- What came of it is remembered until the store has it: nobody is told twice for its sake.
local function close(self, item)
  shelf.finish(self.store, item.note, item.term, item.outcome, self.now())
end

local function give_up(self, item, why)
  self.log.warning(("%s is given up: %s"):format(label(item.note), why))
  item.outcome = "given up"
  close(self, item)
end

local function try_again(self, item, why, after)
  local note = item.note
  local pause = math.max(backoff(self, note.tries), after or 0)
  if self.now() + pause > note.at + PATIENCE then
    return give_up(self, item, why)
  end
  if note.tries == 1 then
    self.log.warning(("%s failed and is tried again: %s"):format(label(note), why))
  end
  if self.now() + pause + MARGIN > item.ends and not extend(self, item, pause) then
    return nil
  end
  return pause
end

-- Who is to be told, as it is declared now. The places in the list are what counts.
local function target_of(self, item)
  local job = self.find(item.job)
  local target = job and job.notify and job.notify[item.note.index]
  if job == nil then
    target = item.target
  end
  return target and target.way == item.note.way and target or nil
end

local function send(self, item)
  local note, target = item.note, target_of(self, item)
  if not target then
    return give_up(self, item, "nobody is to be told any more")
  end
  local verdict, why, after = ways[note.way](self, target, note, item.progress)
  note.tries = note.tries + 1
  if verdict == "delivered" then
    if note.tries > 1 then
      self.log.info(("%s is delivered after %d tries"):format(label(note), note.tries))
    end
    item.outcome = "delivered"
    return close(self, item)
  elseif verdict == "never" then
    return give_up(self, item, why)
  end
  return try_again(self, item, why, after)
end

function perform(self, item)
  if not item.note then
    return decide(self, item)
  elseif item.outcome then
    return close(self, item)
  elseif self.now() + MARGIN / 2 > item.ends and not extend(self, item) then
    return nil
  end
  return send(self, item)
end

-- --- what others left --------------------------------------------------------------------------

local function adopt(self, base, term)
  local note, is_damaged = shelf.read_term(self.store, base, term)
  if is_damaged then
    if self.seen[base] ~= math.huge then
      self.log.warning(("a notice in the store is damaged: %s"):format(base))
    end
    self.seen[base] = math.huge
    return
  elseif not note then
    return
  end
  local ends = note["until"]
  if self.now() <= ends + MARGIN then
    self.seen[base] = ends + MARGIN
    return
  end
  if not self.find(note.job) and self.now() - note.at <= PATIENCE then
    return -- another host may know the job
  end
  note["until"], note.holder = nil, nil
  local item = {note = note, base = base, job = note.job, at = note.at, term = term, ends = ends,
                progress = {}}
  if extend(self, item) then
    self.mine[base] = item
    if not add(self, item) then
      self.mine[base] = nil
    end
  end
end

--- Take up notices whose owner has died. Waits for the store; what is told goes on in tasks.
-- @raise failure what the store refuses
function notices:sweep()
  local pending = shelf.pending(self.store)
  for base in pairs(self.seen) do
    self.seen[base] = pending[base] and self.seen[base] or nil
  end
  for base, term in pairs(pending) do
    if not self.mine[base] and self.count < MOST and self.now() > (self.seen[base] or 0) then
      adopt(self, base, term)
    end
  end
end

--- How many are told now, or wait for another try.
-- @treturn integer
function notices:busy()
  return self.count
end

local function join_all(list)
  while next(list) do
    next(list):join()
  end
end

--- End: what is being told may take 5 seconds more. The rest is in the store, for whoever sweeps
-- there next. Waits.
function notices:close()
  tasks.try(tasks.timeout, CLOSING, join_all, self.workers)
  self.is_closed = true
  for _, list in ipairs {self.workers, self.sleepers} do
    for task in pairs(list) do
      task:cancel()
    end
  end
end

return notices
