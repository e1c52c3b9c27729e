-- Bring a folder of `moongate export` into a service.
--
--   moongate run --sim apply --folder estate --overrides production.lua
--
--   estate: 41 created, 0 changed, 0 unchanged, 0 deleted
local args = require "args"
local onboarding = require "onboarding"

local options = args.parse({
  purpose = [[
Brings a folder that `moongate export` has written into the run's service. All of it is checked
before anything is written; what is there already and says the same stays. Secrets are taken
from environment variables MOONGATE_SECRET_<NAME>.]],
  {name = "folder", value = "DIR", help = "the folder", default = "estate"},
  {name = "overrides", value = "FILE", help = "a Lua table of what is different here"},
  {name = "workspace", value = "NAME", help = "only this one"},
  {name = "no-gateways", help = "leave out the gateways"},
  {name = "no-access", help = "leave out who has which role"},
  {name = "prune", help = "delete in the workspaces what the folder does not have"},
}, ...)

local report = onboarding.apply(options.folder, {
  overrides = options.overrides,
  workspaces = options.workspace and {options.workspace} or nil,
  gateways = not options.no_gateways,
  access = not options.no_access,
  prune = options.prune,
})
print(("%s: %d created, %d changed, %d unchanged, %d deleted"):format(
  options.folder, report.created, report.changed, report.unchanged, report.deleted))
