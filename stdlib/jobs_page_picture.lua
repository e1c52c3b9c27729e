--- The gateways and workspaces of a service, as the picture on the status page has them.
--
-- It is read by a process of its own, `moongate run --read-only`, whose profile says which service
-- that is: so what goes wrong in it, or takes long, stops no job.
-- @module jobs_page_picture
local clock = require "clock"
local gateways = require "gateways"
local json = require "json"
local run = require "run"
local tasks = require "tasks"
local workspaces = require "workspaces"

local picture = {}

local AT_ONCE = 8 -- gateways that are asked

local function name_in(id)
  return id:match "([^/]+)/*$" or id
end

-- "vnet-apim / snet-gateways" of a subnet's id; nil for none.
local function name_network(id)
  if not id or id == "" then
    return nil
  end
  local network, subnet = id:match "/virtualNetworks/([^/]+)/subnets/([^/]+)$"
  return network and network .. " / " .. subnet or name_in(id)
end

--- Read it. Waits.
-- @treturn table `at`, `service`, `gateways` (`name`, `state`, `units`, `network`) and `workspaces`
--   (`name`, `display_name`, `gateways`: their names)
-- @raise failure what the service refuses
function picture.read()
  local rows, served = {}, {}
  local list = gateways.list()
  local ids = tasks.map(list, function(gateway)
    return gateway:workspaces()
  end, {limit = AT_ONCE})
  for i, gateway in ipairs(list) do
    rows[i] = {name = gateway.name, state = gateway.state, units = gateway.units,
               network = name_network(gateway.subnet)}
    for _, id in ipairs(ids[i]) do
      local key = name_in(id):lower()
      served[key] = served[key] or {}
      table.insert(served[key], gateway.name)
    end
  end
  local teams = {}
  for i, workspace in ipairs(workspaces.list()) do
    teams[i] = {name = workspace.name, display_name = workspace.display_name,
                gateways = json.array(served[workspace.name:lower()] or {})}
  end
  return {at = clock.now(), service = run.scope().service, gateways = json.array(rows),
          workspaces = json.array(teams)}
end

--- Print it as one line of JSON.
function picture.print()
  print(json.encode(picture.read()))
end

return picture
