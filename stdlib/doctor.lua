--- Whether everything is there that onboarding needs: sign-in, endpoints, clock, service, rights.
--
--     moongate doctor
--
-- Nothing is written. What is found is a list of findings, in the order in which it was looked
-- for: `{check=, status=, text=, cure=}` with a status of `ok`, `warning`, `failed` (something
-- essential is missing) or `skipped` (it could not be looked at, because of something above).
-- @module doctor
local access = require "core.access"
local arm = require "arm"
local clock = require "clock"
local core = require "core.doctor"
local json = require "json"
local log = require "log"
local run = require "run"
local session = require "core.session"
local tasks = require "tasks"

local doctor = {}

local SKEW_WARNING, SKEW_LIMIT = 30, 300 -- seconds; Entra bears five minutes (RFC 7519, 4.1.4)
local SLOW = 1.0 -- seconds for an answer
local PATIENCE = 5 -- seconds in which an endpoint is asked again
local SIGN_IN_PATIENCE = 900 -- seconds; a person may have to find a browser
local TOKEN_PATIENCE = 20 -- seconds for a second token; az takes its time
local SHORT_LIFE = 300 -- seconds that a token should still live
local REACH_CURE = "check the network, the proxy settings and --cloud"

-- Tiers whose service can have workspaces.
local WORKSPACE_TIERS = {Premium = true, PremiumV2 = true, StandardV2 = true, BasicV2 = true}
-- And those that workspace gateways are documented for.
local GATEWAY_TIERS = {Premium = true, PremiumV2 = true}

local PROVIDERS = {
  {"Microsoft.ApiManagement", "failed"},
  {"Microsoft.Network", "warning"}, -- needed for gateways in a network alone
}

-- What onboarding does, by the scope that it does it at.
local NEEDS = {
  {scope = "service", actions = {
    "Microsoft.ApiManagement/service/read",
    "Microsoft.ApiManagement/service/workspaces/read",
    "Microsoft.ApiManagement/service/workspaces/write",
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleAssignments/write",
  }},
  {scope = "resource group", actions = {
    "Microsoft.ApiManagement/gateways/read",
    "Microsoft.ApiManagement/gateways/write",
    "Microsoft.ApiManagement/gateways/configConnections/read",
    "Microsoft.ApiManagement/gateways/configConnections/write",
    "Microsoft.Authorization/roleAssignments/write",
  }},
  {scope = "resource group", of = "network", level = "warning", actions = {
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/subnets/read",
    "Microsoft.Network/virtualNetworks/subnets/write",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/networkSecurityGroups/write",
    "Microsoft.Network/networkSecurityGroups/join/action",
  }},
}

-- Findings are gathered here; `ask` keeps what one answer tells several of them.
local function new_examination()
  local own = {findings = {}}

  function own.add(check, status, text, cure)
    own.findings[#own.findings + 1] = {check = check, status = status, text = text, cure = cure}
    return status ~= "failed"
  end

  -- The answer to a GET, its failure, and how long it took, in seconds on the machine. What
  -- is no JSON was written by somebody in between.
  function own.ask(request)
    request.timeout = PATIENCE
    local started = core.machine_time()
    local answer, failure = tasks.try(arm.request, request)
    if answer and type(answer.body) ~= "table" then
      answer, failure = nil, {code = "ProtocolError",
                              message = "the answer is no JSON, it may be a proxy's"}
    end
    return answer, failure, core.machine_time() - started
  end

  -- The same for the first request that needs a token, which goes on being fetched while
  -- nobody waits: it is asked again until there is one, or a refusal.
  function own.ask_first(request, is_decided)
    local started = core.machine_time()
    local answer, failure
    repeat
      answer, failure = own.ask(request)
    until answer or failure.code ~= "Timeout" or is_decided()
      or core.machine_time() - started > SIGN_IN_PATIENCE
    return answer, failure
  end

  -- A failure as a finding.
  function own.refuse(check, failure, cure, status)
    return own.add(check, status or "failed", ("%s: %s"):format(failure.code, failure.message),
                   failure.cure or cure)
  end

  return own
end

local function describe_life(seconds)
  return seconds and ("expires in " .. clock.format(math.max(0, math.floor(seconds)))) or
    "life unknown"
end

-- --- configuration ----------------------------------------------------------------------

local function check_profile(own)
  local info, names = session.info(), session.profiles()
  if not info.config then
    own.add("profile", "skipped", "there is no configuration")
  elseif #names == 0 then
    own.add("profile", "skipped", info.config .. " has none")
  elseif info.profile then
    own.add("profile", "ok", ("'%s' of %s%s"):format(
      info.profile, info.config, info.is_production and ", for production" or ""))
  else
    own.add("profile", "skipped", ("none of those in %s counts: %s"):format(
      info.config, table.concat(names, ", ")),
      "name one by --profile or MOONGATE_PROFILE, or call one \"default\"")
  end
end

-- --- sign-in ---------------------------------------------------------------------------

local function is_decided()
  for _, credential in ipairs(core.credentials()) do
    if credential.state == "taken" or credential.state == "refused" then
      return true
    end
  end
  return false
end

local function check_credential(own)
  local answer, failure = own.ask_first({path = "/subscriptions",
                                         query = {["api-version"] = "2022-12-01"}}, is_decided)
  local signed_in = false
  for _, credential in ipairs(core.credentials()) do
    local name = credential.name
    if credential.state == "taken" then
      signed_in = true
      local who = {}
      for _, part in ipairs {"tenant", "application", "principal", "user"} do
        who[#who + 1] = credential[part] and ("%s %s"):format(part, credential[part])
      end
      who[#who + 1] = describe_life(credential.expires_in)
      local short = credential.expires_in and credential.expires_in < SHORT_LIFE
      own.add(name, short and "warning" or "ok", table.concat(who, ", "),
              short and "get a new token before a long run, or sign in so that moongate can "
                .. "renew it" or nil)
    elseif credential.state == "not available" then
      own.add(name, "skipped", credential.reason)
    elseif credential.state == "refused" then
      own.add(name, "failed", credential.reason, failure and failure.cure)
    end -- those behind the one that was taken were not asked
  end
  if not signed_in and failure then
    if failure.code == "NoCredentials" then -- the reasons stand above
      own.add("sign-in", "failed", "no credential is available", failure.cure)
    else
      own.refuse("sign-in", failure)
    end
  end
  return signed_in, answer
end

-- --- endpoints and time ----------------------------------------------------------------

local function check_endpoint(own, check, url, request)
  local answer, failure, seconds = own.ask(request)
  local reached = answer or failure.status
  local text = reached and ("%s answers in %.0f ms"):format(url, seconds * 1000)
  if not reached then
    own.refuse(check, failure, REACH_CURE)
    return nil, failure
  end
  own.add(check, seconds > SLOW and "warning" or "ok", text,
          seconds > SLOW and "a slow way to Azure makes runs slow: is there a proxy?" or nil)
  return answer, failure
end

--- What a difference between this machine's clock and the service's means.
-- @tparam number skew seconds ahead of the service
-- @tparam boolean is_here the service is on this machine: a simulator, whose clock is its own
-- @treturn string a status
-- @treturn string the text
-- @treturn ?string the cure
function doctor.judge_clock(skew, is_here)
  local seconds = math.abs(math.floor(skew + 0.5))
  local text = seconds == 0 and "as the service's"
    or ("%s %s the service"):format(clock.format(seconds), skew < 0 and "behind" or "ahead of")
  if seconds < SKEW_WARNING then
    return "ok", text
  elseif is_here then
    return "skipped", text .. ", which is a simulator with a clock of its own"
  end
  return seconds > SKEW_LIMIT and "failed" or "warning", text,
    "set this machine's clock (NTP); sign-in fails when it is wrong by minutes"
end

local function check_clock(own, answer)
  local date = answer and answer.headers.date and core.parse_date(answer.headers.date)
  if not date then
    return own.add("clock", "skipped", "the service did not say what time it is")
  end
  return own.add("clock", doctor.judge_clock(clock.now() - date, core.endpoints().is_here))
end

local function check_login(own)
  local endpoints = core.endpoints()
  return check_endpoint(own, "login", endpoints.login, {
    url = ("%s/%s/v2.0/.well-known/openid-configuration"):format(
      endpoints.login, endpoints.tenant or "common")})
end

local function check_services(own)
  local endpoints = core.endpoints()
  check_endpoint(own, "resource manager", endpoints.arm,
                 {path = "/subscriptions", query = {["api-version"] = "2022-12-01"}})
  local groups = {graph = true, path = "/v1.0/groups", query = {["$top"] = 1, ["$select"] = "id"}}
  local started = core.machine_time()
  local answer, failure = own.ask_first(groups, function() -- its token is not Graph's time
    return core.machine_time() - started > TOKEN_PATIENCE
  end)
  if answer or failure.status then
    answer, failure = check_endpoint(own, "graph", endpoints.graph, groups)
  else
    own.refuse("graph", failure, REACH_CURE)
  end
  if answer then
    own.add("graph: groups", "ok", "groups can be read")
  elseif failure.status then
    own.refuse("graph: groups", failure,
               "give the application GroupMember.Read.All and let an administrator consent")
  end
end

-- --- subscription and service -----------------------------------------------------------

local function check_subscription(own, scope)
  if not scope.subscription then
    return own.add("subscription", "failed", "none is named",
                   "give --subscription or set AZURE_SUBSCRIPTION_ID")
  end
  local answer, failure = own.ask {path = "/subscriptions/" .. scope.subscription,
                                   query = {["api-version"] = "2022-12-01"}}
  if failure then
    return own.refuse("subscription", failure,
                      "check --subscription, and that the principal has a role in it")
  end
  local state = answer.body.state or "unknown"
  return own.add("subscription", state == "Enabled" and "ok" or "failed",
                 ("'%s' is %s"):format(answer.body.displayName or scope.subscription, state),
                 state ~= "Enabled" and "enable the subscription, or use another one" or nil)
end

local function check_provider(own, scope, namespace, level)
  local check = "provider " .. namespace
  local answer, failure = own.ask {
    path = ("/subscriptions/%s/providers/%s"):format(scope.subscription, namespace),
    query = {["api-version"] = "2021-04-01"}}
  if failure then
    return own.refuse(check, failure, nil, "warning")
  end
  local state = answer.body.registrationState or "unknown"
  return own.add(check, state == "Registered" and "ok" or level, state,
                 state ~= "Registered" and
                   ("register it: az provider register --namespace %s, or run with "
                    .. "--register-providers"):format(namespace) or nil)
end

local function check_service(own, ids)
  local answer, failure = own.ask {path = ids.service, query = {["api-version"] = "2024-05-01"}}
  if failure then
    return own.refuse("service", failure, "check --resource-group and --service")
  end
  local body = answer.body
  local tier = body.sku and body.sku.name or "unknown"
  local state = body.properties and body.properties.provisioningState or "unknown"
  own.add("service", state == "Succeeded" and "ok" or "warning",
          ("'%s' in %s is %s"):format(body.name, body.location, state),
          state ~= "Succeeded" and "writes are refused while something goes on with it" or nil)
  if GATEWAY_TIERS[tier] then
    return own.add("tier", "ok", tier)
  elseif WORKSPACE_TIERS[tier] then
    return own.add("tier", "warning", tier .. " has workspaces; gateways are documented for "
                   .. "Premium alone", "use a Premium service for workspaces with gateways")
  end
  return own.add("tier", "failed", tier .. " has no workspaces",
                 "workspaces need the tier Premium, or a v2 tier")
end

-- --- rights ------------------------------------------------------------------------------

--- Whether the permissions, as Azure lists them, allow an action.
-- @tparam table permissions a list of tables with `actions` and `notActions`
-- @tparam string action such as `Microsoft.ApiManagement/service/read`
-- @treturn boolean
function doctor.allows(permissions, action)
  for _, permission in ipairs(permissions) do
    if access.judge(permission.actions, permission.notActions, action) then
      return true
    end
  end
  return false
end

local function check_rights(own, ids, need)
  local id = ids[need.scope]
  local check = need.of and ("rights for the %s"):format(need.of)
    or ("rights at the %s"):format(need.scope)
  local permissions, failure = tasks.try(arm.list,
    id .. "/providers/Microsoft.Authorization/permissions",
    {query = {["api-version"] = "2022-04-01"}, timeout = PATIENCE})
  if failure then
    return own.refuse(check, failure)
  end
  local missing = {}
  for _, action in ipairs(need.actions) do
    if not doctor.allows(permissions, action) then
      missing[#missing + 1] = action
    end
  end
  if #missing == 0 then
    return own.add(check, "ok", ("all of %d actions"):format(#need.actions))
  end
  return own.add(check, need.level or "failed", "missing: " .. table.concat(missing, ", "),
                 "assign the principal Contributor and Role Based Access Control Administrator "
                 .. "(or Owner) at " .. id)
end

-- --- all of it ---------------------------------------------------------------------------

local function check_estate(own)
  local scope = run.scope()
  if not check_subscription(own, scope) then
    return
  end
  for _, provider in ipairs(PROVIDERS) do
    check_provider(own, scope, provider[1], provider[2])
  end
  if not (scope.resource_group and scope.service) then
    own.add("service", "failed", "none is named",
            "give --resource-group and --service, or set MOONGATE_RESOURCE_GROUP and "
            .. "MOONGATE_SERVICE")
    return
  end
  local group = ("/subscriptions/%s/resourceGroups/%s"):format(scope.subscription,
                                                               scope.resource_group)
  local ids = {["resource group"] = group,
               service = group .. "/providers/Microsoft.ApiManagement/service/" .. scope.service}
  if not check_service(own, ids) then
    return
  end
  for _, need in ipairs(NEEDS) do
    check_rights(own, ids, need)
  end
end

--- Look at everything; nothing is written.
-- @treturn table a list of findings
-- @treturn boolean whether nothing essential is missing
-- @raise failure `NoTarget` or `BadSetting` when nothing says where to look
function doctor.examine()
  local own = new_examination()
  check_profile(own)
  local is_signed_in, answer = check_credential(own)
  local public = check_login(own)
  check_clock(own, answer or public)
  if is_signed_in then
    check_services(own)
    check_estate(own)
  end
  local is_well = true
  for _, finding in ipairs(own.findings) do
    is_well = is_well and finding.status ~= "failed"
  end
  return own.findings, is_well
end

-- Print the findings and end the run; for the command.
function doctor.main(format)
  local findings, is_well = tasks.try(doctor.examine)
  if not findings then -- a failure in its place
    log.error(tostring(is_well))
    run.exit(2)
  end
  if format == "json" then
    print(json.encode {findings = json.array(findings), ok = is_well})
  else
    for _, finding in ipairs(findings) do
      print(("%-8s %-32s %s"):format(finding.status, finding.check, finding.text))
      if finding.cure then
        print((" "):rep(9) .. finding.cure)
      end
    end
  end
  run.exit(is_well and 0 or 4)
end

return doctor
