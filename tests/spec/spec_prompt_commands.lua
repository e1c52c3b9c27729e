-- The commands of the prompt, in a session of their own.
local commands = require "prompt_commands"
local core_session = require "core.session"
local folder = require "core.folder"
local prompt_shell = require "prompt_shell"
local tasks = require "tasks"
local test = require "test"
local trail = require "core.trail"

-- A session that keeps what it says.
local function new_shell()
  local shell, said = prompt_shell.new(), {}
  function shell.say(_, text) said[#said + 1] = text end
  function shell.fail(_, text) said[#said + 1] = "! " .. text end
  return shell, said
end

-- What the lines say, from the last one on.
local function say(shell, said, ...)
  local before = #said
  for _, line in ipairs {...} do
    shell:evaluate(line)
  end
  return table.concat(said, "\n", before + 1)
end

-- Runs with functions of a module replaced.
local function with(module, replacements, fn)
  local before = {}
  for name, replacement in pairs(replacements) do
    before[name], module[name] = module[name], replacement
  end
  local ok, reason = pcall(fn)
  for name, original in pairs(before) do
    module[name] = original
  end
  if not ok then
    error(reason, 0)
  end
end

-- --- the table ------------------------------------------------------------------------------

test.case("each command says how it is called and what it does", function()
  local shell, said = new_shell()
  local text = say(shell, said, "\\?")
  for _, name in ipairs(commands.names()) do
    local command = commands[name]
    test.equal(command.usage:sub(1, #name + 1), "\\" .. name)
    test.ok(#command.help <= 58, name)
    test.contains(text, command.usage)
  end
  for name in ([[use scope watch timing x read-only edit save load log conninfo tasks wait kill fg
                 history ? q]]):gmatch "%S+" do
    test.equal(type(rawget(commands, name)), "table", name)
  end
end)

test.case("a command with a question mark says what it does", function()
  local shell, said = new_shell()
  test.equal(say(shell, said, "\\q?"), "\\q\n  leaves; so does Ctrl-D")
  test.equal(shell.is_leaving, nil)
  test.equal(say(shell, said, "\\??"), "\\?\n  this list")
end)

test.case("an unknown command suggests the near one", function()
  test.equal(commands.find "wach", "unknown command '\\wach'; did you mean '\\watch'? \\? lists "
             .. "them")
  test.equal(commands.find "zzzzzz", "unknown command '\\zzzzzz'; \\? lists them")
  test.equal(commands.find "", "a command expected behind the backslash; \\? lists them")
  test.equal(type(commands.find "find"), "string")
  test.equal(commands.find "q", commands.q)
end)

local REFUSED = {
  {"\\? x", "! \\? takes no argument, got 'x'"},
  {"\\q now", "! \\q takes no argument, got 'now'"},
  {"\\conninfo x", "! \\conninfo takes no argument, got 'x'"},
  {"\\tasks x", "! \\tasks takes no argument, got 'x'"},
  {"\\x yes", "! \\x [on|off]: on or off expected, got 'yes'"},
  {"\\timing 1", "! \\timing [on|off]: on or off expected, got '1'"},
  {"\\read-only maybe", "! \\read-only [on|off]: on or off expected, got 'maybe'"},
  {"\\log x", "! \\log [N]: a number from 1 on expected, got 'x'"},
  {"\\log 0", "! \\log [N]: a number from 1 on expected, got '0'"},
  {"\\log 1.0", "! \\log [N]: a number from 1 on expected, got '1.0'"},
  {"\\history -1", "! \\history [N]: a number from 1 on expected, got '-1'"},
  {"\\wait 7", "! \\wait [N]: no task 7 runs in the background"},
  {"\\kill", "! \\kill [N]: no task runs in the background"},
  {"\\fg 2", "! \\fg [N]: no task 2 runs in the background"},
  {"\\watch", "! \\watch [EXPR] [EVERY]: there is no expression yet; give one"},
  {"\\watch 1 0.5s", "! \\watch [EXPR] [EVERY]: EVERY is at least 1 s, such as 10s, got '0.5s'"},
  {"\\watch 1 10parsecs", "! \\watch [EXPR] [EVERY]: EVERY is at least 1 s, such as 10s, got "
    .. "'10parsecs'"},
  {"\\watch x = 1", "! \\watch [EXPR] [EVERY]: an expression expected, whose value can be watched"},
  {"\\load", "! \\load FILE: the name of a file expected"},
  {"\\load /no/such.lua", "! /no/such.lua: No such file or directory"},
  {"\\load /tmp", "! /tmp: Is a directory"},
  {"\\save", "! \\save FILE: the name of a file expected"},
  {"\\save /tmp/x.lua", "! there is no line yet that worked and can be saved"},
  {"\\scope a/b/c/d", "! \\scope [PLACE]: [[SUBSCRIPTION/]GROUP/]SERVICE or the id of a service "
    .. "expected, got 'a/b/c/d'"},
  {"\\scope a//b", "! \\scope [PLACE]: [[SUBSCRIPTION/]GROUP/]SERVICE or the id of a service "
    .. "expected, got 'a//b'"},
  {"\\scope /subscriptions/s", "! \\scope [PLACE]: '/subscriptions/s' is no id of a service, which "
    .. "is /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ApiManagement/service/NAME"},
}

for _, row in ipairs(REFUSED) do
  test.case(row[1] .. " is refused", function()
    local shell, said = new_shell()
    test.equal(say(shell, said, row[1]), row[2])
  end)
end

-- --- switches -------------------------------------------------------------------------------

test.case("switches turn, or are set", function()
  local shell, said = new_shell()
  for _, row in ipairs {{"x", "is_expanded"}, {"timing", "is_timing"}} do
    shell:evaluate("\\" .. row[1])
    test.equal(shell[row[2]], true)
    shell:evaluate("\\" .. row[1] .. " on")
    test.equal(shell[row[2]], true)
    shell:evaluate("\\" .. row[1])
    test.equal(shell[row[2]], false)
    shell:evaluate("\\" .. row[1] .. " off")
    test.equal(shell[row[2]], false)
  end
  test.contains(said[1], "one by one")
end)

test.case("\\q leaves", function()
  local shell = new_shell()
  shell:evaluate "\\q"
  test.equal(shell.is_leaving, true)
end)

-- --- where one is ---------------------------------------------------------------------------

test.case("\\use lists profiles, or goes over to one", function()
  local shell, said = new_shell()
  local used
  test.contains(say(shell, said, "\\use"), "no profiles")
  with(core_session, {profiles = function() return {"dev", "prod"} end,
                      info = function() return {profile = "prod", service = "apim"} end,
                      use = function(name) used = name end}, function()
    test.equal(say(shell, said, "\\use"), "  dev\n* prod")
    test.contains(say(shell, said, "\\use dev"), "service         apim")
    test.equal(used, "dev")
  end)
end)

local SCOPES = {
  {"apim", {service = "apim"}},
  {"rg/apim", {resource_group = "rg", service = "apim"}},
  {"sub/rg/apim", {subscription = "sub", resource_group = "rg", service = "apim"}},
  {"/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/a",
   {subscription = "s", resource_group = "g", service = "a"}},
  {"/SUBSCRIPTIONS/s/resourcegroups/g/providers/microsoft.apimanagement/service/a/",
   {subscription = "s", resource_group = "g", service = "a"}},
}

for _, row in ipairs(SCOPES) do
  test.case("\\scope " .. row[1], function()
    local shell, said = new_shell()
    local given
    with(core_session, {set_scope = function(scope) given = scope end}, function()
      test.contains(say(shell, said, "\\scope " .. row[1]), "resource group  rg-apim")
    end)
    test.equal(given, row[2])
  end)
end

test.case("\\read-only says, and sets", function()
  local shell, said = new_shell()
  local is_on = false
  with(core_session, {set_read_only = function(wanted) is_on = wanted end,
                      info = function() return {read_only = is_on} end}, function()
    test.equal(say(shell, said, "\\read-only"), "writes are allowed")
    test.equal(say(shell, said, "\\read-only on"), "writes are refused")
    test.equal(say(shell, said, "\\read-only"), "writes are refused")
    test.equal(say(shell, said, "\\read-only off"), "writes are allowed")
  end)
end)

test.case("\\conninfo says who and where without asking", function()
  local shell, said = new_shell()
  trail.start()
  local before = trail.mark()
  local text = say(shell, said, "\\conninfo")
  test.equal(trail.mark(), before)
  test.contains(text, "target          the simulator in this process")
  test.contains(text, "service         contoso-apim")
  test.contains(text, "clock           virtual")
  test.contains(text, "writes          allowed")
end)

-- --- requests -------------------------------------------------------------------------------

test.case("\\log tells the requests of the last line, and all about one", function()
  local shell, said = new_shell()
  trail.start()
  shell:evaluate "workspaces.list()" -- signs in
  shell:evaluate "workspaces.ensure('logged', {display_name = 'L'})"
  local first = trail.mark() - 1
  local text = say(shell, said, "\\log")
  test.matches(text, ("^%d  GET  404 +%%d+ ms  contoso%%-apim/workspaces/logged"
                      .. "  ResourceNotFound\n"):format(first))
  test.matches(text, ("\n%d  PUT  201 +%%d+ ms  contoso%%-apim/workspaces/logged$"):format(
    first + 1))
  test.equal(say(shell, said, "\\log"), text) -- \log itself is no line with requests
  say(shell, said, "\\timing on")
  say(shell, said, "\\timing off")
  test.equal(say(shell, said, "\\log"), text) -- nor is what asks for nothing
  local details = say(shell, said, "\\log " .. first + 1)
  test.contains(details, "> Authorization: [hidden]")
  test.contains(details, '>     "displayName": "L"')
  shell:evaluate "1"
  test.equal(say(shell, said, "\\log"), "no request since the last line began")
  test.matches(say(shell, said, "\\log 99999"),
               "^! \\log %[N%]: no request 99999; kept are %d+ to %d+$")
end)

-- --- \watch ---------------------------------------------------------------------------------

test.case("\\watch shows what changes, until it raises", function()
  local shell, said = new_shell()
  shell.env.times = 0
  shell:evaluate [[function look()
    times = times + 1
    if times == 6 then error("enough", 0) end
    return times // 3
  end]]
  local before = require("clock").elapsed()
  shell:evaluate "\\watch look() 10s"
  test.equal(require("clock").elapsed() - before, 50)
  test.equal(#said, 3)
  test.matches(said[1], "^%d%d:%d%d:%d%d  every 10 s: look%(%)\n0$")
  test.matches(said[2], "\n1$")
  test.matches(said[3], "^! enough")
end)

test.case("\\watch watches the last expression every 5 s, until somebody ends it", function()
  local shell, said = new_shell()
  shell:evaluate "6 * 7"
  shell:evaluate "x = 1"
  local watching = tasks.spawn(function() shell:evaluate "\\watch" end)
  tasks.sleep(12)
  test.equal(#said, 2)
  test.contains(said[2], "every 5 s: 6 * 7\n42")
  shell.lines[#shell.lines].task:cancel()
  pcall(watching.join, watching)
end)

test.case("on a fast clock \\watch looks once a second of one's own", function()
  local shell, said = new_shell()
  with(core_session, {info = function() return {clock = "600x"} end}, function()
    local watching = tasks.spawn(function() shell:evaluate "\\watch 1 + 0" end)
    tasks.sleep(1)
    test.contains(said[1], "every 600 s: 1 + 0\n1")
    shell.lines[#shell.lines].task:cancel()
    pcall(watching.join, watching)
  end)
end)

test.case("what is watched may end in a number", function()
  local shell, said = new_shell()
  shell:evaluate "n = 1"
  for line, heading in pairs {["\\watch n + 1"] = "every 5 s: n + 1\n2",
                              ["\\watch n 7"] = "every 7 s: n\n1",
                              ["\\watch n 1m"] = "every 60 s: n\n1",
                              ["\\watch 'a%sb'"] = "every 5 s: 'a%sb'\n"} do
    local watching = tasks.spawn(function() shell:evaluate(line) end)
    tasks.sleep(0)
    tasks.sleep(0.1)
    test.contains(said[#said], heading)
    shell.lines[#shell.lines].task:cancel()
    pcall(watching.join, watching)
  end
end)

-- --- tasks ----------------------------------------------------------------------------------

test.case("tasks in the background are listed, waited for and canceled", function()
  local shell, said = new_shell()
  shell:evaluate "tasks.sleep(30) &"
  shell:evaluate "tasks.sleep(60) &"
  shell:evaluate "tasks.sleep(90) &"
  test.matches(say(shell, said, "\\tasks"),
               "^%[1%] %l+ +tasks.sleep%(30%)\n%[2%] %l+ +tasks.sleep%(60%)\n%[3%]")
  test.contains(say(shell, said, "\\wait 1"), "[1] done: tasks.sleep(30)")
  test.matches(say(shell, said, "\\kill 2"), "^%[2%] canceled: tasks.sleep%(60%)\n")
  test.equal(shell.lines[2].ok, false)
  test.equal(say(shell, said, "\\kill 2"),
             "! \\kill [N]: no task 2 runs in the background; there are 3")
  test.contains(say(shell, said, "\\wait"), "[3] done: tasks.sleep(90)")
  test.equal(say(shell, said, "\\tasks"), "no task runs in the background")
end)

test.case("without a number one must be the only one", function()
  local shell, said = new_shell()
  shell:evaluate "tasks.sleep(30) &"
  shell:evaluate "tasks.sleep(60) &"
  test.equal(say(shell, said, "\\kill"), "! \\kill [N]: which of 1, 2?")
  shell:evaluate "\\kill 1"
  test.contains(say(shell, said, "\\fg"), "tasks.sleep(60)\n[2] done: tasks.sleep(60)")
end)

test.case("who ends \\fg ends the task", function()
  local shell = new_shell()
  shell:evaluate "tasks.sleep(30) &"
  local task = shell.tasks[1].task
  local waiting = tasks.spawn(function() shell:evaluate "\\fg 1" end)
  tasks.sleep(1)
  shell.lines[#shell.lines].task:cancel()
  pcall(waiting.join, waiting)
  test.equal(task:status(), "canceled")
end)

-- --- lines ----------------------------------------------------------------------------------

local FOLDER = os.getenv "TMPDIR" or "/tmp"
local made = {}

-- The name of a file of this case's own, that is not there yet.
local function new_path(name)
  local own = ("moongate-spec-%s-%s"):format(name, tostring({}):match "0x(%x+)")
  folder.make(FOLDER .. "/" .. own)
  made[#made + 1] = own .. "/x.lua"
  return ("%s/%s/x.lua"):format(FOLDER, own)
end

test.after_each(function()
  for _, path in ipairs(made) do
    folder.write(FOLDER, path, "")
    folder.remove(FOLDER, path) -- and its folder
  end
  made = {}
end)

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The code of the script that is saved, without its head.
local function saved(lines)
  local shell = new_shell()
  for _, line in ipairs(lines) do
    shell:evaluate(line)
  end
  local script = require("prompt_script").build(shell.lines, shell.env, "x.lua")
  return (script:gsub("^%-%-[^\n]*\n%-%-[^\n]*\n", ""))
end

local SAVED = {
  {"statements stay", {"x = 1", "local y = x"}, "\nx = 1\nlocal y = x\n"},
  {"expressions are printed", {"1 + 1", "'a' -- why"}, "\nprint(1 + 1)\nprint('a' -- why\n)\n"},
  {"calls stay", {"tostring(1)"}, "\ntostring(1)\n"},
  {"a return is an expression", {"return 1, 2"}, "\nprint(1, 2)\n"},
  {"what failed is left out", {"error()", "x = = 1", "x = 1"}, "\nx = 1\n"},
  {"results have names where they are used", {"10", "_ + 1", "_1 + _2", "4"},
   "\nlocal _1 = 10\nlocal _2 = _1 + 1\nprint(_1 + _2)\nprint(4)\n"},
  {"only an expression that gave something is the last", {"10", "nil", "_ + 1"},
   "\nlocal _1 = 10\nprint(nil)\nprint(_1 + 1)\n"},
  {"a loop's own _ is no result", {"7", "for _, x in ipairs {1} do y = _ + x end"},
   "\nprint(7)\nfor _, x in ipairs {1} do y = _ + x end\n"},
  {"fields are no results", {"t = {_1 = 5}", "t._1"}, "\nt = {_1 = 5}\nprint(t._1)\n"},
  {"modules are required in the order of their use",
   {"json.encode {clock.now()}", "s = {tasks = 1}", "s.log"},
   'local json = require "json"\nlocal clock = require "clock"\nlocal tasks = require "tasks"\n\n'
     .. "json.encode {clock.now()}\ns = {tasks = 1}\nprint(s.log)\n"},
  {"a variable with a module's name is a variable", {"log = 5", "log + 1"},
   "\nlog = 5\nprint(log + 1)\n"},
  {"what went on in the background is a task", {"tasks.sleep(1) &", "local z = 1 &"},
   'local tasks = require "tasks"\n\ntasks.spawn(function()\nreturn tasks.sleep(1)\nend)\n'
     .. "tasks.spawn(function()\n      z = 1\nend)\n"},
  {"waits for tasks are kept", {"tasks.sleep(1) &", "tasks.sleep(2) &", "\\wait 2", "\\wait"},
   'local tasks = require "tasks"\n\n'
     .. "local task_1 = tasks.spawn(function()\nreturn tasks.sleep(1)\nend)\n"
     .. "local task_2 = tasks.spawn(function()\nreturn tasks.sleep(2)\nend)\n"
     .. "task_2:join()\ntask_1:join()\n"},
  {"nothing becomes the call of what stands before", {"f = tostring", "(f or print)(1)"},
   "\nf = tostring\n;(f or print)(1)\n"},
  {"labels and what is closed have a block", {"::a:: x = 1", "::a:: x = 2"},
   "\ndo\n::a:: x = 1\nend\ndo\n::a:: x = 2\nend\n"},
  {"help is for the session", {"help()", "help 'x'", "x = 1"}, "\nx = 1\n"},
  {"commands are for the session, too", {"\\x", "\\tasks", "x = 1"}, "\nx = 1\n"},
  {"several lines are one", {"if true then\n  x = 1\nend"}, "\nif true then\n  x = 1\nend\n"},
}

for _, row in ipairs(SAVED) do
  test.case("saved: " .. row[1], function()
    test.equal(saved(row[2]), row[3])
  end)
end

test.case("saved: more locals than a function may have are variables of the script", function()
  local lines = {}
  for i = 1, 201 do
    lines[i] = ("local v%d = %d"):format(i, i)
  end
  lines[202] = "assert(v1 + v201 == 202)"
  local script = saved(lines)
  test.contains(script, "\n      v201 = 201\n")
  load(script)()
end)

test.case("saved: what holds a secret is left out, and what uses its value", function()
  local shell, said = new_shell()
  shell:evaluate "password = 'Zx8Q~8h3k2j4h5g6f7d8s9a0p1o2i3u4y5t6'"
  shell:evaluate "x = 1"
  shell:evaluate "tasks.sleep(1) &"
  shell:evaluate "\\wait"
  local path = new_path 'secret'
  local text = say(shell, said, "\\save " .. path)
  test.contains(text, "saved 2 lines: moongate run --sim " .. path)
  test.contains(text, "line 1 is left out: it holds a secret")
  test.contains(read(path), "-- Line 1 is left out: it holds a secret.\n")
  test.ok(not read(path):find("Zx8Q", 1, true))
end)

test.case("saved: a value that no line gave leaves its line out", function()
  local shell, said = new_shell()
  shell.env._7 = 1
  shell:evaluate "x = _7"
  shell:evaluate "y = 1"
  test.contains(say(shell, said, "\\save " .. new_path 'lost'),
                "line 1 is left out: it uses the value of line 7, which is left out")
end)

test.case("saved: where the session was is how the script is run", function()
  local shell, said = new_shell()
  shell:evaluate "\\x"
  shell:evaluate "x = 1"
  local path = new_path "where it is"
  local info = {profile = "prod", endpoint = "https://arm", subscription = "s",
                resource_group = "it's", service = "apim"}
  with(core_session, {info = function() return info end, set_scope = function() end}, function()
    shell:evaluate "\\scope s/it's/apim"
    test.equal(say(shell, said, ("\\save %q"):format(path)),
               ("saved 1 line: moongate run --profile prod --subscription s "
                .. "--resource-group 'it'\\''s' --service apim '%s'"):format(path))
  end)
  test.contains(read(path), "\nx = 1\n-- \\scope s/it's/apim (a script is where it is started)\n")
end)

test.case("\\save replaces nothing unless it is told to", function()
  local shell, said = new_shell()
  local path = new_path 'kept'
  shell:evaluate "x = 1"
  shell:evaluate("\\save " .. path)
  shell:evaluate "x = 2"
  test.equal(say(shell, said, "\\save " .. path),
             ("! %s is there already; \\save! replaces it"):format(path))
  test.ok(not read(path):find "x = 2")
  test.contains(say(shell, said, ("\\save! %q"):format(path)), "saved 2 lines")
  test.contains(read(path), "\nx = 1\nx = 2\n")
  test.equal(folder.list((path:gsub("/x%.lua$", ""))), {"x.lua"}) -- nothing is left beside it
  test.contains(say(shell, said, "\\save /no/such/folder/x.lua"), "No such file or directory")
  test.contains(say(shell, said, "\\save! /dev/null"), "it is no regular file")
end)

test.case("what is saved does the same again", function()
  local shell, said = new_shell()
  shell:evaluate "local ws = workspaces.ensure('again', {display_name = 'Again'})"
  shell:evaluate "ws.display_name"
  shell:evaluate "names = {_2}"
  shell:evaluate "tasks.sleep(5) names[2] = ws.name &"
  shell:evaluate "\\wait"
  local path = new_path 'again'
  shell:evaluate("\\save " .. path)
  test.contains(said[#said], "saved 4 lines")
  require("workspaces").delete "again"
  local env = setmetatable({}, {__index = _G})
  load(read(path), "=saved", "t", env)()
  test.equal(env.names, {"Again", "again"})
  test.equal(require("workspaces").exists "again", true)
end)

test.case("\\load runs a file as one line", function()
  local shell, said = new_shell()
  local path = new_path 'loaded'
  local file = io.open(path, "w")
  file:write "#!/usr/bin/env moongate\nlocal a = 6\nb = a * 7\n"
  file:close()
  shell:evaluate("\\load " .. path)
  test.equal(shell.env.b, 42)
  test.equal(say(shell, said, "b"), "_3 = 42")
end)

test.case("\\history shows the last lines, and no secret", function()
  local shell, said = new_shell()
  test.equal(say(shell, said, "\\history"), "no lines yet")
  shell:evaluate "x = 1"
  shell:evaluate "if x then\ny = 1\nend"
  shell:evaluate "password = 'Zx8Q~8h3k2j4h5g6f7d8s9a0p1o2i3u4y5t6'"
  shell:evaluate "tasks.sleep(1) &"
  test.equal(say(shell, said, "\\history 4"),
             "   2  x = 1\n   3  if x then\n      y = 1\n      end\n"
             .. "   4  (it holds a secret)\n   5  tasks.sleep(1) &")
end)

test.case("\\edit runs what the editor leaves, after showing it", function()
  local shell, said = new_shell()
  local given, left, trouble
  package.loaded["core.external_editor"] = {edit = function(text, suffix)
    test.equal(suffix, ".lua")
    given = text
    return left or text, trouble
  end}
  shell:evaluate "x = 1"
  left = "x = 2\n"
  test.equal(say(shell, said, "\\edit"), "x = 2")
  test.equal(given, "x = 1")
  test.equal(shell.env.x, 2)
  left = nil
  test.equal(say(shell, said, "\\edit"), "nothing was changed, so nothing is run")
  left, trouble = "x = 3", "vi ended with status 1"
  test.equal(say(shell, said, "\\edit"),
             "! vi ended with status 1; nothing was run; the text was\nx = 3")
  test.equal(shell.env.x, 2)
  left = given
  test.equal(say(shell, said, "\\edit"), "! vi ended with status 1; nothing was run")
  package.loaded["core.external_editor"] = nil
end)

test.case("there is no editor outside of a prompt", function()
  local shell, said = new_shell()
  shell:evaluate "x = 1"
  test.contains(say(shell, said, "\\edit"), "only where somebody types")
end)
