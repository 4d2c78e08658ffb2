package job

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTimeline(t *testing.T) {
	tests := []struct {
		name     string
		plan     string
		spans    string // workflow start…end latestStart…latestEnd
		length   time.Duration
		deadline time.Duration
	}{
		{
			"one load",
			"browse: load=closed:5/1m",
			"browse 0s…1m0s 0s…1m30s",
			90 * time.Second, 16*time.Minute + 30*time.Second,
		},
		{
			"a setup, a load and a teardown, in any order of the file",
			"teardown: after=browse:always\nbrowse: after=login load=closed:0-200/30s,200/5m,200-0/10s\nlogin:",
			"teardown 5m40s…5m40s 6m10s…6m10s open, browse 0s…5m40s 0s…6m10s, login 0s…0s 0s…0s open",
			370 * time.Second, 21*time.Minute + 10*time.Second,
		},
		{
			"after several, the last one counts",
			"a: load=open:1/10s graceful=1s\nb: load=open:1/5s graceful=20s\nc: after=a,b load=open:1/1s graceful=2s",
			"a 0s…10s 0s…11s, b 0s…5s 0s…25s, c 10s…11s 25s…28s",
			28 * time.Second, 15*time.Minute + 28*time.Second,
		},
		{
			"work without a cap takes as long as it takes",
			"a: load=iterations:100x5\nb: after=a load=each:5x5/10s graceful=1s",
			"a 0s…0s 0s…0s open, b 0s…10s 0s…11s",
			11 * time.Second, 24 * time.Hour,
		},
		{
			"work with a cap is planned",
			"a: load=each:5x5/10s graceful=1s",
			"a 0s…10s 0s…11s",
			11 * time.Second, 15*time.Minute + 11*time.Second,
		},
		{
			"and a longer plan is still longer than its room",
			"a: load=iterations:100x5\nb: load=closed:1/30h graceful=0s",
			"a 0s…0s 0s…0s open, b 0s…30h0m0s 0s…30h0m0s",
			30 * time.Hour, 30*time.Hour + 15*time.Minute,
		},
		{
			"a search takes all its doublings and halvings at the longest",
			"find: load=search:100-800/20s graceful=10s", // 100 200 400 800, then 5 halvings, or 6 and 5 below 100
			"find 0s…3m40s 0s…5m30s",
			330 * time.Second, 20*time.Minute + 30*time.Second,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan := readPlan(t, strings.Split(test.plan, "\n"))
			var told []string
			for _, s := range Timeline(plan) {
				text := fmt.Sprintf("%s %v…%v %v…%v", s.Workflow, s.Start, s.End, s.LatestStart, s.LatestEnd)
				if s.Open {
					text += " open"
				}
				told = append(told, text)
			}
			if got := strings.Join(told, ", "); got != test.spans {
				t.Errorf("timeline\n%s, want\n%s", got, test.spans)
			}
			if got := Length(plan); got != test.length {
				t.Errorf("length %v, want %v", got, test.length)
			}
			if got := DefaultDeadline(plan); got != test.deadline {
				t.Errorf("deadline %v, want %v", got, test.deadline)
			}
		})
	}
}
