--- APIs of a workspace: import, export, revisions.
--
--     local api = ws.apis:ensure("invoices", {path = "invoices", import = "openapi.yaml"})
--     local next_one = api:revise {description = "Adds refunds."}
--     next_one:make_current {notes = "Refunds are here."}
--     print(api:export {format = "openapi+json"})
--
-- A document to import is a file, a URL that the service fetches, or a text. `create`, `ensure`
-- and `update` take one as `import`: a path, a URL, or a table with one of `file`, `url` and
-- `text`, and maybe `format`.
-- @module apis
local check = require "core.check"
local collection = require "collection"
local core = require "core.resources"
local document = require "document"
local export = require "core.export"
local tasks = require "tasks"

local KIND = "api"
local apis_methods = collection.nested_verbs(KIND)
local methods = collection.methods(KIND)

-- ---- import ----

local function has_import(fields)
  return type(fields) == "table" and fields.import ~= nil
end

-- The fields without the import, and with what the service takes in its place.
local function read_import(fields)
  if fields.value ~= nil or fields.format ~= nil then
    check.fail "an API has either import or format and value"
  end
  local plain, whole = {}, document.read(fields.import)
  for name, value in pairs(fields) do
    if name ~= "import" then
      plain[name] = value
      whole[name] = value
    end
  end
  return plain, whole
end

-- Whether the API says what the document says, as far as that can be told.
local function says(id, wanted)
  local format = document.export_format(wanted.format)
  if not format then
    return false
  end
  local text, failure = tasks.try(export.document, KIND, id, format)
  if failure and failure.status ~= 400 then -- 400: the service does not write it in this format
    error(failure, 0)
  end
  return text ~= nil and document.covers(text, wanted.value)
end

for _, verb in ipairs {"create", "update"} do
  local plain = apis_methods[verb]
  apis_methods[verb] = function(self, name, fields)
    return plain(self, name, has_import(fields) and select(2, read_import(fields)) or fields)
  end
end

local update = methods.update
function methods:update(fields)
  return update(self, has_import(fields) and select(2, read_import(fields)) or fields)
end

local ensure = apis_methods.ensure
function apis_methods:ensure(name, fields)
  if not has_import(fields) then
    return ensure(self, name, fields)
  end
  local plain, whole = read_import(fields)
  local found = core.find(KIND, core.parent(self, KIND, "ensure"), name)
  if not found then -- what the document calls it counts, where the script does not say
    return core.ensure(KIND, core.parent(self, KIND, "ensure"), name, whole)
  elseif says(found.id, whole) then
    return ensure(self, name, plain)
  end
  return core.update(KIND, "", found.id, whole)
end

local IMPORT = {file = true, url = true, text = true}

--- Import a document as an API, or as the new state of one; see `ensure`.
-- @tparam string name
-- @tparam table fields one of `file`, `url` and `text`; `format` where it cannot be told; and
--   fields of the API, of which a new one needs `path`
-- @treturn api
-- @treturn string `created`, `changed`, or `unchanged` when it says the same already
-- @raise failure `IOError` when the file cannot be read; what the service refuses
-- @usage ws.apis:import("invoices", {file = "openapi.yaml", path = "invoices"})
function apis_methods:import(name, fields)
  if type(fields) ~= "table" then
    check.fail("import: a table of fields expected, got " .. type(fields))
  end
  local copy = {import = {format = fields.format}}
  for key, value in pairs(fields) do
    if IMPORT[key] then
      copy.import[key] = value
    elseif key ~= "format" then
      copy[key] = value
    end
  end
  return self:ensure(name, copy)
end

-- ---- export ----

local EXPORTS = {["openapi+json"] = "openapi+json-link", openapi = "openapi-link",
                 swagger = "swagger-link", wsdl = "wsdl-link", wadl = "wadl-link"}
local EXPORT_NAMES = {"openapi", "openapi+json", "swagger", "wadl", "wsdl"}

--- Read the API as a document. The service writes it to a place of its own, from which it is read
-- without a token.
-- @tparam[opt] table options
-- @tparam[opt="openapi+json"] string options.format `openapi` (YAML), `openapi+json`, `swagger`,
--   `wsdl` or `wadl`
-- @treturn string the text
-- @raise failure
-- @usage local text = api:export {format = "openapi"}
function methods:export(options)
  options = check.options(options or {}, {"format"})
  local format = options.format or "openapi+json"
  if not EXPORTS[format] then
    check.fail(("export: format '%s' is not one of %s"):format(
      tostring(format), table.concat(EXPORT_NAMES, ", ")))
  end
  return export.document(KIND, self.id, EXPORTS[format])
end

-- ---- revisions ----

-- The id of the API whatever the revision.
local function base_of(api)
  return (api.id:gsub(";rev=%d+$", ""))
end

local function id_of(api, number)
  if math.type(number) ~= "integer" or number < 1 then
    check.fail("a revision is a whole number from 1 on, got " .. tostring(number))
  end
  return ("%s;rev=%d"):format(base_of(api), number)
end

--- A revision of the API.
-- @tparam integer number
-- @treturn api as that revision has it
-- @raise failure `ResourceNotFound`
-- @usage local second = api:revision(2)
function methods:revision(number)
  return (core.get(KIND, "", id_of(self, number)))
end

--- Make a new revision from this one, with the next number. Callers see it when it is made the
-- current one.
-- @tparam[opt] table options
-- @tparam[opt] string options.description what is new, up to 256 characters
-- @treturn api as the new revision has it
-- @raise failure
-- @usage local next_one = api:revise {description = "Adds refunds."}
function methods:revise(options)
  options = check.options(options or {}, {"description"})
  local last = 0
  for revision in collection.each("api revision", base_of(self)) do
    last = math.max(last, math.tointeger(tonumber(revision.revision)) or 0)
  end
  return core.create(KIND, "", id_of(self, last + 1), {
    path = self.path, source_api = self.id, revision_description = options.description})
end

--- Make this revision the one that callers see: a release. Nothing is written when it is already.
-- @tparam[opt] table options
-- @tparam[opt] string options.notes what callers should know of the change
-- @treturn ?api_release the release, nil when none was needed
-- @treturn string `created` or `unchanged`
-- @raise failure
-- @usage next_one:make_current {notes = "Refunds are here."}
function methods:make_current(options)
  options = check.options(options or {}, {"notes"})
  local number = math.tointeger(tonumber(self.revision_number)) or 1
  local own = core.get(KIND, "", id_of(self, number))
  if own.is_current then
    return nil, "unchanged"
  end
  local count = 0
  for _ in collection.each("api release", base_of(self)) do
    count = count + 1
  end
  local name = ("revision-%d-release-%d"):format(number, count + 1)
  return core.create("api release", base_of(self), name,
                     {api = own.id, notes = options.notes})
end

return {}
