package sim

import (
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"hyperscale"
)

// keyModel is what one idempotency key is to be: the first submission that comes to
// be makes its job, and all others get that one. Of a submission without answer it
// is open whether it came to be.
var keyModel = porcupine.Model{
	Init: func() any { return hyperscale.JobID("") },
	Step: func(state, input, output any) (bool, any) {
		made := state.(hyperscale.JobID)
		if made == "" {
			made = input.(hyperscale.JobID)
		}
		told := output.(hyperscale.JobID)
		return told == "" || told == made, made
	},
}

// checkKeys demands that every client's submissions make sense in some order that
// agrees with time. One without answer that made no job which anybody was told of
// can always come last, and is left out: of many such there are too many orders.
func (w judge) checkKeys() {
	for i, c := range w.clients {
		var history []porcupine.Operation
		for n, a := range c.asked {
			if a.answered == 0 && !slices.ContainsFunc(c.asked, func(b asked) bool { return b.answer == a.job }) {
				continue
			}
			op := porcupine.Operation{ClientId: n, Input: a.job, Call: int64(a.called), Output: a.answer, Return: int64(a.answered)}
			if a.answered == 0 {
				op.Return = int64(w.now + time.Hour)
			}
			history = append(history, op)
		}
		if !porcupine.CheckOperations(keyModel, history) {
			w.fail("client %d: submissions of one key made no sense: %+v", i, c.asked)
		}
	}
}
