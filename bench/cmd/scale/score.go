//go:build unix

package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// what is something that children come to, one share or child at a time.
type what int

// What they come to.
const (
	attached what = iota // it heard the manager's first word
	prepared             // it has what it is to make ready
	running              // it was told to start
	covering             // … a share that another lost
	over                 // its last window is acknowledged
	kinds
)

var words = [kinds]string{"attached", "prepared", "running", "covering", "over"}

// score counts what children come to, and tells when it is so many: the moment is
// that of the last one, and nobody has to ask for it. It is safe for concurrent use.
type score struct {
	mu    sync.Mutex
	count [kinds]int
	goals []goal
}

// goal is a number that somebody waits for.
type goal struct {
	what    what
	n       int
	reached chan time.Time
}

// note counts one.
func (s *score) note(w what) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[w]++
	for i := range s.goals {
		if g := s.goals[i]; g.what == w && g.n == s.count[w] {
			g.reached <- time.Now()
		}
	}
}

// unnote takes so many back: they are no more.
func (s *score) unnote(w what, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[w] -= n
}

// when is the moment at which it is so many: at the latest after patience.
func (s *score) when(ctx context.Context, w what, n int, patience time.Duration) (time.Time, error) {
	g := goal{w, n, make(chan time.Time, n+1)}
	s.mu.Lock()
	if s.count[w] >= n {
		s.mu.Unlock()
		return time.Now(), nil
	}
	s.goals = append(s.goals, g)
	s.mu.Unlock()
	select {
	case at := <-g.reached:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case <-time.After(patience):
		s.mu.Lock()
		defer s.mu.Unlock()
		return time.Time{}, fmt.Errorf("after %v %d of %d are %s", patience, s.count[w], n, words[w])
	}
}
