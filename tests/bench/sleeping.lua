-- Prints how many ms go by until all of many sleeping tasks, whose time has come, are awake.
local clock = require "clock"
local tasks = require "tasks"

local count = tonumber(...)
local NAP = 1.5 -- seconds, enough to start them all

local due = clock.now() + NAP

tasks.group(function(group)
  for _ = 1, count do
    group:spawn(function()
      tasks.sleep(math.max(due - clock.now(), 0))
    end)
  end
end)
print(("%.0f"):format((clock.now() - due) * 1000))
