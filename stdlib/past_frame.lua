--- Frames of a script that stands still, and their variables: for stepping into a run.
--
-- A place is where a script stands: `{waits = number}` for a write that waits for its turn, or
-- `{failure = table}` for a task that has failed, as `core.past` has them.
-- @module past_frame
local core = require "core.past"

local past_frame = {}

--- The frames of a place, the innermost first.
-- @tparam table place
-- @treturn table list of `{source=, line=, name=, what=, is_own=}`; `is_own` is false of the
--   library's
function past_frame.list(place)
  local frames = place.failure and place.failure.frames or core.frames(place.waits)
  for _, frame in ipairs(frames) do
    frame.is_own = frame.chunk:find("@stdlib/", 1, true) ~= 1
  end
  return frames
end

--- The innermost frame that is of the script itself, or the innermost.
-- @tparam table frames
-- @treturn integer
function past_frame.first_own(frames)
  for i, frame in ipairs(frames) do
    if frame.is_own then
      return i
    end
  end
  return 1
end

--- How a frame is called: `onboard.lua:14 in make`.
function past_frame.describe(frame)
  local what = frame.what == "main" and "in the main chunk"
    or frame.name and "in " .. frame.name or "in a function"
  return ("%s:%d %s"):format(frame.source, frame.line, what)
end

-- What the write asks for has a name, too.
local SUBJECT = "call"

--- The variables of a frame, those declared last in the end; the first of all, where a write waits,
-- is `call`: the table of what it asks for, which counts as it is when the write is let go.
-- @tparam table place
-- @tparam integer index of the frame
-- @treturn table list of `{name=, value=, kind=, slot=}`; `kind` is `call`, `local`, `vararg` or
--   `upvalue`
function past_frame.variables(place, index)
  if place.failure then
    local frame = place.failure.frames[index]
    return frame and frame.variables or {}
  end
  local variables, subject = core.variables(place.waits, index), core.subject(place.waits)
  if subject then
    table.insert(variables, 1, {name = SUBJECT, value = subject, kind = "call"})
  end
  return variables
end

--- The variable that a name means there: the local declared last, else the upvalue; or nil.
function past_frame.find(variables, name)
  local found
  for _, variable in ipairs(variables) do
    if variable.name == name
       and (variable.kind == "local" or not found or found.kind == "call") then
      found = variable
    end
  end
  return found
end

--- Gives a variable another value.
-- @raise a message where the task is over
function past_frame.assign(place, index, variable, value)
  if place.failure then
    error(("'%s' is of a task that has failed: its variables stay as they were; "
           .. "\\restart runs the script again"):format(variable.name), 0)
  end
  if variable.kind == "call" then
    error("'call' is what the write asks for: change its members, such as call.name = value", 0)
  end
  core.assign(place.waits, index, variable.kind, variable.slot, value)
end

-- Names that the prompt gives to results are its own.
local function is_results(name)
  return type(name) ~= "string" or name:find "^_%d*$" ~= nil or name == "_error"
end

--- The variables of lines at the prompt: those of the frame one stands in, then those of `env`.
-- What is assigned goes to the frame's variable of that name when there is one.
-- @tparam table env
-- @tparam function stand gives the place and the frame's index, or nil
-- @treturn table
function past_frame.scope(env, stand)
  local function look_up(name)
    local place, index = stand()
    if place and not is_results(name) then
      local found = past_frame.find(past_frame.variables(place, index), name)
      return found, place, index
    end
  end
  return setmetatable({}, {
    __index = function(_, name)
      local found = look_up(name)
      if found then
        return found.value
      end
      return env[name]
    end,
    __newindex = function(scope, name, value)
      local found, place, index = look_up(name)
      if is_results(name) then
        rawset(scope, name, value)
      elseif found then
        past_frame.assign(place, index, found, value)
      else
        env[name] = value
      end
    end,
  })
end

--- The same names as a plain table: for those who look at them without running anything.
-- @tparam table env
-- @tparam ?table place
-- @tparam ?integer index of the frame
-- @treturn table
function past_frame.names(env, place, index)
  local names = {}
  for _, variable in ipairs(place and past_frame.variables(place, index) or {}) do
    if variable.kind ~= "upvalue" or names[variable.name] == nil then
      names[variable.name] = variable.value
    end
  end
  return setmetatable(names, {__index = env})
end

return past_frame
