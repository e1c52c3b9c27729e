-- The long-running operations of the Azure SDK team's test server, driven through arm.request.
--
--   CONFORMANCE_SERVER=http://localhost:3000 \
--     moongate test --allow-net localhost:3000 tests/spec/conformance_lro.lua
--
-- Time is virtual: the hours between polls pass at once. Each row of conformance_lro.json says how an
-- operation has to end; `--filter "12: "` runs the twelfth alone.
local arm, env, json, tasks = require "arm", require "env", require "json", require "tasks"
local test = require "test"

local base = env.require "CONFORMANCE_SERVER"
local file <close> = assert(io.open((arg[0]:gsub("%.lua$", ".json"))))
local rows = json.decode(file:read "a")

local function ends_as(row, answer, failure)
  if row.outcome == "succeeded" then
    test.ok(not failure, tostring(failure))
    if not row.anything then
      test.equal(answer.body, row.value ~= json.null and row.value or nil)
    end
  elseif row.outcome == "failed" then
    test.ok(failure and not failure.status and failure.code ~= "Canceled", tostring(failure))
    test.equal(failure.code, row.code or failure.code)
    test.equal(failure.message, row.message or failure.message)
  elseif row.outcome == "canceled" then
    test.equal(failure and failure.code, "Canceled")
  elseif row.outcome == "malformed" then
    test.equal(failure and failure.code, "ProtocolError")
  else
    test.equal(failure and failure.status, row.status)
  end
end

for number, row in ipairs(rows) do
  test.case(("%d: %s %s"):format(number, row.method, row.path), function()
    ends_as(row, tasks.try(arm.request, {
      method = row.method, url = base .. row.path, final_state_via = row.final_state_via,
      repeatable = row.repeatable,
      body = row.method ~= "DELETE" and {} or nil,
      headers = row.client_request_id and {["x-ms-client-request-id"] = row.client_request_id},
    }))
  end)
end
