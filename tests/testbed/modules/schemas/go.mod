module example.invalid/testbed/schemas

go 1.26.0

// Built is structured-merge-diff's own program; of every client-go only the schemas of the API's types are read, so
// `go mod tidy` would take those lines away. A module can be required once: each version stands under a name of its own.
require (
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.3-0.20250322232337-35a7c28c31ee // indirect
	go.yaml.in/yaml/v2 v2.4.4 // indirect
	sigs.k8s.io/structured-merge-diff/v6 v6.4.2
)

require (
	example.invalid/kubernetes-1.28 v0.0.0
	example.invalid/kubernetes-1.29 v0.0.0
	example.invalid/kubernetes-1.30 v0.0.0
	example.invalid/kubernetes-1.31 v0.0.0
	example.invalid/kubernetes-1.32 v0.0.0
	example.invalid/kubernetes-1.33 v0.0.0
	example.invalid/kubernetes-1.34 v0.0.0
	example.invalid/kubernetes-1.35 v0.0.0
	example.invalid/kubernetes-1.36 v0.0.0
	example.invalid/kubernetes-1.37 v0.0.0
)

replace (
	example.invalid/kubernetes-1.28 v0.0.0 => k8s.io/client-go v0.28.8
	example.invalid/kubernetes-1.29 v0.0.0 => k8s.io/client-go v0.29.15
	example.invalid/kubernetes-1.30 v0.0.0 => k8s.io/client-go v0.30.14
	example.invalid/kubernetes-1.31 v0.0.0 => k8s.io/client-go v0.31.14
	example.invalid/kubernetes-1.32 v0.0.0 => k8s.io/client-go v0.32.13
	example.invalid/kubernetes-1.33 v0.0.0 => k8s.io/client-go v0.33.13
	example.invalid/kubernetes-1.34 v0.0.0 => k8s.io/client-go v0.34.13
	example.invalid/kubernetes-1.35 v0.0.0 => k8s.io/client-go v0.35.10
	example.invalid/kubernetes-1.36 v0.0.0 => k8s.io/client-go v0.36.6
	example.invalid/kubernetes-1.37 v0.0.0 => k8s.io/client-go v0.37.2
)
