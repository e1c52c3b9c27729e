-- Certificates from PKCS#12 files.
local ledger = require "ledger"
local test = require "test"
local workspaces = require "workspaces"

local equal, raises, contains = test.equal, test.raises, test.contains

local FILE, PASSWORD = "tests/spec/client.p12", "only-for-tests"
local OTHER = "tests/spec/other.p12" -- without a password

local function certificates()
  return workspaces.ensure("payments", {}).certificates
end

local function call(collection, verb, ...)
  return collection[verb](collection, ...)
end

test.case("a certificate is read from its file, and written once", function()
  local own = certificates()
  local one, outcome = own:ensure("client", {file = FILE, password = PASSWORD})
  equal(outcome, "created")
  contains(one.subject, "client.example")
  equal(#one.thumbprint, 40)
  local _, writes = ledger.during(function()
    equal(select(2, own:ensure("client", {file = FILE, password = PASSWORD})), "unchanged")
  end)
  equal(writes, 0)
  local other
  other, outcome = own:ensure("client", {file = OTHER})
  equal(outcome, "changed")
  test.ok(other.thumbprint ~= one.thumbprint)
  equal(select(2, other:update {file = FILE, password = PASSWORD}), "changed")
  equal(other.thumbprint, one.thumbprint)
  equal(select(2, own:create("again", {file = OTHER, password = ""})), "created")
  equal(select(2, own:update("again", {file = FILE, password = PASSWORD})), "changed")
end)

test.case("neither the file nor its password is ever shown", function()
  local one = certificates():ensure("client", {file = FILE, password = PASSWORD})
  equal({one.data, one.password}, {nil, nil})
  equal(tostring(one):find(PASSWORD, 1, true), nil)
  equal(require("json").encode(one.raw):find(PASSWORD, 1, true), nil)
end)

test.case("a file that cannot be opened is not sent", function()
  local own = certificates()
  local _, writes = ledger.during(function()
    local failure = raises("BadCertificate", call, own, "ensure", "c",
                           {file = FILE, password = "wrong"})
    equal(failure.message, FILE .. ": the password does not open it")
    failure = raises("BadCertificate", call, own, "ensure", "c", {file = FILE})
    contains(failure.message, "it has a password, and none was given")
    failure = raises("BadCertificate", call, own, "ensure", "c", {file = "tests/spec/ledger.lua"})
    contains(failure.message, "it is no PKCS#12 file")
    failure = raises("IOError", call, own, "ensure", "c", {file = "tests/spec/none.p12"})
    contains(failure.message, "tests/spec/none.p12: No such file")
    raises("either file or data", call, own, "ensure", "c", {file = FILE, data = "x"})
    raises("file: a path expected, got number", call, own, "create", "c", {file = 1})
    raises("password: a string expected", call, own, "update", "c", {file = FILE, password = 1})
  end)
  equal(writes, 0)
end)
