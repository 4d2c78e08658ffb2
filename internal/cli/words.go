package cli

import (
	"errors"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
)

// clusterError sorts the errors of a cluster, what was asked wrongly and what
// nobody answered, and puts them into words for people.
func clusterError(err error) error {
	switch rpc.KindOf(err) {
	case "":
		return nil
	case rpc.Invalid, rpc.TooLarge, rpc.NotFound, rpc.WrongCluster, rpc.WrongVersion, rpc.Unauthenticated, rpc.Unauthorized, rpc.Conflict, rpc.Unsupported:
		return refused(plain{err, refusalText(err)})
	case rpc.Unavailable, rpc.Overloaded, rpc.RateLimited, rpc.OutOfTime, rpc.NotOwner:
		return errNoContact{plain{err, contactText(err)}}
	case rpc.Cancelled:
		return errInterrupted
	}
	return err
}

// plain is an error in words for people.
type plain struct {
	error
	text string
}

// Error says it in words.
func (p plain) Error() string { return p.text }

// Unwrap gives the cause.
func (p plain) Unwrap() error { return p.error }

// refusalText is what a node says when it refuses, without what leads to it: the
// user knows what was asked for.
func refusalText(err error) string {
	var e *rpc.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	said := []string{}
	if e.Text != "" {
		said = append(said, e.Text)
	}
	for _, f := range e.Faults {
		said = append(said, f.Field+": "+f.Text)
	}
	if len(said) == 0 {
		return err.Error()
	}
	return strings.Join(said, "; ")
}

// contactText says that nobody answers, or nobody can do it now. What the client put
// before it, such as the key to try again with, stays.
func contactText(err error) string {
	text, what := err.Error(), "the cluster can't do this now: "
	if strings.Contains(text, noConnection) {
		what, text = "the cluster can't be reached: ", strings.Replace(text, noConnection, "", 1)
	}
	return what + strings.Replace(text, rpc.Unavailable.Error()+": ", "", 1)
}

// noConnection is how errors say that a node was not reached.
const noConnection = "no connection: "

// countsView is the plain numbers of a job or workflow, as the summary names them.
type countsView struct {
	Iterations iterationsView `json:"iterations"`
	Requests   requestsView   `json:"requests"`
}

type iterationsView struct {
	Due         int64 `json:"due"`
	Missed      int64 `json:"missed"`
	Started     int64 `json:"started"`
	Completed   int64 `json:"completed"`
	Failed      int64 `json:"failed"`
	Interrupted int64 `json:"interrupted"`
	Lost        int64 `json:"lost"`
}

type requestsView struct {
	Started   int64 `json:"started"`
	OK        int64 `json:"ok"`
	Failed    int64 `json:"failed"`
	TimedOut  int64 `json:"timed_out"`
	Cancelled int64 `json:"cancelled"`
	Lost      int64 `json:"lost"`
}

func countsOf(t rpc.Totals) countsView {
	return countsView{
		Iterations: iterationsView{t.Due, t.Missed, t.Started, t.Completed, t.Failed, t.Interrupted, t.Lost},
		Requests:   requestsView(t.Requests),
	}
}

// statusView is a job's status as JSON.
type statusView struct {
	Job       hyperscale.JobID  `json:"job"`
	Plan      string            `json:"plan"`
	Phase     hyperscale.Phase  `json:"phase"`
	Reason    string            `json:"reason"`
	Owner     hyperscale.NodeID `json:"owner"`
	Address   string            `json:"address"`
	Epoch     hyperscale.Epoch  `json:"epoch"`
	Submitted string            `json:"submitted"`
	Elapsed   float64           `json:"elapsed_s"`
	Percent   float64           `json:"percent"`
	Totals    countsView        `json:"totals"`
	Workflows []workflowView    `json:"workflows"`
}

type workflowView struct {
	Name    string           `json:"name"`
	Phase   hyperscale.Phase `json:"phase"`
	Percent float64          `json:"percent"`
	Cores   int              `json:"cores"`
	Totals  countsView       `json:"totals"`
	Waiting *waitingView     `json:"waiting,omitempty"`
}

// waitingView is for what a workflow waits that wants cores.
type waitingView struct {
	Why      string  `json:"why"`
	Position int     `json:"position"`
	Expected float64 `json:"expected_s,omitempty"`
}

func waitingViewOf(w link.Waiting) *waitingView {
	if w == (link.Waiting{}) {
		return nil
	}
	return &waitingView{w.Why, w.Position, w.Expected.Seconds()}
}

func statusViewOf(s rpc.Status) statusView {
	v := statusView{
		Job: s.Job, Plan: s.Name, Phase: s.Phase, Reason: s.Reason, Owner: s.Owner, Address: s.Address, Epoch: s.Epoch,
		Submitted: rfc3339(s.Submitted), Elapsed: s.Elapsed.Seconds(), Percent: s.Percent, Totals: countsOf(s.Totals),
		Workflows: []workflowView{},
	}
	for _, w := range s.Workflows {
		v.Workflows = append(v.Workflows, workflowView{w.Name, w.Phase, w.Percent, w.Cores, countsOf(w.Totals), waitingViewOf(w.Waiting)})
	}
	return v
}

// jobView is a job of a list as JSON.
type jobView struct {
	Job       hyperscale.JobID  `json:"job"`
	Plan      string            `json:"plan"`
	Phase     hyperscale.Phase  `json:"phase"`
	Reason    string            `json:"reason"`
	Owner     hyperscale.NodeID `json:"owner"`
	Submitted string            `json:"submitted"`
	Percent   float64           `json:"percent"`
}

// memberView is a node as JSON.
type memberView struct {
	Node       hyperscale.NodeID `json:"node"`
	Role       string            `json:"role"`
	State      string            `json:"state"`
	Datacenter string            `json:"datacenter"`
	Address    string            `json:"address"`
	Version    string            `json:"version"`
	Boot       hyperscale.Boot   `json:"boot"`
	Cores      int               `json:"cores"`
	Free       int               `json:"free"`
	Jobs       int               `json:"jobs"`
	Leader     bool              `json:"store_leader"`
}

// acceptedView is what a submission made, as JSON.
type acceptedView struct {
	Job     hyperscale.JobID  `json:"job"`
	Owner   hyperscale.NodeID `json:"owner"`
	Address string            `json:"address"`
	Epoch   hyperscale.Epoch  `json:"epoch"`
	Again   bool              `json:"submitted_before"`
}

// rfc3339 is a time for programs.
func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
