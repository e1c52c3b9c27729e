--- What stands behind `test`: the cases of a file, and running one of them.
--
-- `moongate test` loads a file once to see which tests it has, and once more, in an
-- interpreter and on a simulator of its own, for each of them.
-- @module testing
local model = require "core.model"

local testing = {}

-- The file that is loaded now, or nil where no tests run.
local file

-- What an assertion, or test.skip, raises.
local Verdict = {}

local function is_verdict(value)
  return type(value) == "table" and getmetatable(value) == Verdict
end

testing.is_verdict = is_verdict

-- where things are ------------------------------------------------------------------------

local own = {} -- the chunk names of moongate's own files
for _, path in ipairs(model.files()) do
  own["@" .. path] = true
end

-- How many frames of a stack are told, and how many are looked at: each is found by counting
-- from the innermost, and a stack that overflowed has 300,000.
local FRAMES, LEVELS = 20, 500

-- The lines of the test's own files that the caller stands in, the innermost first.
local function frames(level)
  local found = {}
  local last = level + LEVELS
  while true do
    level = level + 1
    local info = debug.getinfo(level, "Sln")
    if not info then
      return found
    elseif #found == FRAMES or level > last then
      found[#found + 1] = {where = "..."}
      return found
    elseif info.what ~= "C" and not own[info.source] then
      found[#found + 1] = {
        where = ("%s:%d"):format(info.short_src, info.currentline),
        name = info.name and ("%s '%s'"):format(info.namewhat, info.name):match "^%s*(.*)$",
      }
    end
  end
end

local function describe_frames(list)
  local lines = {}
  for i, frame in ipairs(list) do
    lines[i] = frame.name and ("%s: in %s"):format(frame.where, frame.name) or frame.where
  end
  return table.concat(lines, "\n")
end

function Verdict:__tostring()
  return ("%s: %s"):format(self.where or "?", self.message)
end

local function raise(status, message)
  local found = frames(2)
  error(setmetatable({
    status = status, message = message, where = found[1] and found[1].where,
    frames = describe_frames(found),
  }, Verdict), 0)
end

--- End the test as failed.
function testing.fail(message)
  raise("failed", message)
end

--- End the test as skipped.
function testing.skip(reason)
  raise("skipped", reason)
end

--- "file:line" of the innermost line of the test's own files.
function testing.here()
  local found = frames(1)
  return found[1] and found[1].where or "?"
end

-- Any error object as a verdict; runs where the error was raised.
local function judge(raised)
  if is_verdict(raised) then
    return raised
  end
  local found = frames(1)
  local fine, text = pcall(tostring, raised)
  if type(raised) == "userdata" then
    text = "run.exit() ends a script, not a test"
  end
  return setmetatable({
    status = "failed", message = fine and text or "an error object that has no text",
    where = found[1] and found[1].where, frames = describe_frames(found),
  }, Verdict)
end

-- cases ----------------------------------------------------------------------------------

--- The file that is being loaded; raises where there is none.
function testing.file(what)
  if not file then
    require("core.check").fail(what .. " works in a file that `moongate test` runs")
  elseif file.is_loaded then
    require("core.check").fail(what .. " belongs at the top of a file, not into a test")
  end
  return file
end

--- The text of a file; raises a failure.
function testing.read(path)
  local handle <close>, reason = io.open(path, "rb")
  local text = handle and handle:read "a"
  if not text then
    error(require("core.check").failure {
      code = "IOError", message = reason or path .. ": cannot be read",
    }, 0)
  end
  return text
end

-- Loads the file: its cases by their order and names; or only the one that is wanted, as this
-- is done for each test of the file. Returns nil, or a verdict.
local function load(chunk, name, wanted)
  file = {cases = {}, by_name = {}, before = {}, after = {}, wanted = wanted,
          folder = name:match "^(.*/)" or ""}
  local fine, verdict = xpcall(chunk, judge, name)
  file.is_loaded = true
  return not fine and verdict or nil
end

--- The tests of a file, as JSON. Raises a verdict when it cannot be loaded.
function testing.collect(chunk, name)
  local verdict = load(chunk, name)
  if verdict and verdict.status == "skipped" then
    for _, case in ipairs(file.cases) do
      case.skip = verdict.message
    end
  elseif verdict then
    error(verdict, 0)
  end
  local json, cases = require "json", {}
  for i, case in ipairs(file.cases) do
    cases[i] = {name = case.name, line = case.line, skip = case.skip, only = case.only,
                seed = case.seed and ("%d"):format(case.seed), timeout = case.timeout,
                wall = case.wall}
  end
  return json.encode(json.array(cases))
end

local function call_all(list)
  for _, fn in ipairs(list) do
    local fine, verdict = xpcall(fn, judge)
    if not fine then
      return verdict
    end
  end
end

local function execute(case)
  if case.faults then
    require("sim").fault(case.faults)
  end
  local verdict = call_all(file.before)
  if not verdict then
    local fine, raised = xpcall(case.fn, judge, table.unpack(case.arguments or {}))
    verdict = not fine and raised or nil
  end
  local at_end = call_all(file.after)
  return verdict or at_end
end

--- Run one test. Raises a verdict unless it passes.
function testing.run(chunk, file_name, name)
  local verdict = load(chunk, file_name, name)
  if not verdict then
    local case = file.by_name[name]
    if not case then
      testing.fail "the file does not have this test when it is loaded again"
    end
    verdict = select(2, xpcall(execute, judge, case)) -- its result, or what it raised
  end
  if verdict then
    error(verdict, 0)
  end
end

return testing
