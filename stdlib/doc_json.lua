--- The reference as one JSON document, for editors.
-- @module doc_json
local json = require "json"

local doc_json = {}

local SCHEMA = 1 -- changes when a member goes or means something else

-- Tables that are lists even when they are empty.
local LISTS = {functions = true, params = true, returns = true, raises = true, examples = true,
               verbs = true, actions = true, fields = true, items = true, text = true}

local function mark(value)
  for name, element in pairs(value) do
    if type(element) == "table" then
      mark(element)
      if LISTS[name] then
        json.array(element)
      end
    end
  end
  return value
end

--- The document: `schema` and what `doc.gather` gives.
-- @tparam table reference
-- @treturn string
function doc_json.render(reference)
  mark(reference)
  reference.schema = SCHEMA
  return json.encode(reference, true) .. "\n"
end

return doc_json
