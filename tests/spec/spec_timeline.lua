-- What the journal of a run tells: its timeline, and the page about it.
local clock = require "clock"
local report = require "run_report"
local test = require "test"
local timeline = require "timeline"

local ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ApiManagement/gateways/%s"

-- A timeline of records, a second between each.
local function tell(records)
  local line = timeline.new()
  for i, record in ipairs(records) do
    record.n, record.at = i, clock.utc(1000000 + i)
    timeline.add(line, record)
  end
  return line
end

local function intent(name, fields)
  local record = {["do"] = "intent", nth = 1, verb = "ensure", kind = "gateway",
                  id = ID:format(name), action = "create", method = "PUT", request = "c-1"}
  for key, value in pairs(fields or {}) do
    record[key] = value
  end
  return record
end

local function begin(attempt)
  return {["do"] = "begin", attempt = attempt, host = "h", pid = 7}
end

local RECORDS = {
  begin(1),
  intent "gw-a", -- 2
  intent "gw-b", -- 3
  {["do"] = "answer", step = 2, status = 201, url = "https://a", state = "Created",
   request_id = "r-1"},
  {["do"] = "state", step = 2, state = "Activating", percent = 10},
  {["do"] = "failed", step = 3, code = "SkuNotAvailable", status = 409, message = "no",
   request_id = "r-2"},
  begin(2),
  {["do"] = "intent", step = 3, action = "create", method = "PUT", request = "c-2"},
  {["do"] = "unchanged", verb = "ensure", kind = "gateway", id = ID:format "gw-c", nth = 1},
  intent("gw-d", {kind = false, verb = "POST", method = "POST"}), -- 10
  {["do"] = "answer", step = 10, status = 200},
  {["do"] = "done", step = 10, outcome = "posted"},
  {["do"] = "module", name = "teams"},
  {["do"] = "end", status = "interrupted", exit_code = 6},
}

local function copy(records)
  local copies = {}
  for i, record in ipairs(records) do
    copies[i] = {}
    for key, value in pairs(record) do
      copies[i][key] = value or nil
    end
  end
  return copies
end

test.case("a step is what its records say, the last of them first", function()
  local line = tell(copy(RECORDS))
  local a, b, c, d = table.unpack(line.steps)
  test.equal(#line.steps, 4)
  test.equal({a.state, a.service_state, a.percent, a.url, a.request_id},
             {"answered", "Activating", 10, "https://a", "r-1"})
  test.equal({b.state, b.code, b.request, b.request_id}, {"intended", nil, "c-2", "r-2"})
  test.equal({c.state, c.outcome, #c.history}, {"done", "unchanged", 1})
  test.equal({d.state, d.outcome, d.ended - d.began}, {"done", "posted", 2})
end)

test.case("attempts begin and end, and records know theirs", function()
  local line = tell(copy(RECORDS))
  test.equal(#line.attempts, 2)
  test.equal(line.attempts[1].status, nil)
  test.equal({line.attempts[2].status, line.attempts[2].exit_code}, {"interrupted", 6})
  test.equal({line.steps[2].history[1].attempt, line.steps[2].history[3].attempt}, {1, 2})
end)

test.case("open steps: those answered first, then those without an answer", function()
  local open = timeline.open(tell(copy(RECORDS)))
  test.equal(#open, 2)
  test.equal(open[1].name, "gw-a")
  test.equal(open[2].name, "gw-b")
end)

test.case("steps are counted by state, and called by their kind", function()
  local line = tell(copy(RECORDS))
  test.equal(timeline.count(line), {intended = 1, answered = 1, done = 2, failed = 0})
  test.equal(timeline.subject(line.steps[1]), "gateway 'gw-a'")
  test.equal(timeline.subject(line.steps[4]), "POST 'gw-d'")
end)

test.case("a record about a step that is not there is passed over", function()
  test.equal(#tell {{["do"] = "done", step = 1, outcome = "created"}}.steps, 0)
end)

local function page_of(line, events)
  return report.page {
    run = {id = "r", state = "running"}, line = line, events = events or {}, now = 1000030,
    torn = 0, command_line = "x.lua"}
end

test.case("the page has each step, its requests and its failure", function()
  local page = page_of(tell(copy(RECORDS)))
  for _, text in ipairs {"gateway 'gw-a'", "r-1", "c-2", "interrupted",
                         "<title>attempt 2 began"} do
    test.contains(page, text)
  end
  test.equal(page:find("Failures", 1, true), nil) -- gw-b is sent again
end)

test.case("what others wrote is text in the page", function()
  local records = {begin(1), intent("x\"><script>", {kind = "<i>"}),
                   {["do"] = "failed", step = 2, code = "<b>", message = "a\0\27&"}}
  local page = page_of(tell(records), {{event = "output", text = "<u>\n", time = "<"}})
  for _, tag in ipairs {"<script>", "<i>", "<b>", "<u>", "\0", "\27"} do
    test.equal(page:find(tag, 1, true), nil)
  end
  test.contains(page, "a\u{fffd}\u{fffd}&amp;")
  test.contains(page, "x&quot;&gt;&lt;script&gt;")
end)

test.case("each resource is one row of the picture, whatever was done to it", function()
  local line = tell {begin(1), intent "gw-a", {["do"] = "done", step = 2, outcome = "created"},
                     intent("gw-a", {verb = "delete", action = "delete"}),
                     {["do"] = "done", step = 4, outcome = "deleted"}}
  local page = page_of(line)
  local _, labels = page:gsub('<text x="0"', "")
  local _, bars = page:gsub("<rect", "")
  test.equal({labels, bars}, {1, 2})
  test.contains(page, '<rect class="created sent"')
  test.contains(page, '<rect class="deleted sent"')
end)

test.case("a run without a step has a page, too", function()
  local page = page_of(tell {begin(1)})
  test.equal(page:find("<svg", 1, true), nil)
  test.contains(page, "</html>")
end)

test.case("a page of 2000 steps is of moderate size", function()
  local records = {begin(1)}
  for i = 1, 2000 do
    records[#records + 1] = intent("gw-" .. i)
    records[#records + 1] = {["do"] = "answer", step = 2 * i, status = 201, request_id = "r"}
  end
  local page = page_of(tell(records))
  local _, bars = page:gsub("<rect", "")
  test.equal(bars, 4000)
  test.ok(#page < 2 << 20)
end)
