--- The source text of functions and modules.
-- @module help_source
local model = require "core.model"

local help_source = {}

local LARGEST = 1 << 20 -- bytes of a file that is read to show a part of it

-- The file of the library in the name of a chunk, "@.../stdlib/tasks.lua", and its text.
local function own_file(source)
  local path = source:match "^@?.-(stdlib/[%w_]+%.lua)$"
    or source:match "^@?.-(scripts/[%w_]+%.lua)$"
  return path and model.source(path), path
end

local function read_file(path)
  local file, reason = io.open(path)
  if not file then
    return nil, reason
  end
  local text = file:read(LARGEST)
  file:close()
  return text or "", nil
end

-- The whole text of a chunk and what it is called; nil and why not.
local function chunk_text(source, find_line)
  local text, path = own_file(source)
  if text then
    return text, path
  elseif source:sub(1, 1) == "@" then
    local reason
    text, reason = read_file(source:sub(2))
    return text, text and source:sub(2) or reason
  elseif source:sub(1, 1) == "=" then
    text = find_line and find_line(source:sub(2))
    return text, text and source:sub(2) or "the text of '" .. source:sub(2) .. "' was not kept"
  end
  return source, "a text that was loaded"
end

local function lines_between(text, first, last)
  local lines, number = {}, 0
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    if number >= first and number <= last then
      lines[#lines + 1] = line
    end
  end
  return lines
end

local function read(fn, find_line)
  local info = debug.getinfo(fn, "S")
  if info.what == "C" then
    return nil, "it is a function in C, which has no Lua source"
  end
  local text, name = chunk_text(info.source, find_line)
  if not text then
    return nil, "its source cannot be read: " .. name
  end
  local first, last = info.linedefined, info.lastlinedefined
  if first <= 0 then -- the function that a whole chunk is
    first, last = 1, math.huge
  end
  local lines = lines_between(text, first, last)
  if #lines == 0 then
    return nil, ("%s has no line %d any more"):format(name, first)
  end
  return lines, name, first
end

--- The source of a function.
-- @tparam function fn
-- @tparam[opt] function find_line gives the text of a chunk by its name, such as `line 3`, or nil
-- @treturn[1] string where it is, and its lines
-- @treturn[2] nil
-- @treturn[2] string why there is none
function help_source.of_function(fn, find_line)
  local lines, name, first = read(fn, find_line)
  if not lines then
    return nil, name
  end
  local last = first + #lines - 1
  local where = first == last and ("%s, line %d"):format(name, first)
    or ("%s, lines %d to %d"):format(name, first, last)
  return where .. "\n" .. table.concat(lines, "\n")
end

--- The source of a module of the library.
-- @tparam string name
-- @treturn[1] string where it is, and its lines
-- @treturn[2] nil
-- @treturn[2] string why there is none
function help_source.of_module(name)
  local path = ("stdlib/%s.lua"):format(name)
  local text = model.source(path)
  if not text then
    return nil, ("module %s is in C, which has no Lua source"):format(name)
  end
  return path .. "\n" .. text:gsub("%s+$", ""), nil
end

--- Where a function begins, in words.
-- @tparam function fn
-- @treturn string such as `stdlib/tasks.lua:103`, or `line 3` for what was typed
function help_source.place(fn)
  local info = debug.getinfo(fn, "S")
  if info.what == "C" then
    return "C"
  end
  local is_typed = info.source:sub(1, 1) == "=" and info.linedefined <= 1
  return is_typed and info.short_src
    or ("%s:%d"):format(info.short_src, math.max(info.linedefined, 1))
end

-- The parameters in the text that begins a function: "function f(a, b)".
local function parameters_in(line)
  return line:match "function%s*[%w_.:]*%s*(%b())"
end

--- The parameters of a function, as its source names them.
-- @tparam function fn
-- @tparam[opt] function find_line as for `of_function`
-- @treturn string such as `(name, ...)`
function help_source.parameters(fn, find_line)
  local lines = read(fn, find_line)
  local named = lines and parameters_in(table.concat(lines, " ", 1, math.min(#lines, 8)))
  if named then
    return named
  end
  local info, names = debug.getinfo(fn, "u"), {}
  for i = 1, info.nparams do
    names[i] = "arg" .. i
  end
  names[#names + 1] = info.isvararg and "..." or nil
  return "(" .. table.concat(names, ", ") .. ")"
end

return help_source
