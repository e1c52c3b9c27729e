-- APIs: import, export, revisions.
local document = require "document"
local json = require "json"
local ledger = require "ledger"
local tasks = require "tasks"
local test = require "test"
local workspaces = require "workspaces"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains

local FILE = "tests/spec/invoices.json"
local YAML = "tests/spec/invoices.yaml"

local function apis()
  return workspaces.ensure("payments", {}).apis
end

local function call(collection, verb, ...)
  return collection[verb](collection, ...)
end

local function operations_of(api)
  local names = {}
  for operation in api.operations:each() do
    names[#names + 1] = operation.method .. " " .. operation.url_template
  end
  table.sort(names)
  return names
end

local BOTH = {"GET /invoices", "GET /invoices/{id}"}

-- ---- import ----

test.case("an API is made of a document, once", function()
  local own = apis()
  local api, outcome = own:ensure("invoices", {path = "invoices", import = FILE})
  equal(outcome, "created")
  equal(operations_of(api), BOTH)
  local _, writes = ledger.during(function()
    equal(select(2, own:ensure("invoices", {path = "invoices", import = FILE})), "unchanged")
    equal(select(2, own:import("invoices", {file = FILE})), "unchanged")
  end)
  equal(writes, 0)
end)

test.case("a document that says more is imported again", function()
  local own = apis()
  own:import("invoices", {path = "invoices", file = FILE})
  local file = assert(io.open(FILE))
  local tree = json.decode(file:read "a")
  file:close()
  tree.paths["/refunds"] = {post = {operationId = "refund",
                                    responses = {["200"] = {description = "ok"}}}}
  local api, outcome = own:import("invoices", {text = json.encode(tree)})
  equal(outcome, "changed")
  equal(#operations_of(api), 3)
  equal(select(2, own:import("invoices", {text = json.encode(tree)})), "unchanged")
  equal(select(2, own:import("invoices", {file = FILE})), "changed")
  equal(operations_of(api), BOTH)
end)

test.case("fields go along with a document", function()
  local own = apis()
  local api = own:import("invoices", {path = "bills", file = FILE, display_name = "Bills"})
  equal({api.path, api.display_name}, {"bills", "Bills"})
  equal(select(2, own:import("invoices", {file = FILE, path = "pay"})), "changed")
  equal(own:get "invoices".path, "pay")
end)

test.case("YAML is imported as it is", function()
  local api, outcome = apis():ensure("invoices", {path = "invoices", import = YAML})
  equal(outcome, "created")
  equal(operations_of(api), BOTH)
  equal(select(2, apis():ensure("invoices", {import = YAML})), "unchanged")
  equal(select(2, apis():ensure("invoices", {import = FILE})), "unchanged")
end)

test.case("what the service cannot give back is imported again", function()
  local own = apis()
  local text = json.encode {swagger = "2.0", info = {title = "T", version = "1"}, paths = {
    ["/a"] = {get = {operationId = "a", responses = {["200"] = {description = "ok"}}}}}}
  equal(select(2, own:import("old", {path = "old", text = text})), "created")
  equal(select(2, own:import("old", {text = text})), "changed")
  equal(operations_of(own:get "old"), {"GET /a"})
end)

test.case("create and update take a document, too", function()
  local own = apis()
  local api = own:create("invoices", {path = "invoices", import = FILE})
  equal(operations_of(api), BOTH)
  raises("AlreadyExists", call, own, "create", "invoices", {path = "x", import = FILE})
  equal(select(2, own:update("invoices", {import = FILE})), "changed")
  equal(select(2, api:update {import = FILE}), "changed")
end)

test.case("the format is told by text and name", function()
  local function format(import)
    return document.read(import).format
  end
  equal(format(FILE), "openapi+json")
  equal(format(YAML), "openapi")
  equal(format {text = '{"swagger": "2.0"}'}, "swagger-json")
  equal(format {text = "# a comment\nopenapi: 3.0.1\n"}, "openapi")
  equal(format {text = '<?xml version="1.0"?><!-- x --><wsdl:definitions/>'}, "wsdl")
  equal(format {text = "<application/>"}, "wadl-xml")
  equal(format {text = "<edmx:Edmx/>"}, "odata")
  equal(format {text = 'syntax = "proto3";'}, "grpc")
  equal(format "https://example.com/a/openapi.yaml", "openapi-link")
  equal(format "https://example.com/openapi.json?v=1", "openapi+json-link")
  equal(format "https://example.com/swagger.json", "swagger-link-json")
  equal(format "https://example.com/service.svc?wsdl", "wsdl-link")
  equal(format "https://example.com/graphql", "graphql-link")
  equal(format "https://example.com/$metadata", "odata-link")
  equal(format {url = "https://example.com/x", format = "wadl"}, "wadl-link-json")
  equal(format {text = "x", format = "wsdl"}, "wsdl")
end)

test.case("what cannot be imported is refused before anything is sent", function()
  local own = apis()
  local function refused(pattern, import)
    return raises(pattern, call, own, "ensure", "a", {path = "a", import = import})
  end
  local _, writes = ledger.during(function()
    contains(refused("IOError", "tests/spec/none.yaml").message, "tests/spec/none.yaml: No such")
    contains(refused("IOError", "/dev/null").message, "/dev/null is empty")
    contains(refused("IOError", "tests/spec/client.p12").message, "is not UTF-8")
    contains(refused("IOError", "/dev/zero").message, "larger than 4194304 bytes")
    refused("the text is empty", {text = " \n"})
    refused("it begins as JSON and is none", {text = "{"})
    refused("JSON with neither 'openapi' nor 'swagger'", {text = "{}"})
    refused("line 2", {text = "openapi: 3.0.1\n\tpaths: x"})
    refused("Swagger 2 is imported as JSON", {text = 'swagger: "2.0"'})
    refused("GraphQL schema is imported from a URL", {text = "type Query {\n}"})
    refused("imports this format from a URL only", {text = "x", format = "graphql"})
    refused("which format it has cannot be told", {text = "hello"})
    refused("which format it has cannot be told", "https://example.com/api")
    refused("is not one of .*; did you mean 'openapi'", {text = "x", format = "openap"})
    refused("one of file, url and text is needed", {format = "openapi"})
    refused("either file or text", {file = "a", text = "b"})
    refused("unknown option 'flie'; did you mean 'file'", {flie = "a"})
    refused("text: a string expected, got number", {text = 1})
    refused("a path, a URL or a table expected, got number", 1)
    refused("is no http or https URL", {url = "ftp://example.com/a.yaml"})
    raises("either import or format and value", call, own, "ensure", "a",
           {path = "a", import = FILE, format = "openapi"})
    raises("import: a table of fields expected", call, own, "import", "a")
  end)
  equal(writes, 0)
end)

-- ---- comparing ----

test.case("a document is covered by one that says the same and has no more operations", function()
  local base = {openapi = "3.0.1", paths = {["/a"] = {get = {parameters = {
    {["$ref"] = "#/components/parameters/p"}}}}}, components = {parameters = {
      p = {name = "p", ["in"] = "query", schema = {["$ref"] = "#/components/schemas/s"}}},
    schemas = {s = {type = "object", properties = {s = {["$ref"] = "#/components/schemas/s"}}}}}}
  local text = json.encode(base)
  ok(document.covers(text, text))
  local inlined = {paths = {["/a"] = {get = {summary = "more", parameters = {
    base.components.parameters.p}}}}, components = base.components}
  ok(document.covers(json.encode(inlined), text))
  for _, change in ipairs {{"query", "header"}, {'"object"', '"array"'}, {'"/a"', '"/b"'},
                           {'"get"', '"put"'}} do
    local other = text:gsub(change[1], change[2])
    equal(document.covers(other, text), false)
  end
  equal(document.covers((text:gsub('"/a":{', '"/b":{"get":{}},"/a":{')), text), false)
  equal(document.covers((text:gsub('"get":{', '"put":{},"get":{')), text), false)
  for _, broken in ipairs {"", "1", "{}", '{"paths":1}', '{"paths":{"/a":1}}'} do
    equal(document.covers(broken, text), false)
    equal(document.covers(text, broken), false)
  end
end)

test.case("references that refer to each other many times are looked at once", function()
  local schemas = {}
  for i = 1, 40 do
    local next_one = {["$ref"] = ("#/components/schemas/s%d"):format(i + 1)}
    schemas["s" .. i] = {properties = {a = next_one, b = next_one, c = next_one}}
  end
  local text = json.encode {paths = {["/a"] = {get = {["$ref"] = "#/components/schemas/s1"}}},
                            components = {schemas = schemas}}
  ok(document.covers(text, text))
end)

-- ---- export ----

test.case("an API is read back as a document", function()
  local api = apis():import("invoices", {path = "invoices", file = FILE})
  local tree = json.decode(api:export())
  ok(tree.openapi)
  ok(tree.paths["/invoices"].get)
  contains(api:export {format = "openapi"}, "openapi:")
  raises("ValidationError", api.export, api, {format = "wadl"}) -- no API of this kind
  raises("format 'pdf' is not one of openapi, openapi%+json", api.export, api, {format = "pdf"})
  raises("unknown option 'fromat'", api.export, api, {fromat = "openapi"})
end)

test.case("an API that is gone cannot be exported", function()
  local api = apis():ensure("gone", {path = "gone"})
  api:delete()
  equal(raises("NotFound", api.export, api).status, 404)
end)

test.case("where a parameter is told, and in which order, does not matter", function()
  local own = apis()
  local text = [[
openapi: 3.0.1
info: {title: T, version: "1"}
paths:
  /things/{id}:
    parameters: [{$ref: '#/components/parameters/id'}]
    get:
      operationId: g
      parameters: [{name: q, in: query, schema: {type: string}},
                   {name: X-A, in: header, schema: {type: string}}]
      responses: {"200": {description: ok}}
components:
  parameters: {id: {name: id, in: path, required: true, schema: {type: string}}}
]]
  own:import("things", {path = "things", text = text})
  equal(select(2, own:import("things", {path = "things", text = text})), "unchanged")
  equal(select(2, own:import("things", {
    path = "things", text = (text:gsub("name: q,", "name: r,"))})), "changed")
end)

-- ---- revisions ----

test.case("a revision is made from the current one, and made current by a release", function()
  local own = apis()
  local api = own:import("invoices", {path = "invoices", file = FILE})
  equal({api.revision_number, api.is_current}, {"1", true})
  local second, outcome = api:revise {description = "Adds refunds."}
  equal({outcome, second.name, second.revision_number, second.revision_description},
        {"created", "invoices;rev=2", "2", "Adds refunds."})
  ok(not second.is_current)
  equal(#api.revisions:list(), 2)
  equal(api:revision(2).id, second.id)
  equal(api:revision(1).is_current, true)

  local release
  release, outcome = second:make_current {notes = "Refunds are here."}
  equal({outcome, release.notes}, {"created", "Refunds are here."})
  equal(api:revision(2).is_current, true)
  ok(not api:revision(1).is_current)
  equal({api:revision(2):make_current()}, {nil, "unchanged"})
  equal(select(2, api:revision(1):make_current()), "created")
  equal(api:revise().revision_number, "3")
end)

test.case("revisions are numbers from 1 on", function()
  local api = apis():ensure("invoices", {path = "invoices"})
  raises("a whole number from 1 on, got 0", api.revision, api, 0)
  raises("a whole number from 1 on, got x", api.revision, api, "x")
  raises("unknown option 'descripton'; did you mean 'description'", api.revise, api,
         {descripton = "x"})
  equal(select(2, tasks.try(api.revision, api, 9)).status, 404)
end)
