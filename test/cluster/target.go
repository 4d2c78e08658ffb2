//go:build unix

package cluster

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Target answers GET /JOB/SLOT and keeps when it heard of each slot of each job.
// It does no more than that, so that it is never what makes a test late.
type Target struct {
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool // false once it was closed here
	jobs  map[string]*Hits
}

// Hits are the requests of one job.
type Hits struct {
	Times []Hit // in the order in which they came
	Odd   int   // requests whose path names no slot
}

// Hit is one request.
type Hit struct {
	Slot int64
	At   time.Time
}

// NewTarget serves on a free port of a host until it is closed.
func NewTarget(host string) (*Target, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	t := &Target{listener: l, conns: make(map[net.Conn]bool), jobs: make(map[string]*Hits)}
	t.serving.Go(t.accept)
	return t, nil
}

// URL is where it is.
func (t *Target) URL() string { return "http://" + t.listener.Addr().String() }

// Close ends it and all its connections.
func (t *Target) Close() {
	_ = t.listener.Close() // nothing depends on it any more
	t.mu.Lock()
	for c := range t.conns {
		_ = c.Close()
	}
	t.mu.Unlock()
	t.serving.Wait()
}

func (t *Target) accept() {
	for {
		c, err := t.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of that connection alone
		}
		t.mu.Lock()
		t.conns[c] = true
		t.mu.Unlock()
		t.serving.Go(func() { t.serve(c) })
	}
}

// fine is the whole answer.
const fine = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"

// serve answers one request after the other. Whoever goes in the middle of one
// has not asked.
func (t *Target) serve(c net.Conn) {
	defer func() {
		t.mu.Lock()
		delete(t.conns, c)
		t.mu.Unlock()
		_ = c.Close() // all was said
	}()
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		_, rest, _ := bytes.Cut(line, []byte(" /"))
		path, _, _ := bytes.Cut(rest, []byte(" "))
		job, slot, _ := bytes.Cut(path, []byte("/"))
		name, number := string(job), string(slot)
		for len(bytes.TrimSpace(line)) > 0 {
			if line, err = in.ReadSlice('\n'); err != nil {
				return
			}
		}
		t.count(name, number)
		if _, err := c.Write([]byte(fine)); err != nil {
			return
		}
	}
}

func (t *Target) count(job, slot string) {
	n, err := strconv.ParseInt(slot, 10, 64)
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.jobs[job]
	if h == nil {
		h = new(Hits)
		t.jobs[job] = h
	}
	if err != nil {
		h.Odd++
		return
	}
	h.Times = append(h.Times, Hit{n, time.Now()})
}

// Hits are those of a job so far.
func (t *Target) Hits(job string) Hits {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.jobs[job]
	if h == nil {
		return Hits{}
	}
	return Hits{Times: slices.Clone(h.Times), Odd: h.Odd}
}

// Count is how many requests of a job came so far.
func (t *Target) Count(job string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.jobs[job]; h != nil {
		return len(h.Times)
	}
	return 0
}

// Doubled are the slots that were asked for more than once.
func (h Hits) Doubled() []int64 {
	seen := make(map[int64]int, len(h.Times))
	var twice []int64
	for _, hit := range h.Times {
		if seen[hit.Slot]++; seen[hit.Slot] == 2 {
			twice = append(twice, hit.Slot)
		}
	}
	return twice
}

// Silence is the longest time between two hits, and when it began. Within the
// limits of the machine it is the load that did not come.
func (h Hits) Silence() (longest time.Duration, from time.Time) {
	for i := 1; i < len(h.Times); i++ {
		if d := h.Times[i].At.Sub(h.Times[i-1].At); d > longest {
			longest, from = d, h.Times[i-1].At
		}
	}
	return longest, from
}

// After is when the first slot came, after a moment, that counts.
func (h Hits) After(moment time.Time, counts func(slot int64) bool) (time.Time, bool) {
	for _, hit := range h.Times {
		if hit.At.After(moment) && counts(hit.Slot) {
			return hit.At, true
		}
	}
	return time.Time{}, false
}
