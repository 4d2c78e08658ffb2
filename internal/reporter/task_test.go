package reporter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale/internal/stats"
)

var (
	errDown = errors.New("connection refused")
	none    = &stats.Window{}
)

// play steps a task through a script, one line an event, and writes what came of it:
//
//	AT came N[-M] | ended | all N | ok | fails | refuses | later D | gives up | tick
func play(t *testing.T, task *Task, script string) string {
	t.Helper()
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(script), "\n") {
		line = strings.TrimSpace(line)
		at, what, _ := strings.Cut(line, " ")
		now, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", line)
		for _, ev := range eventsOf(t, what) {
			for _, e := range task.Step(now, ev) {
				fmt.Fprintf(&b, "    %s\n", told(e))
			}
		}
		if next, ok := task.Next(); ok {
			fmt.Fprintf(&b, "    again at %v\n", next)
		}
	}
	return b.String()
}

func eventsOf(t *testing.T, what string) []Event {
	t.Helper()
	var from, to uint64
	var wait string
	switch {
	case what == "ended":
		return []Event{Ended{}}
	case what == "ok":
		return []Event{Answered{}}
	case what == "fails":
		return []Event{Answered{errDown}}
	case what == "refuses":
		return []Event{Answered{Refused("401 Unauthorized")}}
	case what == "gives up":
		return []Event{GiveUp{"nobody waits"}}
	case what == "tick":
		return []Event{Tick{}}
	}
	if n, _ := fmt.Sscanf(what, "all %d", &from); n == 1 {
		return []Event{Ended{from}}
	}
	if n, _ := fmt.Sscanf(what, "later %s", &wait); n == 1 {
		d, err := time.ParseDuration(wait)
		if err != nil {
			t.Fatal(err)
		}
		return []Event{Answered{&Later{errDown, d}}}
	}
	switch n, _ := fmt.Sscanf(what, "came %d-%d", &from, &to); n {
	case 0:
		t.Fatalf("no event %q", what)
	case 1:
		to = from
	}
	var list []Event
	for seq := from; seq <= to; seq++ {
		list = append(list, Came{Item{Seq: seq, Window: none}})
	}
	return list
}

func told(e Effect) string {
	switch e := e.(type) {
	case Deliver:
		by := map[bool]string{true: " elsewhere"}[e.Elsewhere]
		if len(e.Items) == 0 {
			return fmt.Sprintf("deliver result%s, missing %d", by, e.Missing)
		}
		return fmt.Sprintf("deliver %d…%d%s", e.Items[0].Seq, e.Items[len(e.Items)-1].Seq, by)
	case Trouble:
		return "trouble: " + e.Err.Error()
	case Over:
		return "over: " + e.Outcome.Text()
	}
	return fmt.Sprintf("%T", e)
}

func TestTask(t *testing.T) {
	few := Limits{Tries: 3, Batch: 1, Longest: 2 * time.Second, Of: "event"}
	for _, tt := range []struct {
		what           string
		limits         Limits
		from           State
		script, expect string
	}{
		{what: "windows one after the other, then the result", script: `
			1s came 1
			2s came 2-3
			3s ok
			4s ended
			5s ok
			6s ok
			7s came 4`, expect: `
1s came 1
    deliver 1…1
2s came 2-3
3s ok
    deliver 2…3
4s ended
5s ok
    deliver result, missing 0
6s ok
    over: delivered
7s came 4`},
		{what: "attempts are further and further apart, and tell of trouble once", limits: Limits{Longest: 3 * time.Second}, script: `
			1s came 1
			1s fails
			1100ms came 2
			1500ms tick
			2s fails
			3s tick
			3s fails
			5s tick
			5s fails
			8s tick
			8s ok
			9s ok`, expect: `
1s came 1
    deliver 1…1
1s fails
    trouble: connection refused
    again at 1.5s
1100ms came 2
    again at 1.5s
1500ms tick
    deliver 1…2
2s fails
    again at 3s
3s tick
    deliver 1…2
3s fails
    again at 5s
5s tick
    deliver 1…2
5s fails
    again at 8s
8s tick
    deliver 1…2
8s ok
9s ok`},
		{what: "it waits as the other side asks", script: `
			1s came 1
			1s later 7s
			8s tick`, expect: `
1s came 1
    deliver 1…1
1s later 7s
    trouble: connection refused
    again at 8s
8s tick
    deliver 1…1`},
		{what: "of a full queue the oldest go, and it is said", limits: Limits{Queue: 3, Batch: 2}, script: `
			1s came 1
			1s fails
			1s came 2-6
			2s tick
			3s came 7-9
			3s ok
			4s ended
			4s ok
			5s ok
			5s ok`, expect: `
1s came 1
    deliver 1…1
1s fails
    trouble: connection refused
    again at 1.5s
1s came 2-6
    again at 1.5s
2s tick
    deliver 4…5
3s came 7-9
3s ok
    deliver 7…8
4s ended
4s ok
    deliver 9…9
5s ok
    deliver result, missing 4
5s ok
    over: has the result, but not 4 windows of 9: it took none for too long, or the owner of the job changed`},
		{what: "what is refused is not tried again", script: `
			1s came 1
			1s refuses
			2s ended
			3s tick`, expect: `
1s came 1
    deliver 1…1
1s refuses
    over: failed after 1 attempt: 401 Unauthorized
2s ended
3s tick`},
		{what: "after the end its patience is bounded", limits: Limits{Patience: 2 * time.Second}, script: `
			10s ended
			10s fails
			10500ms tick
			10500ms fails
			11500ms tick
			11500ms fails`, expect: `
10s ended
    deliver result, missing 0
10s fails
    trouble: connection refused
    again at 10.5s
10500ms tick
    deliver result, missing 0
10500ms fails
    again at 11.5s
11500ms tick
    deliver result, missing 0
11500ms fails
    over: failed after 3 attempts: connection refused`},
		{what: "the end does not wait for a long pause to pass", limits: Limits{Longest: time.Hour}, script: `
			1s came 1
			1s later 20m
			2s ended
			2500ms tick`, expect: `
1s came 1
    deliver 1…1
1s later 20m
    trouble: connection refused
    again at 20m1s
2s ended
    again at 2.5s
2500ms tick
    deliver 1…1`},
		{what: "it goes on where another was", from: State{Taken: 5, Missing: 2, Tries: 3, Spent: time.Minute}, limits: Limits{Patience: 61 * time.Second}, script: `
			0s came 4-7
			1s ended
			1s ok
			1s fails
			1s fails`, expect: `
0s came 4-7
    deliver 6…6
1s ended
1s ok
    deliver 7…7
1s fails
    trouble: connection refused
    again at 1.5s
1s fails
    again at 1.5s`},
		{what: "what the owner before took along is missing", from: State{Taken: 2}, script: `
			1s came 5
			1s came 8
			2s ok
			2s ok
			3s all 10
			3s ok`, expect: `
1s came 5
    deliver 5…5
1s came 8
2s ok
    deliver 8…8
2s ok
3s all 10
    deliver result, missing 6
3s ok
    over: has the result, but not 6 windows of 10: it took none for too long, or the owner of the job changed`},
		{what: "what was tried so often is handed to another node, and then left out", limits: few, script: `
			1s came 1
			1s came 2
			1s fails
			1500ms tick
			1500ms fails
			2500ms tick
			2500ms fails
			3s fails
			4s fails
			4500ms tick
			4500ms ok
			5s ended
			5s ok`, expect: `
1s came 1
    deliver 1…1
1s came 2
1s fails
    trouble: connection refused
    again at 1.5s
1500ms tick
    deliver 1…1
1500ms fails
    again at 2.5s
2500ms tick
    deliver 1…1
2500ms fails
    deliver 1…1 elsewhere
3s fails
    deliver 2…2
4s fails
    trouble: connection refused
    again at 4.5s
4500ms tick
    deliver 2…2
4500ms ok
5s ended
    deliver result, missing 1
5s ok
    over: has the result, but not 1 event of 2: connection refused`},
		{what: "what another node delivered is delivered", limits: few, from: State{Tries: 2}, script: `
			1s came 1
			1s fails
			2s ok
			3s ended
			3s ok`, expect: `
1s came 1
    deliver 1…1
1s fails
    deliver 1…1 elsewhere
2s ok
3s ended
    deliver result, missing 0
3s ok
    over: delivered`},
		{what: "what is refused is left out at once, and the next may be taken", limits: few, script: `
			1s came 1-2
			1s refuses
			2s ok
			3s ended
			3s refuses`, expect: `
1s came 1-2
    deliver 1…1
1s refuses
    trouble: 401 Unauthorized
    deliver 2…2
2s ok
3s ended
    deliver result, missing 1
3s refuses
    over: failed after 1 attempt: 401 Unauthorized`},
		{what: "a result that nobody could deliver", limits: few, from: State{Tries: 2}, script: `
			1s ended
			1s fails
			1s fails`, expect: `
1s ended
    deliver result, missing 0
1s fails
    deliver result elsewhere, missing 0
1s fails
    over: failed after 4 attempts: connection refused`},
		{what: "nobody waits", script: `
			1s came 1
			1s fails
			2s gives up`, expect: `
1s came 1
    deliver 1…1
1s fails
    trouble: connection refused
    again at 1.5s
2s gives up
    over: failed after 1 attempt: nobody waits; before that: connection refused`},
	} {
		got := strings.TrimSpace(play(t, NewTask(tt.limits, tt.from), tt.script))
		if want := strings.TrimSpace(tt.expect); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", tt.what, got, want)
		}
	}
}

// However attempts go and however often another owner goes on from what was kept,
// each window reaches the sink or is counted as missing, in order, and the result
// comes last, once it is known to have come.
func TestTaskDeliversAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{
			Queue: rapid.IntRange(1, 5).Draw(t, "queue"), Batch: rapid.IntRange(1, 4).Draw(t, "batch"), Tries: rapid.IntRange(0, 3).Draw(t, "tries"),
		}
		total := uint64(rapid.IntRange(0, 20).Draw(t, "windows"))
		got := map[uint64]bool{}
		var kept State
		var results int
		for life := 0; kept.Phase == Pending; life++ {
			task, came := NewTask(limits, kept), kept.Taken
			var under *Deliver
			for now := time.Duration(0); ; now += time.Second {
				var ev Event = Tick{}
				switch {
				case under != nil && rapid.Bool().Draw(t, "answer"):
					ok := life > 3 || rapid.Bool().Draw(t, "taken")
					for _, w := range under.Items {
						got[w.Seq] = got[w.Seq] || ok
					}
					ev = Answered{}
					if !ok {
						ev = Answered{errDown}
					} else if len(under.Items) == 0 {
						results++
					}
					under = nil
				case came < total:
					came++
					ev = Came{Item{Seq: came, Window: none}}
				case came == total:
					came++
					ev = Ended{}
				}
				for _, e := range task.Step(now, ev) {
					if d, ok := e.(Deliver); ok {
						if under != nil {
							t.Fatal("two deliveries at a time")
						}
						under = &d
					}
				}
				if life < 4 && rapid.IntRange(0, 9).Draw(t, "owner gone") == 0 || task.State().Phase != Pending {
					kept = again(t, task.State())
					break
				}
			}
		}
		missing := kept.Missing
		for seq := uint64(1); seq <= total; seq++ {
			if !got[seq] && missing == 0 {
				t.Fatalf("window %d is neither delivered nor missing: %+v", seq, kept)
			}
			if !got[seq] {
				missing--
			}
		}
		delivered := kept.Phase == Delivered && results > 0 || kept.Phase == Failed && limits.Tries > 0 && results == 0
		if !delivered || kept.Taken != total {
			t.Fatalf("%+v after %d results of %d windows", kept, results, total)
		}
	})
}

// again is the state as another owner reads it.
func again(t *rapid.T, s State) State {
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var read State
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}
