--- The verbs that all collections of resources have.
--
-- `get` (raises when absent), `find` (nil when absent), `exists`, `create` (fails when it
-- exists), `ensure` (creates, or changes only what differs), `update`, `delete` (absent is
-- fine), `list`, `each` (reads page by page). A module has them with `.`, a nested
-- collection with `:`.
-- @module collection
local check = require "core.check"
local core = require "core.resources"
local core_arm = require "core.arm"
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

-- Refuses an option, with the near one or all that there are: a set.
local function refuse_option(verb, key, known)
  local names = {}
  for name in pairs(known) do
    names[#names + 1] = name
  end
  table.sort(names)
  local near = check.nearest(tostring(key), names)
  local advice = near and ("; did you mean '%s'?"):format(near)
    or #names > 0 and ("; there %s %s"):format(#names > 1 and "are" or "is",
                                               table.concat(names, ", "))
  check.fail(("%s: unknown option '%s'%s"):format(verb, tostring(key), advice or ""))
end

local function refuse_rest(what, verb, known)
  local key = next(what)
  if key ~= nil then
    refuse_option(verb, key, known or {})
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
      refuse_rest(what, verb, names)
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
    refuse_rest(what, "delete", names)
    return core.delete(kind, spec.parent(where), name, {wait = wait, if_match = if_match})
  end

  local function list_arguments(verb, options)
    local where, what = split(options, names)
    local query = spec.query and spec.query(what) or ""
    refuse_rest(what, verb, names)
    return kind, spec.parent(where), query
  end

  function verbs.each(options)
    return collection.each(list_arguments("each", options))
  end

  function verbs.list(options)
    return collection.all(list_arguments("list", options))
  end

  return verbs
end

-- ---- collections within a resource ----

-- Modules that know more of a kind than its row says; each is loaded with the first of its kind.
local MODULES = {
  api = "apis",
  certificate = "certificates",
  gateway = "gateways", service = "services", workspace = "workspaces",
  ["named value"] = "secrets", ["authorization server"] = "secrets",
  ["private dns zone"] = "dns",
  product = "links", ["service product"] = "links", tag = "links", ["service tag"] = "links",
  subscription = "secrets", ["service subscription"] = "secrets",
}

-- Lists of API Management without $filter, and those without $top, too. The lists of other
-- providers have neither, but for $top of private DNS. (REST specifications, 2024-05-01.)
local NO_FILTER = {["notification"] = true}
local NO_QUERY = {["workspace link"] = true, ["notification email"] = true,
                  ["notification user"] = true, ["service sku"] = true}

--- The names of the options that the list of a nested collection takes.
-- @tparam string kind
-- @treturn table a set of `top` and `filter`, or of none
function collection.list_options(kind)
  local facts = core.describe(kind)
  local is_dns = facts.arm_type:find("^Microsoft.Network/privateDnsZones") ~= nil
  if NO_QUERY[kind] or facts.only_name
    or not (is_dns or facts.arm_type:find "^Microsoft.ApiManagement/service/") then
    return {}
  end
  return {top = true, filter = not is_dns and not NO_FILTER[kind] or nil}
end

-- The rest of a list's URL, and how many items are wanted at most.
local function read_query(kind, options)
  local known, query = collection.list_options(kind), ""
  for name in pairs(options or {}) do
    if not known[name] then
      refuse_option(("list %ss"):format(kind), name, known)
    end
  end
  local filter, top = (options or {}).filter, (options or {}).top
  if filter ~= nil then
    if type(filter) ~= "string" then
      check.fail("filter: a string expected, got " .. type(filter))
    end
    query = "&$filter=" .. check.escape(filter)
  end
  if top ~= nil then
    if math.type(top) ~= "integer" or top < 1 then
      check.fail("top: a whole number from 1 on expected, got " .. tostring(top))
    end
    query = query .. "&$top=" .. top
  end
  return query, top
end

-- The first `count` of them: $top alone is the size of a page to some services.
local function first(count, iterator)
  return function()
    if count > 0 then
      count = count - 1
      return iterator()
    end
  end
end

local NEEDS = { -- what of the service a verb takes, in the words of core.describe
  get = {"get", "head"}, find = {"get", "head"}, exists = {"head", "get"}, create = {"put"}, ensure = {"put"},
  update = {"patch", "put"}, set = {"put"}, delete = {"delete"}, each = {"list"},
  list = {"list"},
}
local VERBS = {"get", "find", "exists", "create", "ensure", "update", "delete", "list", "each"}
local VERBS_OF_ONE = {"get", "find", "exists", "set", "ensure", "delete"}

-- Says why there is no such verb, when it is one that others have.
local function refuse(facts, names, own, key)
  local has, is_verb = {}, false
  for _, name in ipairs(names) do
    is_verb = is_verb or name == key
    has[#has + 1] = rawget(own, name) and name or nil
  end
  if is_verb then
    check.fail(("%s: the service has no such operation as '%s' for them; there is %s"):format(
      facts.member, key, table.concat(has, ", ")))
  end
end

local function read_verb(kind, verb)
  local perform = core[verb]
  return function(self, name, options)
    if options ~= nil then
      refuse_rest(select(2, split(options, {})), verb)
    end
    return (perform(kind, core.parent(self, kind, verb), name))
  end
end

-- A text is the value of a policy. What is read of one is rawxml, so that is also what is
-- written when the script does not say.
local function value_fields(kind, fields)
  if not kind:find "policy" then
    return fields
  elseif type(fields) == "string" then
    return {value = fields, format = "rawxml"}
  elseif type(fields) == "table" and fields.value ~= nil and fields.format == nil then
    local copy = {format = "rawxml"}
    for name, value in pairs(fields) do
      copy[name] = value
    end
    return copy
  end
  return fields
end

-- What a new one has that its script does not say.
local DEFAULTS = {
  ["virtual network link"] = {location = "global"},
  ["dns a record"] = {ttl = 3600}, -- seconds, as az says it
}

local function write_verb(kind, verb)
  local perform = core[verb]
  local writes = core.describe(kind).writes
  local names_itself = verb ~= "update" and writes.display_name
  local nothing = next(writes) == nil and {} or nil -- the name is all there is to say
  return function(self, name, fields)
    local parent, defaults = core.parent(self, kind, verb), DEFAULTS[kind]
    if names_itself and type(name) == "string" then
      defaults = {display_name = name}
    end
    return perform(kind, parent, name, value_fields(kind, fields) or nothing, defaults)
  end
end

local function many(kind, has)
  local verbs = {}
  for _, verb in ipairs {"get", "find", "exists"} do
    verbs[verb] = has[verb] and read_verb(kind, verb)
  end
  for _, verb in ipairs {"create", "ensure", "update"} do
    verbs[verb] = has[verb] and write_verb(kind, verb)
  end
  function verbs:delete(name, options)
    return core.delete(kind, core.parent(self, kind, "delete"), name, options)
  end
  function verbs:each(options)
    local parent = core.parent(self, kind, "each")
    local query, top = read_query(kind, options)
    local iterator = collection.each(kind, parent, query)
    return top and first(top, iterator) or iterator
  end
  function verbs:list(options)
    core.parent(self, kind, "list")
    return paging.all(self:each(options))
  end
  return verbs
end

-- The verbs of what is alone of its kind: they take no name.
local function one(kind, name)
  local verbs = {}
  for _, verb in ipairs {"get", "find", "exists"} do
    local perform = core[verb]
    verbs[verb] = function(self)
      return (perform(kind, core.parent(self, kind, verb), name))
    end
  end
  for _, verb in ipairs {"ensure", "set"} do
    verbs[verb] = function(self, fields)
      return core.ensure(kind, core.parent(self, kind, verb), name,
                         value_fields(kind, fields))
    end
  end
  function verbs:delete(options)
    return core.delete(kind, core.parent(self, kind, "delete"), name, options)
  end
  return verbs
end

local verbs_by_kind = {}

--- The verbs of a kind within its parent, for modules that add to them or change one.
-- Each takes the collection, and but for what is alone of its kind a name.
-- @tparam string kind
-- @treturn table of functions, shared by all collections of the kind
function collection.nested_verbs(kind)
  if verbs_by_kind[kind] then
    return verbs_by_kind[kind]
  end
  local facts, has = core.describe(kind), {}
  for verb, needs in pairs(NEEDS) do
    for _, operation in ipairs(needs) do
      has[verb] = has[verb] or facts[operation]
    end
  end
  has.update = has.update and next(facts.writes) ~= nil -- else there is nothing to change
  local verbs = facts.only_name and one(kind, facts.only_name) or many(kind, has)
  local names = facts.only_name and VERBS_OF_ONE or VERBS
  for verb in pairs(NEEDS) do
    verbs[verb] = has[verb] and verbs[verb] or nil
  end
  function verbs.refuse(own, key)
    refuse(facts, names, verbs, key)
    local all = {}
    for name in pairs(verbs) do
      all[#all + 1] = name ~= "refuse" and name or nil
    end
    table.sort(all)
    local near = check.nearest(key, all)
    check.fail(("%s has no '%s'; %s"):format(
      tostring(own), key, near and ("did you mean '%s'?"):format(near)
        or "there is " .. table.concat(all, ", ")))
  end
  verbs_by_kind[kind] = verbs
  return verbs
end

--- The collection of a kind within a resource: its verbs are called with `:`.
-- @tparam string kind
-- @tparam string parent the id it is nested in
-- @treturn collection
function collection.nested(kind, parent)
  return core.nested(kind, parent)
end

--- The methods that resources of any kind have: `update(fields)`, `refresh()`, `delete()`.
-- @tparam string kind
-- @treturn table to add to
function collection.methods(kind)
  local methods = core.methods(kind)
  if methods.refresh then
    return methods
  end
  function methods:update(fields)
    local new, outcome = core.update(kind, "", self.id, value_fields(kind, fields))
    if type(fields) == "table" and fields.wait == false then
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

--- Give resources of a kind a member that is made when it is read.
-- @tparam string kind
-- @tparam string name of the member; a field, method or collection of that name goes first
-- @tparam function make `make(resource)` gives it
function collection.view(kind, name, make)
  collection.methods(kind)["view:" .. name] = make
end

--- Let the service do something to a resource: a POST to one of its actions. Waits to its end.
-- @tparam resource resource
-- @tparam string action such as `listSecrets`
-- @tparam[opt=false] boolean repeatable it only asks, so that it may be sent twice
-- @treturn ?table the answer's body
-- @raise failure
function collection.act(resource, action, repeatable)
  local path = resource.id:gsub("[^/]+", check.escape)
  return core_arm.request({
    method = "POST", path = path .. "/" .. action, repeatable = repeatable,
    query = {["api-version"] = core.describe(resource.kind).api_version},
  }).body
end

--- The module that knows more of a kind than its row says, or nil.
-- @tparam string kind
-- @treturn ?string its name
function collection.module_of(kind)
  return MODULES[kind]
end

--- All that resources or collections of a kind can do, with what its module adds.
-- @tparam string kind
-- @tparam string what `methods` of a resource or `verbs` of a collection
-- @treturn table of functions by name; besides, verbs have `refuse`, and methods have what makes
--   the views as `view:` and their name
function collection.load(kind, what)
  if MODULES[kind] then
    require(MODULES[kind])
  end
  return what == "verbs" and collection.nested_verbs(kind) or collection.methods(kind)
end

core.set_loader(collection.load)

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
