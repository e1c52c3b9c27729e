--- What stands behind the name of a command at the prompt.
-- @module prompt_argument
local prompt_argument = {}

--- Raises unless there is nothing.
-- @tparam string argument
-- @tparam string usage what the command is called with
function prompt_argument.none(argument, usage)
  if argument ~= "" then
    error(("%s takes no argument, got '%s'"):format(usage, argument), 0)
  end
end

--- `on` or `off`; nothing turns to the other.
-- @tparam string argument
-- @tparam boolean present what it is now
-- @tparam string usage
-- @treturn boolean
function prompt_argument.switch(argument, present, usage)
  if argument == "" then
    return not present
  elseif argument ~= "on" and argument ~= "off" then
    error(("%s: on or off expected, got '%s'"):format(usage, argument), 0)
  end
  return argument == "on"
end

--- A whole number from 1 on.
-- @tparam string argument
-- @tparam string usage
-- @treturn integer or nil when there is nothing
function prompt_argument.number(argument, usage)
  if argument == "" then
    return nil
  end
  local number = math.tointeger(tonumber(argument))
  if not number or number < 1 or argument:find "[^%d]" then
    error(("%s: a number from 1 on expected, got '%s'"):format(usage, argument), 0)
  end
  return number
end

--- The path of a file; it may stand in quotes, and `~` is the home folder.
-- @tparam string argument
-- @tparam string usage
-- @treturn string
function prompt_argument.path(argument, usage)
  local path = argument:match '^"(.+)"$' or argument:match "^'(.+)'$" or argument
  if path == "" or path:find "%z" then
    error(("%s: the name of a file expected"):format(usage), 0)
  end
  local home = os.getenv "HOME"
  return home and path:gsub("^~/", function() return home .. "/" end) or path
end

return prompt_argument
