-- Names the gateways that no workspace uses any more; exit code 1, and so a notification, when
-- there are some.
local gateways = require "gateways"
local run = require "run"

local idle = 0

for gateway in gateways.each() do
  if #gateway:workspaces() == 0 then
    idle = idle + 1
    print(("%s: %d units, and no workspace"):format(gateway.name, gateway.units))
  end
end
run.exit(idle == 0 and 0 or 1)
