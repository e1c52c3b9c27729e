-- In front of what a test does at the prompt: a shell that only listens.
local past = require "past"
local core = require "core.past"
local said, failed = {}, {}
local shell = {env = setmetatable({}, {__index = _G})}

function shell:say(text)
  said[#said + 1] = text
end

function shell:fail(text)
  failed[#failed + 1] = text
end

function shell:options()
  return {columns = 100, has_color = false}
end

-- What was said since this was asked.
local function heard()
  local text = table.concat(said, "\n")
  said = {}
  return text
end

-- What was said of failures since this was asked.
local function complaints()
  local text = table.concat(failed, "\n")
  failed = {}
  return text
end

-- Runs a command, and gives what it says.
local function tell(name, argument)
  heard()
  past.commands[name].run(shell, argument or "")
  return heard()
end

-- Runs a line as the prompt does.
local function line(text)
  return assert(load("return " .. text, "=line", "t", shell.env)
                or load(text, "=line", "t", shell.env))()
end

local function has(text, ...)
  for _, part in ipairs {...} do
    if not text:find(part, 1, true) then
      error(("'%s' is not in: %s"):format(part, text), 2)
    end
  end
  return text
end

local function refuses(part, fn, ...)
  local ok, reason = pcall(fn, ...)
  assert(not ok, "it was not refused")
  return has(tostring(reason), part)
end
