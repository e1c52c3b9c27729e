--- Documents that describe an API: which format one has, and whether another says the same.
-- @module document
local check = require "core.check"
local export = require "core.export"
local files = require "core.files"
local json = require "json"

local document = {}

-- Formats as scripts say them, with the service's names for a text and for a link.
local FORMATS = {
  openapi = {text = "openapi", link = "openapi-link"},
  ["openapi+json"] = {text = "openapi+json", link = "openapi+json-link"},
  swagger = {text = "swagger-json", link = "swagger-link-json"},
  wsdl = {text = "wsdl", link = "wsdl-link"},
  wadl = {text = "wadl-xml", link = "wadl-link-json"},
  graphql = {link = "graphql-link"},
  odata = {text = "odata", link = "odata-link"},
  grpc = {text = "grpc", link = "grpc-link"},
}

local NAMES = {}
for name in pairs(FORMATS) do
  NAMES[#NAMES + 1] = name
end
table.sort(NAMES)

-- What the end of a URL's path says of what is there.
local BY_SUFFIX = {
  {"%.ya?ml$", "openapi"}, {"swagger[^/]*%.json$", "swagger"}, {"%.json$", "openapi+json"},
  {"%.wsdl$", "wsdl"}, {"%.wadl$", "wadl"}, {"%.graphqls?$", "graphql"}, {"%.gql$", "graphql"},
  {"%.proto$", "grpc"}, {"%$metadata$", "odata"}, {"/graphql/?$", "graphql"},
}

-- How a text begins that is no JSON, blanks and comments aside.
local BY_START = {
  {"^openapi%s*:", "openapi"}, {"^[\"']openapi[\"']%s*:", "openapi"},
  {"^syntax%s*=", "grpc"},
}

local BY_ROOT = {definitions = "wsdl", description = "wsdl", application = "wadl",
                 Edmx = "odata"}

local function guess_url(url)
  local path, query = url:match "^([^?#]*)%??([^#]*)"
  if query:lower():find "^wsdl" then
    return "wsdl"
  end
  for _, row in ipairs(BY_SUFFIX) do
    if path:lower():find(row[1]) then
      return row[2]
    end
  end
end

local function guess_json(text, what)
  local ok, tree = pcall(json.decode, text)
  if not ok or type(tree) ~= "table" then
    check.fail(("%s: it begins as JSON and is none"):format(what))
  elseif tree.openapi ~= nil then
    return "openapi+json"
  elseif tree.swagger ~= nil then
    return "swagger"
  end
  check.fail(("%s: JSON with neither 'openapi' nor 'swagger' in it"):format(what))
end

local function guess_xml(text)
  local plain = text:gsub("<%?.-%?>", ""):gsub("<!%-%-.-%-%->", "")
  local root = plain:match "^%s*<([%w_.:-]+)"
  return root and BY_ROOT[root:match "[^:]*$"]
end

local function guess_text(text, what)
  local first = text:match "^%s*(.)"
  if first == "{" then
    return guess_json(text, what)
  elseif first == "<" then
    return guess_xml(text)
  end
  for line in text:gmatch "[^\r\n]+" do
    for _, row in ipairs(BY_START) do
      if line:find(row[1]) then
        return row[2]
      end
    end
    if line:find "^swagger%s*:" then
      check.fail(("%s: Swagger 2 is imported as JSON, not as YAML"):format(what))
    elseif line:find "^type%s+[%u_]" or line:find "^schema%s*{" then
      check.fail(("%s: a GraphQL schema is imported from a URL, not as a text"):format(what))
    end
  end
end

local function format_of(given, guess, what)
  if given ~= nil and not FORMATS[given] then
    local near = check.nearest(tostring(given), NAMES)
    check.fail(("format '%s' is not one of %s%s"):format(
      tostring(given), table.concat(NAMES, ", "),
      near and ("; did you mean '%s'?"):format(near) or ""))
  end
  local format = given or guess
  if not format then
    check.fail(("%s: which format it has cannot be told; give format, one of %s"):format(
      what, table.concat(NAMES, ", ")))
  end
  return FORMATS[format]
end

local SOURCES = {"file", "text", "url"}

-- The one source of an import and what it is, by its name.
local function source_of(import)
  if type(import) == "string" then
    return import:find "^https?://" and "url" or "file", import
  elseif type(import) ~= "table" then
    check.fail("import: a path, a URL or a table expected, got " .. type(import))
  end
  check.options(import, {"file", "format", "text", "url"})
  local source
  for _, name in ipairs(SOURCES) do
    if import[name] ~= nil then
      if source then
        check.fail(("import: either %s or %s"):format(source, name))
      end
      source = name
    end
  end
  if not source then
    check.fail "import: one of file, url and text is needed"
  elseif type(import[source]) ~= "string" then
    check.fail(("import: %s: a string expected, got %s"):format(source, type(import[source])))
  end
  return source, import[source]
end

--- Read what is to be imported.
-- @tparam string|table import a path, a URL, or a table with one of `file`, `url` and `text`, and
--   maybe `format`
-- @treturn table `format` and `value` as the service takes them
-- @raise failure `IOError`; a message when the format cannot be told or is not known
function document.read(import)
  local source, value = source_of(import)
  local given = type(import) == "table" and import.format or nil
  if source == "url" then
    if not value:find "^https?://[^/%s]" then
      check.fail(("import: '%s' is no http or https URL"):format(value))
    end
    return {format = format_of(given, guess_url(value), value).link, value = value}
  end
  local text, what = value, "import"
  if source == "file" then
    text, what = files.text(value), value
  elseif not text:find "%S" then
    check.fail "import: the text is empty"
  end
  local format = format_of(given, given == nil and guess_text(text, what) or nil, what).text
  local tree, wrong = true, nil
  if format == "openapi" then
    tree, wrong = export.parse(text)
  end
  if not tree then
    check.fail(("%s: %s"):format(what, wrong))
  end
  if not format then
    check.fail(("%s: the service imports this format from a URL only"):format(what))
  end
  return {format = format, value = text}
end

-- ---- comparing ----

local EXPORT_FORMATS = {["openapi"] = "openapi+json-link", ["openapi+json"] = "openapi+json-link",
                        ["swagger-json"] = "swagger-link"}

--- The format in which an API can be read back to be compared with what was imported.
-- @tparam string format the service's name of what was imported
-- @treturn ?string nil when there is none
function document.export_format(format)
  return EXPORT_FORMATS[format]
end

local METHODS = {get = true, put = true, post = true, delete = true, options = true, head = true,
                 patch = true, trace = true}
local DEEPEST = 1000 -- levels; what is deeper is not looked at but taken for a difference

-- What "#/components/schemas/x" means in a tree, or nil.
local function resolve(tree, reference)
  local at = tree
  for part in reference:gsub("^#/?", ""):gmatch "[^/]+" do
    part = part:gsub("~1", "/"):gsub("~0", "~")
    at = type(at) == "table" and at[part] or nil
  end
  return at
end

local says

-- The same of two references; each pair is looked at once, and one that is being looked at
-- further out says the same unless something else differs.
local function says_reference(have, want, own, depth)
  local key = have .. "\n" .. want
  if own.seen[key] == nil then
    own.seen[key] = true
    own.seen[key] = says(resolve(own.have, have), resolve(own.want, want), own, depth + 1)
  end
  return own.seen[key]
end

local function reference_of(value)
  return type(value) == "table" and type(value["$ref"]) == "string" and value["$ref"] or nil
end

-- The parameters of an operation by place and name: its own, then those of its path.
local function parameters_of(tree, item, operation)
  local found = {}
  for _, list in ipairs {operation.parameters or {}, item.parameters or {}} do
    for _, parameter in ipairs(type(list) == "table" and list or {}) do
      parameter = reference_of(parameter) and resolve(tree, parameter["$ref"]) or parameter
      if type(parameter) == "table" then
        local key = ("%s %s"):format(parameter["in"], parameter.name)
        found[key] = found[key] or parameter
      end
    end
  end
  return found
end

-- Puts the parameters of each operation where their order does not matter.
local function sort_parameters(tree)
  for _, item in pairs(tree.paths) do
    for method, operation in pairs(type(item) == "table" and item or {}) do
      if METHODS[method] and type(operation) == "table" then
        operation.parameters = parameters_of(tree, item, operation)
      end
    end
    if type(item) == "table" then
      item.parameters = nil
    end
  end
end

-- Whether `have` says all that `want` says. Both follow references within their own document.
function says(have, want, own, depth)
  local from, to = reference_of(have), reference_of(want)
  if depth > DEEPEST then
    return false
  elseif from and to then
    return says_reference(from, to, own, depth)
  elseif from or to then
    return says(from and resolve(own.have, from) or have, to and resolve(own.want, to) or want,
                own, depth + 1)
  elseif type(have) ~= "table" or type(want) ~= "table" then
    return have == want
  elseif #have ~= #want then
    return false
  end
  for key, value in pairs(want) do
    if not says(have[key], value, own, depth + 1) then
      return false
    end
  end
  return true
end

-- Whether every operation of the paths `have` is one of `want`, too.
local function has_no_more(have, want)
  for path, item in pairs(have) do
    local other = want[path]
    for method in pairs(type(item) == "table" and item or {}) do
      if METHODS[method] and (type(other) ~= "table" or other[method] == nil) then
        return false
      end
    end
  end
  return true
end

--- Whether an exported document says all that another one says of its operations, with what these
-- refer to, and has no operations besides. What says where the API is, how it is signed in to and
-- what it is called is no part of that: the service writes it by its own lights.
-- @tparam string exported JSON or YAML
-- @tparam string wanted JSON or YAML
-- @treturn boolean false, too, when one of them is not what it should be
function document.covers(exported, wanted)
  local have, want = export.parse(exported), export.parse(wanted)
  if not (type(have) == "table" and type(have.paths) == "table"
          and type(want) == "table" and type(want.paths) == "table") then
    return false
  end
  sort_parameters(have)
  sort_parameters(want)
  local own = {have = have, want = want, seen = {}}
  return says(have.paths, want.paths, own, 1) and has_no_more(have.paths, want.paths)
end

return document
