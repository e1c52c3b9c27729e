--- Waiting for a time that others may cut short.
-- @module jobs_bell
local tasks = require "tasks"

local bell = {}
bell.__index = bell

--- A new bell.
-- @treturn table with `bell:wait(seconds)` and `bell:ring()`
function bell.new()
  return setmetatable({}, bell)
end

--- Wait so long, or until somebody rings; at once when somebody has since the last wait. One task
-- at a time.
-- @tparam number seconds
-- @treturn boolean whether somebody rang
function bell:wait(seconds)
  if not self.has_rung then
    self.nap = tasks.spawn(tasks.sleep, seconds)
    pcall(self.nap.join, self.nap) -- one that is canceled raises
    self.nap = nil
  end
  local has_rung = self.has_rung or false
  self.has_rung = nil
  return has_rung
end

--- Wake who waits, or will.
function bell:ring()
  self.has_rung = true
  if self.nap then
    self.nap:cancel()
  end
end

return bell
