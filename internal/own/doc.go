// Package own is all that a tier does with its store: who owns a job, what has
// been decided and measured of it, and what is told to those who watch.
//
// Ownership is a key that is put once per tenure, job/{id}/owner. Its revision is
// the fence: every write of an owner is a transaction that holds only while the
// key still has it. A node that was replaced, however late it wakes, is refused
// and stops; nothing here relies on clocks for that. Leases ([Session]) and the
// failure detector only say when it is worth trying to take over ([Succession]).
//
// What an owner knows is written by [Tenure.Commit]: records, which are appended,
// and a manifest that names them, whose writing is the commit. Events, numbered
// without gaps, and the head of the job go with it or not at all.
//
// A store that does not answer leaves open whether a write was done. A [Tenure]
// keeps what it was told to write until it knows, and finds out by reading; its
// transactions also compare the manifest, so one that comes late does nothing.
//
// Functions block until they are done, their context ends, or the store fails.
// They start nothing, except [RunSession] and [Hold], which return when it is gone. Keys
// are as in keys.go; a prefix for all of them is the store's business.
package own
