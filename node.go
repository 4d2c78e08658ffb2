package hyperscale

// NodeID names a gate, manager or worker; unique in its cluster.
type NodeID string

// Boot numbers the starts of a node: it rises with each, so that what was said
// before a restart is told from what is said after it.
type Boot uint64
