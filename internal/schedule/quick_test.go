package schedule

import (
	"testing"
	"time"

	"hyperscale"
)

func TestRateTimesTimeIsExact(t *testing.T) {
	a := NewArrivals(hyperscale.Load{Stages: []hyperscale.Stage{{From: 4000 * int64(hyperscale.PerSecond), To: 4000 * int64(hyperscale.PerSecond), Over: 5 * time.Second}}}, 1)
	if a.Total() != 20000 {
		t.Fatal(a.Total())
	}
	p := NewArrivals(hyperscale.Load{Poisson: true, Stages: []hyperscale.Stage{{From: 0, To: 4000 * int64(hyperscale.PerSecond), Over: 5500 * time.Millisecond}}}, 1)
	t.Log(p.Total())
	c := p.Cursor(hyperscale.Whole, 0, 1)
	last := time.Duration(0)
	n := 0
	for {
		i, d, ok := c.Peek()
		if !ok {
			break
		}
		if d < last {
			t.Fatal(i, d, last)
		}
		if e, _ := p.Due(i); e != d {
			t.Fatal(i, d, e)
		}
		last = d
		n++
		c.Next()
	}
	t.Log(n, last)
}
