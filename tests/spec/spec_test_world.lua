-- A file of tests whose world is its own.
local sim, test = require "sim", require "test"
local entra, workspaces = require "entra", require "workspaces"

test.world {service = "apim-of-test", groups = {{name = "api-team-only"}}}

local first = workspaces.create("at the top", {}) -- each test begins with it

test.case("tests begin with the file's world", function()
  test.equal(first.id:match "/service/([^/]+)", "apim-of-test")
  test.equal(#entra.list {}, 1)
  test.equal(sim.created(), 1)
end)

test.case("a file's world is said at its top", function()
  test.raises("IOError", require "testing".read, "/nowhere/world.json")
  test.raises("test.world belongs at the top of a file", test.world, {})
end)
