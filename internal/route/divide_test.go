package route

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestDivide: what begins together is divided among the datacenters that were chosen.
func TestDivide(t *testing.T) {
	for _, c := range []struct {
		chosen []int
		needs  []Need
		want   string
	}{
		{[]int{2, 2}, []Need{{4, 4}}, "[[{a 2} {b 2}]]"},
		{[]int{3, 1}, []Need{{1, 4}}, "[[{a 3} {b 1}]]"},
		{[]int{2, 1}, []Need{{1, 1}, {1, 1}, {1, 1}}, "[[{a 1}] [{a 1}] [{b 1}]]"},
		{[]int{4}, []Need{{1, 4}, {1, 4}}, "[[{a 2}] [{a 2}]]"},
		{[]int{2, 2}, []Need{{2, 2}, {1, 3}}, "[[{a 1} {b 1}] [{a 1} {b 1}]]"},
	} {
		choice := Choice{}
		for i, n := range c.chosen {
			choice.Chosen = append(choice.Chosen, Part{string(rune('a' + i)), n})
		}
		if got := fmt.Sprint(choice.Divide(c.needs)); got != c.want {
			t.Errorf("%v for %v: %s, want %s", c.chosen, c.needs, got, c.want)
		}
	}
}

// Every workflow gets what it needs and no more than it has use for, and no datacenter
// gives more than was chosen there.
func TestDivideIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var needs []Need
		least, most := 0, 0
		for range rapid.IntRange(1, 5).Draw(rt, "workflows") {
			n := Need{Least: rapid.IntRange(1, 9).Draw(rt, "least")}
			n.Most = n.Least + rapid.IntRange(0, 9).Draw(rt, "more")
			needs, least, most = append(needs, n), least+n.Least, most+n.Most
		}
		var weights []int
		for left := rapid.IntRange(least, most).Draw(rt, "cores"); left > 0; {
			n := rapid.IntRange(1, left).Draw(rt, "there")
			weights, left = append(weights, n), left-n
		}
		choice, there := Choice{}, map[string]int{}
		for i, n := range weights {
			name := fmt.Sprint(i)
			choice.Chosen = append(choice.Chosen, Part{name, n})
			there[name] = n
		}
		for i, parts := range choice.Divide(needs) {
			sum := 0
			for _, p := range parts {
				if p.Cores < 1 {
					rt.Fatalf("%+v is empty", p)
				}
				sum += p.Cores
				there[p.Datacenter] -= p.Cores
			}
			if sum < needs[i].Least || sum > needs[i].Most {
				rt.Fatalf("%+v gets %d", needs[i], sum)
			}
		}
		for name, left := range there {
			if left != 0 {
				rt.Fatalf("of %s %d are left", name, left)
			}
		}
	})
}
