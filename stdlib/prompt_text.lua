--- What stands in front of a line at the prompt: where one is, and how.
-- @module prompt_text
local core_session = require "core.session"
local terminal = require "core.terminal"

local prompt_text = {}

-- The scope is cut to so many columns, and to less than half of the terminal's.
local LONGEST = 40

local COLORS = {production = "1;97;41", live = "1;35", sim = "1;32"}

local function paint(name, text)
  return terminal.wants_color() and ("\27[%sm%s\27[0m"):format(COLORS[name], text) or text
end

local function scope_of(info)
  local group, service = info.resource_group, info.service
  local text = group and service and group .. "/" .. service or service or group or "no service"
  return terminal.cut(text, math.min(LONGEST, math.max(terminal.size() // 2 - 4, 4)))
end

local function place_of(info)
  if info.sim then
    return paint("sim", info.profile and "sim:" .. info.profile or "sim")
  end
  return paint(info.is_production and "production" or "live", info.profile or "live")
end

--- The text in front of the first line, and of further ones.
-- @tparam table shell
-- @treturn string
-- @treturn string
function prompt_text.text(shell)
  local info = core_session.info()
  local parts = {place_of(info), scope_of(info)}
  if shell.place then -- in a run of the past, which has nothing of today's
    parts = {paint("sim", "past"), shell.place()}
  end
  if info.read_only then
    parts[#parts + 1] = "read-only"
  end
  local going = #shell:background_tasks()
  if going > 0 then
    parts[#parts + 1] = ("[%d]"):format(going)
  end
  local text = table.concat(parts, " ") .. "> "
  return text, (" "):rep(4)
end

--- The first line of a session.
-- @treturn string
function prompt_text.banner()
  local info = core_session.info()
  local place = info.sim and "the simulator, clock " .. info.clock
                or info.endpoint or ("Azure (%s)"):format(info.cloud)
  return ("moongate on %s. \\? and help() help, Ctrl-D leaves."):format(place)
end

return prompt_text
