// Package doors keeps the connections of a node to its parents: of a worker to the
// managers of its datacenter, of a manager to the gates. Where they are is known
// from the names that are configured, which are looked up again and again, and from
// what parents say of each other.
//
//	names ─ seek ─▶ book of addresses ─▶ a door at each: dials, and dials again ⇄ parent
//
// Whoever owns the doors is told what happens, and says what there is to say; neither
// waits for a parent. Each connection has its own goroutines and its own queue: one
// parent that is slow, mute or gone delays nothing that is said to or heard of
// another.
package doors
