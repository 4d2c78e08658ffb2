package owner

import (
	"strings"
	"testing"

	"time"

	"hyperscale/internal/link"
	"hyperscale/internal/testkit"
)

// TestTranscripts plays the stories in testdata: blocks of commands, and below the
// line what the owner wants done.
func TestTranscripts(t *testing.T) { testkit.Scripts(t, play) }

func play(t *testing.T, text string) string {
	s := &script{t: t}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		commands, _, _ := strings.Cut(block, "\n----")
		s.out.Reset()
		for _, line := range strings.Split(commands, "\n") {
			if !strings.HasPrefix(line, "#") {
				s.run(line)
			}
		}
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(commands + "\n----\n" + s.out.String())
	}
	return out.String()
}

// TestReadIsWhatWasSaved writes an owner down in the midst of its work and reads it:
// what it holds has the same names, and progress does not fall.
func TestReadIsWhatWasSaved(t *testing.T) {
	s := &script{t: t}
	for _, line := range []string{
		"plan open", "saved", "grant 1 w1 w2", "saved", "state w1 prepared", "state w2 prepared", "saved", "wait 3s",
		"saved", "lose w1 dead", "saved", "grant 2 w3", "saved", "wait 1500ms",
	} {
		if line == "saved" && s.pending == nil {
			continue
		}
		s.run(line)
	}
	for s.pending != nil {
		s.saved()
	}
	before := s.owner
	s.takeover()
	for i, l := range before.state.Legs {
		for j, share := range l.Shares {
			read := s.owner.state.Legs[i].Shares[j]
			if read.Share != share.Share || read.First != share.First || read.Holder != share.Holder || read.Started != share.Started {
				t.Errorf("%+v was read as %+v", share, read)
			}
		}
		for j, x := range l.Holes {
			if read := *s.owner.state.Legs[i].Holes[j]; read.Share != x.Share || read.Fence != x.Fence || read.Dead != x.Dead {
				t.Errorf("%+v was read as %+v", x, read)
			}
		}
	}
	if s.owner.state.Done != before.state.Done || before.state.Done == 0 {
		t.Errorf("%v done was read as %v", before.state.Done, s.owner.state.Done)
	}
}

// TestTakeoverWaitsForWhatIsUnderWay: what a child said before it heard of the last
// order of the owner before does not count against it.
func TestTakeoverWaitsForWhatIsUnderWay(t *testing.T) {
	s := &script{t: t}
	for _, line := range []string{"plan open", "saved", "grant 1 w1", "saved", "state w1 prepared", "saved", "saved", "takeover"} {
		s.run(line)
	}
	s.out.Reset()
	s.step(Stated{Holder: link.Holder{Node: "w1", Boot: 1}})
	if got := s.out.String(); strings.Contains(got, "lost") {
		t.Errorf("an old statement counts:\n%s", got)
	}
	s.now += time.Second
	s.step(Stated{Holder: link.Holder{Node: "w1", Boot: 1}})
	s.wait(s.now + 10*time.Second)
	if s.owner.state.Legs[0].Holes == nil && s.owner.state.Legs[0].Shares != nil && s.owner.state.Legs[0].Shares[0].placed() {
		t.Error("a share that its holder does not have is never given on")
	}
}

// TestWantsNeverChange: what is wanted under one number stays the same.
func TestWantsNeverChange(t *testing.T) {
	s := &script{t: t}
	seen := map[uint64]string{}
	look := func() {
		for _, w := range s.owner.Wants() {
			var names []string
			for _, f := range w.Workflows {
				names = append(names, f.Workflow)
			}
			text := strings.Join(names, " ")
			if before, known := seen[w.Number]; known && before != text {
				t.Errorf("want %d was for %q and is for %q", w.Number, before, text)
			}
			seen[w.Number] = text
		}
	}
	s.run("plan two")
	look()
	for _, line := range []string{"saved", "grant 1 w1", "saved", "state w1 refused of=b", "state w1 refused of=a"} {
		s.run(line)
		look()
	}
	if len(seen) < 3 {
		t.Errorf("%d wants", len(seen))
	}
}
