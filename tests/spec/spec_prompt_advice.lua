-- What is said at the prompt of names that are not there.
local advice = require "prompt_advice"
local gateways = require "gateways"
local test = require "test"
local equal = test.equal

local function message(what, name)
  return ("line 1:1: attempt to call a nil value (%s '%s')"):format(what, name)
end

local function said(line, what, name, env)
  local given = message(what, name)
  local text = advice.message(given, line, setmetatable(env or {}, {__index = _G}))
  equal(text:sub(1, #given), given)
  return text:sub(#given + 3)
end

test.case("the near name of a global and of a member", function()
  equal(said("workspace.list()", "global", "workspace"), "did you mean 'workspaces'?")
  equal(said("workspaces.lst()", "field", "lst"), "did you mean 'list'?")
  equal(said("local all = 1\nprint(teams.ordres())", "field", "ordres",
             {teams = {orders = print}}), "did you mean 'orders'?")
end)

test.case("where no name is near, those that there are", function()
  local text = said("networks.list()", "field", "list")
  test.contains(text, "there are check_gateway_prefix, ")
  test.contains(text, "virtual_networks")
end)

test.case("a method of a resource", function()
  local gw = gateways.create("gw-orders", {network = "none"})
  equal(said("gw:scal(3)", "method", "scal", {gw = gw}), "did you mean 'scale'?")
  equal(said("gateways.get 'gw-orders':scal(3)", "method", "scal"), "did you mean 'scale'?")
end)

test.case("what cannot be told is left as it is", function()
  for _, line in ipairs {"f().lst()", "no_such.lst()", "-- lst", "lst", "workspaces.list()"} do
    equal(said(line, "field", "lst"), "")
  end
  equal(said("x = 1", "global", "workspace"), "")
  equal(said("workspaces." .. ("a"):rep(20000), "field", "lst"), "")
  equal(advice.message("no access", "workspaces.lst()", {}), "no access")
end)

test.case("nil of a resource is said, of one's own tables not", function()
  local gw = gateways.create("gw-orders", {network = "none"})
  local env = setmetatable({gw = gw, mine = {alpha = 1}}, {__index = _G})
  equal(advice.of_nil("gw.unit", env), "nil: there is no 'unit'; did you mean 'units'?")
  equal(advice.of_nil("gateways.get 'gw-orders'.unit", env),
        "nil: there is no 'unit'; did you mean 'units'?")
  equal(advice.of_nil("gatways", env), "nil: there is no variable 'gatways'; did you mean "
        .. "'gateways'?")
  equal(advice.of_nil("qqqqqqqq", env), "nil: there is no variable 'qqqqqqqq'")
  equal(advice.of_nil("gw.zzzzzz", env), "nil: there is no 'zzzzzz'")
  for _, line in ipairs {"gw.subnet", "mine.alpa", "f()", "", "gw.unit()", "no_such.unit"} do
    equal(advice.of_nil(line, env), nil)
  end
end)
