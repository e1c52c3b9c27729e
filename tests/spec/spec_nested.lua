-- Collections within a resource, whatever the kind.
local ledger = require "ledger"
local networks = require "networks"
local services = require "services"
local test = require "test"
local workspaces = require "workspaces"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains

local function workspace(name)
  return (workspaces.ensure(name or "payments", {}))
end

-- The same call on any collection, for raises.
local function call(collection, verb, ...)
  return collection[verb](collection, ...)
end

test.case("a collection has the verbs of a module, called with a colon", function()
  local ws = workspace()
  equal(ws.tags:find "a", nil)
  equal(ws.tags:exists "a", false)
  raises("ResourceNotFound", call, ws.tags, "get", "a")
  local tag, outcome = ws.tags:create("a", {display_name = "A"})
  equal({outcome, tag.name, tag.display_name, tag.kind}, {"created", "a", "A", "tag"})
  raises("AlreadyExists", call, ws.tags, "create", "a", {display_name = "A"})
  equal(select(2, ws.tags:ensure("a", {})), "unchanged")
  equal(select(2, ws.tags:ensure("a", {display_name = "B"})), "changed")
  equal(select(2, ws.tags:update("a", {display_name = "C"})), "changed")
  equal(ws.tags:get "a".display_name, "C")
  ws.tags:ensure("b", {})
  local names = {}
  for each in ws.tags:each() do
    names[#names + 1] = each.name
  end
  table.sort(names)
  equal(names, {"a", "b"})
  equal(#ws.tags:list(), 2)
  equal({ws.tags:delete "a", ws.tags:delete "a"}, {true, false})
end)

test.case("a new one is called by its name where the script does not say", function()
  local ws = workspace()
  equal(ws.tags:ensure("a", {}).display_name, "a")
  equal(ws.tags:create("b", {}).display_name, "b")
  equal(ws.tags:ensure("c", {display_name = "Sea"}).display_name, "Sea")
  ws.tags:update("c", {})
  equal(ws.tags:get "c".display_name, "Sea")
end)

test.case("collections go as deep as resources do", function()
  local api = workspace().apis:ensure("invoices", {path = "invoices"})
  local operation = api.operations:ensure("list", {method = "GET", url_template = "/"})
  equal(select(2, operation.policy:set "<policies/>"), "created")
  equal(operation.policy:get().name, "policy")
  equal(tostring(operation.policy), "policy of api operation 'list'")
end)

test.case("resources of a collection have methods", function()
  local ws = workspace()
  local tag = ws.tags:ensure("a", {})
  equal(select(2, tag:update {display_name = "B"}), "changed")
  equal(tag.display_name, "B")
  ws.tags:update("a", {display_name = "C"})
  equal(tag:refresh().display_name, "C")
  equal({tag:delete(), tag:delete()}, {true, false})
end)

test.case("what stands on its resource goes before a collection of that name", function()
  local gateways = require "gateways"
  local ws = workspace()
  equal(type(ws.gateways), "function") -- a method
  equal(type(ws.name), "string")
  local gw = gateways.ensure("gw-nested", {})
  equal({gw:unit_range()}, {1, 12})
  gw:attach(ws)
  equal(gw.connections:list()[1].workspace, ws.id)
end)

test.case("a name that a resource does not have is nil", function()
  equal(workspace().nonsense, nil)
end)

test.case("collections say whose they are, and two of the same are equal", function()
  local one, other = workspace "one", workspace "other"
  equal(tostring(one.apis), "apis of workspace 'one'")
  equal(tostring(one.policy), "policy of workspace 'one'")
  ok(one.apis == one.apis)
  ok(one.apis ~= other.apis)
  ok(one.apis ~= one.tags)
end)

test.case("a collection is no table", function()
  local ws = workspace()
  raises(":each%(%).*:list%(%)", function() return #ws.apis end)
  raises("apis of workspace 'payments': go through it", pairs, ws.apis)
  raises("read it with :get%(%)", pairs, ws.policy)
  raises("not by assignment", function() ws.apis.x = 1 end)
  equal(getmetatable(ws.apis), false)
end)

test.case("a verb that is none is refused, and the near one named", function()
  local ws = workspace()
  raises("has no 'lst'; did you mean 'list'", function() return ws.apis.lst end)
  raises("there is create, delete, each", function() return ws.tags.zzzzzz end)
  raises("has no '1'", function() return ws.apis[1] end)
  raises("there is delete, ensure, exists, find, get, set", function() return ws.policy.zzzz end)
end)

test.case("a verb that the service lacks is refused by name", function()
  local ws = workspace()
  local api = ws.apis:ensure("invoices", {path = "invoices"})
  raises("revisions: the service has no such operation as 'create' for them; "
         .. "there is list, each", function() return api.revisions.create end)
  raises("workspace_links: .* 'delete'", function()
    return services.current().workspace_links.delete
  end)
end)

test.case("what is told by its name alone takes no fields", function()
  services.current().users:ensure("anna", {first_name = "Anna", last_name = "Adler",
                                           email = "anna@example.com"})
  local users = workspace().groups:ensure("staff", {}).users
  local user, outcome = users:ensure "anna"
  equal({outcome, user.name}, {"created", "anna"})
  equal({select(2, users:ensure "anna"), users:exists "anna"}, {"unchanged", true})
  equal({users:get "anna".name, users:find "bert"}, {"anna", nil})
  raises("no such operation as 'update' for them", function() return users.update end)
  equal({users:delete "anna", users:delete "anna"}, {true, false})
end)

test.case("verbs are called with a colon", function()
  local ws = workspace()
  raises("call get with ':', not with '.'", ws.apis.get, "x")
  raises("call each with ':', not with '.'", ws.apis.each)
  raises("call list with ':', not with '.'", ws.apis.list, ws.tags)
  raises("call set with ':', not with '.'", ws.policy.set, "<policies/>")
  raises("call delete with ':', not with '.'", ws.apis.delete, nil, "x")
end)

test.case("arguments are checked before anything is sent", function()
  local ws = workspace()
  local _, writes = ledger.during(function()
    raises("unknown option 'dispaly_name'; did you mean 'display_name'", call, ws.tags, "ensure",
           "a", {dispaly_name = "A"})
    raises("a table of its fields expected", call, ws.tags, "ensure", "a")
    raises("a name expected", call, ws.tags, "ensure", 1, {})
    raises("does not match", call, ws.tags, "ensure", "a#b", {})
    raises("unknown option 'x'", call, ws.tags, "get", "a", {x = 1})
    raises("unknown option 'tpo'", call, ws.tags, "list", {tpo = 1})
  end)
  equal(writes, 0)
end)

test.case("a list is cut short or filtered where the service can", function()
  local ws = workspace()
  for i = 1, 5 do
    ws.tags:ensure("t" .. i, {})
  end
  equal(#ws.tags:list {top = 2}, 2)
  equal(#ws.tags:list {top = 9}, 5)
  raises("top: a whole number", call, ws.tags, "list", {top = 0})
  raises("top: a whole number", call, ws.tags, "list", {top = "2"})
  raises("filter: a string expected", call, ws.tags, "list", {filter = 1})
  local vnet = networks.virtual_networks.ensure("vnet-lists", {address_prefixes = {"10.9.0.0/16"}})
  raises("unknown option 'top'", call, vnet.subnets, "list", {top = 1})
  raises("unknown option 'filter'", call, services.current().workspace_links, "list",
         {filter = "x"})
end)

test.case("an operation is not waited for where the script says so", function()
  local ws = workspace()
  local operation = ws.apis:ensure("later", {path = "later", wait = false})
  equal(operation:status(), "running")
  equal(operation:wait().name, "later")
end)

test.case("a stale etag is refused", function()
  local ws = workspace()
  local tag = ws.tags:ensure("a", {})
  local old = tag.etag
  tag:update {display_name = "B"}
  local failure = raises("PreconditionFailed", call, ws.tags, "update", "a",
                         {display_name = "C", if_match = old})
  contains(failure.message, "etag")
  equal(select(2, ws.tags:update("a", {display_name = "C", if_match = tag.etag})), "changed")
end)

test.case("networks have theirs, too", function()
  local vnet = networks.virtual_networks.ensure("vnet-n", {address_prefixes = {"10.9.0.0/16"}})
  vnet.subnets:ensure("s", {prefix = "10.9.1.0/24"})
  equal(networks.subnets(vnet):get "s", vnet.subnets:get "s")
  local routes = networks.route_tables.ensure("rt", {}).routes
  routes:ensure("out", {address_prefix = "0.0.0.0/0", next_hop_type = "Internet"})
  equal(routes:list()[1].next_hop_type, "Internet")
  equal(networks.nat_gateways.ensure("nat", {}).location, "westeurope")
end)

test.case("the service has what its workspaces have", function()
  local service = services.current()
  equal(select(2, service.products:ensure("gold", {})), "created")
  equal(service.products:get "gold".kind, "service product")
  service.workspaces:ensure("below", {})
  equal(workspaces.get "below".display_name, "below")
end)

test.case("thousands of resources cost nothing for what they are not asked for", function()
  local ws = workspace()
  local kept, before = {}, nil
  ws.tags:find "a"
  collectgarbage()
  before = collectgarbage "count"
  for i = 1, 1000 do
    kept[i] = ws.apis
  end
  collectgarbage()
  ok((collectgarbage "count" - before) * 1024 / 1000 < 400) -- bytes each: an id
  equal(kept[1], kept[1000])
end)
