-- What the README shows is true.
local spec = require "spec"

local file = assert(io.open("README.md"))
local readme = file:read "a"
file:close()

spec.test("the first script of the README runs and prints a hostname", function()
  local source = readme:match "```lua\n(.-)```"
  local printed
  local env = setmetatable({print = function(text)
    printed = text
  end}, {__index = _G})
  assert(load(source, "=README.md", "t", env))()
  spec.contains(readme, "\n" .. printed .. "\n")
end)

spec.test("the columns of a file of teams are those of the README", function()
  local text = readme:gsub("`", ""):gsub("%s+", "")
  spec.contains(text, table.concat({"team", "display_name", "description", "group", "role",
                                    "gateway", "units", "network", "subnet_prefix"}, ","))
  for _, column in ipairs(require "onboarding".columns) do
    spec.contains(readme, column)
  end
end)

spec.finish()
