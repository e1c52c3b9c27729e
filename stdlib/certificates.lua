--- Certificates of a workspace, from PKCS#12 files.
--
--     ws.certificates:ensure("client", {
--       file = "client.p12", password = env.require "CLIENT_PASSWORD"})
--
-- `create`, `ensure` and `update` take a `file` in place of `data`. It is opened before it is
-- sent, so a wrong password is found here; nothing is written when the service has the same
-- certificate, by its thumbprint.
-- @module certificates
local check = require "core.check"
local collection = require "collection"
local core = require "core.resources"
local files = require "core.files"

local KIND = "certificate"
local verbs = collection.nested_verbs(KIND)
local methods = collection.methods(KIND)

-- The fields with what is in the file, and the thumbprint of that.
local function read_file(fields)
  if fields.data ~= nil then
    check.fail "a certificate has either file or data"
  elseif type(fields.file) ~= "string" then
    check.fail("file: a path expected, got " .. type(fields.file))
  elseif fields.password ~= nil and type(fields.password) ~= "string" then
    check.fail("password: a string expected, got " .. type(fields.password))
  end
  local copy = {}
  for name, value in pairs(fields) do
    copy[name] = value
  end
  copy.file = nil
  local data, thumbprint = files.pkcs12(fields.file, fields.password)
  copy.data = data
  return copy, thumbprint
end

local function has_file(fields)
  return type(fields) == "table" and fields.file ~= nil
end

for _, verb in ipairs {"create", "update"} do
  local plain = verbs[verb]
  verbs[verb] = function(self, name, fields)
    return plain(self, name, has_file(fields) and read_file(fields) or fields)
  end
end

local ensure = verbs.ensure
function verbs:ensure(name, fields)
  if not has_file(fields) then
    return ensure(self, name, fields)
  end
  local known, thumbprint = read_file(fields)
  local found = core.find(KIND, core.parent(self, KIND, "ensure"), name)
  if found and (found.thumbprint or ""):upper() == thumbprint then
    return ensure(self, name, {wait = fields.wait, if_match = fields.if_match})
  elseif found then
    return core.update(KIND, "", found.id, known)
  end
  return ensure(self, name, known)
end

local update = methods.update
function methods:update(fields)
  return update(self, has_file(fields) and read_file(fields) or fields)
end

--- Let the service read the certificate anew from its key vault.
-- @treturn resource itself, as it is now
-- @raise failure
function methods:refresh_secret()
  collection.act(self, "refreshSecret")
  return self:refresh()
end

return {}
