-- Roles and what they allow: found, compared, made and deleted.
local arm, rbac, scope = require "arm", require "rbac", require "scope"
local ledger = require "ledger"
local test = require "test"

local equal, ok, raises, contains = test.equal, test.ok, test.raises, test.contains

local DEVELOPER = "API Management Workspace API Developer"

test.case("a built-in role is known without asking, by name, GUID and id", function()
  local requests = ledger.during(function()
    local reader = rbac.role "reader"
    equal({reader.name, reader.role_type}, {"Reader", "BuiltInRole"})
    equal(reader.permissions[1].actions, {"*/read"})
    equal(rbac.role(reader.id:upper()).name, "Reader")
    equal(rbac.role("/providers/Microsoft.Authorization/roleDefinitions/" .. reader.id).name,
          "Reader")
    contains(tostring(reader), "role 'Reader' (" .. reader.id)
  end)
  equal(requests, 0)
end)

test.case("a custom role is asked for, by name, GUID, id and definition", function()
  local made = rbac.ensure_role("Watcher", {
    actions = {"Microsoft.ApiManagement/gateways/read"}, not_actions = {"*/delete"}})
  for _, how in ipairs {"watcher", made.name, made.id, made} do
    local role = rbac.role(how)
    equal({role.id, role.name, role.role_type}, {made.name, "Watcher", "CustomRole"})
    equal(role.permissions[1].not_actions, {"*/delete"})
  end
  raises("RoleNotFound", rbac.role, "Nobody")
  raises("RoleNotFound", rbac.role, "11111111-2222-4333-8444-555555555555")
  raises("a name or id expected, got nil", rbac.role)
end)

test.case("a role covers another when it allows all of it, and says what is missing", function()
  equal({rbac.covers("Owner", DEVELOPER)}, {true, {}})
  local enough, missing = rbac.covers("API Management Workspace Reader", DEVELOPER)
  equal({enough, #missing}, {false, 12})
  equal({missing[1].pattern, missing[1].example, missing[1].is_data, missing[1].is_undecided},
        {"Microsoft.ApiManagement/service/workspaces/apis/*",
         "Microsoft.ApiManagement/service/workspaces/apis/x/write", false, false})
  contains(tostring(missing), "\n")
  contains(missing[1], "apis/*, such as Microsoft.ApiManagement")
end)

test.case("a custom role is measured against a built-in one", function()
  local actions = {"Microsoft.ApiManagement/service/workspaces/*", "*/READ"}
  rbac.ensure_role("Our Developer", {actions = actions})
  equal(rbac.covers("Our Developer", DEVELOPER), true)
  rbac.ensure_role("Our Developer", {actions = actions,
    not_actions = {"microsoft.apimanagement/service/workspaces/APIS/*/delete"}})
  local enough, missing = rbac.covers("Our Developer", DEVELOPER)
  equal({enough, #missing, missing[1].example},
        {false, 1, "Microsoft.ApiManagement/service/workspaces/apis/x/delete"})
end)

-- role, other, whether it covers it
local coverings = {
  {{actions = {"*"}}, {actions = {"A/b/*"}}, true},
  {{actions = {"a/B/*"}}, {actions = {"A/b/*/read"}}, true},
  {{actions = {"A/*/read"}}, {actions = {"A/read"}}, false},
  {{actions = {"A/*"}, not_actions = {"A/b/*"}}, {actions = {"A/*"}, not_actions = {"A/*"}}, true},
  {{actions = {"A/*"}, not_actions = {"A/b/delete"}}, {actions = {"A/b/*"}}, false},
  {{actions = {"A/*"}, not_actions = {"A/b/delete"}},
   {actions = {"A/b/*"}, not_actions = {"*/delete"}}, true},
  {{permissions = {{actions = {"A/*"}, not_actions = {"A/b/*"}}, {actions = {"A/b/*"}}}},
   {actions = {"A/*"}}, true},
  {{permissions = {{actions = {"*/read"}}, {actions = {"*"}, not_actions = {"*/read"}}}},
   {actions = {"*"}}, true},
  {{actions = {"*"}}, {data_actions = {"A/read"}}, false},
  {{data_actions = {"*"}, not_data_actions = {"*/delete"}}, {data_actions = {"A/*/read"}}, true},
  {{actions = {"*a*b*"}}, {actions = {"*ab*", "*a/b"}}, true},
}

for i, row in ipairs(coverings) do
  test.case(("inclusion %d"):format(i), function()
    local covers, missing = rbac.covers(row[1], row[2])
    equal(covers, row[3])
    equal(#missing == 0, row[3])
  end)
end

test.case("two roles are equal, more, less or different", function()
  equal(rbac.compare("Owner", {actions = {"*/*", "*"}}), "equal")
  equal(rbac.compare("Owner", "Reader"), "more")
  local word, differences = rbac.compare("Reader", DEVELOPER)
  equal({word, #differences.more > 0, #differences.less > 0}, {"different", true, true})
  word, differences = rbac.compare("Reader", "Owner")
  equal({word, #differences.more, differences.less[1].pattern}, {"less", 0, "*"})
end)

test.case("what cannot be a role is refused before anything is sent", function()
  local requests = ledger.during(function()
    raises("actions[2]: 'Microsoft.X' is no action", rbac.ensure_role, "R",
           {actions = {"Microsoft.X/*/read", "Microsoft.X"}})
    raises("not_actions[1]: '5' is no action", rbac.ensure_role, "R",
           {actions = {"*"}, not_actions = {5}})
    raises("data_actions: a list of actions expected, got string", rbac.ensure_role, "R",
           {data_actions = "*"})
    raises("allows something", rbac.ensure_role, {name = "R", not_actions = {"*"}})
    raises("'/' is no subscription", rbac.ensure_role, "R",
           {actions = {"*"}, assignable_scopes = {"/"}})
    raises("at least one", rbac.ensure_role, "R", {actions = {"*"}, assignable_scopes = {}})
    raises("give one of them", rbac.ensure_role, "R",
           {actions = {"*"}, assignable_scopes = {scope.service()}, scopes = {scope.service()}})
    raises("'Reader' is a built-in role", rbac.ensure_role, "Reader", {actions = {"*"}})
    raises("'Reader' is a built-in role", rbac.delete_role, "Reader")
    raises("513 characters", rbac.ensure_role, ("r"):rep(513), {actions = {"*"}})
    raises("2049 characters", rbac.ensure_role, "R",
           {actions = {"*"}, description = ("d"):rep(2049)})
    raises("first argument already", rbac.ensure_role, "R", {name = "S", actions = {"*"}})
  end)
  equal(requests, 0)
end)

test.case("a role is made from one table, too", function()
  local role, outcome = rbac.ensure_role {
    name = "One Table", actions = {"*/read"}, assignable_scopes = {scope.service()}}
  equal({role.role_name, outcome, role.assignable_scopes},
        {"One Table", "created", {scope.service()}})
end)

test.case("a role that was made under another id is changed and deleted by its name", function()
  local guid = "11111111-2222-4333-8444-555555555555"
  local id = scope.subscription() .. "/providers/Microsoft.Authorization/roleDefinitions/" .. guid
  arm.put(id, {["api-version"] = "2022-04-01"}, {properties = {
    roleName = "Theirs", type = "CustomRole", permissions = {{actions = {"*/read"}}},
    assignableScopes = {scope.subscription()}}})
  local role, outcome = rbac.ensure_role("Theirs", {actions = {"*/write"}})
  equal({role.name, outcome, role.permissions[1].actions}, {guid, "changed", {"*/write"}})
  equal({rbac.delete_role "Theirs", rbac.delete_role "Theirs"}, {true, false})
end)

test.case("the service refuses patterns and scopes by itself", function()
  local id = scope.subscription() .. "/providers/Microsoft.Authorization/roleDefinitions/"
    .. "11111111-2222-4333-8444-666666666666"
  raises("InvalidActionOrNotAction", arm.put, id, {["api-version"] = "2022-04-01"}, {properties = {
    roleName = "All", type = "CustomRole", permissions = {{actions = {"all"}}},
    assignableScopes = {scope.subscription()}}})
  ok(not rbac.delete_role "All")
end)
