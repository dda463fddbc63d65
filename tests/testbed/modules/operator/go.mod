module example.invalid/testbed/operator

go 1.26.0

// Only its example/prometheus-operator-crd is read; nothing is built, so `go mod tidy` would take this line away.
require github.com/prometheus-operator/prometheus-operator v0.85.0
