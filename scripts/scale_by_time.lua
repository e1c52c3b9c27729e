-- Scale gateways by the time of the day.
--
--   moongate run --sim-world scripts/worlds/contoso.lua --slot 2026-03-02T19:00:00Z scale_by_time
--     --gateways gw-payments,gw-shared --hours 06:00=3,20:00=1 --timezone Europe/Berlin
--
--   20:00 CET: 1 unit from 20:00 on
--   gw-payments  would get 1 unit, has 4
--   gw-shared    would get 1 unit, has 2
--   nothing was changed: --change does it
local args = require "args"
local clock = require "clock"
local gateways = require "gateways"
local log = require "log"
local run = require "run"
local tasks = require "tasks"

local options = args.parse({
  purpose = [[
Gives gateways as many units as the time of the day says: the time that the run is for
(run.slot), so that one that begins late does what was due then; without one, now. A list such as
06:00=3,20:00=1 means 3 units from 06:00 on and 1 from 20:00 on, until 06:00 of the next day. A
scheduled job does the rest: schedule = "0 6,20 * * 1-5".]],
  {name = "gateways", value = "NAMES", required = true, help = "with commas between"},
  {name = "hours", value = "LIST", required = true, help = "from when on how many units"},
  {name = "timezone", value = "ZONE", default = "UTC", help = "whose clocks count"},
  {name = "change", help = "scale; else it is only told"},
}, ...)

local function refuse(message, ...)
  log.error(message:format(...) .. "; see --help")
  run.exit(2)
end

-- "06:00=3" as {at = minutes of the day, units =, text = "06:00"}.
local function read_entry(text)
  local hour, minute, units = text:match "^%s*(%d%d?):(%d%d)%s*=%s*(%d+)%s*$"
  local at = hour and hour * 60 + minute
  units = math.tointeger(tonumber(units)) or 0
  if not at or tonumber(minute) > 59 or at > 23 * 60 + 59 then
    refuse("--hours: '%s' is not a time and units, such as 06:00=3", text)
  elseif units < 1 or units > 12 then
    refuse("--hours: '%s': 1 to 12 units expected", text)
  end
  return {at = math.tointeger(at), units = units, text = ("%02d:%s"):format(hour, minute)}
end

local function read_hours(text)
  local entries, seen = {}, {}
  for part in (text .. ","):gmatch "([^,]*)," do
    local entry = read_entry(part)
    if seen[entry.at] then
      refuse("--hours: %s is there twice", entry.text)
    end
    seen[entry.at] = true
    entries[#entries + 1] = entry
  end
  table.sort(entries, function(one, other)
    return one.at < other.at
  end)
  return entries
end

-- The entry that counts at a minute of the day: before the first it is the last, of yesterday.
local function choose(entries, minute)
  local chosen = entries[#entries]
  for _, entry in ipairs(entries) do
    if entry.at <= minute then
      chosen = entry
    end
  end
  return chosen
end

local function read_date()
  local is_known, date = pcall(clock.date, run.slot or clock.now(), options.timezone)
  if not is_known then
    refuse("--timezone: %s", (date:gsub("^[^:]*:%d+: ", "")))
  end
  return date
end

local function count(units)
  return units == 1 and "1 unit" or units .. " units"
end

local names, widest = {}, 0
for name in options.gateways:gmatch "[^,%s]+" do
  names[#names + 1] = name
  widest = math.max(widest, #name)
end
if #names == 0 then
  refuse "--gateways: a name expected"
end

local entries = read_hours(options.hours)
local date = read_date()
local entry = choose(entries, date.hour * 60 + date.min)
local differing = 0

local function scale(name)
  local gateway = gateways.get(name)
  local had = gateway.units
  if had == entry.units then
    return ("has %s"):format(count(had))
  end
  differing = differing + 1
  if not options.change then
    return ("would get %s, has %d"):format(count(entry.units), had)
  end
  gateway:scale(entry.units)
  return ("has %s, had %d"):format(count(entry.units), had)
end

print(("%02d:%02d %s: %s from %s on"):format(date.hour, date.min, date.zone,
                                           count(entry.units), entry.text))
for i, said in ipairs(tasks.map(names, scale)) do
  print(("%-" .. widest .. "s  %s"):format(names[i], said))
end
if differing > 0 and not options.change then
  print "nothing was changed: --change does it"
end
