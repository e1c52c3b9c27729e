--- What comes first: a binary heap of things with a time, `thing.due`.
-- @module jobs_heap
local heap = {}
heap.__index = heap

--- An empty heap.
-- @treturn table with `heap:add(thing)`, `heap:first()` and `heap:take()`
function heap.new()
  return setmetatable({}, heap)
end

--- Add a thing; it is in there once.
-- @tparam table thing with `due`, a number that stays as it is meanwhile
function heap:add(thing)
  local place = #self + 1
  while place > 1 do
    local parent = self[place // 2]
    if parent.due <= thing.due then
      break
    end
    self[place] = parent
    place = place // 2
  end
  self[place] = thing
end

--- The thing that is due first, or nil.
function heap:first()
  return self[1]
end

--- Take it out.
function heap:take()
  local taken, last = self[1], table.remove(self)
  if #self == 0 then
    return taken
  end
  local place = 1
  while true do
    local child = 2 * place
    if child < #self and self[child + 1].due < self[child].due then
      child = child + 1
    end
    if child > #self or self[child].due >= last.due then
      break
    end
    self[place] = self[child]
    place = child
  end
  self[place] = last
  return taken
end

return heap
