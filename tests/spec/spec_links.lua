-- What products and tags are linked to.
local ledger = require "ledger"
local services = require "services"
local test = require "test"
local workspaces = require "workspaces"

local equal, raises = test.equal, test.raises

local function open()
  local ws = workspaces.ensure("payments", {})
  return ws, ws.products:ensure("gold", {}), (ws.apis:ensure("invoices", {path = "invoices"}))
end

test.case("an API is added to a product once, and removed once", function()
  local _, product, api = open()
  local link, outcome = product:add(api)
  equal({outcome, link.api, link.name}, {"created", api.id, "invoices"})
  local _, writes = ledger.during(function()
    equal(select(2, product:add(api)), "unchanged")
    equal(select(2, product:add(api.id)), "unchanged")
    equal(select(2, product.apis:add(api)), "unchanged")
  end)
  equal(writes, 0)
  equal({product:remove(api), product:remove(api)}, {true, false})
  equal(product.apis:remove(api), false)
end)

test.case("a link with another name is the same link", function()
  local _, product, api = open()
  product.api_links:ensure("by-the-portal", {api = api})
  equal(select(2, product:add(api)), "unchanged")
  equal(#product.api_links:list(), 1)
  equal(product:remove(api), true)
end)

test.case("what is linked is read as what it is", function()
  local ws, product, api = open()
  local group = ws.groups:ensure("staff", {})
  product:add(api)
  product:add(group)
  equal(product.apis:list(), {api})
  equal(product.groups:list()[1].id, group.id)
  local names = {}
  for each in product.apis:each() do
    names[#names + 1] = each.path
  end
  equal(names, {"invoices"})
end)

test.case("a tag goes on APIs, operations and products", function()
  local ws, product, api = open()
  local tag = ws.tags:ensure("finance", {})
  local operation = api.operations:ensure("list", {method = "GET", url_template = "/"})
  for _, what in ipairs {api, operation, product} do
    equal(select(2, tag:add(what)), "created")
    equal(select(2, tag:add(what)), "unchanged")
  end
  equal(tag.operation_links:list()[1].name, "invoices-list")
  equal({tag.apis:list()[1].id, tag.operations:list()[1].id, tag.products:list()[1].id},
        {api.id, operation.id, product.id})
  equal(tag:remove(operation), true)
  equal(tag.operations:list(), {})
end)

test.case("a name that is too long for a link is cut, and still its own", function()
  local ws, product = open()
  local long = ("a"):rep(100)
  local one = ws.apis:ensure(long .. "1", {path = "one"})
  local two = ws.apis:ensure(long .. "2", {path = "two"})
  product:add(one)
  product:add(two)
  equal(#product.apis:list(), 2)
  equal(select(2, product:add(one)), "unchanged")
end)

test.case("only what can be linked is", function()
  local ws, product = open()
  local tag = ws.tags:ensure("finance", {})
  raises("product: .* one of api, group; got .*/tags/finance", product.add, product, tag)
  raises("tag: .* one of api, api operation, product; got table", tag.add, tag, {})
  raises("got invoices", product.add, product, "invoices")
  raises("got nil", product.remove, product)
end)

test.case("what is linked is no table and no collection of its own", function()
  local _, product = open()
  equal(tostring(product.apis), "apis linked to product 'gold'")
  raises("go through it with :each", function() return #product.apis end)
  raises("go through it with :each", pairs, product.apis)
  raises("there is add, each, list, remove", function() return product.apis.create end)
  raises("links are made with add", function() product.apis.x = 1 end)
  raises("call list with ':'", product.apis.list)
end)

test.case("products of the service are linked by id", function()
  local service = services.current()
  local product = service.products:ensure("gold", {})
  local group = service.groups:ensure("staff", {})
  equal(select(2, product:add(group)), "created")
  equal(product.groups:list()[1].id, group.id)
  equal(product.apis, nil) -- APIs of the service itself have no row
end)
