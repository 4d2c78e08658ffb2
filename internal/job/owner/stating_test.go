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
