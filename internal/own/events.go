package own

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"hyperscale"
	"hyperscale/internal/store"
)

// story is the events of one commit, as stored under the number of the last.
type story struct {
	Events []json.RawMessage `json:"events"` // each a [hyperscale.Event]
}

// eventsText numbers events from after on and makes them a story.
func eventsText(events []hyperscale.Event, after uint64, epoch hyperscale.Epoch) ([]byte, error) {
	var s story
	for i, e := range events {
		e.Seq, e.Epoch = after+uint64(i)+1, epoch
		text, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("event %q: %w: %w", e.What, ErrInvalid, err)
		}
		s.Events = append(s.Events, text)
	}
	text, err := encode(s, nil)
	if err != nil {
		return nil, err
	}
	if len(text) > maxEvents {
		return nil, fmt.Errorf("%d events of %d bytes, %d are taken: %w", len(events), len(text), maxEvents, store.ErrTooLarge)
	}
	return text, nil
}

// readEvents reads a story as stored.
func readEvents(e store.Entry) ([]hyperscale.Event, error) {
	var s story
	if _, err := decode(e.Value, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", e.Key, err)
	}
	last, ok := seqOf(e.Key)
	events := make([]hyperscale.Event, len(s.Events))
	for i, text := range s.Events {
		if err := json.Unmarshal(text, &events[i]); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", e.Key, ErrDamaged, err)
		}
		ok = ok && events[i].Seq == last-uint64(len(events)-1-i)
	}
	if !ok || len(events) == 0 {
		return nil, fmt.Errorf("%s: wrong numbers: %w", e.Key, ErrDamaged)
	}
	return events, nil
}

// Told is a stretch of a job's events.
type Told struct {
	Events    []hyperscale.Event
	Truncated bool // some before them, after those asked for, are no longer kept
	Last      uint64
	Revision  store.Revision // what is told next comes after
}

// Events gives up to limit events after one (0: from the first on; limit 0: all),
// and in Last the number of the job's last, read at one revision. [ErrNotFound]:
// there is no such job.
func Events(ctx context.Context, st store.Store, job hyperscale.JobID, after uint64, limit int) (Told, error) {
	var told Told
	var err error
	for range attempts {
		told, err = eventsOnce(ctx, st, job, after, limit)
		if !errors.Is(err, store.ErrCompacted) {
			break
		}
	}
	if err != nil {
		return Told{}, fmt.Errorf("events of job %s: %w", job, err)
	}
	return told, nil
}

// errEnough ends a scan that has what it wanted.
var errEnough = errors.New("enough")

func eventsOnce(ctx context.Context, st store.Store, job hyperscale.JobID, after uint64, limit int) (Told, error) {
	saved, m, _, err := loadHead(ctx, st, job)
	if err != nil {
		return Told{}, err
	}
	told := Told{Last: m.Events, Revision: saved.Revision}
	all := store.Range{From: eventKey(job, after+1), Until: store.After(eventsKey(job)), Limit: 64, At: saved.Revision}
	_, err = scan(ctx, st, all, func(e store.Entry) error {
		events, err := readEvents(e)
		if err != nil {
			return err
		}
		for _, ev := range events {
			if limit > 0 && len(told.Events) == limit {
				return errEnough
			}
			if ev.Seq > after {
				told.Events = append(told.Events, ev)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return Told{}, err
	}
	first := told.Last + 1
	if len(told.Events) > 0 {
		first = told.Events[0].Seq
	}
	told.Truncated = first > after+1
	return told, nil
}

// WatchEvents calls got with the job's events after one, first those that are
// stored, then each as it comes, without gap or repeat; it tells when some are no
// longer kept. It returns ctx's error, [ErrNotFound] or the error of got.
func WatchEvents(ctx context.Context, st store.Store, job hyperscale.JobID, after uint64, got func(Told) error) error {
	for {
		told, err := Events(ctx, st, job, after, 0)
		if err != nil {
			return err
		}
		if len(told.Events) > 0 || told.Truncated {
			after = max(after, told.Last)
			if err := got(told); err != nil {
				return err
			}
		}
		err = st.Watch(ctx, eventsKey(job), store.After(eventsKey(job)), told.Revision+1,
			func(at store.Revision, changes []store.Event) error {
				fresh, err := freshEvents(changes, &after)
				if err != nil || len(fresh) == 0 {
					return err
				}
				return got(Told{Events: fresh, Last: after, Revision: at})
			})
		if !errors.Is(err, store.ErrCompacted) {
			return err
		}
	}
}

// freshEvents gives the events of a change that come after one, and moves it.
func freshEvents(changes []store.Event, after *uint64) ([]hyperscale.Event, error) {
	var fresh []hyperscale.Event
	for _, c := range changes {
		if c.Deleted {
			continue
		}
		events, err := readEvents(c.Entry)
		if err != nil {
			return nil, err
		}
		for _, ev := range events {
			if ev.Seq > *after {
				fresh = append(fresh, ev)
				*after = ev.Seq
			}
		}
	}
	return fresh, nil
}
