--- Reads the picture of the service for the status page: at most once a minute, only while
-- somebody looks, and in a process of its own.
-- @module jobs_page_estate
local clock = require "clock"
local json = require "json"
local tasks = require "tasks"

local estate = {}

local FRESH = 60 -- seconds that a picture counts
local PATIENCE = 90 -- seconds that it may take
local CODE = "require 'jobs_page_picture'.print()"

-- The first line that says why; a run's summary does not.
local function reason_of(said)
  for line in said:gmatch "[^\n]+" do
    if not line:find "^%a+ after " then
      return line
    end
  end
  return "it ended without a word"
end

-- Lists stay lists, even when they are empty.
local function mark(picture)
  json.array(picture.gateways)
  for _, workspace in ipairs(json.array(picture.workspaces)) do
    json.array(workspace.gateways)
  end
  return picture
end

local function read(means)
  local words = table.move(means.words, 1, #means.words, 3, {"run", "--read-only"})
  table.move({"--store", "none", "-e", CODE}, 1, 4, #words + 1, words) -- nothing of it is kept
  local worker = means.start {words = words, folder = means.folder, keeps_output = true}
  local ended, failure = tasks.try(tasks.timeout, PATIENCE, worker.wait, worker)
  if failure then
    worker:signal "kill"
    return {absent = "The service did not answer in time: " .. failure.message}
  end
  local ok, picture = pcall(json.decode, ended.output)
  if ended.exit_code == 0 and ok then
    return mark(picture)
  end
  return {absent = "The service could not be read: " .. reason_of(ended.said)}
end

--- What gives the picture, or why there is none as `absent`.
-- @tparam table means `start` (core.worker.start), `words` (options of every run), `folder`
-- @treturn function waits
function estate.reader(means)
  local picture, read_at, reading
  return function()
    if picture and clock.now() - read_at < FRESH then
      return picture
    end
    reading = reading or tasks.spawn(function()
      local ending <close> = setmetatable({}, {__close = function()
        reading = nil
      end})
      picture = read(means)
      read_at = clock.now()
      picture.at = read_at
      return picture
    end)
    return reading:join()
  end
end

return estate
