package hyperscale

import "time"

// Event is one thing that happened to a job and stays written down: events of a
// job are numbered from 1 without gaps, and whoever watches gets each exactly
// once.
type Event struct {
	Seq      uint64    // within the job
	At       JobTime   // 0 before the job's start
	Wall     time.Time // by the clock of the node that wrote it; for people only
	Epoch    Epoch     // of the owner that wrote it
	What     string    // kind: "accepted", "started", "worker lost", "owner changed", …
	Workflow string    // "": the whole job
	Node     NodeID    // whom it is about, or who wrote it; "": nobody
	Detail   string    // in words; "": What says all
}
