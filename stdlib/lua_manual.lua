--- Lua's own functions, as far as scripts have them: what they take, and what they do in one line.
--
-- The reference manual of Lua 5.4 (https://www.lua.org/manual/5.4/) says all of it.
-- @module lua_manual
local lua_manual = {}

-- name, arguments, what it does
local ROWS = [[
assert (v, message) Raise an error unless v is true; gives all its arguments.
collectgarbage (opt, arg) Control the collector of garbage.
error (message, level) Raise an error.
getmetatable (object) The metatable of an object, or what its __metatable says.
ipairs (t) Go through t[1], t[2] ... up to the first nil.
load (chunk, chunkname, mode, env) Compile source text to a function; nil and a message on errors.
next (table, index) The next key of a table and its value.
pairs (t) Go through all keys and values of t.
pcall (f, ...) Call f; gives true and its results, or false and the error.
print (...) Print values with tabs between.
rawequal (v1, v2) Compare without metamethods.
rawget (table, index) Read without metamethods.
rawlen (v) The length without metamethods.
rawset (table, index, value) Write without metamethods.
require (modname) Load a module.
select (n, ...) The arguments from n on; with "#" their number.
setmetatable (table, metatable) Give a table its metatable.
tonumber (e, base) Convert to a number, or nil.
tostring (v) Convert to text for people.
type (v) The type of a value, as text.
warn (msg1, ...) Emit a warning.
xpcall (f, msgh, ...) As pcall, with a handler of errors.
coroutine.close (co) Close a coroutine and its variables.
coroutine.create (f) Make a coroutine.
coroutine.isyieldable (co) Whether it can yield.
coroutine.resume (co, ...) Start or continue a coroutine.
coroutine.running () The running coroutine, and whether it is the main one.
coroutine.status (co) running, suspended, normal or dead.
coroutine.wrap (f) Make a coroutine as a function that resumes it.
coroutine.yield (...) Suspend the running coroutine.
debug.getinfo (thread, f, what) Facts of a function.
debug.traceback (thread, message, level) The calls that led here, as text.
io.lines (filename, ...) Go through the lines of a file.
io.open (filename, mode) Open a file; nil and a message on errors.
io.read (...) Read from the standard input.
io.type (obj) "file", "closed file" or nil.
io.write (...) Write to the standard output.
math.abs (x) The absolute value.
math.acos (x) The arc cosine, in radians.
math.asin (x) The arc sine, in radians.
math.atan (y, x) The arc tangent of y/x, in radians.
math.ceil (x) The smallest whole number not below x.
math.cos (x) The cosine of an angle in radians.
math.deg (x) Radians to degrees.
math.exp (x) e to the power of x.
math.floor (x) The largest whole number not above x.
math.fmod (x, y) The remainder of x/y, rounded towards zero.
math.log (x, base) The logarithm; base e when none is given.
math.max (x, ...) The largest argument.
math.min (x, ...) The smallest argument.
math.modf (x) The whole part and the fraction.
math.rad (x) Degrees to radians.
math.random (m, n) A random number: in [0, 1), or a whole one from m (or 1) to n.
math.randomseed (x, y) Begin another sequence of random numbers.
math.sin (x) The sine of an angle in radians.
math.sqrt (x) The square root.
math.tan (x) The tangent of an angle in radians.
math.tointeger (x) x as an integer, or nil.
math.type (x) "integer", "float" or nil.
math.ult (m, n) Whether m is below n as unsigned integers.
os.clock () Seconds of CPU time used.
os.date (format, time) A time as text or as a table.
os.difftime (t2, t1) Seconds between two times.
os.getenv (varname) An environment variable, or nil.
os.time (table) Seconds since 1970; now without an argument, on the run's clock.
string.byte (s, i, j) The codes of bytes i to j.
string.char (...) Text of these byte codes.
string.find (s, pattern, init, plain) Where a pattern matches first, and its captures; or nil.
string.format (formatstring, ...) Text with values put in for %d, %s, %q ...
string.gmatch (s, pattern, init) Go through all matches of a pattern.
string.gsub (s, pattern, repl, n) Replace matches; gives the text and how many there were.
string.len (s) The length in bytes.
string.lower (s) In lower case.
string.match (s, pattern, init) The captures of the first match, or nil.
string.pack (fmt, v1, ...) Values as bytes.
string.packsize (fmt) The length of what string.pack gives.
string.rep (s, n, sep) n times the text.
string.reverse (s) The bytes from the last to the first.
string.sub (s, i, j) Bytes i to j; negative numbers count from the end.
string.unpack (fmt, s, pos) Values from bytes.
string.upper (s) In upper case.
table.concat (list, sep, i, j) Texts and numbers of a list in one text.
table.insert (list, pos, value) Insert at a position, or at the end.
table.move (a1, f, e, t, a2) Copy elements f to e to position t on.
table.pack (...) A table of all arguments, with n.
table.remove (list, pos) Take an element out; the last without a position.
table.sort (list, comp) Sort in place.
table.unpack (list, i, j) The elements of a list as values.
utf8.char (...) Text of these code points.
utf8.codepoint (s, i, j, lax) The code points of characters.
utf8.codes (s, lax) Go through positions and code points.
utf8.len (s, i, j, lax) The number of characters; nil where it is no UTF-8.
utf8.offset (s, n, i) The byte where the n-th character begins.
]]

local entries, by_value

local function value_of(name)
  local library, member = name:match "^(%w+)%.(%w+)$"
  local holder = library and rawget(_G, library) or _G
  return type(holder) == "table" and rawget(holder, member or name) or nil
end

local function read_rows()
  entries, by_value = {}, {}
  for name, arguments, help in ROWS:gmatch "(%S+) (%b()) ([^\n]+)" do
    local entry = {name = name, arguments = arguments, help = help, text = {help}, params = {},
                   returns = {}, raises = {}, examples = {}}
    for param in arguments:gmatch "[%w_.]+" do
      entry.params[#entry.params + 1] = {name = param, type = "any", help = ""}
    end
    local value = value_of(name)
    entries[name] = entry
    if value ~= nil then
      by_value[value] = entry
    end
  end
end

--- What is said of one of Lua's functions, in the form of the reference's entries.
-- @param what its name, such as `string.format`, or the function itself
-- @treturn ?table
function lua_manual.find(what)
  if not entries then
    read_rows()
  end
  if type(what) == "string" then
    return entries[what]
  end
  return what ~= nil and by_value[what] or nil
end

return lua_manual
