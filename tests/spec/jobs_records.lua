-- What check_jobs_records.c runs: each function is a test, on a store of its own in the folder
-- that it gets. arg: the test's name, the folder.
local core = require "core.runs"
local records = require "jobs_records"
local tasks = require "tasks"

local suite = {}

local function equal(got, wanted)
  if got ~= wanted then
    error(("%s expected, got %s"):format(tostring(wanted), tostring(got)), 2)
  end
end

local T = 1769886000 -- 2026-01-31 19:00:00
local KEY = records.key(T)

local function keys_of(slots)
  local keys = {}
  for key in pairs(slots) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return table.concat(keys, " ")
end

local function names_in(folder)
  local names = {}
  for i, entry in ipairs(core.list(folder)) do
    names[i] = entry.name:sub(#folder + 1)
  end
  return table.concat(names, " ")
end

local function claim(name, key)
  return records.claim(name, key, {kind = "scheduled", run = records.run_id(name, key), host = "h"})
end

local function finish(name, key, status)
  return records.finish(name, key, {status = status or "succeeded", exit_code = 0, began = T,
                                    at = T + 5, host = "h", attempts = 1})
end

local WRITES = {"put", "remove", "give_up"}

-- Calls fn as a process does that dies after `steps` writes. Returns whether it died.
local function die_after(steps, fn)
  local originals, left = {}, steps
  for _, name in ipairs(WRITES) do
    originals[name] = core[name]
    core[name] = function(...)
      left = left - 1
      if left < 0 then
        error("dead", 0)
      end
      return originals[name](...)
    end
  end
  local ok, why = pcall(fn)
  for name, original in pairs(originals) do
    core[name] = original
  end
  assert(ok or why == "dead", why)
  return not ok
end

-- What log.error was given while fn ran.
local function complaints(fn)
  local log, lines = require "log", {}
  local original = log.error
  log.error = function(line) lines[#lines + 1] = line end
  local ok, why = pcall(fn)
  log.error = original
  assert(ok, why)
  return lines
end

function suite.a_key_is_a_time_and_back()
  equal(records.key(1769886000), "20260131-190000")
  equal(records.key(1769886000.75), "20260131-190000")
  equal(records.time "20260131-190000", 1769886000)
  equal(math.type(records.time "20260131-190000"), "integer")
  local hand = records.key(1769886000, true)
  assert(hand:find "^20260131%-190000%-m%x%x%x%x$", hand)
  equal(select(2, records.time(hand)), true)
  equal(select(2, records.time "20260131-190000"), false)
  for _, wrong in ipairs {"", "20260231-190000", "20260131-250000", "20260131-190000-",
                          "20260131-190000-m12", "x20260131-190000", "20260131-190060"} do
    equal(records.time(wrong), nil)
  end
  equal(records.run_id("nightly", "20260131-190000"), "20260131-190000-nightly")
end

function suite.a_slot_is_claimed_once_and_ends_once()
  local key = records.key(1769886000)
  equal(records.read("a.b", key), nil)
  equal(records.claim("a.b", key, {kind = "scheduled", run = "r", host = "h", late = 1.5}), true)
  equal(records.claim("a.b", key, {kind = "scheduled", run = "r", host = "i"}), false)
  equal(records.settle("a.b", key, {status = "missed"}), false)
  equal(#records.open(), 1)
  equal(records.open()[1].name, "a.b")
  equal(records.open()[1].key, key)
  equal(records.attempt("a.b", key, 1, {status = "died", at = 1769886010, host = "h"}), true)
  equal(records.attempt("a.b", key, 1, {status = "failed", at = 1769886010, host = "h"}), false)
  local seen = records.read("a.b", key)
  equal(seen.claim.host, "h")
  equal(seen.claim.late, 1.5)
  equal(seen.attempts[1].status, "died")
  equal(seen.finish, nil)
  equal(records.survey("a.b").slots[key].attempts, 1)
  equal(records.survey("a.b").slots[key].ended, false)
  equal(records.history("a.b", 10)[1].status, "running")
  local finish = {status = "failed", exit_code = 3, began = 1769886001, at = 1769886020,
                  host = "h", attempts = 2, error = "no\0t \xff"}
  equal(records.finish("a.b", key, finish), true)
  equal(records.finish("a.b", key, {status = "succeeded", at = 1769886030}), false)
  equal(#records.open(), 0)
  equal(records.survey("a.b").slots[key].ended, true)
  local entry = records.history("a.b", 10)[1]
  equal(entry.status, "failed")
  equal(entry.duration, 19)
  equal(entry.slot, 1769886000)
  equal(entry.error, "no?t ?")
  equal(entry.attempts, 2)
end

-- --- what a process leaves that dies ------------------------------------------------------------

function suite.a_claim_whose_answer_was_lost_is_known_by_its_nonce()
  local key, nonce = records.key(1769886000), records.nonce()
  equal(records.claim("j", key, {kind = "scheduled", host = "h", nonce = nonce}), true)
  equal(records.claim("j", key, {kind = "scheduled", host = "h", nonce = nonce}), true)
  equal(records.claim("j", key, {kind = "scheduled", host = "h", nonce = records.nonce()}), false)
  equal(records.claim("j", key, {kind = "scheduled", host = "h"}), false)
end

function suite.a_claim_that_could_not_be_taken_back_is_later()
  local key, nonce = records.key(1769886000), records.nonce()
  equal(records.claim("j", key, {kind = "scheduled", host = "h", nonce = nonce}), true)
  core.put("jobs/slots/j/floor-" .. key, "{}")
  equal(records.claim("j", key, {kind = "scheduled", host = "h", nonce = nonce}), false)
  equal(records.read("j", key), nil)
  equal(#records.open(), 0)
end

function suite.a_claim_that_dies_at_any_step_leaves_what_others_can_end()
  local steps = 0
  repeat
    local key = records.key(T + steps)
    local died = die_after(steps, function() claim("a", key) end)
    for _, open in ipairs(records.open()) do -- as a sweep of another host does it
      if not records.read("a", open.key) then
        equal(claim("a", open.key), true)
      end
      equal(records.unmark("a", open.key), false)
      equal(finish("a", open.key), true)
    end
    equal(names_in "jobs/open/", "")
    equal(not died or steps == 0 or records.survey("a").slots[key].ended, true)
    steps = steps + 1
  until not died
  equal(steps, 3) -- mark, claim
end

function suite.an_end_that_dies_at_any_step_is_ended_by_others()
  local steps = 0
  repeat
    local key = records.key(T + steps)
    claim("a", key)
    local died = die_after(steps, function() finish("a", key, "failed") end)
    equal(#records.open(), died and 1 or 0)
    if steps == 0 then
      equal(records.unmark("a", key), false) -- it goes on
      equal(finish("a", key), true)
    elseif died then
      equal(records.unmark("a", key), true)
      equal(records.read("a", key).finish.status, "failed")
    end
    equal(#records.open(), 0)
    steps = steps + 1
  until not died
  equal(steps, 3)
end

function suite.an_end_is_written_once_and_takes_the_mark_with_it()
  claim("a", KEY)
  die_after(1, function() finish("a", KEY, "failed") end)
  equal(#records.open(), 1)
  equal(finish("a", KEY, "succeeded"), false)
  equal(#records.open(), 0)
  equal(records.read("a", KEY).finish.status, "failed")
end

function suite.a_mark_without_a_claim_is_claimed_or_settled()
  core.put("jobs/open/" .. KEY .. ".a.json", "{}")
  equal(records.read("a", KEY), nil)
  equal(records.unmark("a", KEY, "too late"), true)
  equal(#records.open(), 0)
  equal(claim("a", KEY), false) -- whoever had put the mark and goes on now
  equal(#records.open(), 0)
  local entry = records.history("a")[1]
  equal(entry.status, "skipped")
  equal(entry.reason, "too late")
  equal(entry.run, nil)
end

function suite.a_mark_stays_with_whoever_claims_while_it_is_looked_at()
  core.put("jobs/open/" .. KEY .. ".a.json", "{}")
  local original = core.put
  core.put = function(...) -- the other is faster than the settling
    core.put = original
    claim("a", KEY)
    return original(...)
  end
  equal(records.unmark("a", KEY), false)
  equal(#records.open(), 1)
end

function suite.a_mark_put_after_the_end_goes_again()
  claim("a", KEY)
  finish("a", KEY)
  equal(claim("a", KEY), false)
  equal(#records.open(), 0)
  records.settle("a", records.key(T + 1), {status = "missed", count = 3, first = KEY})
  equal(claim("a", records.key(T + 1)), false)
  equal(#records.open(), 0)
end

function suite.a_mark_put_before_anothers_claim_stays()
  local original, is_first = core.put, true
  core.put = function(name, text) -- ours is the mark, the other's the claim
    local is_new = original(name, text)
    if is_first then
      is_first = false
      equal(claim("a", KEY), true)
    end
    return is_new
  end
  equal(claim("a", KEY), false)
  core.put = original
  equal(#records.open(), 1)
  equal(records.read("a", KEY).finish, nil)
end

function suite.of_many_hosts_one_has_the_slot()
  local hosts = {}
  for i = 1, 50 do
    hosts[i] = i
  end
  local won = 0
  tasks.map(hosts, function(i)
    if records.claim("a", KEY, {kind = "scheduled", run = "r", host = "h" .. i}) then
      won = won + 1
    end
  end)
  equal(won, 1)
  equal(#records.open(), 1)
end

-- --- pauses ------------------------------------------------------------------------------------

function suite.a_pause_is_anybodys_once_and_its_slots_are_over()
  equal(records.paused "a", nil)
  equal(records.unpause("a", T), false)
  equal(records.survey("a").floor, nil)
  equal(records.pause("a", {by = "me@h", reason = "a reason", at = T}), true)
  equal(records.pause("a", {by = "you@h"}), false)
  equal(records.paused("a").by, "me@h")
  equal(records.paused("a").at, T)
  equal(records.all_paused().a.reason, "a reason")
  equal(records.unpause("a", T + 100.7), true)
  equal(records.paused "a", nil)
  equal(next(records.all_paused()), nil)
  equal(records.survey("a").floor, records.key(T + 100))
  equal(records.survey("a").pruned, nil)
  equal(claim("a", records.key(T + 50)), false) -- by who had not heard of the pause
  equal(#records.open(), 0)
  equal(records.read("a", records.key(T + 50)), nil)
  equal(records.claim("a", records.key(T + 50), {kind = "backfill"}), true)
  equal(claim("a", records.key(T + 101)), true)
  records.pause("a", {by = "me@h"})
  records.unpause("a", T + 200)
  equal(names_in("jobs/slots/a/"):match "floor.*", "floor-" .. records.key(T + 200))
end

function suite.going_on_that_dies_never_makes_the_pause_look_due()
  local steps = 0
  repeat
    records.pause("a", {by = "me"})
    local died = die_after(steps, function() records.unpause("a", T + steps) end)
    equal(records.paused "a" ~= nil or records.survey("a").floor == records.key(T + steps), true)
    steps = steps + 1
  until not died
  assert(steps > 2)
  equal(records.paused "a", nil)
end

function suite.pauses_that_did_not_change_are_not_read_again()
  for i = 1, 20 do
    records.pause("job" .. i, {by = "me"})
  end
  records.all_paused()
  local original, gets = core.get, 0
  core.get = function(...)
    gets = gets + 1
    return original(...)
  end
  records.unpause("job7", T)
  gets = 0
  records.pause("job7", {by = "somebody else"})
  local paused = records.all_paused()
  core.get = original
  equal(gets, 1)
  equal(paused.job7.by, "somebody else")
  equal(paused.job8.by, "me")
end

-- --- known -------------------------------------------------------------------------------------

function suite.the_earliest_time_of_a_job_counts()
  equal(next(records.known()), nil)
  records.add_known({}, T)
  equal(names_in "jobs/known/", "")
  records.add_known({{"a", "1"}, {"b", "1"}}, T + 10)
  records.add_known({{"a", "1"}, {"a", "2"}}, T + 5.25)
  local known = records.known()
  equal(known["a\n1"], T + 5.25)
  equal(known["b\n1"], T + 10)
  equal(known["a\n2"], T + 5.25)
end

function suite.many_texts_are_merged_and_nothing_is_lost_at_any_step()
  for i = 1, 20 do
    records.add_known({{"job" .. i, "f"}, {"all", "f"}}, T + 100 - i)
  end
  core.put("jobs/known/20260101-000000-00000000.json", "damaged")
  local steps, died = 0, true
  repeat
    died = die_after(steps, records.known)
    local known = records.known()
    for i = 1, 20 do
      equal(known["job" .. i .. "\nf"], T + 100 - i)
    end
    equal(known["all\nf"], T + 80)
    for i = 1, died and 20 or 0 do
      records.add_known({{"job" .. i, "f"}}, T + 100 - i)
    end
    steps = steps + 7
  until not died
  assert(steps > 7)
  equal(#core.list "jobs/known/", 2)
end

function suite.what_others_merge_meanwhile_is_read_again()
  for i = 1, 17 do
    records.add_known({{"job" .. i, "f"}}, T + i)
  end
  local original = core.list
  core.list = function(...)
    local list = original(...)
    core.list = original
    records.known() -- the other's
    return list
  end
  local known = records.known()
  for i = 1, 17 do
    equal(known["job" .. i .. "\nf"], T + i)
  end
end

function suite.of_too_many_jobs_the_oldest_undeclared_go()
  local list = {}
  for i = 1, 100001 do
    list[i] = {"job", ("%d"):format(i)}
  end
  records.add_known(list, T + 1)
  for i = 1, 16 do
    records.add_known({{"new", ("%d"):format(i)}, {"old", ("%d"):format(i)}}, T + 1)
  end
  records.add_known({{"oldest", "1"}, {"oldest", "2"}}, T)
  records.known {["oldest\n1"] = true}
  local known, count = records.known(), 0
  for _ in pairs(known) do
    count = count + 1
  end
  equal(count, 100000)
  equal(known["oldest\n1"], T)
  equal(known["oldest\n2"], nil)
end

-- --- prune -------------------------------------------------------------------------------------

-- n slots of a job that ended, each with a run's folder, from T on, a second apart.
local function add_ended(name, n)
  for i = 1, n do
    local key = records.key(T + i)
    claim(name, key)
    records.attempt(name, key, 1, {status = "failed", at = T + i})
    finish(name, key)
    core.put(("runs/%s/run.json"):format(records.run_id(name, key)), "{}")
  end
end

function suite.prune_keeps_the_newest_and_says_first_what_is_over()
  add_ended("a", 6)
  claim("a", records.key(T)) -- goes on, however old it is
  equal(records.prune("a", 4, nil, T + 1000), 2)
  local seen = records.survey "a"
  equal(seen.pruned, records.key(T + 2))
  equal(seen.floor, records.key(T + 2))
  equal(keys_of(seen.slots), ("%s %s %s %s %s"):format(KEY, records.key(T + 3),
    records.key(T + 4), records.key(T + 5), records.key(T + 6)))
  equal(#core.list "runs/", 4)
  equal(claim("a", records.key(T + 2)), false) -- by a host that slept
  equal(#records.open(), 1)
  equal(records.claim("a", records.key(T + 2), {kind = "backfill"}), false)
  equal(records.prune("a", 4, nil, T + 1000), 0)
  equal(records.prune("a", 3, nil, T + 1000), 1)
  equal(names_in("jobs/slots/a/"):match "pruned.*", "pruned-" .. records.key(T + 3))
  equal(finish("a", KEY), true)
end

function suite.prune_goes_by_age_too()
  add_ended("a", 2)
  local now = require "clock".now()
  equal(records.prune("a", 100, 3600, now), 0)
  equal(records.prune("a", 100, 0, now + 7200), 0)
  equal(records.prune("a", 100, 3600, now + 7200), 2)
  equal(#core.list "runs/", 0)
  equal(keys_of(records.survey("a").slots), "")
end

function suite.prune_that_dies_never_makes_a_slot_look_due_or_under_way()
  local steps, died = 0, true
  repeat
    add_ended("a", 3)
    died = die_after(steps, function() records.prune("a", 1, nil, T + 1000) end)
    local seen = records.survey "a"
    for i = 1, 3 do
      local key = records.key(T + i)
      local slot = seen.slots[key]
      equal(slot ~= nil or seen.floor ~= nil and key <= seen.floor, true)
      equal(slot == nil or not slot.is_claimed or slot.ended, true)
    end
    equal(#records.open(), 0)
    records.prune("a", 1, nil, T + 1000) -- takes up what was left
    equal(#core.list "runs/", 1)
    core.remove "jobs/"
    core.remove "runs/"
    steps = steps + 1
  until not died
  assert(steps > 8, steps)
end

function suite.prune_leaves_a_run_that_somebody_carries()
  add_ended("a", 2)
  local original = core.look
  core.look = function(log)
    return log:find(records.key(T + 1), 1, true) and {is_held = true, fence = 1} or original(log)
  end
  equal(records.prune("a", 0, nil, T + 1000), 1)
  core.look = original
  equal(keys_of(records.survey("a").slots), records.key(T + 1))
  equal(#core.list "runs/", 1)
  equal(records.prune("a", 0, nil, T + 1000), 1)
  equal(#core.list "runs/", 0)
end

function suite.a_job_that_skips_often_keeps_its_runs()
  add_ended("a", 2)
  for i = 10, 19 do
    records.settle("a", records.key(T + i), {status = "skipped", reason = "overlap"})
  end
  equal(records.prune("a", 2, nil, T + 1000), 8)
  local list, total = records.history("a", 3)
  equal(total, 4)
  equal(#list, 3)
  equal(list[1].slot, T + 19)
  equal(list[2].status, "skipped")
  equal(list[3].status, "succeeded")
end

function suite.what_was_backfilled_is_new_however_old_its_slot_is()
  add_ended("a", 2)
  local key = records.key(T - 86400)
  equal(records.claim("a", key, {kind = "backfill"}), true)
  core.put(("jobs/slots/a/%s.end.json"):format(key), "{}") -- its time is the store's
  local original = core.list
  core.list = function(folder) -- which may be of the same millisecond
    local list = original(folder)
    for _, entry in ipairs(list) do
      entry.modified = entry.modified + (entry.name:find(key, 1, true) and 1 or 0)
    end
    return list
  end
  equal(records.prune("a", 1, nil, T + 1000), 2)
  core.list = original
  equal(keys_of(records.survey("a").slots), key)
end

function suite.by_hand_raises_no_floor()
  local key = records.key(T + 1, true)
  claim("a", key)
  finish("a", key)
  equal(records.history("a")[1].kind, "scheduled")
  equal(records.prune("a", 0, nil, T + 1000), 1)
  equal(records.survey("a").floor, nil)
  equal(claim("a", KEY), true)
end

-- --- slots that were missed --------------------------------------------------------------------

function suite.what_was_missed_is_over_and_told_once()
  local note = {count = 3, first = KEY, reason = "nobody was there"}
  equal(records.missed("a", records.key(T + 2), note), true)
  equal(records.missed("a", records.key(T + 2), note), false)
  equal(records.survey("a").floor, records.key(T + 2))
  equal(claim("a", records.key(T + 1)), false) -- by who had looked before
  equal(#records.open(), 0)
  equal(claim("a", records.key(T + 3)), true)
  local list, total = records.history "a"
  equal(total, 2)
  equal(list[1].status, "running")
  equal(list[2].status, "missed")
  equal(list[2].count, 3)
  equal(list[2].first, T)
  equal(list[2].slot, T + 2)
  records.missed("a", records.key(T + 9), {count = 1})
  equal(records.prune("a", 1, nil, T + 1000), 0)
  equal(#records.history "a", 2)
end

function suite.what_a_wrong_clock_took_for_missed_is_free_when_its_time_comes()
  local later = require "clock".now() + 86400
  records.missed("a", records.key(later), {count = 1000})
  equal(records.survey("a").floor, nil)
  equal(claim("a", records.key(later)), true)
  equal(finish("a", records.key(later)), true)
end

function suite.an_entry_is_the_same_as_in_the_history()
  add_ended("a", 1)
  records.settle("a", records.key(T + 2), {status = "skipped", reason = "overlap"})
  records.missed("a", records.key(T + 5), {count = 2})
  local slots, list = records.survey("a").slots, records.history "a"
  equal(#list, 3)
  for _, entry in ipairs(list) do
    for _, again in ipairs {records.entry("a", entry.key),
                            records.entry("a", entry.key, slots[entry.key])} do
      for member, value in pairs(entry) do
        equal(again[member], value)
      end
    end
  end
  equal(records.entry("a", records.key(T + 7)), nil)
end

-- --- what others wrote there -------------------------------------------------------------------

local DAMAGED = {"", "nonsense", "[]", "7", "null", "{}", '{"status":"claimed"}',
                 '{"kind":7,"status":"claimed","at":"2026-01-31T19:00:00Z"}',
                 '{"kind":"scheduled","status":"odd","at":"2026-01-31T19:00:00Z"}',
                 '{"kind":"scheduled","status":"claimed","at":"yesterday"}',
                 '{"kind":"scheduled","status":"claimed","at":null}',
                 '{"kind":"scheduled","status":"missed","at":"2026-01-31T19:00:00Z","count":1e999}',
                 '{"kind":"scheduled","status":"missed","at":"2026-01-31T19:00:00Z","first":"x"}',
                 ("["):rep(100000), "\xff\0", (" "):rep(70000) .. "{}"}

function suite.damaged_claims_and_ends_are_told_once_and_stop_nothing()
  for i, text in ipairs(DAMAGED) do
    core.put(("jobs/slots/a/%s.json"):format(records.key(T + i)), text)
    core.put(("jobs/slots/a/%s.attempt-1.json"):format(records.key(T + i)), text)
    core.put(("jobs/slots/b/%s.json"):format(records.key(T + i)), text)
    core.put(("jobs/slots/b/%s.end.json"):format(records.key(T + i)), text)
  end
  claim("a", KEY)
  local lines = complaints(function()
    equal(#records.history "a", #DAMAGED + 1)
    equal(#records.history "b", #DAMAGED)
  end)
  equal(#lines, 4 * #DAMAGED)
  equal(lines[1]:find("jobs/slots/", 1, true), 1)
  equal(#complaints(function() records.history "a" end), 0)
  local entry = records.history("a", 1)[1]
  equal(entry.is_damaged, true)
  equal(entry.run, records.run_id("a", entry.key))
  equal(entry.status, "running")
  entry = records.history("b", 1)[1]
  equal(entry.status, "failed")
  equal(entry.error, "the record of its end is damaged")
  equal(claim("a", records.key(T + 1)), false)
  equal(finish("a", records.key(T + 1)), true)
  equal(records.prune("b", 0, nil, T + 1000), #DAMAGED)
end

function suite.the_run_of_a_slot_is_named_by_its_key_whatever_the_claim_says()
  records.claim("a", KEY, {kind = "scheduled", run = "../../elsewhere", host = "h"})
  equal(records.read("a", KEY).claim.run, records.run_id("a", KEY))
  equal(records.history("a")[1].run, records.run_id("a", KEY))
end

function suite.a_run_is_carried_while_its_host_may_be_about_to_begin_it_or_again()
  local id, now = records.run_id("a", KEY), require "clock".now()
  equal(records.is_carried(id, now - 50), true)
  equal(records.is_carried(id, now - 70), false)
  equal(records.is_carried(id, now - 5000, now - 650, 600), true)
  equal(records.is_carried(id, now - 5000, now - 670, 600), false)
  core.give_up(("runs/%s/journal.jsonl"):format(id), {status = "failed"})
  equal(records.look_run(id).status ~= nil, true)
  equal(records.is_carried(id, now - 50), false) -- it had begun
  equal(records.is_carried(id, now - 50, now, 600), true)
  core.look = function() return {is_held = true, fence = 1} end
  equal(records.is_carried(id, now - 5000), true)
end

function suite.a_slot_that_has_just_ended_is_not_left()
  local left, sleep = require "jobs_left", tasks.sleep
  for i, name in ipairs {"a", "b"} do
    records.claim(name, KEY, {kind = "scheduled", at = T, host = "h" .. i})
  end
  local rows = {{name = "a", entry = records.history("a")[1], retry_after = 60},
                {name = "b", entry = records.history("b")[1], retry_after = 60}}
  tasks.sleep = function() finish("a", KEY) end
  left.find(rows)
  equal(rows[1].entry.carried, true)
  equal(rows[1].entry.status, "succeeded")
  equal(rows[2].entry.carried, false)
  equal(rows[2].entry.status, "running")
  tasks.sleep = function() error "there is nothing to wait for" end
  records.claim("c", KEY, {kind = "scheduled", host = "h"})
  rows = {{name = "c", entry = records.history("c")[1], retry_after = 60}}
  left.find(rows)
  tasks.sleep = sleep
  equal(rows[1].entry.carried, true)
end

function suite.names_that_are_none_are_told_and_passed_over()
  for _, name in ipairs {"jobs/open/x", "jobs/open/20260231-000000.a.json",
                         "jobs/open/20260131-190000.json", "jobs/open/20260131-190000.a.json/x",
                         "jobs/slots/a/x.json", "jobs/slots/a/20260131-190000.attempt-0.json",
                         "jobs/slots/a/floor-x", "jobs/slots/a/ceiling-20260131-190000",
                         "jobs/slots/a/20260131-190000.attempt-99999.json",
                         "jobs/slots/a/20260131-190000.end", "jobs/paused/x",
                         "jobs/known/x.json", "jobs/known/20260131-190000-1f3a2b4c"} do
    core.put(name, "{}")
  end
  local lines = complaints(function()
    equal(#records.open(), 0)
    equal(keys_of(records.survey("a").slots), "")
    equal(records.survey("a").floor, nil)
    equal(next(records.all_paused()), nil)
    equal(next(records.known()), nil)
  end)
  equal(#lines, 13)
  equal(#complaints(function()
    records.open()
    records.survey "a"
  end), 0)
end

function suite.a_damaged_pause_pauses()
  core.put("jobs/paused/a.json", "nonsense")
  equal(records.paused("a").reason, "the record of the pause is damaged")
  equal(records.all_paused().a.is_damaged, true)
  equal(records.unpause("a", T), true)
  equal(records.paused "a", nil)
end

function suite.damaged_texts_of_known_jobs_do_not_hide_others()
  for i, text in ipairs {"", "{}", "[]", '{"at":"x","jobs":[]}',
                         '{"at":"2026-01-31T19:00:00Z","jobs":7}',
                         '{"at":"2026-01-31T19:00:00Z","jobs":[["a"]]}',
                         '{"at":"2026-01-31T19:00:00Z","jobs":[["a","b",7]]}'} do
    core.put(("jobs/known/20260131-190000-0000000%d.json"):format(i), text)
  end
  records.add_known({{"a", "f"}}, T)
  local known
  equal(#complaints(function() known = records.known() end), 7)
  equal(known["a\nf"], T)
end

function suite.a_record_that_a_program_gets_wrong_is_refused()
  for _, note in ipairs {{status = 7}, {colour = "red"}, {at = "now"}, {first = "x"},
                         {at = -1}, {late = "long"}} do
    equal(pcall(records.settle, "a", KEY, note), false)
  end
  equal(names_in "jobs/slots/a/", "")
end

function suite.what_the_store_refuses_is_raised(folder)
  core.put("jobs/slots/a", "a file where a folder is to be")
  local _, failure = tasks.try(claim, "a", KEY)
  assert(failure and failure.code, "no failure")
  _, failure = tasks.try(records.survey, "a")
  assert(failure and failure.code, "no failure")
  assert(failure.message:find(folder, 1, true), failure.message)
end

-- --- many --------------------------------------------------------------------------------------

function suite.ten_thousand_marks_are_one_list()
  local clock = require "clock"
  local began = clock.now()
  local open = records.open()
  print(("10,000 marks in %.3f s"):format(clock.now() - began))
  equal(#open, 10000)
  equal(open[1].key, "20260131-000000")
  equal(open[10000].key, "20260131-024639")
end

suite[arg[1]](arg[2])
