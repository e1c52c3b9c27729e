--- Commands of the prompt that change where one works, and how freely.
-- @module prompt_commands_place
local argument_of = require "prompt_argument"
local core_session = require "core.session"
local prompt_keep = require "prompt_keep"
local terminal = require "core.terminal"

-- --- \use -----------------------------------------------------------------------------------

local function list_profiles(shell)
  local info, lines = core_session.info(), {}
  for i, name in ipairs(core_session.profiles()) do
    lines[i] = (name == info.profile and "* " or "  ") .. terminal.visible(name)
  end
  shell:say(#lines > 0 and table.concat(lines, "\n")
            or "no profiles: they are declared in moongate.lua")
end

local function describe_scope()
  local info = core_session.info()
  return ("subscription    %s\nresource group  %s\nservice         %s"):format(
    info.subscription or "none", info.resource_group or "none", info.service or "none")
end

local function use(shell, argument)
  if argument == "" then
    list_profiles(shell)
    return
  end
  core_session.use(argument)
  prompt_keep.begin_anew(shell)
  shell:say(describe_scope())
end

-- --- \scope ---------------------------------------------------------------------------------

local SCOPE_USAGE = "\\scope [PLACE]"

-- The names in the id of a service.
local function parse_id(text)
  local parts = {}
  for part in text:gmatch "[^/]+" do
    parts[#parts + 1] = part
  end
  local fixed = {"subscriptions", false, "resourcegroups", false, "providers",
                 "microsoft.apimanagement", "service", false}
  local is_one = #parts == #fixed
  for i, word in ipairs(fixed) do
    is_one = is_one and (not word or parts[i]:lower() == word)
  end
  if not is_one then
    error(SCOPE_USAGE .. ": '" .. text .. "' is no id of a service, which is /subscriptions/"
          .. "ID/resourceGroups/GROUP/providers/Microsoft.ApiManagement/service/NAME", 0)
  end
  return {subscription = parts[2], resource_group = parts[4], service = parts[8]}
end

local function parse_scope(text)
  if text:sub(1, 1) == "/" then
    return parse_id(text)
  end
  local parts = {}
  for part in (text .. "/"):gmatch "([^/]*)/" do
    parts[#parts + 1] = part
  end
  if #parts > 3 or text:find "%s" or (text .. "/"):find("//", 1, true) then
    error(SCOPE_USAGE .. ": [[SUBSCRIPTION/]GROUP/]SERVICE or the id of a service expected, got '"
          .. text .. "'", 0)
  end
  return {service = parts[#parts], resource_group = parts[#parts - 1],
          subscription = parts[#parts - 2]}
end

local function set_scope(shell, argument)
  if argument ~= "" then
    core_session.set_scope(parse_scope(argument))
  end
  shell:say(describe_scope())
end

-- --- \read-only -----------------------------------------------------------------------------

local READ_ONLY_USAGE = "\\read-only [on|off]"

local function read_only(shell, argument)
  if argument ~= "" then
    core_session.set_read_only(argument_of.switch(argument, false, READ_ONLY_USAGE))
  end
  shell:say(core_session.info().read_only and "writes are refused" or "writes are allowed")
end

return {
  use = {usage = "\\use [PROFILE]", run = use,
         help = "goes over to a profile, or lists them",
         details = "The run ends there and another begins; variables stay."},
  scope = {usage = SCOPE_USAGE, run = set_scope, is_repeated = true,
           help = "where names are looked up: [[SUBSCRIPTION/]GROUP/]SERVICE"},
  ["read-only"] = {usage = READ_ONLY_USAGE, run = read_only,
                   help = "refuses writes, or allows them again"},
}
