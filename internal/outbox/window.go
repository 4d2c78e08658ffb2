package outbox

import (
	"fmt"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// Window is a window that waits for its acknowledgement, encoded.
type Window struct {
	First, Seq uint64
	stats.Interval
	Adjustment uint64
	Final      bool
	Bytes      []byte
	Ending     *link.Ending // Final: how the load ended
}

// Pack encodes a window.
func Pack(w *stats.Window, ending *link.Ending) Window {
	return Window{
		First: w.ID.First, Seq: w.ID.Seq, Interval: w.Interval, Adjustment: w.Adjustment,
		Final: w.Final, Bytes: w.AppendBinary(nil), Ending: ending,
	}
}

// Unpack decodes it again.
func (w Window) Unpack() *stats.Window {
	v, err := stats.DecodeWindow(w.Bytes)
	if err != nil {
		panic(fmt.Sprintf("outbox: a window of our own: %v", err))
	}
	return v
}

// together reports whether b, which follows a, lies in the same stretch of job
// time of that length.
func together(a, b Window, length hyperscale.JobTime) bool {
	return length > 0 && a.From/length == b.From/length && a.To%length != 0
}

func size(list []Window) int {
	n := 0
	for _, w := range list {
		n += len(w.Bytes)
	}
	return n
}
