package mailbox

import (
	"slices"
	"sync"
	"testing"
)

// What many put in comes out once, and of each in order; nobody waits for whoever
// takes it out.
func TestNothingIsLostOrDoubled(t *testing.T) {
	const senders, each = 8, 1000
	m := New[[2]int]()
	var g sync.WaitGroup
	for s := range senders {
		g.Go(func() {
			for i := range each {
				m.Put([2]int{s, i})
			}
		})
	}
	next := make([]int, senders)
	for got := 0; got < senders*each; {
		<-m.Bell()
		for _, item := range m.Take() {
			if item[1] != next[item[0]] {
				t.Fatalf("sender %d: %d came, %d was next", item[0], item[1], next[item[0]])
			}
			next[item[0]]++
			got++
		}
	}
	g.Wait()
	if rest := m.Take(); rest != nil {
		t.Errorf("left over: %v", rest)
	}
}

func TestOneRingForMany(t *testing.T) {
	m := New[int]()
	m.Put(1)
	m.Put(2, 3)
	<-m.Bell()
	if got := m.Take(); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("%v", got)
	}
	select {
	case <-m.Bell():
		t.Error("it rings for what was taken")
	default:
	}
}
