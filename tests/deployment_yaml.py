"""Looks at the manifests and workflows of docs/deployment: what hangs together in them.

usage: deployment_yaml.py FOLDER; prints "ok WHAT" or "not so: WHAT" for each thing looked at.
With `script`: prints the script of the CronJob. No more than PyYAML is needed.
"""

import os
import sys

import yaml

folder = sys.argv[1]


def load(name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document is not None]


def check(is_so, what):
    print(("ok " if is_so else "not so: ") + what)


manifests = []
for name in sorted(os.listdir(os.path.join(folder, "kubernetes"))):
    if name.endswith(".yaml") and name != "kustomization.yaml":
        manifests += [(name, document) for document in load(os.path.join("kubernetes", name))]


def find(kind):
    return next(document for _, document in manifests if document["kind"] == kind)


def seconds(text):
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def check_kinds():
    groups = {"Namespace": "v1", "ServiceAccount": "v1", "Service": "v1",
              "Deployment": "apps/v1", "PodDisruptionBudget": "policy/v1",
              "NetworkPolicy": "networking.k8s.io/v1", "CronJob": "batch/v1"}
    for name, document in manifests:
        kind = document.get("kind")
        check(groups.get(kind) == document.get("apiVersion"), f"{name}: {kind} has its version")
        check(document["metadata"].get("name"), f"{name}: {kind} has a name")
        check(kind == "Namespace" or document["metadata"].get("namespace") == "moongate",
              f"{name}: {kind} is in the namespace")
    for kind in groups:
        check(sum(document["kind"] == kind for _, document in manifests) == 1, f"one {kind}")


def check_pod(label, template):
    """The restricted level of the pod security standards, and that its parts fit together."""
    spec = template["spec"]
    context = spec["securityContext"]
    check(context["runAsNonRoot"] and context["runAsUser"] > 0, f"{label}: not root")
    check(context["seccompProfile"]["type"] == "RuntimeDefault", f"{label}: seccomp")
    check(spec["serviceAccountName"] == find("ServiceAccount")["metadata"]["name"],
          f"{label}: the service account is there")
    check(spec["automountServiceAccountToken"] is False, f"{label}: no token of the cluster")
    check(template["metadata"]["labels"].get("azure.workload.identity/use") == "true",
          f"{label}: workload identity is asked for")
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    for container in spec["containers"]:
        own = container["securityContext"]
        check(own["allowPrivilegeEscalation"] is False, f"{label}: no way to more rights")
        check(own["readOnlyRootFilesystem"] is True, f"{label}: the root is read-only")
        check(own["capabilities"] == {"drop": ["ALL"]}, f"{label}: no capabilities")
        check("memory" in container["resources"]["limits"], f"{label}: a limit of memory")
        mounts = [mount["name"] for mount in container["volumeMounts"]]
        check(sorted(mounts) == sorted(volumes), f"{label}: each volume is mounted")
        store = [one["value"] for one in container["env"] if one["name"] == "MOONGATE_STORE"]
        check(len(store) == 1 and store[0].startswith("azblob://"), f"{label}: a shared store")
    check(volumes["configuration"]["configMap"]["name"] == "moongate",
          f"{label}: the configuration is the ConfigMap")


def check_deployment():
    deployment = find("Deployment")
    spec, template = deployment["spec"], deployment["spec"]["template"]
    labels = template["metadata"]["labels"]
    container = template["spec"]["containers"][0]
    arguments = container["args"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    check(spec["replicas"] == 3, "three replicas")
    check_pod("Deployment", template)
    for what, selector in [("Deployment", spec["selector"]["matchLabels"]),
                           ("Service", find("Service")["spec"]["selector"]),
                           ("PodDisruptionBudget",
                            find("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]),
                           ("NetworkPolicy",
                            find("NetworkPolicy")["spec"]["podSelector"]["matchLabels"])]:
        check(selector.items() <= labels.items(), f"{what}: the selector fits the pods")
    listen = arguments[arguments.index("--listen") + 1]
    for name, path in [("startupProbe", "/readyz"), ("livenessProbe", "/healthz"),
                       ("readinessProbe", "/readyz")]:
        probe = container[name]["httpGet"]
        check(probe["path"] == path, f"{name}: {path}")
        check(listen.endswith(f":{ports[probe['port']]}"), f"{name}: its port is listened at")
    port = find("Service")["spec"]["ports"][0]
    check(ports[port["targetPort"]] == port["port"], "Service: its port is the pods'")
    check(find("NetworkPolicy")["spec"]["ingress"][0]["ports"][0]["port"] == port["port"],
          "NetworkPolicy: lets the page's port in")
    grace = seconds(arguments[arguments.index("--grace") + 1])
    check(template["spec"]["terminationGracePeriodSeconds"] > grace,
          "Deployment: pods are given longer than --grace")
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    for option in ("--config", "--token-file"):
        path = arguments[arguments.index(option) + 1]
        check(os.path.dirname(path) in mounts, f"Deployment: {option} is in a volume")


def cron_job():
    return find("CronJob")["spec"]


def check_cron_job():
    spec = cron_job()
    job = spec["jobTemplate"]["spec"]
    check(spec["concurrencyPolicy"] == "Forbid", "CronJob: one at a time")
    check(len(spec["schedule"].split()) == 5, "CronJob: five fields")
    check(job["template"]["spec"]["restartPolicy"] == "Never", "CronJob: each attempt is a pod")
    check_pod("CronJob", job["template"])
    names = [container["name"] for container in job["template"]["spec"]["containers"]]
    for rule in job["podFailurePolicy"]["rules"]:
        check(rule["onExitCodes"]["containerName"] in names, "CronJob: a rule is of its container")
    codes = [code for rule in job["podFailurePolicy"]["rules"]
             for code in rule["onExitCodes"]["values"]]
    check(len(codes) == len(set(codes)) and 0 not in codes, "CronJob: each exit code has one rule")


def check_kustomization():
    own = load("kubernetes/kustomization.yaml")[0]
    there = set(os.listdir(os.path.join(folder, "kubernetes")))
    files = own["configMapGenerator"][0]["files"]
    check(set(own["resources"]) | set(files) <= there, "kustomization: its files are there")
    check(there - set(own["resources"]) - set(files) == {"kustomization.yaml", "cronjob.yaml"},
          "kustomization: no file is forgotten")
    check(own["images"][0]["name"] == find("Deployment")["spec"]["template"]["spec"]
          ["containers"][0]["image"], "kustomization: names the Deployment's image")


def check_github():
    own = load("github-actions.yml")[0]
    triggers = own.get("on", own.get(True))  # a truth value in YAML 1.1
    check({"schedule", "pull_request"} <= set(triggers), "GitHub: schedule and pull requests")
    for name, job in own["jobs"].items():
        check(job["permissions"]["id-token"] == "write", f"GitHub: {name} may ask for its token")
        check("timeout-minutes" in job, f"GitHub: {name} has an end")
        for step in job["steps"]:
            check(("uses" in step) != ("run" in step), f"GitHub: {name}: a step is one thing")
            check("@" in step.get("uses", "@"), f"GitHub: {name}: an action has a version")
    check(own["jobs"]["run"]["concurrency"]["cancel-in-progress"] is False,
          "GitHub: a run is not stopped for another")
    check("--run-id \"github-$GITHUB_RUN_ID\"" in own["jobs"]["run"]["steps"][-1]["run"],
          "GitHub: a rerun carries the run on")
    check(not any("secrets." in str(job) for job in own["jobs"].values()), "GitHub: no secret")


def check_azure():
    own = load("azure-pipelines.yml")[0]
    check(all(len(one["cron"].split()) == 5 for one in own["schedules"]), "Azure: a schedule")
    check([stage["stage"] for stage in own["stages"]] == ["plan", "run"], "Azure: plan and run")
    steps = own["stages"][1]["jobs"][0]["strategy"]["runOnce"]["deploy"]["steps"]
    task = next(step for step in steps if step.get("task") == "AzureCLI@2")["inputs"]
    check(task["keepAzSessionActive"] is True, "Azure: az stays signed in")
    check("--run-id \"pipeline-$(Build.BuildId)\"" in task["inlineScript"],
          "Azure: a rerun carries the run on")
    check(own["variables"]["AZURE_TOKEN_CREDENTIALS"] == "AzureCliCredential",
          "Azure: moongate signs in as az")


if sys.argv[2:] == ["script"]:
    print(cron_job()["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"][2])
else:
    check_kinds()
    check_deployment()
    check_cron_job()
    check_kustomization()
    check_github()
    check_azure()
