// Package rpc is how the nodes of a cluster and those who use it call each
// other. It is the only one that knows protobuf and gRPC: to all others it gives
// the values of the root and of link, and plain types of its own.
//
// [Server] takes calls for a node; what the node does is behind the interfaces
// [Jobs], [Cluster], [Links] and [Peers]. [Conn] makes them. Between a call and
// its handler stand, in this order: connection caps, certificates, the names of
// cluster and environment, protocol versions, the table of who may call what,
// rate limits and admission. What a handler returns or panics with becomes an
// [Error] at the caller.
//
// Messages above 1 MiB travel in pieces, which callers do not see. Sizes are
// bounded by [Limits], before sending and after receiving.
package rpc
