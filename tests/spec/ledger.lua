-- What the simulator really did, for specs to compare: it counts by itself.
local sim = require "sim"

local ledger = {}

--- How often a resource was created, changed and deleted; its id ends so.
function ledger.of(ending)
  local row = sim.ledger(ending)
  return {row.created, row.changed, row.deleted}
end

--- How many requests the simulator got while a function ran, and how many writes it did.
function ledger.during(fn, ...)
  local function count()
    return sim.requests().requests, sim.created() + sim.changed() + sim.deleted()
  end
  local requests, writes = count()
  fn(...)
  local requests_after, writes_after = count()
  return requests_after - requests, writes_after - writes
end

return ledger
