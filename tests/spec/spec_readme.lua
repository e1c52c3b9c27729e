-- What the README shows is true.
local test = require "test"

local file = assert(io.open("README.md"))
local readme = file:read "a"
file:close()

test.case("the first script of the README runs and prints a hostname", function()
  local source = readme:match "```lua\n(.-)```"
  local printed
  local env = setmetatable({print = function(text)
    printed = text
  end}, {__index = _G})
  assert(load(source, "=README.md", "t", env))()
  test.contains(readme, "\n" .. printed .. "\n")
end)

test.case("the columns of a file of teams are those of the README", function()
  local text = readme:gsub("`", ""):gsub("%s+", "")
  test.contains(text, table.concat({"team", "display_name", "description", "group", "role",
                                    "gateway", "units", "network", "subnet_prefix"}, ","))
  for _, column in ipairs(require "onboarding".columns) do
    test.contains(readme, column)
  end
end)
