// Package hyperscalev1 is the protocol as protobuf and gRPC have it, written by
// proto/generate.sh from proto/hyperscale/v1. Nobody but package rpc looks at it.
package hyperscalev1

//go:generate ../../../proto/generate.sh
