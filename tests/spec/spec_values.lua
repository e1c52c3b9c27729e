-- json, csv, clock, env: values in and out.
local clock, csv, env, json = require "clock", require "csv", require "env", require "json"
local spec = require "spec"

spec.test("json keeps integers, floats, texts, booleans and nesting", function()
  local value = {a = 1, b = 1.5, c = "\u{fc}\n\"", d = true, e = {1, 2, {f = false}}}
  spec.equal(json.decode(json.encode(value)), value)
  spec.equal(math.type(json.decode "7"), "integer")
  spec.equal(math.type(json.decode "7.5"), "float")
end)

spec.test("integers up to 2^53 are read exactly, larger ones written exactly", function()
  spec.equal(json.decode "9007199254740992", 9007199254740992)
  spec.equal(json.encode(math.maxinteger), "9223372036854775807")
  spec.equal(json.encode(math.mininteger), "-9223372036854775808")
end)

spec.test("null is a value of its own", function()
  spec.equal(json.decode '{"a":null}'.a, json.null)
  spec.equal(json.encode {a = json.null}, '{"a":null}')
end)

spec.test("an empty table is an object unless it is marked as an array", function()
  spec.equal(json.encode {}, "{}")
  spec.equal(json.encode(json.array {}), "[]")
  spec.equal(json.encode {1, 2}, "[1,2]")
end)

spec.test("what cannot be JSON is refused with the reason", function()
  spec.raises("no infinity", json.encode, 1 / 0)
  spec.raises("no infinity", json.encode, 0 / 0)
  spec.raises("function", json.encode, {a = print})
  spec.raises("string keys", json.encode, {[1] = 1, x = 2})
  spec.raises("NUL", json.encode, "a\0b")
  local loop = {}
  loop.loop = loop
  spec.raises("itself", json.encode, loop)
end)

spec.test("what is not JSON is refused with its place", function()
  spec.raises("byte 6", json.decode, '{"a":}')
  spec.raises("not JSON", json.decode, "")
  spec.raises("not JSON", json.decode, "1 2")
  spec.raises("not JSON", json.decode, ("["):rep(5000))
end)

spec.test("csv reads quoted fields, CRLF and a byte order mark", function()
  local records, mistakes = csv.parse '\u{feff}a,b\r\n"x, y","say ""hi"""\r\n\r\n1,"two\nlines"\r\n'
  spec.equal(mistakes, {})
  spec.equal(records, {
    {"a", "b", line = 1}, {"x, y", 'say "hi"', line = 2}, {"1", "two\nlines", line = 4},
  })
end)

spec.test("csv tells every mistake with its line", function()
  local _, mistakes = csv.parse 'a,b\n"x"y,1\n2,"open\n'
  spec.equal(mistakes, {
    {line = 2, message = "there is text behind a closing quote"},
    {line = 3, message = "a quote is opened and never closed"},
  })
  spec.equal(#select(2, csv.parse "a\xff\n"), 1)
  spec.equal(#select(2, csv.parse "a\0\n"), 1)
end)

spec.test("csv takes a file without a last line end, and an empty one", function()
  spec.equal((csv.parse "a,b"), {{"a", "b", line = 1}})
  spec.equal((csv.parse "a,\n"), {{"a", "", line = 1}})
  spec.equal((csv.parse ""), {})
end)

spec.test("csv.read raises IOError with the file's name", function()
  spec.contains(spec.raises("IOError", csv.read, "/nowhere/x.csv").message, "/nowhere/x.csv")
end)

spec.test("durations are seconds or text", function()
  for text, seconds in pairs {["90s"] = 90, ["45m"] = 2700, ["3h"] = 10800, ["2d"] = 172800,
                              ["1h30m"] = 5400, ["250ms"] = 0.25, ["7"] = 7} do
    spec.equal(clock.duration(text), seconds)
  end
  for _, text in ipairs {"", "x", "3 h", "-1s", "1m1h", "1e400s", "99999d", "0x10s"} do
    spec.raises("is not a duration", clock.duration, text)
  end
  spec.raises("a duration expected", clock.duration, {})
  spec.raises("outside", clock.duration, -1)
end)

spec.test("times are written and read in UTC", function()
  spec.equal(clock.utc(0), "1970-01-01T00:00:00.000Z")
  spec.equal(clock.parse "2024-02-29T12:00:00Z", 1709208000.0)
  spec.equal(clock.parse(clock.utc(1800000000.5)), 1800000000.5)
  spec.equal(clock.parse "yesterday", nil)
end)

spec.test("the clock and os.time go by the run's clock", function()
  local before = clock.now()
  require("tasks").sleep "1h"
  spec.ok(clock.now() - before >= 3600)
  spec.ok(math.abs(os.time() - clock.now()) < 2)
  spec.equal(os.date("!%Y", 0), "1970")
end)

spec.test("env gives what is set, and says what is not", function()
  spec.ok(env.get "PATH")
  spec.equal(env.get("MOONGATE_IS_NOT_SET", "otherwise"), "otherwise")
  spec.contains(spec.raises("NotFound", env.require, "MOONGATE_IS_NOT_SET").message,
                "MOONGATE_IS_NOT_SET")
end)

spec.finish()
