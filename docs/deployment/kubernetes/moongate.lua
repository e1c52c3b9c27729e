-- The configuration of all replicas; kustomization.yaml makes a ConfigMap of it.
profile "default" {
  subscription = "00000000-0000-0000-0000-000000000000",
  resource_group = "rg-apim",
  service = "contoso-apim",
}

for _, time in ipairs {{name = "evening", at = "0 20 * * 1-5", units = 1},
                       {name = "morning", at = "0 6 * * 1-5", units = 3}} do
  job("scale-in-the-" .. time.name) {
    description = "gateways get " .. time.units .. " units",
    schedule = time.at, timezone = "Europe/Berlin",
    script = "scale_by_time", args = {"--units", time.units, "--change", "gw-payments", "gw-shared"},
    overlap = "cancel", catch_up = "2h", missed = "last", timeout = "4h", retries = 2,
    max_deletes = 0, max_memory = "256M",
  }
end

job "access-report" {
  description = "who may change policies, on Mondays",
  schedule = "0 7 * * 1", timezone = "Europe/Berlin",
  script = "access_report",
  catch_up = "2d", retries = 3, read_only = true,
}

job "idle-gateways" {
  description = "fails when a gateway serves nobody",
  schedule = "@daily", timezone = "Europe/Berlin",
  script = "idle_gateways.lua",
  read_only = true,
}
