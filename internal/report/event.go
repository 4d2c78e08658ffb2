package report

import (
	"time"

	"hyperscale"
)

// Event is an event of a cluster's job as JSON.
type Event struct {
	Seq      uint64            `json:"seq"`
	At       float64           `json:"at_s"` // job time
	Wall     string            `json:"wall"` // RFC 3339
	Epoch    hyperscale.Epoch  `json:"epoch"`
	What     string            `json:"what"`
	Workflow string            `json:"workflow"`
	Node     hyperscale.NodeID `json:"node"`
	Detail   string            `json:"detail"`
}

// EventOf is an event in this form.
func EventOf(e hyperscale.Event) Event {
	return Event{e.Seq, e.At.Seconds(), e.Wall.UTC().Format(time.RFC3339Nano), e.Epoch, e.What, e.Workflow, e.Node, e.Detail}
}
