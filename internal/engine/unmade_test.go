package engine

import (
	"net"
	"testing"
	"time"

	"hyperscale"
)

// A target that resets connections in the TLS handshake is not asked in a tight
// loop either, by any driver.
func TestCutHandshakeWaits(t *testing.T) {
	for _, http := range []int{1, 2} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		go func() {
			defer close(over)
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(make([]byte, 10)) // what stays unread makes it a reset
				_ = c.Close()
			}
		}()
		w := get("https://"+ln.Addr().String(), hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 2, To: 2, Over: 450 * time.Millisecond}}})
		w.Steps[0].Request.Transport.HTTP = http
		tally, _ := run(t, 1, []*hyperscale.Workflow{w}, nil)
		if failed := tally.Job().Requests.Failed; failed > 10 || failed == 0 {
			t.Errorf("HTTP/%d: %d requests failed; want at most 10", http, failed)
		}
		_ = ln.Close()
		<-over
	}
}
