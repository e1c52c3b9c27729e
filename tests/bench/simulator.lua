-- For wrk: GETs of the service, or PUTs of about 1 KB to 2,000 workspaces, as the owner of the
-- simulator that the environment describes.
local path = os.getenv "SIM_PATH"
local version = "?api-version=2024-05-01"
local body = ('{"properties":{"displayName":"A team","description":"%s"}}'):format(("x"):rep(940))
local token, count, method

function init(args)
  method = args[1]
end

local function sign_in()
  return wrk.format("POST", "/" .. os.getenv "SIM_TENANT" .. "/oauth2/v2.0/token", nil,
    ("grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s/.default"):format(
      os.getenv "SIM_ID", os.getenv "SIM_SECRET", os.getenv "SIM_URL"))
end

function request()
  if not token then
    return sign_in()
  end
  count = (count or 0) + 1
  local headers = {Authorization = "Bearer " .. token, ["Content-Type"] = "application/json"}
  if method == "GET" then
    return wrk.format("GET", path .. version, headers)
  end
  return wrk.format("PUT", ("%s/workspaces/w%d%s"):format(path, count % 2000, version), headers,
    body)
end

function response(status, _, answer)
  token = token or answer:match '"access_token":"([^"]+)"'
end
