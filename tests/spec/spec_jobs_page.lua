-- What the status page is told of gateways and workspaces: by the reader, and through it.
local estate = require "jobs_page_estate"
local gateways = require "gateways"
local picture = require "jobs_page_picture"
local tasks = require "tasks"
local test = require "test"
local workspaces = require "workspaces"

-- What starts processes that end like this after a second, and the words of each.
local function start_with(ended)
  local started = {}
  return started, function(request)
    started[#started + 1] = request
    return {
      wait = function()
        tasks.sleep(ended.after or 1)
        return ended
      end,
      signal = function(_, name) started.signal = name end,
    }
  end
end

local GOOD = {exit_code = 0, said = "", output =
  '{"service":"svc","gateways":[],"workspaces":[{"name":"a","gateways":[]}]}\n'}

test.case("the picture is read once, however many look, and again after a minute", function()
  local started, start = start_with(GOOD)
  local read = estate.reader {start = start, words = {"--profile", "p"}, folder = "/f"}
  local all = tasks.map({1, 2, 3}, read)
  test.equal(#started, 1)
  test.equal(all[1].service, "svc")
  test.equal(all[3].workspaces[1].name, "a")
  tasks.sleep(30)
  read()
  test.equal(#started, 1)
  tasks.sleep(31)
  read()
  test.equal(#started, 2)
end)

test.case("it is read by a run of which nothing is kept and that may write nothing", function()
  local started, start = start_with(GOOD)
  estate.reader {start = start, words = {"--profile", "p"}, folder = "/f"}()
  test.equal(table.concat(started[1].words, " "),
             "run --read-only --profile p --store none -e require 'jobs_page_picture'.print()")
  test.equal(started[1].folder, "/f")
  test.equal(started[1].keeps_output, true)
end)

test.case("why there is none is told in a line", function()
  local _, start = start_with {exit_code = 4, output = "", said =
    "failed after 3.6 s: 1 request\nlist gateways: NoCredentials: none\nstack traceback:\n\tx"}
  local read = estate.reader {start = start, words = {}, folder = "/"}
  test.equal(read().absent, "The service could not be read: list gateways: NoCredentials: none")
end)

test.case("one that takes too long is ended", function()
  local started, start = start_with {after = 1000}
  local read = estate.reader {start = start, words = {}, folder = "/"}
  test.matches(read().absent, "did not answer in time")
  test.equal(started.signal, "kill")
end)

test.case("a process that cannot be started is told, and tried again", function()
  local tries = 0
  local read = estate.reader {words = {}, folder = "/", start = function()
    tries = tries + 1
    error("no process", 0)
  end}
  for _ = 1, 2 do
    test.equal(select(2, pcall(read)), "no process")
  end
  test.equal(tries, 2)
end)

test.case("the picture says who is on which gateway, in which network", function()
  local team = workspaces.ensure("payments", {display_name = "Payments"})
  workspaces.ensure("alone")
  local gateway = gateways.ensure("gw-a", {units = 2, network = "none"})
  gateway:attach(team)
  local seen = picture.read()
  test.equal(seen.gateways[1].name, "gw-a")
  test.equal(seen.gateways[1].units, 2)
  test.equal(seen.gateways[1].network, nil)
  local by_name = {}
  for _, workspace in ipairs(seen.workspaces) do
    by_name[workspace.name] = workspace
  end
  test.equal(by_name.payments.gateways[1], "gw-a")
  test.equal(by_name.payments.display_name, "Payments")
  test.equal(#by_name.alone.gateways, 0)
end)
