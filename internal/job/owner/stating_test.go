package owner

import (
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// TestOnlyHoldersHaveAWord: a child says of a hold that it was never given that the
// job was cancelled, and that nobody was heard for an hour. Another's it is, or
// nobody's; the job goes on.
func TestOnlyHoldersHaveAWord(t *testing.T) {
	for what, share := range map[string]hyperscale.Share{
		"another's": {Lo: 0, Hi: 1, Of: 1, Turn: 1},
		"nobody's":  {Lo: 0, Hi: 1, Of: 1, Turn: 9},
	} {
		s := &script{t: t}
		for _, line := range []string{"plan open", "saved", "grant 1 w1", "saved", "state w1 prepared", "saved", "saved", "wait 2s"} {
			s.run(line)
		}
		s.out.Reset()
		s.step(Stated{Holder: link.Holder{Node: "liar", Boot: 1}, Held: []link.Held{{
			Hold: link.Hold{Job: "j", Workflow: "a", Share: share}, State: link.Running, Start: s.owner.state.Start,
			JobTime: time.Hour, Silence: time.Hour, Cancelled: link.Cancelled{By: "ann", Whole: true},
		}}})
		s.run("wait 1s")
		if got := s.out.String(); strings.Contains(got, "cancel") || s.owner.over != nil || s.owner.at() > time.Minute {
			t.Errorf("of what is %s its word counts: it is %v, and\n%s", what, s.owner.at(), got)
		}
		if got := s.out.String(); !strings.Contains(got, "liar: drop") {
			t.Errorf("what is %s it is not told to drop:\n%s", what, got)
		}
	}
}

// TestWhoRefusesToo: children that refuse for good before they hear that all was given
// back are not asked again either.
func TestWhoRefusesToo(t *testing.T) {
	s := &script{t: t}
	for _, line := range []string{"plan open", "saved", "grant 1 w1 w2 w3", "saved"} {
		s.run(line)
	}
	w2 := s.hand("w2")
	held := w2.held[0]
	s.run("state w1 refused forgood=shop")
	held.State, held.ForGood, held.Reason = link.Refused, true, "shop is no target"
	for range 2 { // it is said again until it was dropped
		s.step(Stated{Holder: w2.Holder, Held: []link.Held{held}})
	}
	wants := s.owner.Wants()
	if len(wants) != 1 || wants[0].Number != 3 || len(wants[0].Exclude) != 2 || !wants[0].OrNever {
		t.Errorf("it wants %+v", wants)
	}
}
