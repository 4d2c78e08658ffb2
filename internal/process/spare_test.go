package process

import (
	"context"
	"os"
	"testing"
	"time"
)

// A spare that died while it waited is given to nobody, and another is started.
func TestSpareThatDied(t *testing.T) {
	s := NewStarter(Config{Args: []string{}, Env: append(os.Environ(), "TEST_ENGINE=engine", "GORACE=atexit_sleep_ms=0")})
	die := func(l *launched) {
		if err := l.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-l.heard
	}
	s.fill()
	die(s.spare)
	if p := s.New(Setup{}, nil, func(Message) {}); p.ready != nil || s.spare != nil {
		t.Error("a dead spare was given away")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	spare := func(not *launched) *launched {
		for range 500 {
			s.mu.Lock()
			l := s.spare
			s.mu.Unlock()
			if l != nil && l != not {
				return l
			}
			<-time.After(10 * time.Millisecond)
		}
		t.Fatal("there is no spare")
		return nil
	}
	first := spare(nil)
	die(first)
	spare(first)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
