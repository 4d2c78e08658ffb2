//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/testkit/ports"
)

// buildTarget compiles bench/target and bench/limit and starts the target on a
// free port.
func buildTarget(t *testing.T) (*bench, *target) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc: the target cannot be built")
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("no taskset: the target cannot be pinned")
	}
	taken, err := ports.Take(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(taken.GiveUp)
	b := &bench{root: "../../..", bin: t.TempDir(), scratch: t.TempDir(), options: options{port: taken.Port(0)}}
	for program, sources := range map[string][]string{
		"target": {"../../target/target.c", "../../target/answer.c"},
		"limit":  {"../../limit/limit.c"},
	} {
		args := append([]string{"-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined",
			"-fno-sanitize-recover", "-o", filepath.Join(b.bin, program)}, sources...)
		if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
			t.Fatalf("gcc %v: %v\n%s", args, err, out)
		}
	}
	server, err := b.startTarget(context.Background(), "target", 1, "--for", "60")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		output, err := server.stop()
		if err != nil || !strings.Contains(output, "hits ") {
			t.Errorf("the target ended with %v and %q", err, output)
		}
	})
	return b, server
}

// A talk is one connection to the target.
type talk struct {
	t *testing.T
	net.Conn
	answers *bufio.Reader
}

func dial(t *testing.T, b *bench) *talk {
	t.Helper()
	conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", b.port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &talk{t, conn, bufio.NewReader(conn)}
}

func (c *talk) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// hear reads one answer: its status, its body, and whether it is the last.
func (c *talk) hear() (status int, body string, last bool) {
	c.t.Helper()
	answer, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Close
}

func (c *talk) expectEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.answers); err != nil || len(rest) > 0 {
		c.t.Errorf("after the last answer: %q, %v", rest, err)
	}
}

func TestTargetAnswers(t *testing.T) {
	b, _ := buildTarget(t)
	const host = "Host: x\r\n"
	tests := []struct {
		name, request string
		status        int
		body          string
		last          bool
	}{
		{"hello", "GET / HTTP/1.1\r\n" + host + "\r\n", 200, "Hello, World!", false},
		{"close", "GET / HTTP/1.1\r\n" + host + "connection: Close\r\n\r\n", 200, "Hello, World!", true},
		{"1.0", "GET / HTTP/1.0\r\n\r\n", 200, "Hello, World!", true},
		{"1.0 kept", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, "Hello, World!", false},
		{"login", "POST /login HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\na=b", 200, `{"ok":true}`, false},
		{"product", "GET /products/p-7 HTTP/1.1\r\n" + host + "\r\n", 200,
			`{"id":"p-7","name":"A product","availability":"in stock"}`, false},
		{"no product", "GET /products/../x HTTP/1.1\r\n" + host + "\r\n", 404, `{"error":"no such product"}`, false},
		{"no session", "POST /cart HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{}", 401, `{"error":"no session"}`, false},
		{"cart", "POST /cart HTTP/1.1\r\n" + host + "Cookie: a=b; session=s-1\r\nContent-Length: 2\r\n\r\n{}", 201, `{"ok":true}`, false},
		{"empty cart", "POST /cart HTTP/1.1\r\n" + host + "Cookie: session=s-1\r\n\r\n", 400, `{"error":"an empty cart"}`, false},
		{"nowhere", "GET /nowhere HTTP/1.1\r\n" + host + "\r\n", 404, `{"error":"no such path"}`, false},
		{"delete", "DELETE / HTTP/1.1\r\n" + host + "\r\n", 405, `{"error":"GET and POST only"}`, true},
		{"garbage", "hello\r\n\r\n", 400, `{"error":"not understood"}`, true},
		{"nothing", "\r\n\r\n", 400, `{"error":"not understood"}`, true},
		{"chunked", "POST /login HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, `{"error":"not understood"}`, true},
		{"bad length", "POST /login HTTP/1.1\r\nContent-Length: 3x\r\n\r\n", 400, `{"error":"not understood"}`, true},
		{"huge body", "POST /login HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", 400, `{"error":"not understood"}`, true},
		{"endless head", "GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 65536-19), 400, `{"error":"not understood"}`, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dial(t, b)
			c.say(test.request)
			status, body, last := c.hear()
			if status != test.status || body != test.body || last != test.last {
				t.Errorf("got %d %s last=%t, want %d %s last=%t", status, body, last, test.status, test.body, test.last)
			}
			if test.last {
				c.expectEnd()
			}
		})
	}
}

// Requests that come byte by byte, and many that come at once, are answered one
// by one and in order.
func TestTargetPieces(t *testing.T) {
	b, server := buildTarget(t)
	before, err := server.count("hits")
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, b)
	request := "POST /login HTTP/1.1\r\nContent-Length: 5\r\n\r\na=b&cGET /products?page=%d HTTP/1.1\r\nHost: x\r\n\r\n"
	other := dial(t, b)
	for _, char := range []byte(fmt.Sprintf(request, 1)) {
		c.say(string(char))
		// The target has one thread: once it has answered another connection,
		// it has read the byte by itself.
		other.say("GET /hits HTTP/1.1\r\n\r\n")
		other.hear()
	}
	for range 2 {
		if status, _, _ := c.hear(); status != 200 {
			t.Fatalf("byte by byte: status %d", status)
		}
	}
	var many strings.Builder
	const pairs = 500
	for i := range pairs {
		fmt.Fprintf(&many, request, i)
	}
	c.say(many.String())
	for i := range pairs {
		c.hear()
		if _, body, _ := c.hear(); !strings.Contains(body, fmt.Sprintf(`"items":[{"id":"p-%d"`, i)) {
			t.Fatalf("answer %d is %s", i, body)
		}
	}
	after, err := server.count("hits")
	if err != nil || after-before != 2+2*pairs {
		t.Errorf("hits went up by %d, want %d (%v)", after-before, 2+2*pairs, err)
	}
}

// A client that sends for long and reads nothing meanwhile gets every answer
// once it reads: what the socket would not take has been kept.
func TestTargetSlowReader(t *testing.T) {
	b, _ := buildTarget(t)
	c := dial(t, b)
	const requests = 200_000
	said := make(chan error, 1)
	go func() {
		batch := strings.Repeat("GET /products?page=1 HTTP/1.1\r\nHost: x\r\n\r\n", 100)
		for range requests / 100 {
			if _, err := io.WriteString(c, batch); err != nil {
				said <- err
				return
			}
		}
		said <- nil
	}()
	// Nothing is read until the target can neither write nor, therefore, take
	// more: then the writer stands still and its connection is full.
	awaitFull(t, b)
	for range requests {
		if status, _, _ := c.hear(); status != 200 {
			t.Fatalf("status %d", status)
		}
	}
	if err := <-said; err != nil {
		t.Error(err)
	}
}

// awaitFull waits until the target's count of hits stands still.
func awaitFull(t *testing.T, b *bench) {
	t.Helper()
	server := &target{url: fmt.Sprintf("http://127.0.0.1:%d/", b.port), client: patientClient()}
	last := int64(-1)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for range ticker.C {
		hits, err := server.count("hits")
		if err != nil {
			t.Fatal(err)
		}
		if hits == last && hits > 0 {
			return
		}
		last = hits
	}
}

// The limit's count is the target's but for the requests under way at its end
// and the one that it learns from.
func TestLimitCounts(t *testing.T) {
	b, server := buildTarget(t)
	r := b.measure(t.Context(), limit(), task{url: server.url, connections: 8, duration: time.Second}, server)
	if r.err != nil {
		t.Fatal(r.err)
	}
	if r.requests == 0 || r.hits < r.requests || r.hits > r.requests+9 {
		t.Errorf("the limit counts %d, the target %d", r.requests, r.hits)
	}
}
