-- The configuration of all replicas; kustomization.yaml makes a ConfigMap of it.
profile "default" {
  subscription = "00000000-0000-0000-0000-000000000000",
  resource_group = "rg-apim",
  service = "contoso-apim",
}

job "scale-by-time" {
  description = "3 units by day, 1 by night and on weekends",
  schedule = "0 6,20 * * 1-5", timezone = "Europe/Berlin",
  script = "scale_by_time",
  args = {"--gateways", "gw-payments,gw-shared", "--hours", "06:00=3,20:00=1",
          "--timezone", "Europe/Berlin", "--change"},
  overlap = "cancel", catch_up = "2h", missed = "last", timeout = "4h", retries = 2,
  max_deletes = 0, max_memory = "256M",
}

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
