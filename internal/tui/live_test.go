package tui_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"hyperscale/internal/tui"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// screen is a terminal's output; it says when something was written that holds
// the wanted text.
type screen struct {
	mu    sync.Mutex
	b     bytes.Buffer
	want  string
	found chan struct{}
	once  sync.Once
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.b.Write(p)
	if strings.Contains(s.b.String(), s.want) {
		s.once.Do(func() { close(s.found) })
	}
	return n, err
}

func TestLiveShowsAndEnds(t *testing.T) {
	out := &screen{want: "shop.example.com", found: make(chan struct{})}
	keys, typed := io.Pipe()
	pressed := make(chan struct{}, 2)
	live := tui.NewLive(tui.Config{
		In: keys, Out: out, Env: []string{"TERM=xterm"}, Look: look(80, 24),
		Interrupt: func() { pressed <- struct{}{} },
	})
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- live.Run(ctx) }()
	live.Show(shop(2))
	<-out.found
	live.Say("finishing")
	live.Warn("output csv: no space left")
	for _, key := range []string{"q", "\x03"} { // and Ctrl-C
		if _, err := typed.Write([]byte(key)); err != nil {
			t.Fatal(err)
		}
		<-pressed
	}
	end()
	typed.Close()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	live.Show(shop(2)) // too late: nothing happens
	if text := out.b.String(); !strings.Contains(text, "! output csv: no space left") {
		t.Errorf("the warning was not shown: %q", text)
	}
	if text := out.b.String(); !strings.Contains(text, "\x1b[?1049l") {
		t.Errorf("the terminal was not given back: %q", text)
	}
}
