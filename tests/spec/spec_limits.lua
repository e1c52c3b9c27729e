-- Limits: for every kind of the model, a value beyond each limit of each property, at any
-- depth, is refused before anything is sent, by property, value and limit.
local core = require "core.resources"
local model = require "core.model"
local run = require "run"
local sim = require "sim"
local test = require "test"

local contains, equal, ok = test.contains, test.equal, test.ok

-- A name that the kind takes.
local function good_name(kind)
  local names = {"probe", "probe.contoso.example", kind.only_name,
                 "0b1f6471-1bf0-4dda-aec3-cb9272f09590"}
  for i = 1, 4 do
    if names[i] and not model.check_name(kind.name, names[i]) then
      return names[i]
    end
  end
  error("no name fits a " .. kind.name)
end

local function letters(count)
  return ("a"):rep(count)
end

-- Values beyond the limits of a field, each with what the message has to say of the limit.
local function wrong_values(field)
  local found = {}
  local function add(value, limit)
    found[#found + 1] = {value = value, limit = limit}
  end
  local is_text = field.type == "string"
  if field.max and is_text then
    add(letters(field.max + 1), "at most " .. field.max)
  elseif field.max and (field.type == "integer" or field.type == "number") then
    add(field.max + 1, ("%d to %d"):format(field.min, field.max))
    add(field.min - 1, ("%d to %d"):format(field.min, field.max))
  elseif field.max and field.type == "list of strings" then
    local list = {}
    for i = 1, field.max + 1 do
      list[i] = field.choices and field.choices[1] or "a"
    end
    add(list, "at most " .. field.max)
  end
  if field.min and field.min > 1 and is_text then
    add(letters(field.min - 1), "at least " .. field.min)
  end
  if field.pattern and is_text then
    for _, text in ipairs {"\n\n", "? ?"} do
      if #text >= (field.min or 0) and #text <= (field.max or 9) then
        add(text, "does not match")
      end
    end
  end
  if field.type == "choice" and not field.choices_are_open then
    add("nonsense", "is not one of " .. field.choices[1])
  end
  if field.type == "integer" then
    add((field.min or 0) + 0.5, "whole number")
  end
  add(field.type == "string" and 7 or function() end, nil)
  return found
end

local GOOD = {
  string = function(field) return letters(math.max(field.min or 0, 1)) end,
  choice = function(field) return field.choices[1] end,
  integer = function(field) return field.min or 1 end,
  boolean = function() return true end,
  time = function() return "2030-01-01T00:00:00Z" end,
  region = function() return "westeurope" end,
  ["list of strings"] = function() return {"a"} end,
  ["resource or id"] = function() return "/subscriptions/probe" end,
}

-- An inner table with one value, and what it must have besides.
local function complete(items, name, value)
  local whole = {[name] = value}
  for _, item in ipairs(items) do
    if item.required and item.name ~= name then
      whole[item.name] = (GOOD[item.type] or function() return {} end)(item)
    end
  end
  return whole
end

-- Calls `try(fields, property, limit)` with each wrong value, put where its field is.
local function each_wrong(fields, way, wrap, try)
  for _, field in ipairs(fields) do
    local property = way == "" and field.name or way .. "." .. field.name
    if not field.read_only then
      for _, wrong in ipairs(wrong_values(field)) do
        try(wrap(field.name, wrong.value), field.name, wrong.limit)
      end
      if field.items and field.type ~= "map" then
        local is_list = field.type == "list"
        each_wrong(field.items, property, function(name, value)
          local inner = complete(field.items, name, value)
          return wrap(field.name, is_list and {inner} or inner)
        end, try)
      end
    end
  end
end

local function own_fields(name, value)
  return {[name] = value}
end

local parent = ("/subscriptions/%s/resourceGroups/rg-apim"):format(run.scope().subscription)

for _, kind in ipairs(model.kinds()) do
  if kind.operations.put then
    test.case("what is beyond a limit is never sent: " .. kind.name, function()
      local name, before, tried = good_name(kind), sim.requests().requests, 0
      each_wrong(kind.fields, "", own_fields, function(fields, property, limit)
        local done, failure = pcall(core.ensure, kind.name, parent, name, fields)
        tried = tried + 1
        ok(not done, property .. " is taken")
        contains(tostring(failure), property)
        if limit then
          contains(tostring(failure), limit)
        end
      end)
      equal(sim.requests().requests, before)
      ok(tried > 0 or #kind.fields == 0 or kind.fields[1].read_only)
    end)
  end
end
