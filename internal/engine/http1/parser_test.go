package http1

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hyperscale/internal/session"
)

// result is all that can be learnt of one answer.
type result struct {
	Done, KeepAlive bool
	Fault           session.FaultCode
	Why             string
	answer
	Head, Body string
	In         int64 // 0 when there is a fault
	Rest       int   // bytes fed beyond the answer
}

// answer is a session.Answer without its slices, and times.
type answer struct {
	Status                                         int
	BodySize                                       int64
	TooLarge, SetsCookie, HasLocation, HasEncoding bool
}

// ask is what the reader of an answer wants.
type ask struct {
	noBody   bool
	keep     int64
	keepHead bool
}

var everything = ask{keep: math.MaxInt64, keepHead: true}

// read feeds the pieces, each in a buffer that is overwritten afterwards, and
// then the end of the connection if closes is set.
func read(p *Parser, q ask, closes bool, pieces ...string) (r result) {
	p.Reset(q.noBody, q.keep, q.keepHead)
	var fault session.Fault
	for _, piece := range pieces {
		buf, n := []byte(piece), 0
		if !r.Done && fault == 0 {
			if n, r.Done, fault, r.Why = p.Feed(buf); r.Done {
				r.fill(p)
			}
		}
		r.Rest += len(buf) - n
		for i := range buf {
			buf[i] = '#'
		}
	}
	if closes && !r.Done && fault == 0 {
		if r.Done, fault, r.Why = p.EOF(); r.Done {
			r.fill(p)
		}
	}
	if r.Fault = fault.Code(); fault == 0 {
		r.In = p.BytesIn()
	} else {
		r.Rest = 0
	}
	return r
}

func (r *result) fill(p *Parser) {
	r.KeepAlive = p.KeepAlive()
	var a session.Answer
	p.Answer(&a)
	r.answer = answer{a.Status, a.BodySize, a.TooLarge, a.SetsCookie, a.HasLocation, a.HasEncoding}
	r.Head, r.Body = string(a.Head), string(a.Body)
}

// bytewise cuts s into its bytes.
func bytewise(s string) []string {
	out := make([]string, len(s))
	for i := range len(s) {
		out[i] = s[i : i+1]
	}
	return out
}

// end, behind an answer in the tables, says that the peer closes.
const end = "<END>"

// transcripts are answers and what is to be read in them: status, body, whether
// the connection may be used again (+) or not (-), or the fault.
var transcripts = []struct{ name, in, want string }{
	{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 hello +"},
	{"length zero", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 +"},
	{"closes", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "200 x -"},
	{"closes among others", "HTTP/1.1 200 OK\r\nConnection: foo , Close\r\nContent-Length: 1\r\n\r\nx", "200 x -"},
	{"1.0 closes", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 x -"},
	{"1.0 stays", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", "200 x +"},
	{"until close", "HTTP/1.1 200 OK\r\n\r\nall of it" + end, "200 all of it -"},
	{"until close, nothing", "HTTP/1.0 200 OK\r\n\r\n" + end, "200 -"},
	{"no reason", "HTTP/1.1 204 \r\n\r\n", "204 +"},
	{"no reason, no space", "HTTP/1.1 204\r\n\r\n", "204 +"},
	{"reason in Latin", "HTTP/1.1 200 \xe9t\xe9\r\nContent-Length: 0\r\n\r\n", "200 +"},
	{"204 has no body", "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "204 +"},
	{"304 has no body", "HTTP/1.1 304 Not\r\nTransfer-Encoding: chunked\r\n\r\n", "304 +"},
	{"status 999", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", "999 +"},

	{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "200 hello world +"},
	{"no chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 +"},
	{"chunk extensions", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b;c=\"d\"\r\nhello\r\n000 ; x\r\n\r\n", "200 hello +"},
	{"chunk size padded", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n", "200 hello +"},
	{"chunk sizes in letters", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "200 01234567890123456789a +"},
	{"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 1\r\nFold: a\r\n b\r\nContent-Length: x\r\n\r\n", "200 x +"},
	{"gzip, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "200 x +"},
	{"chunked in two lines", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "200 x +"},
	{"gzip only ends with the connection", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nxyz" + end, "200 xyz -"},
	{"chunked, gzip ends with the connection", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nxyz" + end, "200 xyz -"},
	{"coding and length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "200 x -"},
	{"coding in 1.0", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "200 x -"},

	{"same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\nx", "200 x +"},
	{"same length in a list", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx", "200 x +"},
	{"length with zeros and spaces", "HTTP/1.1 200 OK\r\nContent-Length: \t 001 \r\n\r\nx", "200 x +"},
	{"no space before values", "HTTP/1.1 200 OK\r\nContent-Length:1\r\n\r\nx", "200 x +"},

	{"continue first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 x +"},
	{"hints first", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: close\r\nContent-Length: 7\r\nSet-Cookie: a=b\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 x +"},

	{"bare LF", "HTTP/1.1 200 OK\nContent-Length: 1\nA: b\n\nx", "200 x +"},
	{"bare LF in trailers", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\r\nx\r\n0\r\nA: b\n\n", "200 x +"},
	{"folded", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td\r\nContent-Length: 1\r\n\r\nx", "200 x +"},
	{"folded length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n 1\r\n\r\nx", "200 x +"},
	{"empty value", "HTTP/1.1 200 OK\r\nA:\r\nContent-Length: 1\r\n\r\nx", "200 x +"},
	{"tab and other control characters in a value", "HTTP/1.1 200 OK\r\nA: \tb\x01c\x7f\r\nContent-Length: 1\r\n\r\nx", "200 x +"},

	{"more than was asked for", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n", "200 x + rest 17"},
	{"more behind chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nxyz", "200 + rest 3"},

	{"nothing", end, "closed before answer"},
	{"nothing but continue", "HTTP/1.1 100 Continue\r\n\r\n" + end, "closed before answer"},
	{"half a status line", "HTTP/1.1 2" + end, "cut short"},
	{"half a head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + end, "cut short"},
	{"half a continue", "HTTP/1.1 100 Continue\r\n" + end, "cut short"},
	{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell" + end, "cut short"},
	{"half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell" + end, "cut short"},
	{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + end, "cut short"},
	{"no end of trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n" + end, "cut short"},

	{"switch", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "malformed: 101 without having been asked to switch protocols"},
	{"not HTTP", "SSH-2.0-OpenSSH_9.6\r\n", `malformed: not a status line: "SSH-2.0-OpenSSH_9.6"`},
	{"other versions", "HTTP/2 200 OK\r\n\r\n", `malformed: not a status line: "HTTP/2 200 OK"`},
	{"small letters", "http/1.1 200 OK\r\n\r\n", `malformed: not a status line: "http/1.1 200 OK"`},
	{"status of two digits", "HTTP/1.1 20 OK\r\n\r\n", `malformed: not a status line: "HTTP/1.1 20 OK"`},
	{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", `malformed: not a status line: "HTTP/1.1 2000 OK"`},
	{"status below 100", "HTTP/1.1 099 OK\r\n\r\n", `malformed: not a status line: "HTTP/1.1 099 OK"`},
	{"two spaces", "HTTP/1.1  200 OK\r\n\r\n", `malformed: not a status line: "HTTP/1.1  200 OK"`},
	{"empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", `malformed: not a status line: ""`},
	{"no colon", "HTTP/1.1 200 OK\r\nfoo\r\n\r\n", `malformed: not a header line: "foo"`},
	{"no name", "HTTP/1.1 200 OK\r\n: foo\r\n\r\n", `malformed: not a header line: ": foo"`},
	{"space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx", `malformed: not a header line: "Content-Length : 1"`},
	{"space before the first header", "HTTP/1.1 200 OK\r\n A: b\r\n\r\nx", `malformed: not a header line: " A: b"`},
	{"beyond ASCII in a name", "HTTP/1.1 200 OK\r\n\xe4: b\r\n\r\nx", `malformed: not a header line: "\xe4: b"`},
	{"bare CR", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", `malformed: a line with a bare CR or a NUL: "A: b\rc\r\n"`},
	{"NUL", "HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n", `malformed: a line with a bare CR or a NUL: "A: b\x00c\r\n"`},
	{"two CR", "HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n", `malformed: a line with a bare CR or a NUL: "A: b\r\r\n"`},
	{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", `malformed: not a length: " -1"`},
	{"length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", `malformed: not a length: " +1"`},
	{"no length", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", `malformed: not a length: " "`},
	{"half a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1,\r\n\r\n", `malformed: not a length: " 1,"`},
	{"length above all", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n", `malformed: not a length: " 9223372036854775808"`},
	{"folded lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n", `malformed: not a length: " 1 2"`},
	{"conflicting lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "malformed: conflicting lengths"},
	{"conflicting list", "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", "malformed: conflicting lengths"},
	{"bad length of no body", "HTTP/1.1 304 OK\r\nContent-Length: x\r\n\r\n", `malformed: not a length: " x"`},
	{"chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "malformed: chunked twice"},
	{"chunk size is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", `malformed: not a chunk size: "\r\n"`},
	{"chunk size of other letters", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5g\r\n", `malformed: not a chunk size: "5g\r\n"`},
	{"chunk size with 0x", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n", `malformed: not a chunk size: "0x5\r\n"`},
	{"chunk size negative", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", `malformed: not a chunk size: "-5\r\n"`},
	{"chunk size above all", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\n", `malformed: not a chunk size: "8000000000000000\r\n"`},
	{"chunks above all", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n7fffffffffffffff\r\n", "malformed: a body of more than 2⁶³ bytes"},
	{"chunk size ends in LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello", `malformed: not a chunk size: "5\n"`},
	{"chunk goes on", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n", "malformed: no CRLF after a chunk"},
	{"chunk ends in LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n", "malformed: no CRLF after a chunk"},
	{"trailer without colon", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nfoo\r\n\r\n", `malformed: not a trailer: "foo"`},
}

// brief is a result in the words of the table.
func brief(r result) string {
	switch r.Fault {
	case session.ClosedBeforeAnswer:
		return "closed before answer"
	case session.AnswerCutShort:
		return "cut short"
	case session.HeaderTooLarge:
		return "header too large"
	case session.MalformedAnswer:
		return "malformed: " + r.Why
	}
	if !r.Done {
		return "unfinished"
	}
	words := []string{itoa(r.Status)}
	if r.Body != "" {
		words = append(words, r.Body)
	}
	words = append(words, map[bool]string{true: "+", false: "-"}[r.KeepAlive])
	if r.Rest > 0 {
		words = append(words, "rest "+itoa(r.Rest))
	}
	return strings.Join(words, " ")
}

func TestTranscripts(t *testing.T) {
	for _, c := range transcripts {
		t.Run(c.name, func(t *testing.T) {
			in, closes := strings.CutSuffix(c.in, end)
			var p Parser
			if got := brief(read(&p, everything, closes, in)); got != c.want {
				t.Errorf("at once\n got %s\nwant %s", got, c.want)
			}
			if got := brief(read(&p, everything, closes, bytewise(in)...)); got != c.want {
				t.Errorf("byte by byte\n got %s\nwant %s", got, c.want)
			}
			for _, q := range []ask{{}, {keep: 3}, {keepHead: true}, {noBody: true, keep: 9}} {
				sameHowever(t, q, in, closes)
			}
		})
	}
}

// sameHowever fails if cutting an answer in two, knowing its head or sharing
// buffers changes anything that is read.
func sameHowever(t interface{ Errorf(string, ...any) }, q ask, in string, closes bool) {
	var plain, lane Parser
	lane.Use(new(Lane))
	want := read(&plain, q, closes, in)
	if got := read(&plain, q, closes, bytewise(in)...); got != want {
		t.Errorf("%q with %+v, byte by byte\n got %+v\nwant %+v", in, q, got, want)
	}
	for cut := range len(in) + 1 {
		for _, p := range []*Parser{&plain, &lane, &lane} {
			if got := read(p, q, closes, in[:cut], in[cut:]); got != want {
				t.Errorf("%q with %+v, cut at %d\n got %+v\nwant %+v", in, q, cut, got, want)
			}
		}
	}
}

// TestAnySplit: however an answer arrives, what is read is the same.
func TestAnySplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := genAnswer(t)
		closes := rapid.Bool().Draw(t, "closes")
		q := ask{
			noBody:   rapid.Bool().Draw(t, "no body"),
			keep:     rapid.SampledFrom([]int64{0, 1, 7, math.MaxInt64}).Draw(t, "keep"),
			keepHead: rapid.Bool().Draw(t, "keep head"),
		}
		var whole, pieces Parser
		pieces.Use(new(Lane))
		want := read(&whole, q, closes, in)
		for range 2 {
			if got := read(&pieces, q, closes, genCuts(t, in)...); got != want {
				t.Fatalf("%q with %+v\n got %+v\nwant %+v", in, q, got, want)
			}
		}
	})
}

// genAnswer makes answers that are mostly well formed, of the pieces where
// reading can go wrong.
func genAnswer(t *rapid.T) string {
	eol := rapid.SampledFrom([]string{"\r\n", "\r\n", "\r\n", "\n"})
	line := rapid.SampledFrom([]string{
		"Content-Length: 5", "Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close", "Set-Cookie: a=b",
		"Connection: keep-alive", "Location: /x", "X: y", "X: y\r\n z", "X:", "Content-Length: 5, 5", "Content-Encoding: gzip",
		"Long: " + strings.Repeat("v", 70), "X: \ty", "bad", "Content-Length: -", "Bare: \r", "\x00: x", "Content-Length:\r\n 5",
	})
	var s strings.Builder
	for range rapid.IntRange(0, 2).Draw(t, "interim") {
		s.WriteString("HTTP/1.1 103 Hints" + eol.Draw(t, "end") + line.Draw(t, "line") + eol.Draw(t, "end") + eol.Draw(t, "end"))
	}
	s.WriteString(rapid.SampledFrom([]string{"HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.0 404 No", "HTTP/1.1 204", "HTTP/1.1 101 S", "HTTP"}).Draw(t, "status"))
	s.WriteString(eol.Draw(t, "end"))
	for range rapid.IntRange(0, 5).Draw(t, "lines") {
		s.WriteString(line.Draw(t, "line") + eol.Draw(t, "end"))
	}
	s.WriteString(eol.Draw(t, "end"))
	s.WriteString(rapid.SampledFrom([]string{
		"", "hello", "hellohello", "5\r\nhello\r\n0\r\n\r\n", "2;x\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n c\r\n\r\nmore",
		"1\nx", "g\r\n", "1\r\nxx\r\n", "0\r\nbad\r\n\r\n",
	}).Draw(t, "body"))
	return s.String()
}

// genCuts cuts s into pieces.
func genCuts(t *rapid.T, s string) (pieces []string) {
	for len(s) > 0 {
		n := rapid.IntRange(1, len(s)).Draw(t, "piece")
		pieces = append(pieces, s[:n])
		s = s[n:]
	}
	return pieces
}
