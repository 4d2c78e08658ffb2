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

	"hyperscale/internal/report"
	"hyperscale/internal/reporter"
)

// EventSchema names the layout of what is posted to a web hook.
const EventSchema = "hyperscale.event/1"

// webhook posts JSON, in the form of Standard Webhooks: each request has an id, by
// which whoever gets it twice can tell, a time, and if there is a secret a signature.
type webhook struct {
	post   *poster
	job    *reporter.Job
	lines  *report.Lines
	secret []byte // nil: nothing is signed
}

// hooked is the body of a request.
type hooked struct {
	Schema   string            `json:"schema"`
	Type     string            `json:"type"` // windows, result
	Job      string            `json:"job"`
	Reporter string            `json:"reporter"`
	Seq      uint64            `json:"seq"` // of the first window; 0: the result
	Windows  []json.RawMessage `json:"windows,omitempty"`
	Missing  uint64            `json:"windows_missing"` // with the result: windows that were never posted
	Summary  *report.Summary   `json:"summary,omitempty"`
}

func checkWebhook(address string) error {
	_, err := parseURL("webhook", address, "/", "https", "http")
	return err
}

func openWebhook(ctx context.Context, address string, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	at, err := parseURL("webhook", address, "/", "https", "http")
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	c, err := loginOf(secret, "webhook")
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	h := &webhook{post: newPoster(at, c, "Bearer", job.Version), job: job, lines: report.NewLines(job.Plan)}
	text, has, err := secret("HYPERSCALE_WEBHOOK_SECRET")
	if err == nil && has {
		h.secret, err = signingKey(text)
	}
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	if err := reach(ctx, at); err != nil {
		return nil, h.post.unreached(err)
	}
	return h, nil
}

// signingKey reads a secret as Standard Webhooks writes it: whsec_ and base64; else
// the text is the key.
func signingKey(text string) ([]byte, error) {
	coded, is := strings.CutPrefix(text, "whsec_")
	if !is {
		return []byte(text), nil
	}
	key, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return nil, fmt.Errorf("HYPERSCALE_WEBHOOK_SECRET: what follows whsec_ is not base64: %w", err)
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
	return h.send(ctx, body)
}

// Result implements [reporter.Reporter].
func (h *webhook) Result(ctx context.Context, r *reporter.Result) error {
	return h.send(ctx, hooked{Type: "result", Missing: r.Missing, Summary: r.Summary})
}

// Close implements [reporter.Reporter].
func (h *webhook) Close() error { h.post.close(); return nil }

func (h *webhook) send(ctx context.Context, body hooked) error {
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
	header := map[string]string{"Content-Type": "application/json", "webhook-id": id, "Idempotency-Key": id}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	header["webhook-timestamp"] = at
	if h.secret != nil {
		header["webhook-signature"] = sign(h.secret, id, at, b.Bytes())
	}
	_, err := h.post.post(ctx, b.Bytes(), header)
	return err
}

// sign is the signature of Standard Webhooks.
func sign(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, at, body) // a hash takes everything
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
