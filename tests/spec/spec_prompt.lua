-- Lines at the prompt: what they are, what their code is, what the session keeps of them.
local folder = require "core.folder"
local prompt = require "prompt"
local prompt_line = require "prompt_line"
local prompt_shell = require "prompt_shell"
local test = require "test"

local PARSED = {
  {"", {kind = "blank"}},
  {"  \n ", {kind = "blank"}},
  {"f(\n#", {kind = "dropped"}},
  {"1 + 1", {kind = "code", text = "1 + 1", is_background = false}},
  {" f() & ", {kind = "code", text = "f()", is_background = true}},
  {"a & b", {kind = "code", text = "a & b", is_background = false}},
  {"\\x", {kind = "command", name = "x", argument = ""}},
  {"\\watch gateways.list() 10s", {kind = "command", name = "watch",
                                  argument = "gateways.list() 10s"}},
  {"\\read-only on", {kind = "command", name = "read-only", argument = "on"}},
  {"\\?", {kind = "command", name = "?", argument = ""}},
  {"\\save! a.lua", {kind = "command", name = "save!", argument = "a.lua"}},
  {"gateways.create?", {kind = "question", subject = "gateways.create", wants_source = false}},
  {"gateways.create??", {kind = "question", subject = "gateways.create", wants_source = true}},
  {"?gateways", {kind = "question", subject = "gateways", wants_source = false}},
}

for _, row in ipairs(PARSED) do
  test.case((("what is %q"):format(row[1]):gsub("%c", " ")), function()
    test.equal(prompt_line.parse(row[1]), row[2])
  end)
end

local SHARED = {
  {"x = 1", "x = 1"},
  {"local x = 1", "      x = 1"},
  {"local x", "      x = nil"},
  {"local a, b = 1, 2", "      a, b = 1, 2"},
  {"local a, b", "      a, b = nil"},
  {"local a <const> = 1", "      a  = 1"},
  {"local a <close> = f()", "local a <close> = f()"},
  {"local function f() local x = 1 return x end", "      function f() local x = 1 return x end"},
  {"do local x = 1 end local y = 2", "do local x = 1 end       y = 2"},
  {"if a then local x end", "if a then local x end"},
  {"for i = 1, 2 do local x = i end", "for i = 1, 2 do local x = i end"},
  {"repeat local x until x", "repeat local x until x"},
  {"print 'local x = 1'", "print 'local x = 1'"},
  {"-- local x\nlocal y", "-- local x\n      y = nil"},
  {"local a --[[ why ]] = 1", "      a --[[ why ]] = 1"},
  {"local t = {f = function() local x end}", "      t = {f = function() local x end}"},
}

for _, row in ipairs(SHARED) do
  test.case((("the locals of %q"):format(row[1]):gsub("%c", " ")), function()
    test.equal(prompt_line.share_locals(row[1]), row[2])
  end)
end

-- A session that keeps what it says.
local function new_shell()
  local shell, said = prompt_shell.new(), {}
  function shell.say(_, text) said[#said + 1] = text end
  function shell.fail(_, text) said[#said + 1] = "! " .. text end
  return shell, said
end

test.case("variables, also local ones, are there for the lines that follow", function()
  local shell, said = new_shell()
  test.equal(shell:evaluate "local x = 6", true)
  test.equal(shell:evaluate "y = 7", true)
  test.equal(shell:evaluate "x * y", true)
  test.equal(said, {"_3 = 42"})
  test.equal(rawget(_G, "y"), nil)
end)

test.case("results have names", function()
  local shell, said = new_shell()
  shell:evaluate "10"
  shell:evaluate "_ + 1"
  shell:evaluate "_1 + _2"
  test.equal(said, {"_1 = 10", "_2 = 11", "_3 = 21"})
end)

test.case("a statement and nil show nothing", function()
  local shell, said = new_shell()
  shell:evaluate "x = 1"
  shell:evaluate "nil"
  shell:evaluate "   "
  test.equal(said, {})
end)

test.case("what fails is said with its line, and kept as _error", function()
  local shell, said = new_shell()
  test.equal(shell:evaluate "error {code = 'Odd'}", false)
  test.equal(shell.env._error.code, "Odd")
  test.equal(shell:evaluate "x = = 1", false)
  test.equal(said[2], "! line 2:1: unexpected symbol near '='")
  test.equal(shell:evaluate "error 'no'", false)
  test.equal(said[3], "! line 3:1: no")
end)

local MISTAKES = {{"1 +* 2", "unexpected symbol near '*'"}, {"x = = 1", "unexpected symbol near '='"},
                  {"x + )", "unexpected symbol near ')'"}, {"f(1))", "unexpected symbol near ')'"},
                  {"if x than y end", "'then' expected near 'than'"}, {"a b", "<eof> expected near 'b'"}}

for _, row in ipairs(MISTAKES) do
  test.case("what is wrong with " .. row[1], function()
    local fn, message = prompt_line.compile(row[1], "line 1", {})
    test.equal({fn, message}, {nil, "line 1:1: " .. row[2]})
  end)
end

test.case("the modules of the library are there without require, its inner ones are not", function()
  local shell, said = new_shell()
  shell:evaluate "workspaces.create('payments', {display_name = 'P'}).display_name"
  shell:evaluate "json.encode {1}"
  shell:evaluate "collection"
  test.equal(said, {'_1 = "P"', '_2 = "[1]"'})
end)

test.case("a line with & goes on in the background, and its value comes later", function()
  local shell, said = new_shell()
  test.equal(shell:evaluate "tasks.sleep(5) &", true)
  test.equal(said, {"[1] tasks.sleep(5)"})
  test.equal(#shell:background_tasks(), 1)
  require("tasks").sleep(6)
  test.equal(#shell:background_tasks(), 0)
  test.equal(said[2], "[1] done: tasks.sleep(5)")
end)

test.case("lines that had failed are left out when a session is carried on", function()
  local marks = {}
  rawset(_G, "mark", function(name) marks[#marks + 1] = name end)
  local ok = pcall(prompt.replay, {
    {number = 1, text = "mark 'a'"}, {number = 2, text = "mark 'b'"}, {failed = 2},
    {number = 3, text = "tasks.sleep(9) mark 'c'"}, {number = 3, job = 1},
    {number = 4, is_secret = true}, {number = 6, text = "mark 'd'"}, {joined = 1},
    {number = 7, text = "mark(_3 == nil)"}})
  rawset(_G, "mark", nil)
  test.equal(ok, true)
  test.equal(marks, {"a", "d", "c", true})
end)

test.case("a session that is carried on fails with a task in the background", function()
  local ok, reason = pcall(prompt.replay, {{number = 1, text = "tasks.sleep(9) error 'no'"},
                                           {number = 1, job = 1}})
  test.equal({ok, reason}, {false, "a line of the session failed, see above"})
end)

local RAISED = {{"error()", "nil was raised"}, {"error {}", "{} (empty)"},
                {"error(tasks.spawn(tasks.sleep, 1))", "task (ready)"}}

for _, row in ipairs(RAISED) do
  test.case("a line may raise anything, and the session goes on: " .. row[1], function()
    local shell, said = new_shell()
    test.equal(shell:evaluate(row[1]), false)
    test.equal(said, {"! " .. row[2]})
    test.equal(shell.is_leaving, nil)
  end)
end

test.case("run.exit ends the session with its code, but not from the background", function()
  local shell, said = new_shell()
  test.equal(shell:evaluate "run.exit(3) &", true)
  require("tasks").sleep(1)
  test.equal(said[2], "! [1] failed: run.exit() ends no session from the background")
  test.equal(shell.is_leaving, nil)
  shell:evaluate "run.exit(3)"
  test.equal({shell.is_leaving, require("core.prompt").exit_code(shell.exit)}, {true, 3})
end)

test.case("a file runs as a line, and its messages have its name", function()
  local shell, said = new_shell()
  local place = os.getenv "TMPDIR" or "/tmp"
  local own = ("moongate-spec-%s/init.lua"):format(tostring({}):match "0x(%x+)")
  local path = place .. "/" .. own
  folder.make(path:match "^(.*)/")
  folder.write(place, own, "x = 1\nx = nil + 1\n")
  test.equal(shell:run_file(path), false)
  test.equal(shell:run_file "/", false)
  test.equal(shell:run_file "/no/such/file", false)
  folder.remove(place, own)
  test.equal(said, {"! init.lua:2: attempt to perform arithmetic on a nil value",
                    "! /: Is a directory", "! /no/such/file: No such file or directory"})
end)

test.case("what a statement returns is shown, too", function()
  local shell, said = new_shell()
  shell:evaluate "local x = 5 return x"
  test.equal(said, {"_1 = 5"})
end)
