package tier

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
)

// An adjustment is numbered and dated before it is told, the same call again gives
// the same one, and what can't be adjusted is refused.
func TestAdjust(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 1, longRun)
	p := planOf("browse")
	p.Workflows[0].Load = hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 4, To: 4, Over: time.Hour}}}
	p.Deadline = 2 * time.Hour
	c := r.client(r.stations[1])
	job := r.submit(r.client(r.stations[0]), p).Job
	w.holds(link.Running, 1)
	wish := hyperscale.Adjustment{Workflow: "browse", Do: hyperscale.AdjustVUs, VUs: 2}
	done, err := c.Adjust(t.Context(), job, wish)
	if err != nil || done.Number != 1 || done.At < 2*time.Second || done.At%time.Second != 0 {
		t.Errorf("it gives %+v, %v", done, err)
	}
	r.until(w.changes, func() bool {
		for _, o := range w.orders {
			if o.Do == link.Adjust && o.Number == 1 && o.At == done.At {
				return true
			}
		}
		return false
	}, "the worker is not told")
	jobs := r.stations[0].Jobs()
	first, err := jobs.Adjust(t.Context(), tester, job, "same", wish)
	again, err2 := jobs.Adjust(t.Context(), tester, job, "same", wish)
	if err := errors.Join(err, err2); err != nil || first.Number != 2 || again != first {
		t.Errorf("the same call twice gives %+v and %+v, %v", first, again, err)
	}
	for _, bad := range []hyperscale.Adjustment{
		{Workflow: "nothing", Do: hyperscale.AdjustVUs, VUs: 2},
		{Workflow: "browse", Do: hyperscale.AdjustVUs, VUs: -1},
	} {
		if got, err := c.Adjust(t.Context(), job, bad); !errors.Is(err, rpc.Invalid) {
			t.Errorf("%+v gives %+v, %v", bad, got, err)
		}
	}
	flood := hyperscale.Adjustment{Workflow: "browse", Do: hyperscale.AdjustVUs, VUs: 9_999}
	if got, err := c.Adjust(t.Context(), job, flood); !errors.Is(err, rpc.Conflict) || !strings.Contains(err.Error(), "5 cores, and it holds 1 ") {
		t.Errorf("a flood gives %+v, %v", got, err)
	}
	named := r.submit(c, p, func(s *rpc.Submission) { s.Cores = 1 }).Job
	r.newChild("w2", 1, longRun).holds(link.Running, 1)
	if _, err := c.Adjust(t.Context(), named, flood); err != nil {
		t.Errorf("where the cores were named it gives %v", err)
	}
	if _, err := c.Adjust(t.Context(), "none", wish); !errors.Is(err, rpc.NotFound) {
		t.Errorf("adjusting a job that is not there gives %v", err)
	}
	r.cancels(job, "", rpc.PendingCancelled)
	r.ended(c, job)
	if _, err := c.Adjust(t.Context(), job, wish); !errors.Is(err, rpc.Conflict) {
		t.Errorf("adjusting a job that has ended gives %v", err)
	}
}
