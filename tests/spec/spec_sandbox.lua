-- What scripts cannot do.
local test = require "test"

test.case("there are no processes, no deleting, no renaming", function()
  for _, name in ipairs {"execute", "exit", "remove", "rename", "tmpname", "setlocale"} do
    test.equal(os[name], nil)
  end
  test.equal(io.popen, nil)
  test.equal(io.output, nil)
  test.equal(require "os".execute, nil)
  test.equal(require "io".popen, nil)
end)

test.case("there are no native libraries", function()
  test.equal(package.loadlib, nil)
  test.equal(package.cpath, "")
  test.equal(#package.searchers, 2)
  test.raises("no native module", require, "lfs")
end)

test.case("there is no bytecode", function()
  test.equal(string.dump, nil)
  test.equal(loadfile, nil)
  test.equal(dofile, nil)
  local fn, message = load("\27Lua")
  test.equal(fn, nil)
  test.contains(message, "binary chunk")
  test.equal(load("\27Lua", "x", "b"), nil)
  test.equal(load("return 1", "x", "b")(), 1)
  test.equal(load("return y", "x", "t", {y = 2})(), 2)
end)

test.case("debug looks but does not touch", function()
  test.ok(debug.traceback())
  for _, name in ipairs {"sethook", "getregistry", "setupvalue", "setmetatable", "setlocal"} do
    test.equal(debug[name], nil)
  end
end)

test.case("metatables of what the engine owns are sealed", function()
  local tasks, workspaces = require "tasks", require "workspaces"
  local resource = workspaces.ensure("sealed", {})
  local task = tasks.spawn(tasks.sleep, 0)
  local operation = workspaces.ensure("sealed", {wait = false})
  for _, object in ipairs {resource, task, operation, require("core.tasks").group()} do
    test.equal(getmetatable(object), false)
    test.equal(pcall(setmetatable, object, {}), false)
  end
  operation:wait()
end)

test.case("module names are names, not paths", function()
  for _, name in ipairs {"../x", "/etc/passwd", "a/b", "..", ""} do
    test.raises("is not a module name", require, name)
  end
end)

test.case("print and io.write go through the run", function()
  io.write("a", 1, "\n"):write("b\n")
  io.stdout:write("c\n"):flush()
  test.raises("bad argument", io.write, {})
end)
