package sink

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hyperscale/internal/reporter"
)

// What is posted can be checked as Standard Webhooks says, and told apart by its id.
func TestWebhook(t *testing.T) {
	type got struct {
		id   string
		body hooked
	}
	var all []got
	key := []byte("0123456789abcdef01234567")
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		id, at := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
		if want := sign(key, id, at, body); r.Header.Get("webhook-signature") != want {
			t.Errorf("signature %q of %s", r.Header.Get("webhook-signature"), id)
		}
		if r.Header.Get("Authorization") != "Bearer t" || r.URL.Path != "/hook" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		var h hooked
		if err := json.Unmarshal(body, &struct{ Summary *json.RawMessage }{}); err != nil {
			t.Error(err)
		}
		text := strings.Replace(string(body), `"summary":{`, `"nosummary":{`, 1) // a Summary is only ever written
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			t.Error(err)
		}
		all = append(all, got{id, h})
	}))
	defer hook.Close()
	job := sampleJob()
	r := open(t, "webhook="+hook.URL+"/hook", job, secrets(map[string]string{
		"HYPERSCALE_WEBHOOK_SECRET": "whsec_" + base64.StdEncoding.EncodeToString(key), "HYPERSCALE_WEBHOOK_TOKEN": "t",
	}))
	reportAll(t, r, job)
	var ids []string
	for _, g := range all {
		ids = append(ids, g.id)
	}
	at := string(job.ID) + "/x/"
	same(t, "ids", ids, []string{at + "1", at + "2+1", at + "2+1", at + "result", at + "result"})
	same(t, "first", []any{all[0].body.Type, all[0].body.Seq, len(all[0].body.Windows)}, []any{"windows", 1, 1})
	same(t, "second", []any{all[1].body.Seq, len(all[1].body.Windows)}, []any{2, 2})
	same(t, "result", []any{all[3].body.Type, *all[3].body.WindowsMissing, all[3].body.EventsMissing == nil}, []any{"result", 2, true})
}

// The example of the specification of Standard Webhooks.
func TestSign(t *testing.T) {
	key, err := signingKey("S", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	same(t, "signature", got, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
}

// Which answers are worth another attempt, and what they say.
func TestAnswers(t *testing.T) {
	code := 0
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "because\nof this")
	}))
	defer hook.Close()
	r := open(t, "webhook="+hook.URL, sampleJob(), noSecrets)
	for status, again := range map[int]bool{302: false, 400: false, 401: false, 404: false, 413: false, 408: true, 429: true, 500: true, 501: false, 503: true} {
		code = status
		err := r.Windows(within(t), sampleWindows(1))
		if err == nil || errors.Is(err, reporter.ErrRefused) == again || !strings.Contains(err.Error(), "because of this") {
			t.Errorf("%d: %v", status, err)
		}
	}
	code = 204
	if err := r.Windows(within(t), sampleWindows(1)); err != nil {
		t.Error(err)
	}
}
