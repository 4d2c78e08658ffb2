package sink

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/reporter"
)

// EventSchema names the layout of what is posted to a web hook.
const EventSchema = "hyperscale.event/1"

// webhook posts JSON, in the form of Standard Webhooks: each request has an id, by
// which whoever gets it twice can tell, a time, and if there is a secret a signature.
type webhook struct {
	kind  string
	send  func(ctx context.Context, id string, body []byte) error
	close func()
	job   *reporter.Job
	lines *report.Lines
}

// What those who post are called: one tells of windows, the other of events.
const (
	ofWindows = "webhook"
	ofEvents  = "events"
)

// hooked is the body of a request.
type hooked struct {
	Schema   string            `json:"schema"`
	Type     string            `json:"type"` // windows, event, result
	Job      string            `json:"job"`
	Reporter string            `json:"reporter"`
	Seq      uint64            `json:"seq"` // of the first window, or the event; 0: the result
	Windows  []json.RawMessage `json:"windows,omitempty"`
	Event    *report.Event     `json:"event,omitempty"`

	// With the result.
	Phase          hyperscale.Phase `json:"phase,omitempty"`
	Reason         string           `json:"reason,omitempty"`
	WindowsMissing *uint64          `json:"windows_missing,omitempty"` // so many were never posted
	EventsMissing  *uint64          `json:"events_missing,omitempty"`
	Summary        *report.Summary  `json:"summary,omitempty"`
}

func checkWebhook(address string) error { return checkHook(ofWindows, address) }
func checkEvents(address string) error  { return checkHook(ofEvents, address) }

func checkHook(kind, address string) error {
	_, err := parseURL(kind, address, "/", "https", "http")
	return err
}

func openWebhook(ctx context.Context, address string, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	return openHook(ctx, ofWindows, address, job, secret)
}

func openEvents(ctx context.Context, address string, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	return openHook(ctx, ofEvents, address, job, secret)
}

func openHook(ctx context.Context, kind, address string, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	s, err := newSender(kind, address, job.Version, secret)
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	if err := reach(ctx, s.post.url); err != nil {
		return nil, s.post.unreached(err)
	}
	return &webhook{kind: kind, send: s.send, close: s.post.close, job: job, lines: report.NewLines(job.Plan)}, nil
}

// Handed makes the reporter of a job's events whose requests another sends, with their
// ids, as [Spec.Send] does.
func Handed(job *reporter.Job, send func(ctx context.Context, id string, body []byte) error) reporter.Reporter {
	return &webhook{kind: ofEvents, send: send, close: func() {}, job: job, lines: report.NewLines(job.Plan)}
}

// Send makes one request that another node made ready, once, if the reporter is one that
// is told of events.
func (s Spec) Send(ctx context.Context, id string, body []byte, version string, secret Secrets) error {
	if !s.Kind.Events {
		return reporter.Refused("%s sends nothing for others", s.Name)
	}
	to, err := newSender(s.Kind.Name, s.Address, version, secret)
	if err != nil {
		return reporter.Refused("%w", err)
	}
	defer to.post.close()
	return to.send(ctx, id, body)
}

// sender posts what a web hook is told.
type sender struct {
	post   *poster
	secret []byte // nil: nothing is signed
}

func newSender(kind, address, version string, secret Secrets) (*sender, error) {
	at, err := parseURL(kind, address, "/", "https", "http")
	if err != nil {
		return nil, err
	}
	c, err := loginOf(secret, kind)
	if err != nil {
		return nil, err
	}
	s := &sender{post: newPoster(at, c, "Bearer", version)}
	variable := "HYPERSCALE_" + strings.ToUpper(kind) + "_SECRET"
	text, has, err := secret(variable)
	if err == nil && has {
		s.secret, err = signingKey(variable, text)
	}
	return s, err
}

// signingKey reads a secret as Standard Webhooks writes it: whsec_ and base64; else
// the text is the key.
func signingKey(variable, text string) ([]byte, error) {
	coded, is := strings.CutPrefix(text, "whsec_")
	if !is {
		return []byte(text), nil
	}
	key, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return nil, fmt.Errorf("%s: what follows whsec_ is not base64: %w", variable, err)
	}
	return key, nil
}

// reach connects to an address and says nothing: a hook is not called for nothing.
// Through a proxy nobody knows.
func reach(ctx context.Context, at *url.URL) error {
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: at}); proxy != nil || err != nil {
		return err
	}
	port := at.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[at.Scheme]
	}
	conn, err := (&net.Dialer{Control: allowed}).DialContext(ctx, "tcp", net.JoinHostPort(at.Hostname(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}

// Windows implements [reporter.Reporter].
func (h *webhook) Windows(ctx context.Context, batch []reporter.Window) error {
	body := hooked{Type: "windows", Seq: batch[0].Seq}
	for _, w := range batch {
		line, err := h.lines.Line(w.Window)
		if err != nil {
			return reporter.Refused("%w", err)
		}
		body.Windows = append(body.Windows, line)
	}
	return h.tell(ctx, body)
}

// Event implements [reporter.Listener].
func (h *webhook) Event(ctx context.Context, ev *hyperscale.Event) error {
	told := report.EventOf(*ev)
	return h.tell(ctx, hooked{Type: "event", Seq: ev.Seq, Event: &told})
}

// Result implements [reporter.Reporter].
func (h *webhook) Result(ctx context.Context, r *reporter.Result) error {
	body := hooked{Type: "result", Phase: r.Phase, Reason: r.Reason, Summary: r.Summary}
	if h.kind == ofEvents {
		body.EventsMissing = &r.Missing
	} else {
		body.WindowsMissing = &r.Missing
	}
	return h.tell(ctx, body)
}

// Close implements [reporter.Reporter].
func (h *webhook) Close() error { h.close(); return nil }

func (h *webhook) tell(ctx context.Context, body hooked) error {
	body.Schema, body.Job, body.Reporter = EventSchema, string(h.job.ID), h.job.Name
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return reporter.Refused("%w", err)
	}
	// The same id and body mean the same; a batch that grew is another.
	id := h.job.Key(body.Seq)
	if n := len(body.Windows); n > 1 {
		id += "+" + strconv.Itoa(n-1)
	}
	return h.send(ctx, id, b.Bytes())
}

// send posts a body under its id.
func (s *sender) send(ctx context.Context, id string, body []byte) error {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	header := map[string]string{"Content-Type": "application/json", "webhook-id": id, "Idempotency-Key": id, "webhook-timestamp": at}
	if s.secret != nil {
		header["webhook-signature"] = sign(s.secret, id, at, body)
	}
	_, err := s.post.post(ctx, body, header)
	return err
}

// sign is the signature of Standard Webhooks.
func sign(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, at, body) // a hash takes everything
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
