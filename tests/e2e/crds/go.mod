// Not a program: the version of the project whose CustomResourceDefinitions fetch.sh takes.
module rucio-policy-webhook/tests/e2e/crds

go 1.25.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
