package owner

import (
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/stats"
)

// joints are n joints of one window each, of the seconds from one on.
func joints(from, n int) (list []*stats.Window) {
	for i := range n {
		j := stats.NewJoints()
		at := time.Duration(from+i) * time.Second
		w := &stats.Window{ID: stats.WindowID{Workflow: "browse"}, Interval: stats.Interval{From: at, To: at + time.Second}}
		w.Slots.Due, w.Slots.Started = uint64(from+i), uint64(from+i)
		j.Add(w, hyperscale.Share{})
		list = append(list, j.Cut()...)
	}
	return list
}

// The last joints are kept under the numbers that they have, through writing down, too.
func TestNumberedJoints(t *testing.T) {
	for _, tt := range []struct{ count, kept int }{{0, 0}, {1, 1}, {mostRecent, mostRecent}, {5*mostRecent + 3, mostRecent}} {
		var n numbered
		for _, w := range joints(1, tt.count) {
			n.add(w)
		}
		var again numbered
		if err := again.read(n.append(nil)); err != nil {
			t.Fatal(err)
		}
		o := &Owner{book: &book{numbered: again}}
		first, list := o.Recent()
		if again.count != uint64(tt.count) || len(list) != tt.kept || first != uint64(tt.count-tt.kept+1) {
			t.Errorf("of %d joints %d are kept from %d on", again.count, len(list), first)
		}
		for i, w := range list {
			if w.Slots.Started != first+uint64(i) {
				t.Errorf("joint %d is that of second %d", first+uint64(i), w.Slots.Started)
			}
		}
		again.add(joints(tt.count+1, 1)[0])
		if again.count != uint64(tt.count+1) {
			t.Errorf("the next has number %d", again.count)
		}
	}
	var n numbered
	for _, w := range joints(1, 3) {
		n.add(w)
	}
	text := n.append(nil)
	for cut := range len(text) {
		var again numbered
		if again.read(text[:cut]) == nil && len(again.recent) == 3 {
			t.Errorf("cut at %d of %d, all is there", cut, len(text))
		}
	}
}
