--- Examples of kinds, verbs and properties, made from the rows of the model.
--
-- What a row cannot tell, such as what an id refers to, stands in the tables here.
-- @module doc_examples
local model = require "core.model"

local doc_examples = {}

-- Kinds that modules hold, and how scripts say so; all else is a member of its parent.
local MODULES = {
  workspace = "workspaces", gateway = "gateways", service = "services",
  ["private dns zone"] = "dns",
  ["virtual network"] = "networks.virtual_networks",
  ["network security group"] = "networks.security_groups",
  ["route table"] = "networks.route_tables", ["nat gateway"] = "networks.nat_gateways",
}

-- The name of the example; the first that fits is taken of all others.
local NAMES = {
  workspace = "payments", gateway = "gw-7", service = "contoso-orders", subnet = "gateways",
  api = "invoices", ["api operation"] = "list-invoices", product = "gold", group = "partners",
  ["named value"] = "invoice-limit", tag = "finance", diagnostic = "azuremonitor",
  logger = "insights", backend = "invoices-backend", certificate = "invoices-client",
  subscription = "mobile", schema = "invoice", ["virtual network"] = "vnet-gateways",
  ["private dns zone"] = "contoso.internal",
  ["service product"] = "gold", ["service group"] = "partners", ["service user"] = "ann",
  ["service tag"] = "finance", ["group user"] = "ann", ["service group user"] = "ann",
  ["notification user"] = "ann", ["notification email"] = "ann@contoso.example",
  notification = "RequestPublisherNotificationMessage", ["api diagnostic"] = "azuremonitor",
  ["workspace link"] = "payments", ["default security rule"] = "AllowVnetInBound",
}
local CANDIDATES = {"example", "default", "6f9619ff-8b86-4011-b42d-00cf4fc964ff",
                    "ann@contoso.example"}

-- Values by the name of the property; then those by its type.
local VALUES = {
  display_name = '"Invoices"', description = '"Of the payments team."', path = '"invoices"',
  title = '"Invoices"', url = '"https://invoices.contoso.example"', method = '"GET"',
  service_url = '"https://invoices.contoso.example"', url_template = '"/invoices"',
  email = '"ann@contoso.example"', publisher_email = '"apis@contoso.example"',
  publisher_name = '"Contoso"', first_name = '"Ann"', last_name = '"Lee"',
  client_registration_endpoint = '"https://id.contoso.example/register"',
  authorization_endpoint = '"https://id.contoso.example/authorize"',
  token_endpoint = '"https://id.contoso.example/token"', client_id = '"invoices"',
  prefix = '"10.0.4.0/24"', address_prefix = '"10.1.0.0/16"',
  address_prefixes = '{"10.0.0.0/16"}', name = '"one"', subnet_prefix = '"10.0.4.0/24"',
  next_hop_ip_address = '"10.0.9.4"', dns_servers = '{"10.0.0.4"}', ttl = "3600",
  terms_of_service_url = '"https://contoso.example/terms"', zones = '{"1"}',
  hostnames = '{"invoices.contoso.example"}', status_code = "200",
  content_type = '"application/json"', address = '"10.0.4.10"',
}
local TYPES = {
  string = '"text"', integer = "1", number = "1.5", boolean = "true", region = '"westeurope"',
  time = '"2030-01-01T00:00:00Z"', duration = '"1m"', tags = '{team = "payments"}',
  ["list of strings"] = '{"text"}', ["list of ids"] = "{}", any = '"text"',
}

-- An id of what scripts have no verbs for.
local function elsewhere(what)
  return ('"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-apim/'
    .. 'providers/Microsoft.Network/%s/one"'):format(what)
end

-- Ids by the name of the property, where no variable of that name is at hand.
local IDS = {
  public_nat_gateway = 'networks.nat_gateways.ensure("nat-gateways", {sku = "Standard"})',
  ddos_protection_plan = elsewhere "ddosProtectionPlans",
  pool = elsewhere "networkManagers/nm/ipamPools",
  network_identifier = elsewhere "publicIPAddresses",
  public_ip_address = elsewhere "publicIPAddresses",
  subnet = elsewhere "virtualNetworks/vnet-apim/subnets",
  id = elsewhere "privateEndpoints",
  network_security_group = 'networks.security_groups.ensure("nsg-gateways", {})',
  route_table = 'networks.route_tables.ensure("rt-gateways", {})',
  nat_gateway = 'networks.nat_gateways.ensure("nat-gateways", {sku = "Standard"})',
  source_virtual_network = 'networks.virtual_networks.ensure("vnet-gateways", '
    .. '{address_prefixes = {"10.0.0.0/16"}})',
  resource_id = 'ws.id:match "^/[^/]+/[^/]+/[^/]+/[^/]+"'
    .. ' .. "/providers/Microsoft.Insights/components/insights"',
  source_api = 'ws.apis:ensure("orders", {path = "orders"})', owner = "service_user",
}

-- Kinds whose example goes on from others besides its parent.
local NEEDS = {
  ["product api link"] = {"api"}, ["product group link"] = {"group"},
  subscription = {"product", "service user"}, ["tag api link"] = {"api"},
  ["tag product link"] = {"product"}, ["tag operation link"] = {"api operation"},
  diagnostic = {"logger"},
  ["api diagnostic"] = {"logger"}, ["config connection"] = {"workspace"},
  ["group user"] = {"service user"}, ["service group user"] = {"service user"},
  ["notification user"] = {"service user"},
  ["service subscription"] = {"service product", "service user"},
  ["service product group link"] = {"service group"},
  ["service tag product link"] = {"service product"}, ["workspace link"] = {"config connection"},
  ["virtual network link"] = {"virtual network"},
}

local KEY_VAULT = 'key_vault = {secret_identifier = "https://contoso.vault.example/secrets/a"}'
local OTHER_BACKEND = 'id = ws.backends:ensure("other", '
  .. '{url = "https://other.contoso.example", protocol = "http"})'
local POOL = "services = {{" .. OTHER_BACKEND .. "}}"
local POLICY = '"<policies><inbound><base /></inbound></policies>"'

-- The members that an example gives for a property, where its row cannot tell.
local MEMBERS = {
  api = {
    value = [[format = "openapi+json", value = '{"openapi": "3.0.1", ]]
      .. [["info": {"title": "Invoices", "version": "1"}, "paths": {}}']],
    ["version_set_details.id"] = 'id = ws.version_sets:ensure("dated", '
      .. '{versioning_scheme = "Segment"})',
    version_set = 'version = "v1", version_set = '
      .. 'ws.version_sets:ensure("dated", {versioning_scheme = "Segment"})',
  },
  backend = {pool = "pool = {" .. POOL .. "}", ["pool.services"] = POOL,
             ["services.id"] = OTHER_BACKEND},
  certificate = {key_vault = KEY_VAULT}, ["named value"] = {key_vault = KEY_VAULT},
  ["config connection"] = {workspace = "workspace = ws"},
  gateway = {subnet = 'network = "integration", subnet = require("networks")'
    .. '.ensure_gateway_subnet {vnet = "vnet-apim", name = "gateways", '
    .. 'prefix = "10.0.4.0/24", mode = "integration"}'},
  ["policy fragment"] = {value = 'value = "<fragment><base /></fragment>"'},
  ["private dns zone"] = {location = 'location = "global"'},
  ["service product api link"] = {api = 'api = service.id .. "/apis/invoices"'},
  ["service product group link"] = {group = "group = service_group"},
  ["service subscription"] = {scope = "scope = service_product"},
  subscription = {scope = "scope = product"},
  ["service tag api link"] = {api = 'api = service.id .. "/apis/invoices"'},
  ["service tag operation link"] = {
    operation = 'operation = service.id .. "/apis/invoices/operations/list"'},
  ["service tag product link"] = {product = "product = service_product"},
  ["tag operation link"] = {operation = "operation = api_operation"},
  workspace = {display_name = 'display_name = "Payments"'},
  ["virtual network link"] = {location = 'location = "global"',
                              virtual_network = "virtual_network = vnet"},
}
MEMBERS.api.format = MEMBERS.api.value

-- What a new one must have beyond what its row requires.
local NEEDED = {
  backend = {url = true, protocol = true}, certificate = {key_vault = true},
  ["named value"] = {value = true}, subnet = {prefix = true}, ["api release"] = {api = true},
  ["dns a record"] = {addresses = true},
}

local function name_of(kind)
  for _, name in ipairs {NAMES[kind.name] or CANDIDATES[1], table.unpack(CANDIDATES)} do
    if not model.check_name(kind.name, name) then
      return name
    end
  end
end

local value_of

-- One of an object's examples: what it requires, or else its first property.
local function object_of(items)
  local members = {}
  for _, item in ipairs(items) do
    if item.required and not item.read_only then
      members[#members + 1] = item.name .. " = " .. value_of(item)
    end
  end
  for _, item in ipairs(#members == 0 and items or {}) do
    if not item.read_only then
      members[1] = item.name .. " = " .. value_of(item)
      break
    end
  end
  return "{" .. table.concat(members, ", ") .. "}"
end

function value_of(field)
  local kind_of = field.type
  if field.choices then
    local choice = ("%q"):format(field.choices[1])
    return kind_of == "choice" and choice or "{" .. choice .. "}"
  elseif kind_of == "list" then
    return "{" .. object_of(field.items) .. "}"
  elseif kind_of == "object" then
    return object_of(field.items)
  elseif kind_of == "map" then
    return "{one = " .. value_of {type = field.values, items = field.items, name = ""} .. "}"
  elseif kind_of == "resource or id" then
    return IDS[field.name] or field.name
  elseif VALUES[field.name] then
    return VALUES[field.name]
  elseif kind_of == "integer" and field.min and field.min > 0 then
    return tostring(field.min)
  end
  return TYPES[kind_of]
end

-- What an example gives for a property: "display_name = "Invoices"".
local function members_of(kind, field)
  local of_kind = MEMBERS[kind.name]
  return of_kind and of_kind[field.name] or field.name .. " = "
    .. (kind.only_name and field.name == "value" and POLICY or value_of(field))
end

-- The fields of a new one, with `field` too when it is given: as `member` says it, if it does.
local function new_fields(kind, field, member)
  local members, needed = {}, NEEDED[kind.name] or {}
  for _, row in ipairs(kind.fields) do
    local is_it = field and row.name == field.name
    if row.required and not row.read_only or needed[row.name] or is_it then
      members[#members + 1] = is_it and member or members_of(kind, row)
    end
  end
  return #members > 0 and "{" .. table.concat(members, ", ") .. "}" or nil
end

-- The arguments of a call: the name if it has one, and more.
local function call(kind, verb, more)
  local name = not kind.only_name and ("%q"):format(kind.example_name) or nil
  local arguments = {}
  arguments[#arguments + 1] = name
  arguments[#arguments + 1] = more
  return kind.prefix .. verb .. "(" .. table.concat(arguments, ", ") .. ")"
end

local function loop(kind, expression)
  return ("for %s in %s do\n  print(%s)\nend"):format(expression:find "^ipairs"
    and "_, " .. kind.variable or kind.variable, expression, kind.variable)
end

-- The first property that an update may change, with its value.
local function update_fields(kind)
  for _, field in ipairs(kind.fields) do
    if not (field.read_only or field.immutable or field.secret) then
      return "{" .. members_of(kind, field) .. "}"
    end
  end
  return "{}"
end

local function verb_example(kind, verb)
  local makes = ("local %s, outcome = "):format(kind.variable)
  if verb == "get" or verb == "find" then
    return ("local %s = %s"):format(kind.variable, call(kind, verb))
  elseif verb == "exists" then
    return "local is_there = " .. call(kind, verb)
  elseif verb == "delete" then
    return "local was_there = " .. call(kind, verb)
  elseif verb == "list" then
    return loop(kind, "ipairs(" .. kind.prefix .. "list())")
  elseif verb == "each" then
    return loop(kind, kind.prefix .. "each()")
  elseif verb == "update" then
    return makes .. call(kind, verb, update_fields(kind))
  end
  return makes .. call(kind, verb, new_fields(kind))
end

-- How an example writes a property: an update, or what can be given at creation only.
local function field_example(kind, field)
  local has_update = false
  for _, verb in ipairs(kind.verbs) do
    has_update = has_update or verb.name == kind.prefix .. "update"
  end
  if has_update and not field.immutable then
    return call(kind, "update", "{" .. members_of(kind, field) .. "}")
  end
  return call(kind, "ensure", new_fields(kind, field))
end

-- What holds a member: `outer` is a property of objects, "{name = " and so on around it.
local function around(outer, member)
  local open, close = outer.name .. " = ", ""
  if outer.type == "list" then
    open, close = open .. "{", "}"
  elseif outer.type == "map" then
    open, close = open .. "{one = ", "}"
  end
  return open .. "{" .. member .. "}" .. close
end

-- What an example gives for a property within the property `field`.
local function inner_member(kind, field, item)
  return (MEMBERS[kind.name] or {})[field.name .. "." .. item.name]
    or item.name .. " = " .. value_of(item)
end

-- The member of an object that an example is about, behind those that the object must have.
local function with_required(kind, field, item, member)
  local members = {}
  for _, other in ipairs(field.items) do
    if other.required and not other.read_only and other ~= item then
      members[#members + 1] = inner_member(kind, field, other)
    end
  end
  members[#members + 1] = member
  return table.concat(members, ", ")
end

-- Gives the properties within a property their examples; `write` makes a call of members.
local function add_inner(kind, field, write)
  for _, item in ipairs(field.items or {}) do
    local function inner(member)
      return write(around(field, with_required(kind, field, item, member)))
    end
    if not item.read_only then
      item.example = inner(inner_member(kind, field, item))
      add_inner(kind, item, inner)
    end
  end
end

-- The lines that a kind's examples go on from, each once.
local function add_setting(by_name, kind, lines, is_whole)
  local function add(line)
    if not lines[line] then
      lines[line] = true
      lines[#lines + 1] = line
    end
  end
  if kind.way and not MODULES[kind.name] then
    add_setting(by_name, by_name[kind.parent], lines, true)
  end
  for _, name in ipairs(NEEDS[kind.name] or {}) do
    add_setting(by_name, by_name[name], lines, true)
  end
  local module = kind.prefix and kind.prefix:match "^([%w_]+)%.[%w_.]*$"
  if module and MODULES[kind.name] then
    add(("local %s = require %q"):format(module, module))
  end
  if is_whole and kind.name == "service" then
    add "local services = require \"services\""
    add "local service = services.current()"
  elseif is_whole and kind.operations.put then
    add(("local %s = %s"):format(kind.variable, call(kind, "ensure", new_fields(kind))))
  elseif is_whole then
    add(("local %s = %s"):format(kind.variable, call(kind, "get")))
  end
end

--- How scripts call the verbs of a kind: `ws.apis:`, `workspaces.`; nil when nothing leads there.
-- @tparam table kind a row of the model with `way`
-- @treturn ?string
function doc_examples.prefix(kind)
  local module = MODULES[kind.name]
  return module and module .. "." or kind.way and kind.way .. ":" or nil
end

--- Give kinds, their verbs and their properties their examples: `setting` (lines that the
-- others go on from), `example`, `examples` of each verb, and `example` of each property.
-- @tparam table kinds rows of the model with `prefix`, `variable` and `verbs`
function doc_examples.add(kinds)
  local by_name = {}
  for _, kind in ipairs(kinds) do
    by_name[kind.name] = kind
    kind.example_name = kind.only_name or name_of(kind)
  end
  for _, kind in ipairs(kinds) do
    if kind.prefix then
      local lines = {}
      add_setting(by_name, kind, lines, false)
      kind.setting = table.concat(lines, "\n")
      for _, verb in ipairs(kind.verbs) do
        local name = verb.name:match "[%w_]+$"
        verb.examples = {verb_example(kind, name)}
        kind.example = (name == "ensure" or not kind.example) and verb.examples[1]
          or kind.example
      end
      for _, field in ipairs(kind.operations.put and kind.fields or {}) do
        if not field.read_only then
          field.example = field_example(kind, field)
          add_inner(kind, field, function(member)
            return field.immutable and call(kind, "ensure", new_fields(kind, field, member))
              or call(kind, "update", "{" .. member .. "}")
          end)
        end
      end
    end
  end
end

return doc_examples
