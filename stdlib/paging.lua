--- Lists that the service gives page by page.
--
-- Pages are fetched when they are needed, one at a time, and forgotten when they have been
-- gone through: a list may be longer than the memory. What went wrong on a page is raised
-- there; the items before it have been delivered.
-- @module paging
local check = require "core.check"

local paging = {}

--- Go through the items of all pages. The first is fetched at once.
-- @tparam function fetch gives a page: `fetch(where)` -> list of items, and when there is
--   another page: where it is, a short key that stands for it, and the key of this page
-- @param first where the first page is
-- @treturn function an iterator
-- @raise failure `ProtocolError` when the pages go round in a circle
function paging.each(fetch, first)
  local page, where, key, own_key = fetch(first)
  local i = 0
  local seen = {[own_key or ""] = true} -- keys alone: a thousand pages cost little
  return function()
    i = i + 1
    while page[i] == nil do
      if where == nil then
        return nil
      elseif key and seen[key] then
        error(check.failure {code = "ProtocolError", retryable = false,
                             target = type(where) == "string" and where or nil,
                             message = "the pages of a list go round in a circle"}, 0)
      end
      seen[key or ""] = true
      page, where, key = fetch(where)
      i = 1
    end
    return page[i]
  end
end

--- The items of all pages as a list.
-- @tparam function iterator of `paging.each`
-- @treturn table
function paging.all(iterator)
  local all = {}
  for item in iterator do
    all[#all + 1] = item
  end
  return all
end

return paging
