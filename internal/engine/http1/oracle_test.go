package http1

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hyperscale/internal/session"
)

// TestOracle compares with net/http on answers that both take, and with what it
// refuses. Where they differ by choice the difference is named.
func TestOracle(t *testing.T) {
	for _, c := range transcripts {
		in, _ := strings.CutSuffix(c.in, end)
		compare(t, in, false)
	}
}

// TestOracleOnRandom does so with the answers of TestAnySplit.
func TestOracleOnRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { compare(t, genAnswer(t), rapid.Bool().Draw(t, "head")) })
}

// compare reads in, after which the peer closes, with both.
func compare(t interface{ Errorf(string, ...any) }, in string, head bool) {
	var p Parser
	ours := read(&p, ask{noBody: head, keep: 1 << 20, keepHead: true}, true, in)
	theirs, body, err := netHTTP(in, head)
	if err != nil {
		if ours.Done && !laxer(in, err) {
			t.Errorf("%q: net/http says %v, we read %+v", in, err, ours)
		}
		return
	}
	if !ours.Done {
		if !stricter(in, ours) {
			t.Errorf("%q: net/http reads it, we say %s", in, brief(ours))
		}
		return
	}
	if oneZero(in) {
		return
	}
	if ours.Status != theirs.StatusCode || ours.Body != body {
		t.Errorf("%q: net/http reads %d %q, we %d %q", in, theirs.StatusCode, body, ours.Status, ours.Body)
	}
	if ours.KeepAlive == theirs.Close && len(theirs.TransferEncoding) == 0 {
		t.Errorf("%q: net/http says close %v, we keep-alive %v", in, theirs.Close, ours.KeepAlive)
	}
}

// netHTTP reads one answer behind the interim ones, as a client of net/http does.
func netHTTP(in string, head bool) (*http.Response, string, error) {
	method := "GET"
	if head {
		method = "HEAD"
	}
	r := bufio.NewReader(strings.NewReader(in))
	for {
		a, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return nil, "", err
		}
		switch {
		case a.StatusCode == 101:
			return nil, "", errors.New("switches")
		case a.StatusCode >= 200:
			body, err := io.ReadAll(a.Body)
			return a, string(body), err
		}
	}
}

// laxer names what we take and net/http does not.
func laxer(in string, err error) bool {
	said := err.Error()
	switch {
	case strings.Contains(said, "transfer encoding"): // several, or unknown: framed all the same
	case strings.Contains(said, "Content-Length"): // a list of equal lengths
		return strings.Contains(in, "5, 5") || strings.Contains(in, "1, 1")
	case strings.Contains(said, "malformed MIME header"): // other control characters
		return strings.ContainsAny(in, "\x01\x7f")
	case strings.Contains(said, "invalid byte in chunk length"): // white space before an extension
		return strings.Contains(in, "000 ; x")
	case strings.Contains(said, "suspiciously long trailer"): // bare LF in trailers
		return strings.HasSuffix(in, "\n\n")
	default:
		return false
	}
	return true
}

// stricter names what we refuse and net/http takes.
func stricter(in string, ours result) bool {
	said := ours.Why
	return ours.Fault == session.ClosedBeforeAnswer || // of interim answers it makes none of its own
		strings.Contains(said, "bare CR") || // it takes one before the end of a line for white space
		strings.Contains(said, "length") || // it does not look at lengths that do not count
		strings.Contains(said, "  200") || // it takes two spaces before the status
		strings.Contains(said, "Length :") || // … and one before a colon
		strings.Contains(in, "HTTP/1.0") // it does not look at codings of 1.0
}

// oneZero: RFC 9112 lets us use the coding of such an answer and close after it;
// net/http takes it for a part of the body.
func oneZero(in string) bool {
	return strings.Contains(in, "HTTP/1.0") && strings.Contains(in, "Transfer-Encoding")
}
