-- What decade_of_jobs.c runs: years of a few jobs, of hosts that come and go, of clocks that are
-- set and stores that fail, and at the end an account of every slot.
-- arg: the file of slots that tests/jobs_slots.py made, the seed, how many years
local jobs = require "core.jobs"
local tasks = require "tasks"
local world = require "jobs_world"

local random, steady = world.random, world.steady

local FILE, SEED, YEARS = arg[1], tonumber(arg[2]), tonumber(arg[3])
local YEAR, DAY, HOUR, MINUTE = 365.25 * 86400, 86400, 3600, 60
local LATE = 60 -- seconds that a slot may be late in any case

collectgarbage("setpause", 400)
world.seed(SEED)

-- --- what should be ----------------------------------------------------------------------------

local slots, place = {}, {} -- by job: its slots, and the place of each of them

local function read_slots()
  for line in io.lines(FILE) do
    local name, rest = line:match "^(%S+) ?(.*)$"
    local list, places = {}, {}
    for number in rest:gmatch "%d+" do
      list[#list + 1] = tonumber(number)
      places[tonumber(number)] = #list
    end
    slots[name], place[name] = list, places
  end
end

-- The place of the first slot behind a time.
local function behind(name, at)
  local list, low, high = slots[name], 1, #slots[name] + 1
  while low < high do
    local middle = (low + high) // 2
    if list[middle] > at then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

local faults = {}

local function complain(...)
  if #faults < 40 then
    faults[#faults + 1] = string.format(...)
  end
end

local function utc(at)
  return require("clock").utc(at):sub(1, 19)
end

-- moongate and Python agree on the slots.
local function compare_slots(name)
  local i, list = jobs.find(name), slots[name]
  local at = list[1] - 1
  for n, slot in ipairs(list) do
    at = jobs.next(i, at)
    if at ~= slot then
      complain("%s: slot %d is %s, not %s", name, n, utc(slot), utc(at))
      return
    end
  end
end

-- --- what happens ------------------------------------------------------------------------------

local hosts, ages, pauses = {}, {}, {}
local known -- by the wall: since when there is anything
local quiet = {} -- spans of a host's clock in which it was there, and nothing happened: {from, to}
local counts = {kills = 0, drains = 0, boots = 0, steps = 0, outages = 0, pauses = 0, reloads = 0,
  hands = 0}
local furthest = 0 -- what a clock that was set right has shown at most
local is_astray = false -- a clock is wrong by more than a minute

function world.lasts(name)
  local mean = tonumber(name:match "%-(%d+)$") * MINUTE
  return world.around(mean) // 1 + 1
end

local may_overlap = {}

-- Whether a run is one of a slot that has come; by hand, or by a clock that was wrong, others begin.
local function is_due(id)
  local key, by_hand = id:match "^(%d+%-%d+)%-(m?)"
  local is_by_hand = by_hand == "m" and id:find "^%d+%-%d+%-m%x%x%x%x%-"
  return not is_by_hand and require("jobs_records").time(key) <= world.wall() + MINUTE
end

function world.on_begin(name, id, other)
  if other and not may_overlap[name] and not is_astray and is_due(id) and is_due(other.id) then
    complain("%s: %s begins while %s goes on, at %s", name, id, other.id, utc(steady()))
  end
end

-- Ends the quiet span of a host.
local function disturb(host)
  if host.is_open then
    quiet[#quiet + 1] = {began = host.steady_since, from = host.since + 5 * MINUTE,
      upto = world.wall(host) - 20 * MINUTE}
    host.since, host.steady_since = world.wall(host), steady()
  end
end

world.on_death = disturb

local function disturb_all()
  for _, host in ipairs(hosts) do
    disturb(host)
  end
end

local function boot()
  local host = {name = "h" .. counts.boots, offset = random() * 30 // 1 - 15}
  counts.boots = counts.boots + 1
  hosts[#hosts + 1] = host
  world.boot(host)
end

-- Slots wait for runs that died, until their lease is over.
local function expect_waiting()
  disturb_all()
  for _, host in ipairs(hosts) do
    host.since = world.wall(host) + world.LEASE
  end
end

local function remove_host()
  local host = table.remove(hosts, 1 + math.floor(random() * #hosts))
  if random() < 0.4 then
    counts.drains = counts.drains + 1
    world.drain(host)
  else
    counts.kills = counts.kills + 1
    local takes_processes = random() < 0.5
    world.kill(host, takes_processes)
    if takes_processes then
      expect_waiting()
    end
  end
end

-- All clocks are set.
local function step(seconds)
  disturb_all()
  furthest = is_astray and furthest or math.max(furthest, world.wall())
  world.fleet_offset = world.fleet_offset + seconds
  counts.steps = counts.steps + 1
  for _, host in ipairs(hosts) do
    host.since, host.steady_since = world.wall(host), steady()
    if host.own and random() < 0.7 then
      host.own.bell:ring()
    else -- it notices by itself, as late as it looks at its clock
      host.since = host.since + world.EVERY
    end
  end
end

local function ensure_hosts()
  for _, host in ipairs(hosts) do
    if not host.is_open and host.root:status() ~= "waiting" then
      world.kill(host, true)
      world.boot(host)
    end
  end
  if #hosts == 0 then
    boot()
  end
end

local happenings = {
  {8, function() step(10 * MINUTE) end},
  {4, function() step(5 * HOUR) end},
  {2, function() step(DAY) end},
  {0.3, function() step(40 * DAY) end},
  {8, function() step(-10 * MINUTE) end},
  {4, function() step(-3 * HOUR) end},
  {2, function() step(-DAY) end},
  {0.5, function()
    is_astray, world.is_astray = true, true
    step(365 * DAY)
    tasks.sleep(HOUR)
    step(-365 * DAY)
    is_astray, world.is_astray = false, false
  end},
  {12, function() -- nobody is there
    while #hosts > 0 do
      remove_host()
    end
    tasks.sleep(world.around(random() < 0.2 and 10 * DAY or 40 * MINUTE))
  end},
  {20, function() -- one goes and comes again
    remove_host()
    tasks.sleep(world.around(10 * MINUTE))
    boot()
  end},
  {8, function()
    if #hosts < 3 then
      boot()
    else
      remove_host()
    end
  end},
  {8, function()
    counts.outages = counts.outages + 1
    disturb_all()
    world.is_down = true
    tasks.sleep(world.around(random() < 0.2 and 5 * HOUR or 10 * MINUTE))
    world.is_down = false
    tasks.sleep(3 * MINUTE)
    for _, host in ipairs(hosts) do
      host.since, host.steady_since = world.wall(host), steady()
    end
  end},
  {3, function()
    local host = hosts[1]
    if not (host and host.is_open) then
      return
    end
    local name = jobs.name(1 + math.floor(random() * jobs.count()))
    counts.pauses = counts.pauses + 1
    disturb_all()
    local pause = {name = name, from = world.wall() - 30, upto = math.huge}
    pauses[#pauses + 1] = pause
    world.at(host, host.own.pause, host.own, name, "me", "a test")
    tasks.sleep(world.around(4 * DAY))
    repeat
      ensure_hosts()
      tasks.sleep(MINUTE)
      local own = hosts[1].own
      local ok = own and tasks.try(world.at, hosts[1], own.resume, own, name, "me")
    until ok
    pause.upto = world.wall() + 30
    disturb_all()
  end},
  {4, function()
    for _, host in ipairs(hosts) do
      if host.is_open then
        counts.reloads = counts.reloads + 1
        world.at(host, host.own.reload, host.own)
      end
    end
  end},
  {4, function()
    local host = hosts[1]
    if host and host.is_open then
      counts.hands = counts.hands + 1
      world.at(host, host.own.run_now, host.own,
        jobs.name(1 + math.floor(random() * jobs.count())), "me")
    end
  end},
}

local function happen()
  local total = 0
  for _, it in ipairs(happenings) do
    total = total + it[1]
  end
  local point = random() * total
  for _, it in ipairs(happenings) do
    point = point - it[1]
    if point < 0 then
      return it[2]()
    end
  end
end

local function live()
  known = world.wall()
  boot()
  while world.wall() < known + YEARS * YEAR do
    tasks.sleep(world.around(4 * DAY))
    -- what follows is refused now and then, as the store is
    local _, failure = tasks.try(happen)
    if failure then
      world.is_down = false
    end
    ensure_hosts()
  end
  -- what is left comes to an end while nothing happens
  world.fault, world.is_down = 0, false
  tasks.sleep(2 * DAY)
  ensure_hosts()
  tasks.sleep(10 * DAY)
  disturb_all()
  furthest = math.max(furthest, world.wall()) - DAY -- later runs may go on
end

-- --- the account -------------------------------------------------------------------------------

local policies = {}

local function is_paused(name, slot)
  for _, it in ipairs(pauses) do
    if it.name == name and slot >= it.from and slot <= it.upto then
      return true
    end
  end
  return world.passed[name .. " " .. slot] -- it waited when the pause began
end

-- A slot that was noted before, and to which the clocks were set back, is no slot of that span.
local function in_quiet(slot, noted_at)
  for _, span in ipairs(quiet) do
    if slot > span.from and slot < span.upto and noted_at > span.began then
      return true
    end
  end
end

local tally = {ran = 0, failed = 0, canceled = 0, skipped = 0, missed = 0, paused = 0, slots = 0}

local function count_succeeded(ends)
  local count = 0
  for _, note in ipairs(ends) do
    count = count + (note.status == "succeeded" and 1 or 0)
  end
  return count
end

-- What a clock has begun that was a year ahead may have been removed before its time came.
local function is_claimed_twice(list)
  local count = 0
  for _, note in ipairs(list) do
    count = count + (note.is_astray and 0 or 1)
  end
  return count > 1
end

local function account_claim(name, key, id)
  local ends = world.ends[name .. " " .. key]
  local ran = world.ran[id] or 0
  local claims = world.claims[name .. " " .. key]
  if is_claimed_twice(claims) then
    complain("%s %s was claimed %d times", name, key, #claims)
  elseif not ends then
    complain("%s %s never ended", name, key)
  elseif #ends ~= #claims then
    complain("%s %s ended %d times", name, key, #ends)
  elseif ran ~= count_succeeded(ends) then
    complain("%s %s %s, and succeeded %d times", name, key, ends[1].status, ran)
  end
  local status = ends and ends[1].status or "?"
  local kind = status == "succeeded" and "ran" or status
  tally[kind] = (tally[kind] or 0) + 1
end

-- Which slots were missed, by record: {[slot] = record}.
local function missed_of(name)
  local found = {}
  for id, list in pairs(world.missed) do
    local own, key = id:match "^(%S+) (%S+)$"
    for _, note in ipairs(own == name and list or {}) do
      local last = require("jobs_records").time(key)
      for n = behind(name, require("jobs_records").time(note.first) - 1),
          behind(name, last) - 1 do
        found[slots[name][n]] = note
      end
    end
  end
  return found
end

local function account_missed(name, slot, note)
  local policy = policies[name]
  local reach = math.max(policy.missed == "none" and 0 or policy.catch_up, LATE)
  tally.missed = tally.missed + 1
  if policy.missed ~= "last" and slot > note.wall - reach and not note.host.astray then
    complain("%s %s was missed inside its window, at %s", name, utc(slot), utc(note.wall))
  elseif in_quiet(slot, note.put_at)
      and not (policy.missed == "last" and policy.overlap ~= "skip") then -- others wait, too
    complain("%s %s was missed although a host was there; noted %s", name, utc(slot),
      utc(note.wall))
  end
end

local function account_job(name)
  local records = require "jobs_records"
  local missed = missed_of(name)
  for n = behind(name, known + 30), behind(name, furthest) - 1 do
    local slot = slots[name][n]
    local key = records.key(slot)
    local skips = world.skips[name .. " " .. key]
    local claims = world.claims[name .. " " .. key]
    tally.slots = tally.slots + 1
    if claims and claims[1] then
      if skips then
        complain("%s %s was claimed and skipped", name, key)
      end
      account_claim(name, key, records.run_id(name, key))
    elseif skips then
      tally.skipped = tally.skipped + 1
      if #skips ~= 1 or not skips[1].reason then
        complain("%s %s was skipped %d times: %s", name, key, #skips, tostring(skips[1].reason))
      end
    elseif is_paused(name, slot) then
      tally.paused = tally.paused + 1
    elseif missed[slot] then
      account_missed(name, slot, missed[slot])
    else
      complain("%s %s is lost%s", name, utc(slot),
        in_quiet(slot, math.huge) and ", and a host was there" or "")
    end
  end
end

-- What was claimed and is no slot.
local function account_strangers()
  for id, list in pairs(world.claims) do
    local name, key = id:match "^(%S+) (%S+)$"
    local slot, is_by_hand = require("jobs_records").time(key)
    if list[1] and is_by_hand then
      account_claim(name, key, list[1].run)
    elseif list[1] and not place[name][slot] then
      complain("%s %s is no slot", name, key)
    end
  end
end

-- --- all of it ---------------------------------------------------------------------------------

read_slots()
for i = 1, jobs.count() do
  local name = jobs.name(i)
  policies[name] = jobs.job(i)
  may_overlap[name] = policies[name].overlap == "allow"
  compare_slots(name)
end
world.latency, world.fault = 0.5, 0.001
live()
for _, host in ipairs(hosts) do
  world.kill(host, true)
end
for i = 1, jobs.count() do
  account_job(jobs.name(i))
end
account_strangers()
for _, list in ipairs {world.errors, faults} do
  for i = 1, math.min(#list, 20) do
    io.stderr:write(list[i], "\n")
  end
end

local function words(list)
  local found = {}
  for name, count in pairs(list) do
    found[#found + 1] = ("%d %s"):format(count, name)
  end
  table.sort(found)
  return table.concat(found, ", ")
end

print(("seed %d, %.1f years: %s; %s"):format(SEED, world.age() / YEAR, words(tally), words(counts)))
assert(#world.errors == 0 and #faults == 0, "not every slot is accounted for")
