package cli

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
	"hyperscale/internal/show"
)

// tracer writes every request with its answer. Lanes call it at the same time.
type tracer struct {
	mu    sync.Mutex
	w     io.Writer
	theme show.Theme
	head  string // what each exchange is headed by; "": its step and where it goes
}

func newTracer(w io.Writer, theme show.Theme) *tracer { return &tracer{w: w, theme: theme} }

// traceTo is where requests and answers are shown: stderr when stdout is for
// programs.
func (a *app) traceTo() io.Writer {
	if a.json {
		return a.Stderr
	}
	return a.Stdout
}

// show writes one exchange; that it cannot be written shows at the summary.
func (t *tracer) show(workflow, step string, x *wire.Exchange) {
	var b strings.Builder
	origin := x.Request.Origin
	head := cmp.Or(t.head, workflow+"/"+step+"  "+origin.Scheme+"://"+origin.Host+":"+origin.Port)
	fmt.Fprintf(&b, "%s\n", t.theme.Strong(show.Clean(head)))
	t.message(&b, "> ", t.theme.Accent, sentHead(x), x.Request.Body, int64(len(x.Request.Body)))
	if x.Fault != 0 {
		t.fault(&b, x)
	} else {
		fmt.Fprintf(&b, "%s%d %s\n", t.theme.Good("< "), x.Answer.Status, http.StatusText(x.Answer.Status))
		t.message(&b, "< ", t.theme.Good, x.Answer.Head, x.Answer.Body, x.Answer.BodySize)
	}
	b.WriteString(t.theme.Faint(phases(x)) + "\n\n")
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = io.WriteString(t.w, b.String())
}

func (t *tracer) fault(b *strings.Builder, x *wire.Exchange) {
	fmt.Fprintf(b, "%s\n", t.theme.Bad("! "+show.Clean(faultText(x))))
}

// faultText says why an exchange failed.
func faultText(x *wire.Exchange) string {
	text := new(session.Program).FaultName(x.Fault)
	switch {
	case strings.Contains(x.Text, text): // the system's words name the kind already
		text = x.Text
	case x.Text != "":
		text += ": " + x.Text
	}
	return text
}

// shownBody is how much of a body is shown.
const shownBody = 4096

// message writes a head and a body, each line after a mark. Size is that of the
// whole body, of which only a part may have been kept.
func (t *tracer) message(b *strings.Builder, mark string, paint show.Paint, head, body []byte, size int64) {
	for line := range strings.SplitSeq(strings.TrimRight(string(head), "\r\n"), "\r\n") {
		if line != "" {
			fmt.Fprintf(b, "%s%s\n", paint(mark), show.Clean(line))
		}
	}
	if size == 0 {
		return
	}
	fmt.Fprintf(b, "%s\n", strings.TrimRight(paint(mark), " "))
	text, whole := readable(head, body)
	if text == "" {
		fmt.Fprintf(b, "%s\n", t.theme.Faint("("+show.Bytes(size)+" that are no text)"))
		return
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(b, "%s\n", show.Clean(strings.TrimRight(line, "\r")))
	}
	if !whole || int64(len(body)) < size {
		fmt.Fprintf(b, "%s\n", t.theme.Faint("(… of "+show.Bytes(size)+")"))
	}
}

// readable is the beginning of a body as text, decompressed; "" when it is no
// text.
func readable(head, body []byte) (text string, whole bool) {
	if bytes.Contains(bytes.ToLower(head), []byte("content-encoding: gzip")) {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return "", false
		}
		// What was kept may end in the middle; what could be read is shown.
		body, _ = io.ReadAll(io.LimitReader(z, shownBody+1))
	}
	cut := body[:min(len(body), shownBody)]
	for len(cut) > 0 && len(cut) < len(body) && !utf8.RuneStart(body[len(cut)]) {
		cut = cut[:len(cut)-1]
	}
	if !utf8.Valid(cut) || bytes.IndexByte(cut, 0) >= 0 {
		return "", false
	}
	return string(cut), len(cut) == len(body)
}

// phases is where the time of an exchange went.
func phases(x *wire.Exchange) string {
	p := x.Phases
	var parts []string
	if p.Connect >= 0 {
		parts = append(parts, "connect "+show.Duration(p.Connect))
	}
	if p.TLS >= 0 && x.Request.Origin.Scheme == "https" {
		parts = append(parts, "TLS "+show.Duration(p.TLS))
	}
	if p.FirstByte >= 0 {
		parts = append(parts, "first byte "+show.Duration(p.FirstByte))
	}
	if p.Transfer >= 0 {
		parts = append(parts, "transfer "+show.Duration(p.Transfer))
	}
	parts = append(parts, "total "+show.Duration(x.Answer.End-x.Answer.Start))
	return strings.Join(parts, " · ")
}
