-- How values are shown: scalars, tables within tables, objects, and whatever is hostile.
local check = require "core.check"
local gateways = require "gateways"
local inspect = require "core.inspect"
local json = require "json"
local show = require "show"
local shown = require "shown"
local tasks = require "tasks"
local terminal = require "core.terminal"
local test = require "test"
local workspaces = require "workspaces"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains
local plain, lines_of = shown.plain, shown.lines

local ELLIPSIS = terminal.is_utf8() and "\u{2026}" or "..."

-- Nothing but printable characters and line ends; what is left is a text of UTF-8.
local function is_harmless(text)
  return not text:find "[%z\1-\9\11-\31\127]" and utf8.len(text) ~= nil
    and not text:find "\u{202e}" and not text:find "\u{9b}"
end

-- scalars --------------------------------------------------------------------------------

test.each({
  {what = "nothing", value = nil, text = ""},
  {what = "a whole number", value = 42, text = "42"},
  {what = "a fraction", value = 0.5, text = "0.5"},
  {what = "a float without fraction", value = 2.0, text = "2.0"},
  {what = "no number", value = 0 / 0, text = "nan"},
  {what = "infinity", value = -math.huge, text = "-inf"},
  {what = "the least integer", value = math.mininteger, text = "-9223372036854775808"},
  {what = "true", value = true, text = "true"},
  {what = "null", value = json.null, text = "json.null"},
  {what = "a string", value = "abc", text = '"abc"'},
  {what = "an empty string", value = "", text = '""'},
  {what = "quotes", value = 'a "b" \\ c', text = [["a \"b\" \\ c"]]},
  {what = "letters", value = "Zürich 支払い 🚀", text = '"Zürich 支払い 🚀"'},
  {what = "letters of three bytes", value = ("い"):rep(25), text = '"' .. ("い"):rep(25) .. '"'},
  {what = "control characters", value = "a\27[31mb\7\8\127\0c",
   text = [["a\x1b[31mb\x07\x08\x7f\x00c"]]},
  {what = "a C1 control", value = "\u{9b}31m", text = [["\u{9b}31m"]]},
  {what = "turned writing", value = "a\u{202e}b\u{2066}", text = [["a\u{202e}b\u{2066}"]]},
  {what = "no UTF-8", value = "a\xffb\xc3", text = [["a\xffb\xc3"]]},
  {what = "a surrogate", value = "\xed\xa0\x80", text = [["\xed\xa0\x80"]]},
  {what = "a tab and a return", value = "a\tb\r", text = [["a\tb\r"]]},
  {what = "a function of a module", value = gateways.create,
   text = "function gateways.create: see help(gateways.create)"},
  {what = "a global function", value = print, text = "function print: print() calls it"},
  {what = "a coroutine", value = coroutine.create(print), text = "coroutine (suspended)"},
  {what = "an empty table", value = {}, text = "{} (empty)"},
}, "{what} is shown", function(row)
  equal(plain(row.value), row.text)
end)

test.case("a script's own function is shown with its place, or by its name", function()
  local function own() end
  local line = debug.getinfo(own, "S").linedefined
  equal(plain(own), ("function (%s:%d)"):format(debug.getinfo(own, "S").short_src, line))
  equal(plain(own, 60, {env = {own = own}}), "function own: own() calls it")
end)

test.case("a long string is cut and says its length", function()
  local text = plain(("x"):rep(1000000), 60)
  contains(text, ELLIPSIS .. " (1,000,000 bytes)")
  ok(#text < 600, #text)
  equal(plain({("x"):rep(1000), ("y"):rep(30)}, 40),
        '{\n  "' .. ("x"):rep(22 - terminal.width(ELLIPSIS)) .. ELLIPSIS
        .. ' (1,000 bytes),\n  "' .. ("y"):rep(30) .. '",\n}')
end)

test.case("a long string is cut between characters", function()
  for length = 470, 490 do
    ok(is_harmless(plain(("x"):rep(length) .. ("\u{652f}"):rep(200), 60)), length)
  end
end)

test.case("a text of several lines is shown as lines", function()
  equal(plain "<policies>\r\n\t<inbound />\27[0m\n</policies>\n",
        "  <policies>\n      <inbound />\\x1b[0m\n  </policies>")
end)

test.case("lines are cut at the width, and counted after a screenful", function()
  local text = plain(("<a/>\n"):rep(500) .. ("b"):rep(100), 40)
  local lines = lines_of(text)
  equal(#lines, select(2, terminal.size()) > 24 and #lines or 21)
  contains(lines[#lines], "more lines (2,600 bytes in all)")
  equal(lines_of(plain("a\n" .. ("b"):rep(100), 40))[2],
        "  " .. ("b"):rep(38 - terminal.width(ELLIPSIS)) .. ELLIPSIS)
end)

-- several values -------------------------------------------------------------------------

test.case("several values stand below each other, and nil among them is said", function()
  local options = {columns = 60, has_color = false}
  equal(show.values(table.pack(1, nil, "a", nil), options), '1\nnil\n"a"\nnil')
  equal(show.values(table.pack(), options), "")
  equal(show.values(table.pack(nil), options), "")
  equal(show.values(table.pack(false), options), "false")
end)

-- tables within tables -------------------------------------------------------------------

test.each({
  {what = "a small list", value = {1, 2, "x"}, text = '{ 1, 2, "x" }'},
  {what = "a small table", value = {b = "x", a = 1}, text = '{ a = 1, b = "x" }'},
  {what = "keys: numbers first, then strings", value = {z = 1, a = 2, [10] = 3, [2.5] = 4},
   text = "{ [2.5] = 4, [10] = 3, a = 2, z = 1 }"},
  {what = "a list with a hole and more", value = {1, nil, 3, a = 4}, text = "{ 1, nil, 3, a = 4 }"},
  {what = "keys that are no names", value = {["a b"] = 1, ["end"] = 2, ["\27["] = 3},
   text = [[{ ["\x1b["] = 3, ["a b"] = 1, ["end"] = 2 }]]},
  {what = "other keys", value = {[true] = 1, [{}] = 2}, text = nil, has = "[true] = 1"},
  {what = "null within", value = {a = json.null}, text = "{ a = json.null }"},
  {what = "what lies too deep", value = {a = {b = {c = {d = 1}, e = {}}}},
   text = "{ a = { b = { c = { ... }, e = {} } } }"},
  {what = "a module within", value = {g = gateways}, text = "{ g = <module gateways> }"},
}, "{what}", function(row)
  local text = plain(row.value)
  if row.text then
    equal(text, row.text)
  end
  contains(text, row.has or "{")
end)

test.case("a table that takes more than a line has a member a line", function()
  local value = {name = "payments", tags = {team = "payments", stage = "production"},
                 list = {"one", "two"}, inner = {text = ("y"):rep(44), deeper = {x = 1}}}
  equal(plain(value, 60), [[
{
  inner = {
    deeper = { x = 1 },
    text = "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
  },
  list = { "one", "two" },
  name = "payments",
  tags = { stage = "production", team = "payments" },
}]])
end)

test.case("cycles are marked, and what is there twice is shown twice", function()
  local value = {name = "a"}
  value.self, value.list = value, {value}
  equal(plain(value), '{ list = { <cycle> }, name = "a", self = <cycle> }')
  local twice = {1}
  equal(plain {twice, twice}, "{ { 1 }, { 1 } }")
end)

test.case("members are cut with a count", function()
  local numbers = {}
  for i = 1, 4997 do
    numbers[i] = i
  end
  local lines = lines_of(plain(numbers, 60, {most_rows = 10}))
  equal(#lines, 4)
  equal(lines[2], "  1, 2, 3, 4, 5, 6, 7, 8, 9, 10,")
  equal(lines[3], "  ... and 4,987 more")
  lines = lines_of(plain({list = numbers}))
  equal(lines[#lines - 2], "    ... and 4,977 more")
end)

test.case("several short members are in a row", function()
  local names = {}
  for i = 1, 12 do
    names[i] = ("team-%d"):format(i)
  end
  local lines = lines_of(plain(names, 40))
  equal(lines[2], [[  "team-1", "team-2", "team-3",]])
  equal(lines[#lines - 1], [[  "team-10", "team-11", "team-12",]])
  names[7] = ("x"):rep(20) -- one that is long, and each has a row of its own
  equal(#lines_of(plain(names, 40)), 14)
end)

test.case("a table of tables ends after a thousand lines", function()
  local value = {}
  for i = 1, 100 do
    value[i] = {}
    for k = 1, 100 do
      value[i][k] = ("%d.%d, too long for a row with others"):format(i, k)
    end
  end
  local lines = lines_of(plain(value))
  ok(#lines < 1200, #lines)
  contains(plain(value), "... and more")
end)

-- metatables -----------------------------------------------------------------------------

local function with(metatable, value)
  return setmetatable(value or {}, metatable)
end

local function endless()
  return function(_, last)
    return (last or 0) + 1, "x"
  end
end

test.each({
  {what = "a __tostring", value = with {__tostring = function() return "point (1, 2)" end},
   text = "point (1, 2)"},
  {what = "a __tostring with control characters",
   value = with {__tostring = function() return "a\27[2J\u{202e}" end},
   text = [[a\x1b[2J\u{202e}]]},
  {what = "a __tostring that raises", value = with {__tostring = function() error "no\27[1m" end},
   has = [[table whose __tostring raised: ]], more = [[no\x1b[1m]]},
  {what = "a __tostring that raises an object",
   value = with {__tostring = function() error {} end},
   text = "table whose __tostring raised: an error object of type table"},
  {what = "a __tostring that raises a failure", value = with {__tostring = function()
     error(check.failure {code = "Busy", message = "later"}, 0)
   end}, text = "table whose __tostring raised: Busy: later"},
  {what = "a __tostring that gives no text", value = with {__tostring = function() return {} end},
   has = "table whose __tostring raised: "},
  {what = "a __tostring that is no function", value = with {__tostring = 1},
   has = "table whose __tostring raised: "},
  {what = "a __tostring that would wait",
   value = with {__tostring = function() tasks.sleep "1h" end}, has = "cannot wait here"},
  {what = "a __tostring that gives too much",
   value = with {__tostring = function() return ("x"):rep(1000000) end}, most = 2000},
  {what = "a __tostring that shows itself",
   value = with {__tostring = function(own) return show.text(own) end}, has = "overflow"},
  {what = "a __pairs that raises", value = with {__pairs = function() error "no" end},
   has = "its __pairs raised: "},
  {what = "a __pairs that never ends", value = with {__pairs = endless}, has = "... and more"},
  {what = "a __pairs that would wait",
   value = with {__pairs = function() tasks.sleep "1h" end}, has = "cannot wait here"},
  {what = "an __index that raises", value = with({__index = function() error "no" end}, {a = 1}),
   text = "{ a = 1 }"},
  {what = "an __index that raises, in a list of strings",
   value = {{a = with({__index = function() error "no" end}, {"x"})}}, has = "x"},
  {what = "a __len that lies", value = with({__len = function() return 1e9 end}, {1}),
   text = "{ 1 }"},
  {what = "an __eq that raises", value = {with({__eq = function() error "no" end,
                                                __tostring = function() return "x" end})},
   text = "{ <x> }"},
  {what = "a __name of another kind", value = with({__name = {}}, {a = 1}), text = "{ a = 1 }"},
  {what = "a sealed metatable", value = with({__metatable = false}, {a = 1}), text = "{ a = 1 }"},
}, "{what} is no harm", function(row)
  for _, value in ipairs {row.value, {row.value}, {a = {b = row.value}}} do
    local text = plain(value)
    ok(is_harmless(text), text)
    ok(#text < 100000)
  end
  local text = plain(row.value)
  if row.text then
    equal(text, row.text)
  end
  contains(text, row.has or "")
  contains(text, row.more or "")
  ok(#text <= (row.most or 100000), #text)
end)

test.case("an object of a named type has what it holds below its text", function()
  local object = with({__name = "point", __tostring = function() return "point (1, 2)" end},
                      {x = 1, y = 2, id = "p-1", name = "origin"})
  equal(plain(object), "point (1, 2)\n  name  origin\n  x     1\n  y     2\n  id    p-1")
  equal(plain({object, object}), ([[
name    x  y  id
------  -  -  ---
origin  1  2  p-1
origin  1  2  p-1
(2 points)]]):gsub("%-%-%-*", function(dashes)
    return terminal.is_utf8() and ("\u{2500}"):rep(#dashes) or dashes
  end):gsub("  %-", terminal.is_utf8() and "  \u{2500}" or "  -"))
end)

-- tasks, operations, failures ------------------------------------------------------------

test.case("tasks and operations tell their state", function()
  local task <close> = with({__close = function(own) own[1]:cancel() end},
                            {tasks.spawn(tasks.sleep, "1h")})
  equal(plain(task[1]), "task (ready)")
  tasks.yield()
  equal(plain {task[1]}, "{ <task (waiting)> }")
  local operation = gateways.create("gw-1", {wait = false})
  contains(plain(operation), "operation (create gateway 'gw-1'): running")
  operation:wait()
  equal(plain(operation), "operation (create gateway 'gw-1'): succeeded, 100%")
  operation:cancel()
  equal(plain(operation), "operation (canceled): canceled")
end)

test.case("a failure is its code and message, with its facts below", function()
  local failure = check.failure {
    code = "Throttled", message = "too many requests\27[0m", status = 429, retryable = true,
    request_id = "1f", cure = "wait", details = {limit = 5}}
  equal(plain(failure), [[
Throttled: too many requests\x1b[0m
  status      429
  request_id  1f
  retryable   true
  cure        wait
  details     { limit = 5 }]])
  contains(plain(failure, 80, {is_expanded = true}), "stack traceback:")
  equal(plain({failure = failure}), [[{ failure = <Throttled: too many requests\x1b[0m> }]])
end)

test.case("a failure of the service is shown whole", function()
  local _, failure = tasks.try(workspaces.get, "nope")
  local text = plain(failure, 100)
  contains(text, "ResourceNotFound: ")
  contains(text, "  status          404\n")
  contains(text, "  operation       get workspace 'nope'\n")
  contains(text, "  request_id      " .. failure.request_id)
end)

-- colours --------------------------------------------------------------------------------

test.case("colours are added, and nothing else", function()
  local values = {workspaces.ensure("payments", {}), {workspaces.get "payments"},
                  {a = {("x"):rep(60)}}, check.failure {code = "A", message = "b"}, {}}
  for _, value in ipairs(values) do
    local colored = show.text(value, {columns = 60, has_color = true})
    local bare = colored:gsub("\27%[%d+m", "")
    equal(bare, plain(value, 60))
    ok(colored ~= bare)
    ok(not (colored:find "\27%[33m" or colored:find "\27%[34m"), "readable on any ground")
    equal(select(2, colored:gsub("\27%[0m", "")) * 2, select(2, colored:gsub("\27%[%d+m", "")))
  end
end)

-- options --------------------------------------------------------------------------------

test.case("wrong options are refused", function()
  raises("unknown option 'colums'", show.text, 1, {colums = 1})
  raises("columns: a number expected, got string", show.text, 1, {columns = "80"})
  raises("a table of options expected, got number", show.text, 1, 80)
  raises("what table.pack gives expected, got nil", show.values, nil)
  equal(plain({1}, -5), "{ 1 }")
end)

-- core.terminal --------------------------------------------------------------------------

test.case("core.terminal tells sizes and makes text fit", function()
  local columns, rows = terminal.size()
  ok(columns > 0 and rows > 0)
  equal(terminal.width "Zürich", 6)
  equal(terminal.width "支払い", 6)
  equal(terminal.visible "a\n\27\0b\xff\u{202e}", "a\\n\\x1b\\x00b\u{fffd}\\u{202e}")
  equal(terminal.cut("abcdefghij", 10), "abcdefghij")
  equal(terminal.width(terminal.cut("abcdefghij", 7)), 7)
  equal(terminal.start("abcdefghij", 6),
        ("abcdefghij"):sub(1, 6 - terminal.width(ELLIPSIS)) .. ELLIPSIS)
  equal(terminal.start("支払い", 4), terminal.is_utf8() and "支\u{2026}" or "...")
  equal(terminal.cut("abc", 0), "")
  equal(type(terminal.wants_color()), "boolean")
  equal(type(terminal.is_terminal()), "boolean")
  raises("columns from 0 to 1000000 expected", terminal.cut, "a", -1)
end)

test.case("core.inspect sees through sealed metatables and lets nothing wait", function()
  local sealed = with({__metatable = false, __name = "thing", __tostring = tostring})
  equal(inspect.type_name(sealed), "thing")
  equal({inspect.has(sealed, "__tostring"), inspect.has(sealed, "__pairs")}, {true, false})
  equal(inspect.type_name "text", nil)
  equal(inspect.count {1, 2, a = 3}, 3)
  equal({inspect.call(math.max, 1, 2)}, {true, 2})
  local fine, why = inspect.call(tasks.sleep, "1h")
  equal(fine, false)
  contains(why, "cannot wait here")
end)

-- texts that people read -------------------------------------------------------------------

test.case("a module is its name and what it holds", function()
  local lines = lines_of(plain(gateways, 40))
  equal(lines[1], "module gateways: see help(gateways)")
  equal(lines[2], "  MOST_WORKSPACES, create, delete, each,")
  equal(lines[3], "  ensure, exists, find, get, list,")
  equal(lines[4], "  update")
end)

test.case("functions of the kinds of networks have their names", function()
  equal(plain(require "networks".route_tables.get),
        "function networks.route_tables.get: see help(networks.route_tables.get)")
end)

test.case("a string with quotes is in the other quotes, where it holds none of those", function()
  equal(plain [[<a b="c">]], [['<a b="c">']])
  equal(plain [[it's "c"]], [["it's \"c\""]])
  equal(plain [[\ "c"]], [["\\ \"c\""]])
end)

local ID = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-apim/providers/"
           .. "Microsoft.ApiManagement/service/contoso-apim/workspaces/"

test.case("of ids in a list the end is shown", function()
  for _, line in ipairs(lines_of(plain({ID .. "payments", ID .. "billing"}, 60))) do
    ok(not line:find "subscriptions" or line:find 'workspaces/%a+",$', line)
  end
end)

test.case("an object's own text is broken at blanks, its ids are cut, with \\x they are not",
          function()
  local object = with {__tostring = function()
    return "group 'a' may read\n  because a role at " .. ID .. "payments allows it all"
  end}
  local lines = lines_of(plain(object, 60))
  equal(lines[1], "group 'a' may read")
  equal(lines[2]:match "^  because a role at /subscr", "  because a role at /subscr")
  contains(lines[2], "/payments allows")
  equal(lines[3], "      all")
  contains(plain(object, 60, {is_expanded = true}), ID .. "payments")
end)

test.case("a failure's message is broken at blanks", function()
  local failure = check.failure {code = "Busy", message = ("later "):rep(20)}
  for _, line in ipairs(lines_of(plain(failure, 40))) do
    ok(terminal.width(line) <= 40, line)
  end
end)

test.case("columns of tables come last, ids that are GUIDs give way first", function()
  local rows = {}
  for i = 1, 2 do
    rows[i] = {id = ("891476ae-26c9-55d8-8bfa-55f33d4d16a%d"):format(i), role = ("r"):rep(40),
               name = "n", paths = {{1}}}
  end
  local lines = lines_of(plain(rows, 72))
  ok(lines[1]:find "^name  role +id", lines[1])
  contains(lines[3], ("r"):rep(40) .. "  891476ae")
  contains(lines_of(plain(rows, 200))[1], "id" .. (" "):rep(36) .. "paths")
end)

test.case("details of a failure are shown where its message has not told them", function()
  local details = {{code = "ValidationError", message = "path is taken"}}
  local told = check.failure {code = "Bad", message = "Wrong: path is taken", details = details}
  equal(plain(told), "Bad: Wrong: path is taken")
  contains(plain(check.failure {code = "Bad", message = "Wrong", details = details}),
           "path is taken")
end)
