"""The Helm chart as it is rendered, without a cluster: what operators are promised of the pods, of who reaches whom, of
rights and of availability."""
import json
import unittest

from chart_support import ALL, NAME, ChartCase, find, pod_specs, pod_templates, render

SERVER, CERTS, AUDIT = f"Deployment {NAME}", f"CronJob {NAME}-certs", f"CronJob {NAME}-audit"
SELECTOR = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME,
            "app.kubernetes.io/component": "webhook"}


def is_selected(selector, labels):
    """As Kubernetes sees it, for what the chart uses of it."""
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", expression
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


def selected(things, selector):
    """Which of what makes pods makes some that are selected; the certificates' Job without its hash."""
    names = {name for name, template in pod_templates(things) if is_selected(selector, template["metadata"]["labels"])}
    return {f"Job {NAME}-certs" if name.startswith(f"Job {NAME}-certs-") else name for name in names}


def pod_of_server(*flags):
    return find(render(*flags), "Deployment")["spec"]["template"]["spec"]


class Availability(ChartCase):
    def test_a_new_pod_is_ready_before_an_old_one_goes(self):
        spec = find(render(), "Deployment")["spec"]
        self.assertEqual((spec["replicas"], spec["strategy"]),
                         (2, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}))

    def test_pods_have_the_time_to_drain(self):
        for seconds, flags in ((30, ()), (90, ("--set", "terminationGracePeriodSeconds=90"))):
            self.assertEqual(pod_of_server(*flags)["terminationGracePeriodSeconds"], seconds)

    def test_a_pod_that_cannot_serve_is_not_called_and_one_that_hangs_is_restarted(self):
        container = pod_of_server()["containers"][0]
        self.assertEqual(container["readinessProbe"], {"httpGet": {"path": "/readyz", "port": "operations"},
                                                       "periodSeconds": 2, "failureThreshold": 2})
        self.assertEqual(container["livenessProbe"], {"httpGet": {"path": "/healthz", "port": "operations"},
                                                      "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6})
        self.assertNotIn("startupProbe", container)

    def test_server_waits_for_its_certificate_and_bounds_its_connections(self):
        folder = "/etc/rucio-policy-webhook"
        self.assertEqual(pod_of_server()["containers"][0]["args"], [
            "serve", f"--config={folder}/policy/policy.yaml", f"--tls-cert={folder}/tls/tls.crt",
            f"--tls-key={folder}/tls/tls.key", "--wait-for-certificate", "--listen=0.0.0.0:10250",
            "--ops-listen=0.0.0.0:8080", "--max-connections=1000", "--log-level=info"])

    def test_wrong_configuration_ends_the_upgrade_at_the_first_try(self):
        self.assertEqual(find(render(), "Job", "-check")["spec"]["backoffLimit"], 0)

    def test_configuration_cannot_change_under_the_pods_that_have_read_it(self):
        config_maps = [thing for thing in render("--no-hooks") if thing["kind"] == "ConfigMap"]
        self.assertEqual([config_map.get("immutable") for config_map in config_maps], [True])

    def test_replicas_are_spread_over_nodes_and_zones(self):
        # Of one template alone: old pods must not push new ones together.
        self.assertEqual(pod_of_server()["topologySpreadConstraints"], [
            {"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway",
             "labelSelector": {"matchLabels": SELECTOR}, "matchLabelKeys": ["pod-template-hash"]}
            for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")])

    def test_own_constraints_replace_these(self):
        own = [{"topologyKey": "rack", "maxSkew": 2, "whenUnsatisfiable": "DoNotSchedule"}]
        spec = pod_of_server("--set-json", f"topologySpreadConstraints={json.dumps(own)}")
        self.assertEqual(spec["topologySpreadConstraints"], own)

    def test_one_replica_after_the_other_may_be_evicted_and_one_that_is_not_ready_always(self):
        things = render(*ALL)
        spec = find(things, "PodDisruptionBudget")["spec"]
        self.assertEqual(spec, {"maxUnavailable": 1, "selector": {"matchLabels": SELECTOR},
                                "unhealthyPodEvictionPolicy": "AlwaysAllow"})
        self.assertEqual(selected(things, spec["selector"]), {SERVER})

    def test_budget_can_be_left_out(self):
        self.assertNotIn("PodDisruptionBudget", {thing["kind"] for thing in
                                                 render("--set", "podDisruptionBudget.enabled=false")})

    def test_a_job_that_hangs_or_was_missed_does_not_stop_the_next_one(self):
        things = render(*ALL)
        for name, backoff_limit, seconds in (("certs", 3, 300), ("audit", 0, 3600)):
            spec = find(things, "CronJob", name)["spec"]
            spec["jobTemplate"]["spec"].pop("template")
            spec.pop("schedule")
            self.assertEqual(spec, {
                "concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 600, "successfulJobsHistoryLimit": 1,
                "failedJobsHistoryLimit": 1,
                "jobTemplate": {"spec": {"backoffLimit": backoff_limit, "activeDeadlineSeconds": seconds}}})

    def test_certificates_are_looked_at_now_and_every_ten_minutes_in_the_same_way(self):
        things = [thing for thing in render(*ALL) if "certs" in thing["metadata"]["name"]]
        cron_job, job = find(things, "CronJob"), find(things, "Job")
        self.assertEqual(cron_job["spec"]["schedule"], "*/10 * * * *")
        self.assertEqual(cron_job["spec"]["jobTemplate"]["spec"]["template"], job["spec"]["template"])
        self.assertEqual(job["spec"]["backoffLimit"], 20)
        self.assertEqual(job["spec"]["template"]["spec"]["containers"][0]["args"], [
            "certs", "ensure", f"--secret={NAME}/{NAME}-tls", f"--ca-secret={NAME}/{NAME}-ca", f"--webhook={NAME}",
            f"--dns={NAME}.{NAME}.svc", "--renew-before=30d", "--overlap=1h"])

    def test_delivery_tools_make_the_certificates_job_anew_when_they_change_it(self):
        job = next(thing for thing in render() if thing["kind"] == "Job" and "-certs-" in thing["metadata"]["name"])
        self.assertEqual(job["metadata"]["annotations"], {
            "argocd.argoproj.io/sync-options": "Force=true,Replace=true",
            "kustomize.toolkit.fluxcd.io/force": "enabled"})


class Network(ChartCase):
    def test_names_are_not_asked_of_the_clusters_dns(self):
        self.assertEqual(pod_of_server()["dnsPolicy"], "Default")

    def test_service_has_the_servers_pods_and_no_others(self):
        things = render(*ALL)
        selector = find(things, "Service")["spec"]["selector"]
        self.assertEqual(selector, SELECTOR)
        self.assertEqual(selected(things, {"matchLabels": selector}), {SERVER})
        self.assertEqual(find(things, "Deployment")["spec"]["selector"], {"matchLabels": SELECTOR})

    def test_server_is_called_on_its_two_ports_and_calls_nobody(self):
        things = render(*ALL)
        spec = find(things, "NetworkPolicy", NAME)["spec"]
        self.assertEqual(selected(things, spec.pop("podSelector")), {SERVER})
        self.assertEqual(spec, {"policyTypes": ["Ingress", "Egress"],
                                "ingress": [{"ports": [{"port": "webhook", "protocol": "TCP"}]},
                                            {"ports": [{"port": "operations", "protocol": "TCP"}]}]})

    def test_operations_can_be_for_some_only(self):
        things = render("--set", "networkPolicy.operationsFrom[0].namespaceSelector.matchLabels.name=monitoring")
        webhook, operations = find(things, "NetworkPolicy", NAME)["spec"]["ingress"]
        self.assertNotIn("from", webhook)
        self.assertEqual(operations["from"], [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}])

    def test_jobs_call_whom_they_need_and_nobody_calls_them(self):
        things = render(*ALL)
        spec = find(things, "NetworkPolicy", "-jobs")["spec"]
        # The check needs nobody; it runs before any of this is there.
        self.assertEqual(selected(things, spec.pop("podSelector")), {CERTS, f"Job {NAME}-certs", AUDIT})
        self.assertEqual(spec, {"policyTypes": ["Ingress", "Egress"], "egress": [{}]})

    def test_there_are_no_policies_for_pods_that_are_not_there(self):
        names = [[thing["metadata"]["name"] for thing in render(*flags) if thing["kind"] == "NetworkPolicy"]
                 for flags in (("--set", "certificates.issuer=cert-manager"), ("--set", "networkPolicy.enabled=false"))]
        self.assertEqual(names, [[NAME], []])


class Safety(ChartCase):
    def test_every_pod_meets_the_restricted_standard_with_a_read_only_root(self):
        names = []
        for name, spec in pod_specs(render(*ALL)):
            names.append(name)
            with self.subTest(name):
                self.assertTrue(spec["securityContext"]["runAsNonRoot"])
                self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                for container in spec["containers"]:
                    self.assertEqual(container["securityContext"],
                                     {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                      "capabilities": {"drop": ["ALL"]}})
                    self.assertIn("memory", container["resources"]["limits"])
        self.assertEqual(len(names), 5)

    def test_server_has_no_rights_and_no_token(self):
        things = render(*ALL)
        spec = find(things, "Deployment")["spec"]["template"]["spec"]
        self.assertFalse(spec["automountServiceAccountToken"])
        subjects = {subject["name"] for thing in things if thing["kind"].endswith("Binding")
                    for subject in thing["subjects"]}
        self.assertEqual(subjects, {f"{NAME}-certs", f"{NAME}-audit"})
        self.assertEqual(spec["serviceAccountName"], NAME)

    def test_key_is_read_by_the_pods_group_and_nobody_else(self):
        volumes = {volume["name"]: volume for volume in pod_of_server()["volumes"]}
        self.assertEqual(volumes["tls"]["secret"], {
            "secretName": f"{NAME}-tls", "defaultMode": 0o440,
            "items": [{"key": "tls.crt", "path": "tls.crt"}, {"key": "tls.key", "path": "tls.key"}]})

    def test_rights_are_these_and_no_others(self):
        rules = {f"{thing['kind']} {thing['metadata']['name']}": thing["rules"] for thing in render(*ALL)
                 if thing["kind"] in ("Role", "ClusterRole")}
        self.assertEqual(rules, {
            f"Role {NAME}-certs": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch"],
                                    "resourceNames": [f"{NAME}-tls", f"{NAME}-ca"]}],
            f"ClusterRole {NAME}-certs": [{"apiGroups": ["admissionregistration.k8s.io"], "verbs": ["get", "patch"],
                                           "resources": ["mutatingwebhookconfigurations"], "resourceNames": [NAME]}],
            f"ClusterRole {NAME}-audit": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
        })

    def test_no_certificate_is_in_the_rendered_text(self):
        things = render()
        for secret in (thing for thing in things if thing["kind"] == "Secret"):
            self.assertNotIn("data", secret)
        self.assertNotIn("caBundle", json.dumps(find(things, "MutatingWebhookConfiguration")))

    def test_only_the_check_is_a_hook(self):
        hooks = [thing["metadata"]["name"] for thing in render(*ALL)
                 if "helm.sh/hook" in thing["metadata"].get("annotations", {})]
        self.assertEqual(hooks, [f"{NAME}-check"] * 2)


if __name__ == "__main__":
    unittest.main()
