--- The dispatcher of scheduled jobs: begins each slot when it is due, once over all hosts.
--
-- One task keeps the time: a heap has the next slot of each job. A slot that is due is queued at
-- its job, and a place (of `max_runs`) works on the queue: it decides what becomes of the slot
-- (see jobs_decide), and carries it when this host got it. Nothing is kept in memory alone that
-- another host would need: what is claimed is in the store.
-- @module jobs_dispatcher
local jobs_bell = require "jobs_bell"
local jobs_carry = require "jobs_carry"
local jobs_decide = require "jobs_decide"
local jobs_ends = require "jobs_ends"
local jobs_follow = require "jobs_follow"
local jobs_heap = require "jobs_heap"
local jobs_overview = require "jobs_overview"
local jobs_survey = require "jobs_survey"
local tasks = require "tasks"

local dispatcher = {job = jobs_overview.job, jobs = jobs_overview.jobs, info = jobs_overview.info}
dispatcher.__index = dispatcher

local EVERY = 30 -- seconds
local DAY = 86400 -- seconds
local STEP = 2 -- seconds between what the two clocks say that are a step of one
local LATE = 60 -- seconds: a slot found later was not waited for
local MOST_SEARCHERS = 16 -- tasks that look for slots in the store
local MOST_DRAWN = 20 -- keys that are tried for a run by hand
local LAST_WAIT = 5 -- seconds for processes that were killed
local SOONEST_RETRY, LATEST_RETRY = 1, 60 -- seconds, after the store has failed

-- --- telling -----------------------------------------------------------------------------------

--- Call a function when something happens.
-- @tparam function fn gets the job's name, what ("claimed", "began", "failed", "ended", "skipped",
--   "missed", "late", "paused", "resumed", "reloaded", "draining") and a table of facts
function dispatcher:on_change(fn)
  self.listeners[#self.listeners + 1] = fn
end

-- Tells all who listen. None of them may stop a job.
function dispatcher:tell(row, what, facts)
  for _, listener in ipairs(self.listeners) do
    local ok, message = pcall(listener, row and row.name, what, facts or {})
    if not ok then
      self.warn(("telling '%s': %s"):format(what, tostring(message)))
    end
  end
end

-- --- rows --------------------------------------------------------------------------------------

--- A job as the dispatcher sees it.
-- @tparam string name
-- @treturn table
function dispatcher.new_row(name)
  return {name = name, queue = {}, running = {}, foreign = {}, surveys = 0, searches = {},
    counts = {succeeded = 0, failed = 0, timed_out = 0, canceled = 0, skipped = 0, missed = 0,
      late = 0}}
end

-- The row of a job that is declared. What was known of one of the same name goes on.
local function declare_row(own, i, before)
  local name = own.core.name(i)
  local row = before[name] or own.strays[name] or dispatcher.new_row(name)
  own.strays[name] = nil
  row.i = i
  row.facts = nil
  row.fingerprint = own.core.fingerprint(i)
  return row
end

--- What the job of a row says.
-- @tparam table row
-- @treturn table as of core.jobs.job(); of a job that is not declared what its runs need
function dispatcher:facts(row)
  if not row.facts then
    row.facts = row.i and self.core.job(row.i) or jobs_follow.undeclared(row.name)
  end
  return row.facts
end

-- A number from 0 to 1 that is the same for the same text on all hosts (FNV-1a).
local function spread(text)
  local hash = 0x811c9dc5
  for at = 1, #text do
    hash = ((hash ~ text:byte(at)) * 0x01000193) & 0xffffffff
  end
  return (hash ~ hash >> 15) % 1000 / 1000
end

--- When a slot is to begin: its time, and the job's jitter.
-- @tparam table row
-- @tparam integer slot
-- @treturn number seconds since 1970
function dispatcher:due(row, slot)
  local jitter = self:facts(row).jitter
  return jitter > 0 and slot + jitter * spread(row.name .. slot) // 1 or slot
end

-- Puts the row's first slot after a time into the heap. One that is in there already is replaced:
-- what was there is recognised as old when it comes up.
function dispatcher:plan(row, after)
  if not self:facts(row).enabled then
    row.plan = nil
    return
  end
  local slot, note = self.core.next(row.i, after)
  row.plan = slot and {row = row, slot = slot, note = note, due = self:due(row, slot)} or nil
  if row.plan then
    self.heap:add(row.plan)
  end
  if row.plan and self.heap:first() == row.plan then
    self.bell:ring() -- who keeps the time may sleep for longer
  end
end

-- --- places ------------------------------------------------------------------------------------

-- What a place is taken for.
local function work_at_place(self, turn)
  local ok, failure = pcall(turn.fn, self, turn.row, turn.key)
  if not ok then
    self.warn(("job '%s': %s"):format(turn.row.name, tostring(failure)))
  end
  self.taken = self.taken - 1
  self:pump()
end

-- Starts what waits for a place, as long as there are any.
function dispatcher:pump()
  while self.taken < self.max_runs and self.first <= self.last and not self.is_draining do
    local turn = self.ready[self.first]
    self.ready[self.first] = nil
    self.first = self.first + 1
    self.taken = self.taken + 1
    tasks.spawn(work_at_place, self, turn)
  end
end

--- Have a function called when a place is free for it: each in its turn.
-- @tparam function fn gets the dispatcher, the row and the key; the place is its own until it
--   returns
-- @tparam table row
-- @tparam[opt] string key
function dispatcher:take_turn(fn, row, key)
  self.last = self.last + 1
  self.ready[self.last] = {fn = fn, row = row, key = key}
  self:pump()
end

--- Have a row's queue worked on.
-- @tparam table row
function dispatcher:wake(row)
  local has_to_wait = row.is_resting or row.surveys > 0
  if row.is_ready or row.is_busy or has_to_wait or #row.queue == 0 then
    row.is_wanted = row.is_busy
    return
  end
  row.is_ready = true
  self:take_turn(self.work, row)
end

-- Goes on behind a time without a store. Slots that are long due then are caught up, as all that
-- nobody has begun.
local function go_on(self, row)
  local first = row.surveys == 0 and row.i and row.queue[1]
  if first and self.now() - self:facts(row).jitter - first.slot > LATE then
    self:survey(row)
  else
    self:wake(row)
  end
end

-- What could not be decided is looked at again: the longer, the less often.
function dispatcher:later(row, failure)
  row.pause = math.min(2 * (row.pause or SOONEST_RETRY / 2), LATEST_RETRY)
  self.warn(("job '%s': %s; again in %d s"):format(row.name, tostring(failure), row.pause))
  row.is_resting = true
  tasks.spawn(function()
    local has_time = self.nap(row.pause)
    row.is_resting = false
    if has_time then
      go_on(self, row)
    end
  end)
end

-- Takes slots of the queue as long as that can be decided now. One that this host carries keeps the
-- place, and the queue goes on at another one.
function dispatcher:work(row)
  local ok, verdict, found
  row.is_ready, row.is_busy = false, true
  repeat
    row.is_wanted = false
    ok, verdict, found = pcall(jobs_decide.first, self, row)
  until not ok or verdict ~= "next" and not (verdict == "wait" and row.is_wanted)
  row.is_busy = false
  row.pause = not ok and row.pause or nil
  if not ok then
    self:later(row, verdict)
  elseif verdict == "carry" then
    self:wake(row)
    self:carry(row, found)
  end
end

-- --- carrying ------------------------------------------------------------------------------------

-- The means of jobs_carry for one slot.
local function means_of(self, row, entry)
  return setmetatable({
    tell = function(what, facts)
      entry.worker, entry.attempt = facts.worker or nil, facts.attempt or entry.attempt
      if self.is_draining and entry.worker then
        entry.worker:signal "interrupt"
      end
      self:tell(row, what, {key = entry.key, run = entry.run, slot = entry.slot,
        attempt = facts.attempt, pid = facts.pid, status = facts.status, error = facts.error,
        exit_code = facts.exit_code, again_in = facts.again_in})
    end,
    is_draining = function()
      return self.is_draining
    end,
    ending = function(ending)
      jobs_ends.foresee(self, row, entry, ending)
    end,
  }, {__index = self})
end

--- Carry a slot that this host has, to its end. Waits.
-- @tparam table row
-- @tparam table entry `key`, `slot`, `run`, `claim`, and `attempts` of one that is taken up
function dispatcher:carry(row, entry)
  entry.host, entry.began, entry.since = self.host, self.now(), self.steady_now()
  row.running[entry.key], row.foreign[entry.key] = entry, nil
  self.running = self.running + 1
  local ok, ending, why = pcall(jobs_carry.slot, means_of(self, row, entry), self:facts(row),
    entry.key, entry.claim, entry.attempts)
  row.running[entry.key] = nil
  self.running = self.running - 1
  if ok and ending then
    local settled, failure = pcall(jobs_ends.settle, self, row, entry, ending)
    if not settled then
      self.warn(("job '%s': behind the end of %s: %s"):format(row.name, entry.run,
        tostring(failure)))
    end
  else
    why = ok and why or tostring(ending)
    row.foreign[entry.key] = {slot = entry.slot, run = entry.run, host = entry.host,
      began = entry.began, since = entry.since, attempt = entry.attempt, is_held = ok,
      check_at = self.steady_now() + (ok and self.every or LATEST_RETRY)}
    self:tell(row, "left", {key = entry.key, slot = entry.slot, run = entry.run, reason = why})
    if not ok then
      self.warn(("job '%s': %s: %s"):format(row.name, entry.run, why))
    end
  end
  self.over:ring()
  self:wake(row)
end

-- --- the time ----------------------------------------------------------------------------------

-- Puts a slot among those that wait, in their order, unless it does already.
local function enqueue(row, slot)
  local place = #row.queue
  while place > 0 and row.queue[place].slot > slot do
    place = place - 1
  end
  if place == 0 or row.queue[place].slot < slot then
    table.insert(row.queue, place + 1, {slot = slot, is_on_time = true})
  end
end

-- A slot is due of a job whose earlier ones are still to be looked for: they come before all others.
local function hasten(self, row)
  for it in pairs(row.searches) do
    if not it.is_urgent then
      it.is_urgent = true
      table.insert(self.urgent, it)
    end
  end
end

-- Queues what is due. A slot that is found late, because nobody was here or a clock was set, may
-- have been begun elsewhere, and others with it: the store is asked.
local function queue_due(self, now)
  local plan = self.heap:first()
  while plan and plan.due <= now do
    local row = plan.row
    self.heap:take()
    if row.plan == plan and now - self:facts(row).jitter - plan.slot > LATE then
      self:survey(row)
    elseif row.plan == plan then
      enqueue(row, plan.slot)
      hasten(self, row)
      self:plan(row, plan.slot)
      self:wake(row)
    end
    plan = self.heap:first()
  end
end

-- The next that is to be looked for: of jobs whose slots wait for that, or else the one that was asked
-- for first. Nil: there is none.
local function take_search(self)
  local it
  repeat
    it = table.remove(self.urgent)
    if not it and self.search <= self.last_search then
      it = self.searches[self.search]
      self.searches[self.search] = nil
      self.search = self.search + 1
    end
  until not it or not it.is_taken -- it stands in both lists
  if it then
    it.is_taken = true
    it.row.searches[it] = nil
  end
  return it
end

-- Looks for what was asked for, one after the other.
local function search(self)
  for it in take_search, self do
    local ok, failure = pcall(jobs_carry.persist, self, "looking for the slots of " .. it.row.name,
      function()
        jobs_follow.sweep(self, it.asked) -- what goes on elsewhere
        jobs_survey.look(self, it.row, it.row.known_at)
      end)
    it.row.surveys = it.row.surveys - 1
    if not ok and not self.is_draining then
      self.warn(("job '%s': %s"):format(it.row.name, tostring(failure)))
    end
    self:wake(it.row)
  end
  self.searchers = self.searchers - 1
end

--- Look up in the store what became of a row's slots, those of its queue included, and queue what
-- is left to do. Those that may begin later yet, by the job's jitter, are planned. Meanwhile nothing
-- of the row is decided: older slots come first.
-- @tparam table row
function dispatcher:survey(row)
  self:plan(row, self.now() - self:facts(row).jitter)
  row.surveys = row.surveys + 1
  local it = {row = row, asked = self.steady_now()}
  row.searches[it] = true
  self.last_search = self.last_search + 1
  self.searches[self.last_search] = it
  if self.searchers < MOST_SEARCHERS then
    self.searchers = self.searchers + 1
    tasks.spawn(search, self)
  end
end

-- Slots that were begun before a clock was set back are in the store: they do not begin again.
local function plan_anew(self, now)
  self.heap = jobs_heap.new()
  for _, row in ipairs(self.rows) do
    self:plan(row, now - self:facts(row).jitter)
  end
end

-- The machine's clock may have been set: both clocks go on by the same.
local function notice_step(self, now, steady)
  local step = self.wall and (now - self.wall) - (steady - self.steady) or 0
  self.wall, self.steady = now, steady
  if math.abs(step) < STEP or self.has_own_clock then
    return
  end
  self.clock_steps = self.clock_steps + 1
  self.warn(("the machine's clock was set %s by %.0f s"):format(step < 0 and "back" or "ahead",
    math.abs(step)))
  if step < 0 then
    plan_anew(self, now)
  elseif step > LATE then
    self.keeps_until = steady + DAY -- it may be set back: what has run is to be known then
  end
end

-- Keeps the time until it is over.
local function keep_time(self)
  while not self.is_draining do
    local now = self.now()
    notice_step(self, now, self.steady_now())
    queue_due(self, now)
    local first = self.heap:first()
    local pause = first and first.due - self.now() or self.every
    self.bell:wait(math.max(0, math.min(pause, self.every)))
  end
end

-- --- the jobs ----------------------------------------------------------------------------------

-- Since when jobs are known with their schedule; what is new is written down.
local function learn(self, rows)
  local declared, new = {}, {}
  for _, row in ipairs(self.rows) do
    declared[row.name .. "\n" .. row.fingerprint] = true
  end
  local known, now = self.records.known(declared), self.now()
  for _, row in ipairs(rows) do
    local at = row.i and known[row.name .. "\n" .. row.fingerprint]
    if row.i and not at then -- else it is not declared any more
      new[#new + 1] = {row.name, row.fingerprint}
    end
    row.known_at = at and math.min(at, now) or now
  end
  if #new > 0 then
    self.records.add_known(new, now)
  end
end

-- Makes the rows of what is declared. Those that are gone stay as long as their runs go on.
local function load(self)
  local before = self.by_name
  self.rows, self.by_name, self.heap = {}, {}, jobs_heap.new()
  for i = 1, self.core.count() do
    local row = declare_row(self, i, before)
    self.rows[i], self.by_name[row.name] = row, row
  end
  for name, row in pairs(before) do
    if not self.by_name[name] then
      row.i, row.fingerprint, row.plan, row.planned_by, row.queue = nil, nil, nil, nil, {}
      self.strays[name] = row
    end
  end
end

-- Plans a job that is new, or has another schedule. When it may have missed a slot, that is looked
-- up.
local function plan_first(self, row, now)
  local first, facts = self.core.next(row.i, row.known_at), self:facts(row)
  row.queue = {}
  if first and first <= now - facts.jitter and facts.enabled then
    self:survey(row)
  else
    self:plan(row, row.known_at)
  end
end

-- What the plan of a row is made from.
local function mark_of(self, row)
  return row.fingerprint .. tostring(self:facts(row).enabled)
end

-- Plans those that are declared with the same schedule: they go on where they were. Returns the
-- others.
local function plan_old(self)
  local others = {}
  for _, row in ipairs(self.rows) do
    if row.planned_by ~= mark_of(self, row) then
      row.plan, row.planned_by, row.queue = nil, nil, {}
      others[#others + 1] = row
    elseif row.plan then
      self:plan(row, row.plan.slot - 1)
    end
  end
  return others
end

-- Plans what is declared anew, when that is known of the store. Meanwhile it may have been declared
-- in another way again.
local function plan_new(self, rows)
  if #rows == 0 then
    return
  end
  learn(self, rows)
  local now = self.now()
  for _, row in ipairs(rows) do
    if row.i and row.planned_by ~= mark_of(self, row) then
      row.planned_by = mark_of(self, row)
      plan_first(self, row, now)
    end
  end
  self.bell:ring()
end

--- Read the configuration again. A broken one changes nothing.
-- @treturn boolean whether it was read; and what is wrong with it
function dispatcher:reload()
  local ok, wrong = self.core.reload()
  if not ok then
    return false, wrong
  end
  load(self)
  local new = plan_old(self)
  self.bell:ring()
  tasks.spawn(function()
    local is_planned, failure = pcall(jobs_carry.persist, self, "since when jobs are known",
      plan_new, self, new)
    if not is_planned and not self.is_draining then
      self.warn(("jobs that are new: %s"):format(tostring(failure)))
    end
  end)
  self:tell(nil, "reloaded", {jobs = #self.rows})
  return true
end

-- --- by hand -----------------------------------------------------------------------------------

local function find(self, name)
  return self.by_name[name] or error(("there is no job '%s'"):format(name), 0)
end

-- Claims a slot that nobody has. Keys are drawn at random.
local function claim_by_hand(self, name, by)
  for _ = 1, MOST_DRAWN do
    local now = self.now()
    local key = self.records.key(now, true)
    local claim = {kind = "by hand", status = "claimed", run = self.records.run_id(name, key),
      host = self.host, at = now, slot = math.floor(now), by = by, late = 0}
    if self.records.claim(name, key, claim) then
      return claim, key
    end
  end
  error(("%d keys that were drawn at random are taken"):format(MOST_DRAWN), 0)
end

--- Begin a run of a job now, whatever goes on. Waits until it is claimed.
-- @tparam string name
-- @tparam string by who asks
-- @treturn string the slot's key
-- @raise a message when there is no such job, or this host is to end; what the store refuses
function dispatcher:run_now(name, by)
  local row = find(self, name)
  if self.is_draining then
    error("this host begins no run any more", 0)
  end
  local claim, key = claim_by_hand(self, name, by)
  local entry = {key = key, slot = claim.slot, run = claim.run, claim = claim,
    since = self.steady_now()}
  self:tell(row, "claimed", {key = key, run = claim.run, slot = claim.slot, by = by})
  row.running[key] = entry -- from now on: what is decided meanwhile is to know of it
  tasks.spawn(self.carry, self, row, entry)
  return key
end

--- Pause a job: no slot begins any more, on any host.
-- @tparam string name
-- @tparam string by
-- @tparam[opt] string reason
function dispatcher:pause(name, by, reason)
  local row = find(self, name)
  self.records.pause(name, {at = self.now(), by = by, reason = reason})
  row.paused = self.records.paused(name)
  self:tell(row, "paused", {by = by, reason = reason})
end

--- Let it go on, from now on.
-- @tparam string name
-- @tparam string by
function dispatcher:resume(name, by)
  local row = find(self, name)
  self.records.unpause(name, self.now())
  row.paused, row.failures = nil, 0
  self:tell(row, "resumed", {by = by})
end

-- --- beginning and end -------------------------------------------------------------------------

--- A dispatcher of the jobs that are declared.
-- @tparam table means `core` (core.jobs), `records` (jobs_records), `start` (core.worker.start),
--   `now()` and `steady_now()` (seconds; of the machine's two clocks), `has_own_clock` (the
--   simulator's, which nobody sets, but which may be fast), `warn(text)`, `host`,
--   `store`, `folder`, `words` (options of every run), `max_runs`, `lease` (seconds that a run stays
--   with a host that is not heard of), `notices` or nil, `tells_others` (somebody looks at
--   jobs() and job(): how jobs ended before is read), `every` (30 seconds: between two looks at
--   the clock, which may be set, and at other hosts)
-- @treturn table
function dispatcher.new(means)
  local own = setmetatable({}, dispatcher)
  for name, value in pairs(means) do
    own[name] = value
  end
  own.listeners, own.bell, own.over = {}, jobs_bell.new(), jobs_bell.new()
  own.every = own.every or EVERY
  own.by_name, own.strays = {}, {} -- rows by name: of jobs, and of those that are not declared
  own.ready, own.first, own.last, own.taken, own.running = {}, 1, 0, 0, 0
  own.searches, own.search, own.last_search, own.searchers, own.urgent = {}, 1, 0, 0, {}
  own.keeps_until = -math.huge -- by the steady clock: nothing is removed
  own.clock_steps, own.naps, own.started = 0, {}, means.now()
  own.nap = function(seconds)
    return own:rest(seconds)
  end
  return own
end

--- Wait so long, unless everything is to end.
-- @tparam number seconds
-- @treturn boolean false: there is no time any more
function dispatcher:rest(seconds)
  if self.is_draining then
    return false
  end
  local bell = jobs_bell.new()
  self.naps[bell] = true
  bell:wait(seconds)
  self.naps[bell] = nil
  return not self.is_draining
end

--- Look what there is, and plan the jobs. Waits.
-- @raise what the store refuses
function dispatcher:open()
  load(self)
  jobs_follow.sweep(self) -- what goes on is known before anything begins
  plan_new(self, plan_old(self))
  if self.tells_others then
    tasks.spawn(jobs_ends.remember, self)
  end
end

--- Begin slots when they are due, until drain(). Waits.
function dispatcher:run()
  tasks.spawn(jobs_follow.keep_sweeping, self)
  keep_time(self)
end

-- Wakes whoever rests.
local function wake_all(self)
  for bell in pairs(self.naps) do
    bell:ring()
  end
  self.bell:ring()
end

-- Sends all processes a signal.
local function signal_all(self, name)
  for _, rows in ipairs {self.by_name, self.strays} do
    for _, row in pairs(rows) do
      for _, entry in pairs(row.running) do
        if entry.worker then
          entry.worker:signal(name)
        end
      end
    end
  end
end

-- Waits until nothing runs any more, so long at most.
local function wait_for_runs(self, seconds, is_over)
  local deadline = self.steady_now() + seconds
  while self.running > 0 and self.steady_now() < deadline and not (is_over and is_over()) do
    self.over:wait(deadline - self.steady_now())
  end
end

--- Begin nothing any more, and hand over what goes on: runs stop where they can be carried on. Waits
-- for that.
-- @tparam number grace seconds, after which what still goes on is killed
function dispatcher:drain(grace)
  self.is_draining = true
  self:tell(nil, "draining", {running = self.running})
  wake_all(self)
  signal_all(self, "interrupt")
  wait_for_runs(self, grace, function()
    return self.is_killed
  end)
  signal_all(self, "kill")
  wait_for_runs(self, LAST_WAIT)
end

--- Wait no longer for what drain() waits for.
function dispatcher:kill()
  self.is_killed = true
  self.over:ring()
end

return dispatcher
