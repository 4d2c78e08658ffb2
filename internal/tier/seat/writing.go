package seat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/own"
	"hyperscale/internal/stats"
	"hyperscale/internal/store"
)

// meta is what the manifest of a job carries beside the names of its records.
type meta struct {
	Clock hyperscale.JobTime `json:"clock"` // job time of the save
}

// At is the job time of the save whose manifest carried meta; 0: none was made.
func At(carried []byte) hyperscale.JobTime {
	var m meta
	if json.Unmarshal(carried, &m) != nil {
		return 0 // who goes on with the job says what is wrong with it
	}
	return m.Clock
}

// Open is a seat with the owner that goes on with a job from what is stored of it.
func Open(cfg Config, as owner.Config, saved own.Saved) (*Seat, error) {
	if saved.Version == 0 {
		return New(cfg, owner.New(as)), nil // it was accepted, and no owner came to anything
	}
	var m meta
	if err := json.Unmarshal(saved.Meta, &m); err != nil {
		return nil, fmt.Errorf("open job %s: what its manifest carries: %w", saved.Job, err)
	}
	records := saved.Records
	if saved.Head.Phase.Terminal() && len(records) > 0 {
		records = records[:len(records)-1] // the last is the result
	}
	o, err := owner.Read(as, records, m.Clock)
	if err != nil {
		return nil, err
	}
	return New(cfg, o), nil
}

// Result is what came of a job that has ended, and its text. One that was ended by a
// restore of the store has no result: it is made of what was saved.
func Result(plan *hyperscale.Plan, job hyperscale.JobID, saved own.Saved) (*stats.Result, []byte, error) {
	last := saved.Records[len(saved.Records)-1]
	if r, err := stats.DecodeResult(plan, last); err == nil {
		return r, last, nil
	}
	var m meta
	if err := json.Unmarshal(saved.Meta, &m); err != nil {
		return nil, nil, fmt.Errorf("result of job %s: what its manifest carries: %w", job, err)
	}
	as := owner.Config{Job: job, Epoch: saved.Owner.Epoch, Plan: plan, Accepted: saved.Head.Submitted}
	text, err := owner.Forsaken(as, saved.Records, m.Clock, saved.Head.Reason)
	if err != nil {
		return nil, nil, err
	}
	r, err := stats.DecodeResult(plan, text)
	return r, text, err
}

// Between two attempts at a store that does not answer.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// Beside is what is written down with a save that the owner of the job knows nothing of:
// how far its reporters are.
type Beside struct {
	Reporters json.RawMessage
	Events    []hyperscale.Event // what became of reporters
	Pending   bool               // some wait for something yet: the job keeps an owner
}

// Write makes a save durable, however long the store does not answer or is full, and waits
// between attempts by the function given. A nil error says that it is durable, and
// that [owner.Saved] is due. [own.ErrFenced]: another owns the job, or nobody: the
// seat is to be given up. So it is after any other error: the save can't be taken.
func Write(ctx context.Context, t *own.Tenure, save owner.Save, beside Beside, now time.Time, wait func(context.Context, time.Duration) error) error {
	again := func() error { return t.Resolve(ctx) }
	save.Events = append(save.Events[:len(save.Events):len(save.Events)], beside.Events...)
	save.Pending = save.Pending || beside.Pending
	commit := commitOf(save, t.Head(), beside.Reporters, now)
	put := func() error { return t.Commit(ctx, commit) }
	if save.Ended {
		end := own.Ending{Phase: save.Phase, Reason: save.Reason, Commit: commit, Pending: save.Pending, Now: now}
		put = func() error { _, err := t.Finish(ctx, end); return err }
		if !save.Pending {
			again = put
		}
	}
	err := put()
	for pause := firstPause; err != nil; pause = min(2*pause, lastPause) {
		if !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrFull) {
			return err
		}
		if werr := wait(ctx, pause); werr != nil {
			return werr
		}
		err = again()
	}
	return nil
}

// commitOf is a save in the words of the store.
func commitOf(save owner.Save, head own.Head, reporters json.RawMessage, now time.Time) own.Commit {
	text, err := json.Marshal(meta{Clock: save.Clock})
	if err != nil {
		panic("seat: " + err.Error())
	}
	c := own.Commit{Base: save.Base, Meta: text, Events: save.Events}
	for i := range c.Events {
		c.Events[i].Wall = now.UTC()
	}
	for _, record := range [][]byte{save.Record, save.Result} {
		if len(record) > 0 {
			c.Records = append(c.Records, record)
		}
	}
	if reporters != nil && !bytes.Equal(reporters, head.Reporters) {
		head.Reporters = reporters
		c.Head = &head
	}
	risen := save.Done > head.Percent // all that is told of it is what the head says
	if save.Result != nil {
		head.Percent = max(head.Percent, save.Done)
		c.Head = &head
	} else if head.Phase != save.Phase || head.Reason != save.Reason || risen {
		head.Phase, head.Reason, head.Percent = save.Phase, save.Reason, max(head.Percent, save.Done)
		c.Head = &head
	}
	return c
}
