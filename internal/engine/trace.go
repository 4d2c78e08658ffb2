package engine

import (
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// Trace is shown each request that has ended, with its answer as far as it came:
// all of its head, and of its body what the request's step keeps or the first
// 64 KiB. It is called on a lane's thread and keeps nothing of x.
type Trace func(workflow, step string, x *wire.Exchange)

// tracedBody is how much of a body is kept for a trace alone.
const tracedBody = 64 << 10

// traced is r with an answer that can be shown. A session looks
// at what it asked for only.
func traced(r *session.Request) *session.Request {
	t := *r
	t.KeepHead = true
	if t.Keep == 0 {
		t.Keep = tracedBody
	}
	return &t
}

// trace shows f to who wants to see it.
func (l *lane) trace(f *flight) {
	if l.engine.cfg.Trace == nil {
		return
	}
	layout := f.user.leg.leg.Layout
	l.engine.cfg.Trace(layout.Workflow, layout.Steps[f.step].Name, &f.Exchange)
}
