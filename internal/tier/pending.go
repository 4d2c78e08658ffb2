package tier

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"hyperscale/internal/own"
	"hyperscale/internal/reporter/sink"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/seat"
)

// report goes on with the reporters of a job that has ended, and lets it go once they
// have come to their outcome.
func (o *office) report(tenure *own.Tenure, saved own.Saved) error {
	r, err := o.pendingReports(tenure, saved)
	if transient(err) {
		o.adopt(tenure.Job())
		return nil
	}
	if err != nil {
		o.log.Error("the reporters of a job can't be gone on with", "job", tenure.Job(), "reason", err)
	}
	if err != nil || r == nil {
		return o.finishPending(tenure, saved.Meta)
	}
	o.tier.reporting.do(errand{job: tenure.Job()}, func() {
		if r.run(o.ctx); o.ctx.Err() != nil {
			return
		}
		beside, _ := r.beside()
		save := lastSave(tenure.Head().Phase, seat.At(saved.Meta))
		err := seat.Write(o.ctx, tenure, save, beside, time.Now(), func(ctx context.Context, wait time.Duration) error {
			pause(ctx, wait)
			return context.Cause(ctx)
		})
		if err != nil && o.ctx.Err() == nil && !errors.Is(err, own.ErrFenced) {
			o.log.Warn("what became of the reporters of a job could not be written down", "job", tenure.Job(), "reason", err)
		}
	})
	return nil
}

// pendingReports are the reporters of a job that has ended, told of what it came to; nil:
// none waits for anything.
func (o *office) pendingReports(tenure *own.Tenure, saved own.Saved) (*reports, error) {
	var how options
	if err := json.Unmarshal(tenure.Head().Options, &how); err != nil || len(how.Reporters) == 0 {
		return nil, err
	}
	content, err := own.Spec(o.ctx, o.tier.deps.Store, tenure.Head().Spec)
	if err != nil {
		return nil, err
	}
	plan, _, err := spec.Decode(content)
	if err != nil {
		return nil, err
	}
	r, err := o.tier.newReports(tenure.Job(), plan, how.Reporters, tenure.Head().Reporters)
	if err != nil {
		return nil, err
	}
	var result *stats.Result
	if len(saved.Records) == 0 {
		r.onlyHooks()
	} else if result, _, err = seat.Result(plan, tenure.Job(), saved); err != nil {
		return nil, err
	}
	if r.pending == 0 {
		return nil, nil
	}
	r.end(tenure.Head().Phase, tenure.Head().Reason, result)
	return r, nil
}

// finishPending ends the tenure of a job that had ended before, with nothing left
// that anybody waits for: jobs that were submitted here have no parent. Of one that
// has, the owner goes on until the parent has all ([seat.Open] gives it).
func (o *office) finishPending(tenure *own.Tenure, meta []byte) error {
	_, err := tenure.Finish(o.ctx, own.Ending{Phase: tenure.Head().Phase, Now: time.Now(), Commit: own.Commit{Meta: meta}})
	return err
}

// hasHooks reports whether web hooks are to be told of a job.
func hasHooks(h own.Head) bool {
	var how options
	if json.Unmarshal(h.Options, &how) != nil {
		return false
	}
	specs, err := sink.Parse(how.Reporters)
	return err == nil && slices.ContainsFunc(specs, func(s sink.Spec) bool { return s.Kind.Events })
}
