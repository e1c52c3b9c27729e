-- What scripts cannot do.
local spec = require "spec"

spec.test("there are no processes, no deleting, no renaming", function()
  for _, name in ipairs {"execute", "exit", "remove", "rename", "tmpname", "setlocale"} do
    spec.equal(os[name], nil)
  end
  spec.equal(io.popen, nil)
  spec.equal(io.output, nil)
  spec.equal(require "os".execute, nil)
  spec.equal(require "io".popen, nil)
end)

spec.test("there are no native libraries", function()
  spec.equal(package.loadlib, nil)
  spec.equal(package.cpath, "")
  spec.equal(#package.searchers, 2)
  spec.raises("no native module", require, "lfs")
end)

spec.test("there is no bytecode", function()
  spec.equal(string.dump, nil)
  spec.equal(loadfile, nil)
  spec.equal(dofile, nil)
  local fn, message = load("\27Lua")
  spec.equal(fn, nil)
  spec.contains(message, "binary chunk")
  spec.equal(load("\27Lua", "x", "b"), nil)
  spec.equal(load("return 1", "x", "b")(), 1)
  spec.equal(load("return y", "x", "t", {y = 2})(), 2)
end)

spec.test("debug looks but does not touch", function()
  spec.ok(debug.traceback())
  for _, name in ipairs {"sethook", "getregistry", "setupvalue", "setmetatable", "setlocal"} do
    spec.equal(debug[name], nil)
  end
end)

spec.test("metatables of what the engine owns are sealed", function()
  local tasks, workspaces = require "tasks", require "workspaces"
  local resource = workspaces.ensure("sealed", {})
  local task = tasks.spawn(tasks.sleep, 0)
  local operation = workspaces.ensure("sealed", {wait = false})
  for _, object in ipairs {resource, task, operation, require("core.tasks").group()} do
    spec.equal(getmetatable(object), false)
    spec.equal(pcall(setmetatable, object, {}), false)
  end
  operation:wait()
end)

spec.test("module names are names, not paths", function()
  for _, name in ipairs {"../x", "/etc/passwd", "a/b", "..", ""} do
    spec.raises("is not a module name", require, name)
  end
end)

spec.test("print and io.write go through the run", function()
  io.write("a", 1, "\n"):write("b\n")
  io.stdout:write("c\n"):flush()
  spec.raises("bad argument", io.write, {})
end)

spec.finish()
