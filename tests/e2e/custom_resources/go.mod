// Not a program: the versions of the projects whose CustomResourceDefinitions fetch.sh takes.
module rucio-policy-webhook/tests/e2e/custom_resources

go 1.25.0

require (
	github.com/cert-manager/cert-manager v1.19.1
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
