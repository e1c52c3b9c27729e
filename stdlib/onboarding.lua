--- Onboard API teams: for each a workspace, a gateway, a network, its group's access.
--
--     local teams = onboarding.read_csv("teams.csv", {gateway = "own", network = "none"})
--     local report = onboarding.run(teams, {gateway = "own"})
--
-- Everything is an `ensure`: a second run finds what is there and writes nothing.
-- @module onboarding
local check = require "core.check"
local csv = require "csv"
local entra = require "entra"
local gateways = require "gateways"
local model = require "core.model"
local networks = require "networks"
local rbac = require "rbac"
local scope = require "scope"
local tasks = require "tasks"
local workspaces = require "workspaces"

local onboarding = {}

--- The columns of a file of teams. The first three are needed.
onboarding.columns = {"team", "display_name", "group", "description", "role", "gateway",
                      "units", "network", "subnet_prefix"}

local REQUIRED = {team = true, display_name = true, group = true}
local NETWORKS = {none = true, integration = true, injection = true}

--- What options mean when they are not given.
onboarding.defaults = {
  gateway = "own", -- own: one for each team; shared: several teams on one
  gateway_prefix = "gw-",
  gateway_role = "Reader",
  network = "none",
  role = "developer",
  shared_teams = gateways.MOST_WORKSPACES, -- on one shared gateway
  subnet_bits = 27, -- of the subnets that are chosen here
  subnet_space = "10.0.0.0/16", -- where they are chosen
  units = 1,
  vnet = "vnet-apim",
}

local function with_defaults(options)
  local all = {}
  for name, value in pairs(onboarding.defaults) do
    all[name] = value
  end
  local known = {}
  for name in pairs(onboarding.defaults) do
    known[#known + 1] = name
  end
  for name, value in pairs(check.options(options, known)) do
    all[name] = value
  end
  return all
end

-- The names of things that belong to a team.
local function gateway_name(team, options)
  return team.gateway and team.gateway ~= "own" and team.gateway ~= "shared" and team.gateway
    or options.gateway_prefix .. team.team
end

-- Mistakes in one team's row, as texts.
local function check_team(team, options, complain)
  local wrong = model.check_name("workspace", team.team)
  if wrong then
    complain("team: " .. wrong)
  end
  if not wrong and team.mode ~= "shared" then
    wrong = model.check_name("gateway", team.gateway_name)
    if wrong then
      complain("gateway: " .. wrong)
    end
  end
  if team.display_name == "" then
    complain "display_name is empty"
  end
  if team.group == "" then
    complain "group is empty"
  end
  if not rbac.personas[team.role] then
    local names = {}
    for name in pairs(rbac.personas) do
      names[#names + 1] = name
    end
    table.sort(names)
    local near = check.nearest(team.role, names)
    complain(("role '%s' is unknown%s; there are %s"):format(
      team.role, near and (", did you mean '%s'?"):format(near) or "", table.concat(names, ", ")))
  end
  local units = math.tointeger(tonumber(team.units))
  if not units or units < 1 or units > 12 then
    complain(("units '%s' is not a whole number from 1 to 12"):format(tostring(team.units)))
  else
    team.units = units
  end
  if not NETWORKS[team.network] then
    complain(("network '%s' is not none, integration or injection"):format(team.network))
  elseif team.subnet_prefix and team.network == "none" then
    complain(("subnet_prefix '%s' has no use with network none"):format(team.subnet_prefix))
  end
  if team.mode == "shared" then
    if team.subnet_prefix then
      complain(("subnet_prefix '%s' has no use on a shared gateway"):format(team.subnet_prefix))
    end
    if units and units ~= options.units then
      complain(("units %d: a shared gateway has %d, by the options"):format(units,
                                                                            options.units))
    end
  end
  if team.subnet_prefix then
    wrong = networks.check_gateway_prefix(team.subnet_prefix)
    if wrong then
      complain("subnet_prefix: " .. wrong)
    end
  end
end

-- Fills in what a row leaves out.
local function complete(team, options)
  for _, name in ipairs {"role", "units", "network"} do
    if team[name] == nil or team[name] == "" then
      team[name] = options[name]
    end
  end
  if team.subnet_prefix == "" then
    team.subnet_prefix = nil
  end
  if team.gateway == "" then
    team.gateway = nil
  end
  if team.description == "" then
    team.description = nil
  end
  if team.gateway == "shared" or (not team.gateway and options.gateway == "shared") then
    team.mode = "shared"
  else
    team.mode = "own"
    team.gateway_name = gateway_name(team, options)
  end
  return team
end

-- Teams of one name, and gateways that several rows describe differently.
local function check_names(teams, complain)
  local seen, gateways_seen = {}, {}
  for _, team in ipairs(teams) do
    local key = team.team:lower()
    if seen[key] then
      complain(team, ("team '%s' was named before%s"):format(
        team.team, seen[key].line and (" on line %d"):format(seen[key].line) or ""))
    end
    seen[key] = seen[key] or team
    local other = team.gateway_name and gateways_seen[team.gateway_name:lower()]
    if other then
      for _, name in ipairs {"units", "network", "subnet_prefix"} do
        if team[name] ~= nil and other[name] ~= team[name] then
          complain(team, ("gateway '%s' has %s %s here and %s%s"):format(
            team.gateway_name, name, tostring(team[name]), tostring(other[name]),
            other.line and (" on line %d"):format(other.line) or " before"))
        end
      end
    elseif team.gateway_name then
      gateways_seen[team.gateway_name:lower()] = team
    end
  end
end

local function check_overlaps(teams, complain)
  local blocks = {}
  for _, team in ipairs(teams) do
    local first, last = networks.parse_cidr(team.subnet_prefix)
    if first then
      blocks[#blocks + 1] = {first = first, last = last, team = team}
    end
  end
  table.sort(blocks, function(a, b)
    return a.first < b.first
  end)
  local widest
  for _, block in ipairs(blocks) do
    local same_gateway = widest and widest.team.gateway_name
      and widest.team.gateway_name == block.team.gateway_name
    if widest and block.first <= widest.last and not same_gateway then
      complain(block.team, ("subnet_prefix %s overlaps %s of team '%s'%s"):format(
        block.team.subnet_prefix, widest.team.subnet_prefix, widest.team.team,
        widest.team.line and (" on line %d"):format(widest.team.line) or ""))
    end
    if not widest or block.last > widest.last then
      widest = block
    end
  end
  return blocks
end

local function raise_mistakes(source, mistakes)
  table.sort(mistakes, function(a, b)
    return a.line ~= b.line and a.line < b.line or a.line == b.line and a.message < b.message
  end)
  local lines = {}
  for i, mistake in ipairs(mistakes) do
    lines[i] = ("%s:%d: %s"):format(source, mistake.line, mistake.message)
  end
  error(check.failure {
    code = "BadTeams", retryable = false,
    message = ("%d mistake%s in %s, nothing was sent\n%s"):format(
      #mistakes, #mistakes == 1 and "" or "s", source, table.concat(lines, "\n")),
  }, 0)
end

--- Check teams as a whole and fill in what they leave out.
-- @tparam table teams each with the fields of `onboarding.columns`; `line` for messages
-- @tparam[opt] table options see `onboarding.defaults`
-- @tparam[opt=teams] string source what messages call it
-- @tparam[opt] table mistakes those found already: `line`, `message`
-- @treturn table the teams
-- @raise failure `BadTeams` with every mistake and its line
function onboarding.check(teams, options, source, mistakes)
  options = with_defaults(options)
  mistakes = mistakes or {}
  local function complain(team, message)
    mistakes[#mistakes + 1] = {line = team.line or 0, message = message}
  end
  for _, team in ipairs(teams) do
    if type(team) ~= "table" then
      check.fail(("a team is a table with the fields of onboarding.columns, got %s"):format(
        type(team)))
    end
    complete(team, options)
    check_team(team, options, function(message)
      complain(team, message)
    end)
  end
  check_names(teams, complain)
  check_overlaps(teams, complain)
  if #mistakes > 0 then
    raise_mistakes(source or "teams", mistakes)
  end
  return teams
end

local function read_header(record, complain)
  local columns, seen = {}, {}
  for i, name in ipairs(record) do
    name = name:match "^%s*(.-)%s*$"
    local known = false
    for _, column in ipairs(onboarding.columns) do
      known = known or column == name
    end
    if not known then
      local near = check.nearest(name, onboarding.columns)
      complain(record.line, ("unknown column '%s'%s"):format(
        name, near and ("; did you mean '%s'?"):format(near) or ""))
    elseif seen[name] then
      complain(record.line, ("column '%s' stands twice"):format(name))
    end
    seen[name] = true
    columns[i] = name
  end
  for _, name in ipairs(onboarding.columns) do
    if REQUIRED[name] and not seen[name] then
      complain(record.line, ("column '%s' is missing"):format(name))
    end
  end
  return columns
end

--- Read teams from a CSV file.
-- Columns in any order; `team`, `display_name` and `group` are needed. Every mistake of the
-- file is found before anything is sent.
-- @tparam string path
-- @tparam[opt] table options see `onboarding.defaults`
-- @treturn table teams
-- @raise failure `IOError`; `BadTeams` with every mistake and its line
-- @usage local teams = onboarding.read_csv "teams.csv"
function onboarding.read_csv(path, options)
  local records, mistakes = csv.read(path)
  local function complain(line, message)
    mistakes[#mistakes + 1] = {line = line, message = message}
  end
  if #records == 0 then
    complain(1, "the file is empty; its first line names the columns: "
               .. table.concat(onboarding.columns, ","))
    raise_mistakes(path, mistakes)
  end
  local before = #mistakes
  local columns = read_header(records[1], complain)
  if #mistakes > before then
    raise_mistakes(path, mistakes) -- nobody knows what the fields below mean
  end
  local teams = {}
  for i = 2, #records do
    local record = records[i]
    local team = {line = record.line}
    if #record ~= #columns then
      complain(record.line, ("%d fields where the first line has %d"):format(#record, #columns))
    end
    for j, name in ipairs(columns) do
      team[name] = (record[j] or ""):match "^%s*(.-)%s*$"
    end
    teams[#teams + 1] = team
  end
  return onboarding.check(teams, options, path, mistakes)
end

--- Make teams of Entra groups: the team is what comes behind the prefix.
-- @tparam string prefix such as `api-team-`
-- @tparam[opt] table options see `onboarding.defaults`
-- @treturn table teams
-- @raise failure `GroupNotFound` when no group begins so; `BadTeams`
function onboarding.from_groups(prefix, options)
  local teams = {}
  for group in entra.each {prefix = prefix} do
    local name = group.display_name:sub(#prefix + 1)
    teams[#teams + 1] = {
      team = name, group = group.display_name, description = group.description,
      display_name = name:sub(1, 1):upper() .. name:sub(2), found_group = group,
    }
  end
  if #teams == 0 then
    error(check.failure {code = "GroupNotFound", retryable = false,
                         message = ("no group begins with '%s'"):format(prefix)}, 0)
  end
  table.sort(teams, function(a, b)
    return a.team < b.team
  end)
  return onboarding.check(teams, options, "groups " .. prefix .. "*")
end

-- Blocks for those who have none, from the free ones of the address space. What subnets of
-- ours have already they keep, so that a second run chooses the same.
local function choose_prefixes(teams, options)
  local wanting, taken = {}, {}
  for _, team in ipairs(teams) do
    if team.subnet_prefix then
      taken[#taken + 1] = team.subnet_prefix
    elseif team.network ~= "none" and not team.gateway_is_second then
      wanting[#wanting + 1] = team
    end
  end
  if #wanting == 0 then
    return
  end
  local existing = {}
  for subnet in networks.subnets(options.vnet):each() do
    existing["s" .. subnet.name:lower()] = subnet.prefix
    taken[#taken + 1] = subnet.prefix
  end
  local first, last = networks.parse_cidr(options.subnet_space)
  if not first then
    check.fail("subnet_space: " .. last)
  end
  local size = 1 << (32 - options.subnet_bits)
  local used = {}
  for _, prefix in ipairs(taken) do
    local from, to = networks.parse_cidr(prefix)
    for block = (from or 1) // size, (to or 0) // size do
      used[block] = true
    end
  end
  local block = first // size
  for _, team in ipairs(wanting) do
    team.subnet_prefix = existing["ssnet-" .. team.gateway_name:lower()]
    if not team.subnet_prefix then
      while used[block] do
        block = block + 1
      end
      if (block + 1) * size - 1 > last then
        error(check.failure {
          code = "AddressSpaceFull", retryable = false,
          message = ("%s has no room for a /%d for team '%s'"):format(
            options.subnet_space, options.subnet_bits, team.team),
          cure = "give --subnet-space another block, or smaller subnets",
        }, 0)
      end
      used[block] = true
      local address = block * size
      team.subnet_prefix = ("%d.%d.%d.%d/%d"):format(
        address >> 24 & 255, address >> 16 & 255, address >> 8 & 255, address & 255,
        options.subnet_bits)
    end
  end
end

-- One gateway with its network; asked for by each of its teams, made once.
local function gateway_maker(options)
  local made = {}
  return function(name, spec)
    if not made[name] then
      made[name] = tasks.spawn(function()
        local subnet
        if spec.network ~= "none" then
          subnet = networks.ensure_gateway_subnet {
            vnet = options.vnet, name = "snet-" .. name, prefix = spec.subnet_prefix,
            mode = spec.network,
          }
        end
        return (gateways.ensure(name, {units = spec.units, network = spec.network,
                                       subnet = subnet}))
      end)
    end
    return made[name]:join()
  end
end

-- What names of shared gateways of a network mode begin with; a number follows.
local function shared_base(network, options)
  return options.gateway_prefix .. "shared-" .. (network ~= "none" and network .. "-" or "")
end

-- The shared gateways that are there: how many workspaces each serves, and which.
local function read_shared(options)
  local attached, load = {}, {}
  for gateway in gateways.each() do
    for network in pairs(NETWORKS) do
      local base = shared_base(network, options)
      if gateway.name:sub(1, #base) == base and gateway.name:sub(#base + 1):find "^%d+$" then
        local ids = gateway:workspaces()
        load[gateway.name] = #ids
        for _, id in ipairs(ids) do
          attached[id:lower()] = gateway.name
        end
      end
    end
  end
  return attached, load
end

-- Puts teams on shared gateways: where one is attached already it stays; the others fill up
-- what has room, then new ones.
local function share_gateways(teams, options)
  local attached, load, numbers
  for _, team in ipairs(teams) do
    if team.mode == "shared" then
      if not attached then
        attached, load = read_shared(options)
        numbers = {}
      end
      local id = model.format_id("workspace", scope.service(), team.team):lower()
      local base = shared_base(team.network, options)
      local name = attached[id]
      if not name then
        local number = numbers[base] or 1
        while (load[base .. number] or 0) >= options.shared_teams do
          number = number + 1
        end
        numbers[base] = number
        name = base .. number
        load[name] = (load[name] or 0) + 1
      end
      team.gateway_name = name
    end
  end
end

--- Onboard one team that was checked.
-- @tparam table team
-- @tparam table options see `onboarding.defaults`; all of them
-- @tparam function ensure_gateway gives the team's gateway
-- @treturn table `team`, `workspace`, `gateway`, `hostname`
-- @raise failure
local function onboard(team, options, ensure_gateway)
  local group = team.found_group or entra.group(team.group)
  local gateway
  local workspace = workspaces.ensure(team.team, {display_name = team.display_name,
                                                  description = team.description})
  -- access first: the team can work in the workspace while its gateway is made
  rbac.grant {group = group, workspace = workspace, as = team.role}
  gateway = ensure_gateway(team.gateway_name, team)
  local connection
  tasks.all {
    function()
      rbac.assign {principal = group, role = options.gateway_role, scope = gateway}
    end,
    function()
      connection = gateway:attach(workspace)
    end,
  }
  return {team = team.team, workspace = workspace.id, gateway = gateway.name,
          hostname = connection.hostname or gateway.hostname}
end

--- Onboard teams that were read or checked, all side by side.
-- One team's failure does not stop the others.
-- @tparam table teams from `read_csv`, `from_groups` or `check`
-- @tparam[opt] table options see `onboarding.defaults`
-- @treturn table a row a team in their order: `team`, `workspace`, `gateway`, `hostname`, or
--   `team` and `failure`
-- @raise failure what keeps all of them from beginning
-- @usage local report = onboarding.run(teams, {gateway = "shared"})
function onboarding.run(teams, options)
  options = with_defaults(options)
  share_gateways(teams, options)
  local seen = {}
  for _, team in ipairs(teams) do
    team.gateway_is_second = seen[team.gateway_name]
    seen[team.gateway_name] = true
  end
  choose_prefixes(teams, options)
  local ensure_gateway = gateway_maker(options)
  return tasks.map(teams, function(team)
    local row, failure = tasks.try(onboard, team, options, ensure_gateway)
    return row or {team = team.team, failure = failure}
  end, {limit = math.max(#teams, 1)})
end

--- Onboard one team.
-- @tparam table team with the fields of `onboarding.columns`
-- @tparam[opt] table options see `onboarding.defaults`
-- @treturn table `team`, `workspace`, `gateway`, `hostname`
-- @raise failure
-- @usage onboarding.team {team = "payments", display_name = "Payments", group = "api-team-payments"}
function onboarding.team(team, options)
  local row = onboarding.run(onboarding.check({team}, options, "team"), options)[1]
  if row.failure then
    error(row.failure, 0)
  end
  return row
end

--- Bring a folder that `moongate export` has written into the run's service; as
-- `publish.apply`.
-- @tparam string folder
-- @tparam[opt] table options `overrides`, `secrets`, `workspaces`, `gateways`, `access`, `prune`,
--   `service`, `resource_group`
-- @treturn table how many were `created`, `changed`, `unchanged`, `deleted`
-- @raise failure `InvalidEstate` with all mistakes, before anything is written
function onboarding.apply(folder, options)
  return require "publish".apply(folder, options)
end

return onboarding
