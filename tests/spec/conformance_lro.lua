-- The long-running operations of the Azure SDK team's test server, driven through arm.request.
--
--   moongate run --sim --allow-net localhost:3000 tests/spec/conformance_lro.lua http://localhost:3000
--
-- Time is virtual: the hours between polls pass at once. Each row of conformance_lro.json says how an
-- operation has to end; a number as second argument runs one row alone.
local arm, json, tasks = require "arm", require "json", require "tasks"
local spec = require "spec"

local base, only = ...
local file <close> = assert(io.open((arg[0]:gsub("%.lua$", ".json"))))
local rows = json.decode(file:read "a")

local function ends_as(row, answer, failure)
  if row.outcome == "succeeded" then
    spec.ok(not failure, tostring(failure))
    if not row.anything then
      spec.equal(answer.body, row.value ~= json.null and row.value or nil)
    end
  elseif row.outcome == "failed" then
    spec.ok(failure and not failure.status and failure.code ~= "Canceled", tostring(failure))
    spec.equal(failure.code, row.code or failure.code)
    spec.equal(failure.message, row.message or failure.message)
  elseif row.outcome == "canceled" then
    spec.equal(failure and failure.code, "Canceled")
  elseif row.outcome == "malformed" then
    spec.equal(failure and failure.code, "ProtocolError")
  else
    spec.equal(failure and failure.status, row.status)
  end
end

for number, row in ipairs(rows) do
  if not only or tonumber(only) == number then
    spec.test(("%d: %s %s"):format(number, row.method, row.path), function()
      ends_as(row, tasks.try(arm.request, {
        method = row.method, url = base .. row.path, final_state_via = row.final_state_via,
        repeatable = row.repeatable,
        body = row.method ~= "DELETE" and {} or nil,
        headers = row.client_request_id and {["x-ms-client-request-id"] = row.client_request_id},
      }))
    end)
  end
end

spec.finish()
