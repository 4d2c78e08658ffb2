package sink

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/reporter"
)

// A request is the same whoever makes it: the owner of the job, or another node that was
// handed its body and id; and it is named by the event's number.
func TestEvents(t *testing.T) {
	type request struct {
		id, body string
		signed   bool
	}
	var got []request
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		id := r.Header.Get("Idempotency-Key")
		signature := sign([]byte("key"), id, r.Header.Get("webhook-timestamp"), body)
		got = append(got, request{id, string(body), r.Header.Get("webhook-signature") == signature && r.Header.Get("Content-Type") == "application/json"})
	}))
	defer hook.Close()
	specs, err := Parse([]string{"events=" + hook.URL})
	if err != nil {
		t.Fatal(err)
	}
	job, secret := sampleJob(), secrets(map[string]string{"HYPERSCALE_EVENTS_SECRET": "key"})
	own, err := specs[0].Open(within(t), job, secret)
	if err != nil {
		t.Fatal(err)
	}
	handed := Handed(job, func(ctx context.Context, id string, body []byte) error {
		return specs[0].Send(ctx, id, body, "1", secret)
	})
	for _, r := range []reporter.Reporter{own, handed} {
		ev := &hyperscale.Event{Seq: 7, At: 1500 * time.Millisecond, Epoch: 2, What: "worker lost", Node: "w1", Detail: "it <died>"}
		if err := r.(reporter.Listener).Event(within(t), ev); err != nil {
			t.Fatal(err)
		}
		if err := r.Result(within(t), &reporter.Result{Ending: reporter.Ending{Phase: hyperscale.Failed, Reason: "given up"}, Missing: 1}); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	at := string(job.ID) + "/x/"
	want := []request{
		{at + "7", `{"schema":"hyperscale.event/1","type":"event","job":"` + string(job.ID) + `","reporter":"x","seq":7,"event":{"seq":7,"at_s":1.5,"wall":"0001-01-01T00:00:00Z","epoch":2,"what":"worker lost","workflow":"","node":"w1","detail":"it <died>"}}` + "\n", true},
		{at + "result", `{"schema":"hyperscale.event/1","type":"result","job":"` + string(job.ID) + `","reporter":"x","seq":0,"phase":"FAILED","reason":"given up","events_missing":1}` + "\n", true},
	}
	same(t, "requests", got, append(want, want...))
	for _, g := range got {
		if !json.Valid([]byte(g.body)) {
			t.Errorf("no JSON: %s", g.body)
		}
	}
}
