--- The verbs that all collections of resources have.
--
-- `get` (raises when absent), `find` (nil when absent), `exists`, `create` (fails when it
-- exists), `ensure` (creates, or changes only what differs), `update`, `delete` (absent is
-- fine), `list`, `each` (reads page by page). A module has them with `.`, a nested
-- collection with `:`.
-- @module collection
local check = require "core.check"
local core = require "core.resources"
local paging = require "paging"
local tasks = require "tasks"

local collection = {}

-- Splits options that say where from those that say what.
local function split(options, names)
  local where, what = {}, {}
  if not options then
    return where, what
  elseif type(options) ~= "table" then
    check.fail("a table of options expected, got " .. type(options))
  end
  for key, value in pairs(options) do
    if names[key] then
      where[key] = value
    else
      what[key] = value
    end
  end
  return where, what
end

local function refuse_rest(what, verb)
  local key = next(what)
  if key ~= nil then
    check.fail(("%s: unknown option '%s'"):format(verb, tostring(key)))
  end
end

--- Go through the resources of a kind below an id, page by page.
-- @tparam string kind
-- @tparam string parent the id
-- @tparam[opt] string query the rest of the list's URL
-- @treturn function an iterator
-- @raise failure `ProtocolError` when a page comes again or is at another server
function collection.each(kind, parent, query)
  return paging.each(function(where)
    return core.page(kind, where, where == parent and query or nil)
  end, parent)
end

--- The resources of a kind below an id, as a list; arguments as for `collection.each`.
-- @treturn table
function collection.all(kind, parent, query)
  return paging.all(collection.each(kind, parent, query))
end

--- Make the verbs of a kind.
-- @tparam string kind the model's name of the kind
-- @tparam table spec `parent(where)`: the id names are looked up under; `where`: names of the
--   options that it understands; `defaults(name, where, what)`: fields of a new resource;
--   `query(what)`: turns the options of a list into the rest of its URL
-- @treturn table of functions
function collection.verbs(kind, spec)
  local verbs = {}
  local names = {}
  for _, name in ipairs(spec.where or {}) do
    names[name] = true
  end

  -- What a verb is called with is made in a function of its own, so that nothing of it stays
  -- on the stack of a task that waits.
  local function read(verb)
    local perform = core[verb]
    local function arguments(name, options)
      local where, what = split(options, names)
      refuse_rest(what, verb)
      return spec.parent(where), name
    end
    return function(name, options)
      return (perform(kind, arguments(name, options)))
    end
  end

  local function write(verb)
    local perform = core[verb]
    local function arguments(name, fields)
      local where, what = split(fields, names)
      local defaults = verb ~= "update" and spec.defaults and spec.defaults(name, where, what)
      return spec.parent(where), name, what, defaults or nil
    end
    return function(name, fields)
      return perform(kind, arguments(name, fields))
    end
  end

  verbs.get, verbs.find, verbs.exists = read "get", read "find", read "exists"
  verbs.create, verbs.ensure, verbs.update = write "create", write "ensure", write "update"

  function verbs.delete(name, options)
    local where, what = split(options, names)
    local wait, if_match = what.wait, what.if_match
    what.wait, what.if_match = nil, nil
    refuse_rest(what, "delete")
    return core.delete(kind, spec.parent(where), name, {wait = wait, if_match = if_match})
  end

  local function list_arguments(options)
    local where, what = split(options, names)
    local query = spec.query and spec.query(what) or ""
    refuse_rest(what, "each")
    return kind, spec.parent(where), query
  end

  function verbs.each(options)
    return collection.each(list_arguments(options))
  end

  function verbs.list(options)
    return collection.all(list_arguments(options))
  end

  return verbs
end

--- Make a nested collection: the same verbs, called with `:`.
-- @tparam string kind
-- @tparam string parent the id it is nested in
-- @tparam[opt] function defaults fields of a new resource
-- @treturn table
function collection.nested(kind, parent, defaults)
  local verbs = collection.verbs(kind, {parent = function()
    return parent
  end, defaults = defaults})
  local nested = {}
  for name, verb in pairs(verbs) do
    nested[name] = function(self, ...)
      if self ~= nested then
        check.fail(("call %s with ':', not with '.'"):format(name))
      end
      return verb(...)
    end
  end
  return nested
end

--- The methods that resources of any kind have: `update(fields)`, `refresh()`, `delete()`.
-- @tparam string kind
-- @treturn table to add to
function collection.methods(kind)
  local methods = core.methods(kind)
  function methods:update(fields)
    local new, outcome = core.update(kind, "", self.id, fields)
    if fields.wait == false then
      return new
    end
    return core.replace(self, new), outcome
  end
  function methods:refresh()
    return core.replace(self, (core.get(kind, "", self.id)))
  end
  function methods:delete(options)
    return core.delete(kind, "", self.id, options)
  end
  return methods
end

-- op:wait{timeout=}: the end of the wait is not the end of the operation.
local operation = core.operation_methods()
function operation:wait(options)
  for key in pairs(options or {}) do
    if key ~= "timeout" then
      check.fail(("wait: unknown option '%s'; there is 'timeout'"):format(tostring(key)))
    end
  end
  if not (options and options.timeout) then
    return self:result()
  end
  local result, outcome = tasks.try(tasks.timeout, options.timeout, self.result, self)
  if not check.is_failure(outcome) then
    return result, outcome
  end
  if outcome.code == "Timeout" and self:status() == "running" then
    outcome.operation = tostring(self)
    outcome.message = outcome.message .. "; it goes on, and can be waited for again"
  end
  error(outcome, 0)
end

return collection
