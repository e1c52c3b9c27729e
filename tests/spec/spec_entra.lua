-- The directory in its corners: names, members, pages.
local entra = require "entra"
local test = require "test"
local tasks = require "tasks"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains

local function names_of(list)
  local names = {}
  for i, item in ipairs(list) do
    names[i] = item.display_name
  end
  table.sort(names)
  return names
end

test.case("names with quotes, signs and other scripts are found again", function()
  for _, name in ipairs {"it's", "''", "a & b", "100% + #1?", "Größe", "漢字", "a/b\\c",
                          "x\"y"} do
    local group = entra.create(name, {mail_nickname = "nick"})
    equal(group.display_name, name)
    equal(entra.group(name).id, group.id)
    equal(names_of(entra.list {prefix = name}), {name})
    ok(group:delete())
    equal(entra.find(name), nil)
  end
end)

test.case("names that are none are refused before anything is sent", function()
  raises("group: a text expected, got nil", entra.find)
  raises("group: a text expected, got an empty one", entra.create, "")
  raises("UTF-8 of 1 to 256 characters", entra.create, ("x"):rep(257))
  raises("UTF-8 of 1 to 256 characters", entra.create, "a\xff")
  raises("unknown option 'nick'; there are mail_nickname and description", entra.create, "a",
         {nick = "x"})
  raises("prefix: a text expected", entra.list, {prefix = 7})
  raises("user: a text expected", entra.user)
end)

test.case("a group has description and nickname; its text names it", function()
  local group = entra.create("Described", {description = "What for", mail_nickname = "desc"})
  equal({group.description, group.mail_nickname, group.type}, {"What for", "desc", "Group"})
  equal(tostring(group), ("group 'Described' (%s)"):format(group.id))
  equal(entra.group(group.id).description, "What for")
  equal(entra.create("Plain").description, nil)
end)

test.case("an id that is no group's is absent", function()
  equal(entra.find "00000000-0000-4000-8000-000000000000", nil)
  raises("GroupNotFound", entra.group, "00000000-0000-4000-8000-000000000000")
end)

test.case("users are found by name and id", function()
  local user = entra.group("api-team-orders"):members()[1]
  contains(user.upn, "@contoso.example")
  equal(entra.user(user.upn).id, user.id)
  equal(entra.user(user.id).upn, user.upn)
  contains(entra.user(user.id), "user '")
  raises("Request_ResourceNotFound", entra.user, "nobody@contoso.example")
  raises("InvalidRequestUri", entra.user, "no/body")
end)

test.case("members are nested to any depth, each once", function()
  local user = entra.group("api-team-orders"):members()[1]
  local groups = {}
  for i = 1, 4 do
    groups[i] = entra.create("nest-" .. i)
    if i > 1 then
      ok(groups[i - 1]:add(groups[i]))
    end
  end
  ok(groups[4]:add(user))
  ok(groups[2]:add(user.upn))
  ok(groups[4]:add(groups[1]), "a circle")
  equal(names_of(groups[1]:members()), {"nest-2"})
  local nested, seen = groups[1]:members {nested = true}, {}
  for _, member in ipairs(nested) do
    ok(not seen[member.id], "twice: " .. tostring(member))
    seen[member.id] = true
  end
  ok(seen[user.id] and seen[groups[4].id])
  raises("unknown option 'deep'; there is nested", groups[1].members, groups[1], {deep = true})
end)

test.case("added and removed twice is told, not refused", function()
  local group = entra.create "twice"
  local user = entra.group("api-team-orders"):members()[1]
  equal({group:add(user), group:add(user.id), group:add(user.upn)}, {true, false, false})
  equal({group:remove(user), group:remove(user.upn)}, {true, false})
  equal(group:members(), {})
  raises("Request_ResourceNotFound", group.add, group, "nobody@contoso.example")
  raises("member: a text expected, got nil", group.add, group)
end)

test.case("many groups are listed page by page", function()
  local numbers = {}
  for i = 1, 300 do
    numbers[i] = i
  end
  tasks.map(numbers, function(i)
    return (entra.create(("page-%03d"):format(i)))
  end)
  local seen, count = {}, 0
  for group in entra.each {prefix = "page-"} do
    ok(not seen[group.id])
    seen[group.id] = true
    count = count + 1
  end
  equal(count, 300)
  equal(#entra.list {prefix = "page-00", filter = "mailNickname eq 'page-001'"}, 1)
end)
