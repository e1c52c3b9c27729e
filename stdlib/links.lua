--- What products and tags are linked to.
--
--     product:add(api)
--     for api in product.apis:each() do print(api.display_name) end
--     tag:add(operation)
--
-- A link is a resource of its own, whose name is made from what it leads to: adding twice makes
-- one. Links with other names are found, too.
-- @module links
local check = require "core.check"
local collection = require "collection"
local core = require "core.resources"
local model = require "core.model"

-- The kinds of link by owner and by the kind of what is linked; `field` holds its id.
local LINKS = {
  product = {api = "product api link", group = "product group link"},
  tag = {api = "tag api link", ["api operation"] = "tag operation link",
         product = "tag product link"},
}
local FIELDS = {api = "api", group = "group", ["api operation"] = "operation",
                product = "product"}

-- The kind of what has that id, by the last type in it.
local BY_TYPE = {apis = "api", groups = "group", operations = "api operation",
                 products = "product"}

local function names_of(kinds)
  local names = {}
  for kind in pairs(kinds) do
    names[#names + 1] = kind
  end
  table.sort(names)
  return table.concat(names, ", ")
end

-- The id of what is to be linked to `owner` and its kind.
local function target_of(owner, what)
  local kinds = LINKS[owner.kind:match "[^ ]+$"]
  local id = type(what) == "userdata" and what.id or what
  local segment = type(id) == "string" and id:match "^/.*/([^/]+)/[^/]+$"
  local kind = segment and BY_TYPE[segment]
  if not kind or not kinds[kind] then
    check.fail(("%s: a resource or its id expected: one of %s; got %s"):format(
      tostring(owner.kind), names_of(kinds), type(id) == "string" and id or type(what)))
  end
  return (id:gsub(";rev=%d+$", "")), kind
end

-- A name that the same target always gives: its own, or with a part of a hash where that is not
-- enough to tell it apart or no name for a link.
local function link_name(link_kind, kind, id)
  local name = id:match "[^/]+$"
  if kind == "api operation" then
    name = ("%s-%s"):format(id:match "/apis/([^/]+)/", name)
  end
  if #name <= 64 and not model.check_name(link_kind, name) then
    return name
  end
  local plain = name:gsub("[^%w-]+", "-"):sub(1, 64)
  return ("%s-%s"):format(plain, check.uuid(id:lower()):sub(1, 8))
end

local function find_link(link_kind, field, owner, id)
  for link in collection.each(link_kind, owner.id) do
    if (link[field] or ""):lower() == id:lower() then
      return link
    end
  end
end

-- "service " of what belongs to the service itself.
local function prefix_of(owner)
  return owner.kind:match "^service " or ""
end

local function link_kind_of(owner, kind)
  local prefix = prefix_of(owner)
  return prefix .. LINKS[owner.kind:sub(#prefix + 1)][kind]
end

-- ---- what is linked, as a collection that is read ----

local view_methods = {}
local view = {__name = "view", __metatable = false}

function view:__index(key)
  if not view_methods[key] then
    check.fail(("%s has no '%s'; there is add, each, list, remove"):format(
      tostring(self), tostring(key)))
  end
  return view_methods[key]
end

function view:__tostring()
  local own = rawget(self, 1)
  return ("%ss linked to %s '%s'"):format(own.kind, own.owner.kind, own.owner.name)
end

function view:__newindex()
  check.fail(tostring(self) .. ": links are made with add")
end

function view:__len()
  check.fail(tostring(self) .. ": go through it with :each(), or read all of it with :list()")
end

view.__pairs = view.__len

local function parts_of(self, verb)
  local own = type(self) == "table" and rawget(self, 1)
  if not own then
    check.fail(("call %s with ':', not with '.'"):format(verb))
  end
  return own
end

--- Go through what is linked, reading each.
-- @treturn function an iterator over resources
-- @raise failure
function view_methods:each()
  local own = parts_of(self, "each")
  local next_link = collection.each(own.link_kind, own.owner.id)
  return function()
    local link = next_link()
    return link and (core.get(own.target_kind, "", link[FIELDS[own.kind]]))
  end
end

--- Read all that is linked.
-- @treturn table a list of resources
-- @raise failure
function view_methods:list()
  parts_of(self, "list")
  local all = {}
  for resource in self:each() do
    all[#all + 1] = resource
  end
  return all
end

function view_methods:add(what)
  return parts_of(self, "add").owner:add(what)
end

function view_methods:remove(what)
  return parts_of(self, "remove").owner:remove(what)
end

-- ---- methods of products and tags ----

local function add(owner, what)
  local id, kind = target_of(owner, what)
  local link_kind = link_kind_of(owner, kind)
  local found = find_link(link_kind, FIELDS[kind], owner, id)
  return core.ensure(link_kind, owner.id, found and found.name or link_name(link_kind, kind, id),
                     {[FIELDS[kind]] = id})
end

local function remove(owner, what)
  local id, kind = target_of(owner, what)
  local link_kind = link_kind_of(owner, kind)
  local found = find_link(link_kind, FIELDS[kind], owner, id)
  return found ~= nil and core.delete(link_kind, "", found.id)
end

local product_methods = collection.methods "product"

--- Put an API into the product, or let a group see it; nothing is written when that is so.
-- @tparam resource|string what an API or a group, or its id
-- @treturn resource the link
-- @treturn string `created` or `unchanged`
-- @raise failure; a message when it is neither
-- @usage product:add(api)
function product_methods:add(what)
  return add(self, what)
end

--- Take an API or a group out of the product; fine when it is not there.
-- @tparam resource|string what an API or a group, or its id
-- @treturn boolean whether it was there
-- @raise failure
-- @usage product:remove(api)
function product_methods:remove(what)
  return remove(self, what)
end

local tag_methods = collection.methods "tag"

--- Put the tag on an API, an operation or a product; nothing is written when that is so.
-- @tparam resource|string what an API, an operation or a product, or its id
-- @treturn resource the link
-- @treturn string `created` or `unchanged`
-- @raise failure; a message when it is none of these
-- @usage tag:add(api)
function tag_methods:add(what)
  return add(self, what)
end

--- Take the tag off an API, an operation or a product; fine when it is not there.
-- @tparam resource|string what an API, an operation or a product, or its id
-- @treturn boolean whether it was there
-- @raise failure
-- @usage tag:remove(api)
function tag_methods:remove(what)
  return remove(self, what)
end

-- What scripts call the collection of what is linked, by its kind.
local VIEWS = {api = "apis", group = "groups", product = "products",
               ["api operation"] = "operations"}

for _, prefix in ipairs {"", "service "} do
  for owner_kind, own_methods in pairs {product = product_methods, tag = tag_methods} do
    local methods = collection.methods(prefix .. owner_kind)
    methods.add, methods.remove = own_methods.add, own_methods.remove
    for kind in pairs(LINKS[owner_kind]) do
      if core.describe(prefix .. kind) then -- APIs of the service itself have no row
        collection.view(prefix .. owner_kind, VIEWS[kind], function(owner)
          return setmetatable({{owner = owner, kind = kind, target_kind = prefix .. kind,
                                link_kind = link_kind_of(owner, kind)}}, view)
        end)
      end
    end
  end
end

return {}
