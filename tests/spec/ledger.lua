-- What the simulator really did, for specs to compare: it counts by itself.
local core = require "core.arm"

local ledger = {}

local function read()
  return core.request({path = "/_sim/ledger"}).body.resources
end

--- How often a resource was created, changed and deleted; its id ends so.
function ledger.of(ending)
  for _, row in ipairs(read()) do
    if row.id:sub(-#ending):lower() == ending:lower() then
      return {row.created, row.changed, row.deleted}
    end
  end
  return {0, 0, 0}
end

--- How many writes there were until now.
function ledger.total()
  local total = 0
  for _, row in ipairs(read()) do
    total = total + row.created + row.changed + row.deleted
  end
  return total
end

--- How many requests the simulator got while a function ran, and how many writes it did.
function ledger.during(fn, ...)
  local function requests()
    return core.request({path = "/_sim/requests"}).body.requests
  end
  local writes = ledger.total()
  local before = requests()
  fn(...)
  return requests() - before - 1, ledger.total() - writes
end

return ledger
