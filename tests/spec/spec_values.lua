-- json, csv, clock, env: values in and out.
local clock, csv, env, json = require "clock", require "csv", require "env", require "json"
local test = require "test"

test.case("json keeps integers, floats, texts, booleans and nesting", function()
  local value = {a = 1, b = 1.5, c = "\u{fc}\n\"", d = true, e = {1, 2, {f = false}}}
  test.equal(json.decode(json.encode(value)), value)
  test.equal(math.type(json.decode "7"), "integer")
  test.equal(math.type(json.decode "7.5"), "float")
end)

test.case("integers up to 2^53 are read exactly, larger ones written exactly", function()
  test.equal(json.decode "9007199254740992", 9007199254740992)
  test.equal(json.encode(math.maxinteger), "9223372036854775807")
  test.equal(json.encode(math.mininteger), "-9223372036854775808")
end)

test.case("null is a value of its own", function()
  test.equal(json.decode '{"a":null}'.a, json.null)
  test.equal(json.encode {a = json.null}, '{"a":null}')
end)

test.case("an empty table is an object unless it is marked as an array", function()
  test.equal(json.encode {}, "{}")
  test.equal(json.encode(json.array {}), "[]")
  test.equal(json.encode {1, 2}, "[1,2]")
end)

test.case("what cannot be JSON is refused with the reason", function()
  test.raises("no infinity", json.encode, 1 / 0)
  test.raises("no infinity", json.encode, 0 / 0)
  test.raises("function", json.encode, {a = print})
  test.raises("string keys", json.encode, {[1] = 1, x = 2})
  test.raises("NUL", json.encode, "a\0b")
  local loop = {}
  loop.loop = loop
  test.raises("itself", json.encode, loop)
end)

test.case("what is not JSON is refused with its place", function()
  test.raises("byte 6", json.decode, '{"a":}')
  test.raises("not JSON", json.decode, "")
  test.raises("not JSON", json.decode, "1 2")
  test.raises("not JSON", json.decode, ("["):rep(5000))
end)

test.case("csv reads quoted fields, CRLF and a byte order mark", function()
  local records, mistakes = csv.parse '\u{feff}a,b\r\n"x, y","say ""hi"""\r\n\r\n1,"two\nlines"\r\n'
  test.equal(mistakes, {})
  test.equal(records, {
    {"a", "b", line = 1}, {"x, y", 'say "hi"', line = 2}, {"1", "two\nlines", line = 4},
  })
end)

test.case("csv tells every mistake with its line", function()
  local _, mistakes = csv.parse 'a,b\n"x"y,1\n2,"open\n'
  test.equal(mistakes, {
    {line = 2, message = "there is text behind a closing quote"},
    {line = 3, message = "a quote is opened and never closed"},
  })
  test.equal(#select(2, csv.parse "a\xff\n"), 1)
  test.equal(#select(2, csv.parse "a\0\n"), 1)
end)

test.case("csv takes a file without a last line end, and an empty one", function()
  test.equal((csv.parse "a,b"), {{"a", "b", line = 1}})
  test.equal((csv.parse "a,\n"), {{"a", "", line = 1}})
  test.equal((csv.parse ""), {})
end)

test.case("csv.read raises IOError with the file's name", function()
  test.contains(test.raises("IOError", csv.read, "/nowhere/x.csv").message, "/nowhere/x.csv")
end)

test.case("durations are seconds or text", function()
  for text, seconds in pairs {["90s"] = 90, ["45m"] = 2700, ["3h"] = 10800, ["2d"] = 172800,
                              ["1h30m"] = 5400, ["250ms"] = 0.25, ["7"] = 7} do
    test.equal(clock.duration(text), seconds)
  end
  for _, text in ipairs {"", "x", "3 h", "-1s", "1m1h", "1e400s", "99999d", "0x10s"} do
    test.raises("is not a duration", clock.duration, text)
  end
  test.raises("a duration expected", clock.duration, {})
  test.raises("outside", clock.duration, -1)
end)

test.case("times are written and read in UTC", function()
  test.equal(clock.utc(0), "1970-01-01T00:00:00.000Z")
  test.equal(clock.parse "2024-02-29T12:00:00Z", 1709208000.0)
  test.equal(clock.parse(clock.utc(1800000000.5)), 1800000000.5)
  test.equal(clock.parse "yesterday", nil)
end)

test.case("clock.date tells what the clocks of a zone show", function()
  local date = clock.date(1782957600, "Europe/Berlin")
  test.equal(date, {year = 2026, month = 7, day = 2, hour = 4, min = 0, sec = 0, wday = 5,
                    yday = 183, isdst = true, offset = 7200, zone = "CEST"})
  test.equal(clock.date(1782957600.9), {year = 2026, month = 7, day = 2, hour = 2, min = 0,
                                        sec = 0, wday = 5, yday = 183, isdst = false, offset = 0,
                                        zone = "UTC"})
  test.equal(clock.date(0, "America/New_York").year, 1969)
  test.equal(clock.date(nil, "UTC").year, tonumber(clock.utc():sub(1, 4)))
  test.raises("no time zone 'Nowhere'", clock.date, 0, "Nowhere")
  test.raises("1970 to 9999", clock.date, -1)
  test.raises("1970 to 9999", clock.date, 0 / 0)
end)

test.case("the clock and os.time go by the run's clock", function()
  local before = clock.now()
  require("tasks").sleep "1h"
  test.ok(clock.now() - before >= 3600)
  test.ok(math.abs(os.time() - clock.now()) < 2)
  test.equal(os.date("!%Y", 0), "1970")
end)

test.case("env gives what is set, and says what is not", function()
  test.ok(env.get "PATH")
  test.equal(env.get("MOONGATE_IS_NOT_SET", "otherwise"), "otherwise")
  test.contains(test.raises("NotFound", env.require, "MOONGATE_IS_NOT_SET").message,
                "MOONGATE_IS_NOT_SET")
end)
