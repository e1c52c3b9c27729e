--- What the status page says of jobs, as JSON.
-- @module jobs_page_view
local clock = require "clock"
local json = require "json"
local tasks = require "tasks"

local view = {}

local AT_ONCE = 500 -- rows that are put together in one go

local PATIENCE = 300 -- seconds after the last sweep in which the store was reached

--- Whether the program is ready for work, and why not.
-- @tparam table info of the dispatcher
-- @treturn boolean
-- @treturn string
function view.readiness(info)
  if info.is_draining then
    return false, "the program is about to end"
  elseif not info.last_sweep then
    return false, "the store was not reached yet"
  elseif clock.now() - info.last_sweep > PATIENCE then
    return false, "the store was not reached for minutes"
  end
  return true, "ready"
end

-- A row as the page has it: lists are lists even when they are empty.
local function mark(row)
  json.array(row.running)
  return row
end

--- One job's row as JSON.
function view.row(row)
  return json.encode(mark(row))
end

--- All jobs. Waits now and then, so that slots begin meanwhile.
-- @tparam table dispatcher
-- @tparam string at which event of the stream they are as of
-- @treturn string JSON
function view.jobs(dispatcher, at)
  local texts = {}
  for i, row in ipairs(dispatcher:jobs()) do
    texts[i] = view.row(row)
    if i % AT_ONCE == 0 then
      tasks.yield()
    end
  end
  local frame = json.encode {info = dispatcher:info(), at = at, now = clock.now()}
  return ('%s,"jobs":[%s]}'):format(frame:sub(1, -2), table.concat(texts, ","))
end

-- The slots to come, each with the offset of its zone.
local function coming(row, schedule, most)
  local list, i = {}, schedule and schedule.find(row.name)
  local at = i and clock.now()
  while at and #list < most do
    local note
    at, note = schedule.next(i, at)
    if at then
      local offset, zone = schedule.offset(i, at)
      list[#list + 1] = {at = at, note = note, offset = offset, zone = zone}
    end
  end
  return json.array(list)
end

--- One job with its coming slots.
-- @treturn table
function view.job(row, schedule, most)
  return {job = mark(row), coming = coming(row, schedule, most)}
end

--- The slots of a job that were, the newest first.
-- @treturn table
function view.history(entries)
  return {history = json.array(entries)}
end

return view
