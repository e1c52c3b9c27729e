-- The specs' own tools: a test is a sentence and a function; failures are counted and shown
-- with where they are. A spec file ends with spec.finish().
local json = require "json"
local run = require "run"

local spec = {passed = 0, failed = 0}

local function show(value)
  if type(value) == "table" then
    local ok, text = pcall(json.encode, value)
    return ok and text or tostring(value)
  end
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

--- Run one test.
function spec.test(sentence, fn)
  local ok, message = xpcall(fn, debug.traceback)
  if ok then
    spec.passed = spec.passed + 1
  else
    spec.failed = spec.failed + 1
    print(("FAILED %s\n  %s"):format(sentence, (tostring(message):gsub("\n", "\n  "))))
  end
end

--- Two values are the same; tables are compared by what they hold.
function spec.equal(have, want)
  local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
      return a == b
    end
    for key, value in pairs(a) do
      if not same(value, b[key]) then
        return false
      end
    end
    for key in pairs(b) do
      if a[key] == nil then
        return false
      end
    end
    return true
  end
  if not same(have, want) then
    error(("expected %s, got %s"):format(show(want), show(have)), 2)
  end
end

--- A value is neither nil nor false.
function spec.ok(value, what)
  if not value then
    error((what or "expected something true") .. ", got " .. show(value), 2)
  end
end

--- A text has another one in it.
function spec.contains(have, want)
  if not tostring(have):find(want, 1, true) then
    error(("expected a text with %s, got %s"):format(show(want), show(have)), 2)
  end
end

--- The function raises: a failure with this code, or a message with this text in it. Returns
-- what was raised.
function spec.raises(want, fn, ...)
  local ok, raised = pcall(fn, ...)
  if ok then
    error(("expected an error with %s, nothing was raised"):format(show(want)), 2)
  end
  if not (type(raised) == "table" and raised.code == want)
     and not tostring(raised):find(want, 1, true) then
    error(("expected an error with %s, got %s"):format(show(want), tostring(raised)), 2)
  end
  return raised
end

--- Print the counts and end the run.
function spec.finish()
  print(("%d passed, %d failed"):format(spec.passed, spec.failed))
  run.exit(spec.failed == 0 and 0 or 1)
end

return spec
