-- What principals may do: computed from assignments, groups, roles and denials, and compared
-- with what the simulated service does when they try.
local arm, entra, rbac, scope = require "arm", require "entra", require "rbac", require "scope"
local json, ledger, sim, tasks = require "json", require "ledger", require "sim", require "tasks"
local test = require "test"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains

local APIM = "Microsoft.ApiManagement/service"
local READ, WRITE = APIM .. "/workspaces/read", APIM .. "/workspaces/write"

-- outer has middle, middle has inner and Ann, inner has middle again and Bob: nested, with a
-- circle. No principal of the tests is in any of them but by the tests.
local world = {
  users = {{upn = "ann@contoso.example", name = "Ann"}, {upn = "bob@contoso.example", name = "Bob"},
           {upn = "eve@contoso.example", name = "Eve"}},
  groups = {
    {name = "outer", members = {"middle"}},
    {name = "middle", members = {"inner", "ann@contoso.example"}},
    {name = "inner", members = {"middle", "bob@contoso.example"}},
    {name = "apart"}, {name = "spared"}, {name = "banned"}, {name = "rooted"},
  },
  workspaces = {{name = "a"}, {name = "b"}},
  role_definitions = {
    {name = "All But Delete", actions = {APIM .. "/workspaces/*", APIM .. "/read"},
     not_actions = {"*/delete"}},
    {name = "Deleter", actions = {"*/Workspaces/DELETE"}},
    {name = "Writer", actions = {"Microsoft.ApiManagement/*/write"},
     not_actions = {APIM .. "/workspaces/groups/*"}, data_actions = {APIM .. "/gateways/*"}},
  },
  role_assignments = {
    {principal = "outer", role = "Reader", scope = "/"},
    {principal = "middle", role = "All But Delete", scope = "workspaces/a"},
    {principal = "inner", role = "Deleter", scope = "workspaces/a"},
    {principal = "apart", role = "API Management Workspace Contributor", scope = "workspaces/b"},
    {principal = "spared", role = "Contributor", scope = "resource_groups/rg-apim"},
    {principal = "banned", role = "Writer", scope = "services/contoso-apim"},
    {principal = "rooted", role = "API Management Service Reader Role",
     scope = "/providers/Microsoft.Management/managementGroups/" .. sim.profile.tenant_id},
  },
  deny_assignments = {
    {name = "no writes in b", principals = {"everyone"},
     exclude_principals = {"spared", "contoso-automation"},
     actions = {"*/write", "*/delete"}, not_actions = {"*/tags/write"}, scope = "workspaces/b"},
    {name = "banned from a", principals = {"banned"}, actions = {APIM .. "/workspaces/*"},
     scope = "workspaces/a", do_not_apply_to_child_scopes = true},
    {name = "service only", principals = {"inner"}, exclude_principals = {"apart"},
     actions = {"*/read"}, scope = "services/contoso-apim", do_not_apply_to_child_scopes = true},
  },
}

local function workspace(name)
  return scope.service() .. "/workspaces/" .. name
end

test.before_each(function()
  sim.load(world)
end)

-- The guest of the simulator as entra gives it.
local function find_guest()
  local answer = arm.request {graph = true, path = ("/v1.0/servicePrincipals(appId='%s')"):format(
    sim.profile.guest_id)}
  return entra.object(answer.body.id)
end

-- Attempts that change nothing: a body that cannot be, an etag that nothing has.
local VERSION = {["api-version"] = "2024-05-01"}
local attempts = {
  {verb = "read", try = function(id)
    arm.get(id, VERSION)
  end},
  {verb = "write", try = function(id)
    arm.put(id, VERSION, json.array {})
  end},
  {verb = "delete", try = function(id)
    arm.request {method = "DELETE", path = id, query = VERSION, headers = {["If-Match"] = "\"no\""}}
  end},
}

local children = {
  groups = {displayName = "x"}, tags = {displayName = "x"},
  namedValues = {displayName = "x", value = "y"},
}

-- {type, id} of what is tried.
local function make_targets()
  local list = {{APIM, scope.service()}}
  for _, name in ipairs {"a", "b"} do
    list[#list + 1] = {APIM .. "/workspaces", workspace(name)}
    for kind, properties in pairs(children) do
      local id = workspace(name) .. "/" .. kind .. "/x"
      arm.put(id, VERSION, {properties = properties})
      list[#list + 1] = {APIM .. "/workspaces/" .. kind, id}
    end
  end
  return list
end

local function service_lets(attempt, id)
  local _, failure = tasks.try(sim.as, "guest", attempt.try, id)
  return not (failure and failure.status == 403), failure
end

local memberships = {
  {}, {"outer"}, {"middle"}, {"inner"}, {"apart"}, {"spared"}, {"banned"}, {"inner", "apart"},
  {"spared", "banned"}, {"apart", "spared"}, {"middle", "banned"}, {"outer", "apart", "banned"},
  {"rooted"}, {"rooted", "inner"},
}

test.case("the service and rbac.can agree, whatever the principal is in", function()
  local me, counts = find_guest(), {[true] = 0, [false] = 0}
  local targets = make_targets()
  for _, names in ipairs(memberships) do
    for _, name in ipairs(names) do
      entra.group(name):add(me)
    end
    local now = rbac.snapshot()
    for _, target in ipairs(targets) do
      for _, attempt in ipairs(attempts) do
        local action = target[1] .. "/" .. attempt.verb
        local lets, failure = service_lets(attempt, target[2])
        local can, reason = now:can(me, action, target[2])
        counts[lets] = counts[lets] + 1
        test.equal(can, lets, ("%s at %s in %s: %s; %s"):format(
          action, target[2], table.concat(names, ","), reason, tostring(failure)))
      end
    end
    for _, name in ipairs(names) do
      entra.group(name):remove(me)
    end
  end
  ok(counts[true] + counts[false] >= 300 and counts[true] > 60 and counts[false] > 60,
     counts[true] .. " and " .. counts[false])
end)

test.case("groups in groups give what they have, and one role's exception is another's gift",
          function()
  local ann, bob = entra.user "ann@contoso.example", entra.user "bob@contoso.example"
  for _, who in ipairs {ann, bob} do -- middle and inner are in each other
    equal(rbac.can(who, READ, workspace "a"), true)
    equal(rbac.can(who, APIM .. "/workspaces/delete", workspace "a"), true)
    equal(rbac.can(who, APIM .. "/workspaces/tags/delete", workspace "a"), false)
  end
  equal(rbac.can(entra.user "eve@contoso.example", READ, workspace "a"), false)
  local why = rbac.explain(bob, APIM .. "/workspaces/tags/delete", workspace "a")
  equal({why.verdict, #why.assignments}, {"none", 3})
  contains(tostring(why), "'*/delete' takes it away")
  contains(tostring(why), "through group 'middle'")
end)

test.case("what is given at a management group is inherited", function()
  local why = rbac.explain(entra.group "rooted", READ, workspace "a")
  equal({why.verdict, why.assignments[1].role},
        {"allowed", "API Management Service Reader Role"})
  contains(why.assignments[1].scope, "/managementGroups/")
end)

test.case("a denial counts for everyone but whom it spares, and says so", function()
  local spared, apart = entra.group "spared", entra.group "apart"
  equal(rbac.can(spared, WRITE, workspace "b"), true)
  local why = rbac.explain(apart, APIM .. "/workspaces/tags/delete", workspace "b")
  equal({why.verdict, why.is_allowed, why.denials[1].effect}, {"denied", false, "denies"})
  contains(why.reason, "deny assignment 'no writes in b'")
  why = rbac.explain(spared, WRITE, workspace "b")
  equal({why.verdict, why.denials[1].effect}, {"allowed", "excluded"})
  why = rbac.explain(apart, APIM .. "/workspaces/tags/write", workspace "b")
  equal({why.verdict, why.denials[1].effect, why.denials[1].exception},
        {"allowed", "excepted", "*/tags/write"})
end)

test.case("a denial that does not count below its scope does not", function()
  local banned = entra.group "banned"
  equal(rbac.explain(banned, WRITE, workspace "a").verdict, "denied")
  local tag = workspace "a" .. "/tags/t"
  raises("ResourceNotFound", rbac.can, banned, APIM .. "/workspaces/tags/write", tag)
  arm.put(tag, VERSION, {properties = {displayName = "t"}})
  local why = rbac.explain(banned, APIM .. "/workspaces/tags/write", tag)
  equal({why.verdict, why.denials[1].effect}, {"allowed", "not here"})
end)

test.case("actions on data are another matter", function()
  local banned, action = entra.group "banned", APIM .. "/gateways/read"
  equal(rbac.can(banned, action), false)
  equal(rbac.can(banned, action, nil, {data = true}), true)
  raises("data is true or false, got string", rbac.can, banned, action, nil, {data = "yes"})
  raises("unknown option 'dat', did you mean 'data'?", rbac.can, banned, action, nil, {dat = true})
end)

test.case("a role on a condition is no yes", function()
  local eve = entra.user "eve@contoso.example"
  local id = workspace "a" .. "/providers/Microsoft.Authorization/roleAssignments/"
    .. "11111111-2222-4333-8444-555555555555"
  arm.put(id, {["api-version"] = "2022-04-01"}, {properties = {
    principalId = eve.id, principalType = "User", conditionVersion = "2.0",
    condition = "(@Resource[x] StringEquals 'y')",
    roleDefinitionId = scope.subscription() .. "/providers/Microsoft.Authorization/roleDefinitions/"
      .. rbac.role_id "Reader"}})
  local can, reason = rbac.can(eve, READ, workspace "a")
  equal(can, false)
  contains(reason, "on a condition, which cannot be evaluated here: (@Resource[x]")
  local why = rbac.explain(eve, READ, workspace "a")
  equal({why.verdict, why.assignments[1].effect}, {"conditionally", "conditional"})
  contains(tostring(why), "may on a condition")
  for _, holder in ipairs(rbac.who(READ, workspace "a")) do
    equal(holder.is_conditional, holder.id == eve.id)
  end
  rbac.assign {principal = eve.id, principal_type = "User", role = "Contributor",
               scope = workspace "a"}
  equal(rbac.can(eve, READ, workspace "a"), true)
end)

test.case("principals are objects, ids and me", function()
  local bob = entra.user "bob@contoso.example"
  equal({rbac.can(bob.id, READ, workspace "a")}, {rbac.can(bob, READ, workspace "a")})
  equal(rbac.explain(bob.id:upper(), READ, workspace "a").principal,
        {id = bob.id, type = "User", name = "Bob"})
  equal(rbac.can("me", APIM .. "/delete"), true)
  local me = find_guest()
  rbac.assign {principal = me.id, principal_type = "ServicePrincipal", role = "Reader",
               scope = scope.service()}
  sim.as("guest", function()
    local failure = raises("Authorization_RequestDenied", rbac.can, "me", APIM .. "/delete")
    equal(failure.status, 403) -- the guest may not read the directory
  end)
end)

test.case("who is not there and what is no question is refused", function()
  raises("there is no user, group or service principal", rbac.can,
         "00000000-0000-4000-8000-000000000000", READ)
  local gone = entra.create "gone"
  gone:delete()
  local failure = raises("PrincipalNotFound", rbac.can, gone, READ)
  contains(failure.message, gone.id)
  raises("a group, user or object id expected, got 'somebody'; entra.group", rbac.can, "somebody", READ)
  raises("action: 'Microsoft.ApiManagement/*/read' is none", rbac.can, gone,
         "Microsoft.ApiManagement/*/read")
  raises("action: 'nil' is none", rbac.can, gone)
  raises("action: 'read' is none", rbac.who, "read")
  raises("scope: a resource or its id expected, got rg", rbac.can, gone, READ, "rg")
  raises("unknown option 'who'", rbac.access, {who = gone})
end)

test.case("questions take few requests, and a snapshot asks once", function()
  local outer, bob = entra.group "outer", entra.user "bob@contoso.example"
  rbac.can(outer, READ, workspace "b") -- signs in
  equal(ledger.during(rbac.can, outer, READ, workspace "b"), 3)
  equal(ledger.during(rbac.can, outer.id, READ, workspace "b"), 4)
  equal(ledger.during(rbac.can, bob, READ, workspace "a"), 5) -- two roles that are not built in
  local now = rbac.snapshot()
  now:can(bob, READ, workspace "a")
  equal(ledger.during(now.can, now, bob, WRITE, workspace "a"), 0)
  equal(ledger.during(now.can, now, bob, WRITE, workspace "b"), 2)
end)

test.case("access tells all that a principal has at a scope", function()
  local bob = entra.user "bob@contoso.example"
  local report = rbac.access {principal = bob, scope = workspace "a"}
  local names = {}
  for i, row in ipairs(report.assignments) do
    names[i] = row.role
  end
  table.sort(names)
  equal(names, {"All But Delete", "Deleter", "Reader"})
  equal(report.denials, {}) -- that at the service does not count below
  equal(#rbac.access({principal = bob}).denials, 1)
  contains(tostring(report), "but not */delete")
  equal(rbac.explain(bob, nil, workspace "a").assignments, report.assignments)
  contains(tostring(rbac.access {principal = entra.user "eve@contoso.example"}),
           "no role here or above")
end)

test.case("who names those who can, each way to it, and nobody else", function()
  local action, where = APIM .. "/workspaces/tags/delete", workspace "b"
  entra.group("spared"):add(entra.user "eve@contoso.example")
  entra.group("apart"):add(entra.user "bob@contoso.example")
  local found = {}
  for _, holder in ipairs(rbac.who(action, where)) do
    found[holder.name] = holder
    ok(rbac.can(holder.id, action, where), holder.name)
  end
  ok(found.Eve and found.spared and not found.Bob and not found.apart)
  equal({found.Eve.paths[1].role, found.Eve.paths[1].groups}, {"Contributor", {"spared"}})
  for _, upn in ipairs {"ann", "bob", "eve"} do
    local user = entra.user(upn .. "@contoso.example")
    equal(rbac.can(user, action, where), found[user.display_name] ~= nil)
  end
end)

test.case("who shows the way through nested groups", function()
  for _, holder in ipairs(rbac.who(READ, workspace "a")) do
    for _, path in ipairs(holder.paths) do
      if holder.name == "Bob" and path.role == "Reader" then
        equal(path.groups, {"outer", "middle", "inner"})
        contains(tostring(holder), "through outer > middle > inner")
        return
      end
    end
  end
  test.fail "Bob is a reader"
end)
