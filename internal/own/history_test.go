package own

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"hyperscale"
	"hyperscale/internal/store"
)

// history collects what concurrent clients asked and were told.
type history struct {
	clock atomic.Int64
	mu    sync.Mutex
	all   []porcupine.Operation
}

// record runs one operation. An output of nil leaves open whether it was done: it
// may be at any later time.
func (h *history) record(client int, input any, do func() any) {
	called := h.clock.Add(1)
	output := do()
	returned := h.clock.Add(1)
	if output == nil {
		returned = 1 << 60
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, porcupine.Operation{ClientId: client, Input: input, Call: called, Output: output, Return: returned})
}

func (h *history) check(t *testing.T, model porcupine.Model) {
	t.Helper()
	switch porcupine.CheckOperationsTimeout(model, h.all, 20*time.Second) {
	case porcupine.Illegal:
		t.Fatalf("no order of these %d operations explains what was told", len(h.all))
	case porcupine.Unknown:
		t.Skip("too many orders to look at")
	}
}

// shaky makes a store fail now and then, in every way but late: what was not
// answered may have been done.
func shaky(st store.Store, seed uint64) *faulty {
	random := rand.New(rand.NewPCG(seed, 0))
	return &faulty{Store: st, next: func() fault {
		switch random.IntN(12) {
		case 0:
			return before
		case 1:
			return after
		}
		return works
	}}
}

// asked is one submission; told is the job that answered it, "" a refusal.
type asked struct{ key, digest, job string }

// oneJobForAKey says what a store of submissions may answer: the first decides.
func oneJobForAKey() porcupine.Model {
	return porcupine.Model{
		Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
			of := make(map[string][]porcupine.Operation)
			for _, op := range all {
				of[op.Input.(asked).key] = append(of[op.Input.(asked).key], op)
			}
			var parts [][]porcupine.Operation
			for _, key := range sortedKeys(of) {
				parts = append(parts, of[key])
			}
			return parts
		},
		Init: func() any { return asked{} },
		Step: func(state, input, output any) (bool, any) {
			first, in := state.(asked), input.(asked)
			if first.job == "" {
				first = in
			}
			want := first.job
			if first.digest != in.digest {
				want = ""
			}
			return output == nil || output == want, first
		},
	}
}

func TestSubmissionsAreLinearizable(t *testing.T) {
	st, _ := newStore()
	var h history
	var clients sync.WaitGroup
	for client := range 6 {
		s := begin(t, st, hyperscale.NodeID(fmt.Sprint("n", client)))
		s.st = shaky(st, uint64(client))
		b := NewSubmitter(s, nil)
		clients.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(client)))
			for i := range 40 {
				in := asked{fmt.Sprint("k", random.IntN(30)), fmt.Sprint("plan ", random.IntN(2)), fmt.Sprint(client, "-", i)}
				sub := submission(in.job)
				sub.Key, sub.Content = in.key, []byte(in.digest)
				h.record(client, in, func() any {
					got, err := b.Submit(context.Background(), sub)
					switch {
					case errors.Is(err, ErrInvalid):
						return ""
					case err != nil:
						return nil
					}
					return string(got.Job)
				})
			}
		})
	}
	clients.Wait()
	h.check(t, oneJobForAKey())
}

// deed is what a client does with a job: take it from the owner of an epoch, or
// write under one.
type deed struct {
	take  bool
	epoch hyperscale.Epoch
}

// oneOwnerAtATime says what may come of it: only the highest epoch writes or is
// taken from.
func oneOwnerAtATime() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return hyperscale.Epoch(1) },
		Step: func(state, input, output any) (bool, any) {
			now, in := state.(hyperscale.Epoch), input.(deed)
			may := in.epoch == now
			next := now
			if may && in.take {
				next++
			}
			if output == nil {
				return true, next
			}
			return output == may, next
		},
	}
}

func TestOwnershipIsLinearizable(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	var h history
	var clients sync.WaitGroup
	submit(t, begin(t, st, "n"), "j")
	for client := range 4 {
		s := begin(t, st, hyperscale.NodeID(fmt.Sprint("n", client)))
		s.st = shaky(st, uint64(client))
		clients.Go(func() {
			var own *Tenure
			random := rand.New(rand.NewPCG(7, uint64(client)))
			for range 25 {
				if own != nil && own.over == nil && random.IntN(3) > 0 {
					h.record(client, deed{epoch: own.Epoch()}, func() any { return outcome(own.Commit(ctx, Commit{Events: happened("x")})) })
					continue
				}
				saved, err := Look(ctx, st, "j")
				if err != nil {
					continue
				}
				h.record(client, deed{true, saved.Owner.Epoch}, func() any {
					taken, _, err := TakeOver(ctx, s, Take{Job: "j", Gone: saved.Owner.Fence, How: ByEvidence}, noon)
					switch {
					case err == nil:
						own = taken
					case errors.Is(err, ErrFenced): // it was taken, and from it too since
						return true
					}
					return outcome(err)
				})
			}
		})
	}
	clients.Wait()
	h.check(t, oneOwnerAtATime())
	told(t, st, "j")
}

// outcome is true for what was done, false for what was refused, nil for what is
// open.
func outcome(err error) any {
	switch {
	case err == nil:
		return true
	case errors.Is(err, ErrFenced), errors.Is(err, ErrLostRace):
		return false
	}
	return nil
}
