package tier

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/reporter"
	"hyperscale/internal/rpc"
)

// posted is a request that a web hook took.
type posted struct {
	ID    string `json:"-"`
	By    string `json:"-"` // whose token came with it
	Text  string `json:"-"` // the body
	Type  string
	Seq   uint64
	Event struct {
		Seq    uint64
		What   string
		Detail string
	}
	Phase   string
	Reason  string
	Summary *struct{ Phase string }
}

// listener is a web hook that is told of events.
type listener struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string                // tokens and ids of all requests
	judge func(by, id string) int // the status that is answered
	took  []posted
}

func newListener(t *testing.T) *listener {
	l := &listener{judge: func(string, string) int { return http.StatusNoContent }}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := posted{ID: r.Header.Get("Idempotency-Key"), By: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")}
	l.asked = append(l.asked, p.By+" "+p.ID)
	status := l.judge(p.By, p.ID)
	defer w.WriteHeader(status)
	var text json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&text); err != nil || json.Unmarshal(text, &p) != nil {
		status = http.StatusBadRequest
	}
	if p.Text = string(text); status/100 == 2 {
		l.took = append(l.took, p)
	}
}

func (l *listener) answer(judge func(by, id string) int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.judge = judge
}

func (l *listener) all() []posted {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]posted(nil), l.took...)
}

// whole fails unless it heard every event of the job up to its end, by rising numbers
// and the same under the same name, and then the end.
func (l *listener) whole(t *testing.T, r *rig, job hyperscale.JobID, phase hyperscale.Phase) {
	t.Helper()
	stored, err := own.Events(t.Context(), r.store, job, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	heard, text := map[uint64]string{}, map[string]string{}
	all := l.all()
	for _, p := range all {
		if before, has := text[p.ID]; has && before != p.Text {
			t.Errorf("%s came as %s and as %s", p.ID, before, p.Text)
		}
		text[p.ID] = p.Text
		if p.Type != "event" {
			continue
		}
		if _, before := heard[p.Seq-1]; p.Seq > 1 && !before || p.Seq != p.Event.Seq || p.ID != fmt.Sprintf("%s/events/%d", job, p.Seq) {
			t.Errorf("event %d came as %s: %s", p.Event.Seq, p.ID, p.Text)
		}
		heard[p.Seq] = p.Event.What
	}
	want := map[uint64]string{}
	for _, ev := range stored.Events {
		if want[ev.Seq] = ev.What; ev.What == owner.JobEnded {
			break
		}
	}
	if !maps.Equal(heard, want) {
		t.Errorf("it heard %v, want %v", heard, want)
	}
	end := all[len(all)-1]
	if end.Type != "result" || end.Phase != string(phase) || end.Summary == nil || end.Summary.Phase != string(phase) || end.ID != string(job)+"/events/result" {
		t.Errorf("the last that it heard is %s: %s", end.ID, end.Text)
	}
}

// quick lets attempts at web hooks follow each other.
func quick(c *Config, _ *Deps) {
	c.Hooks = reporter.Limits{First: 2 * time.Millisecond, Longest: 5 * time.Millisecond}
}

// tokens gives each node a login of its own at the hook.
func tokens(l *listener) func(*Config, *Deps) {
	return func(c *Config, d *Deps) {
		d.Secrets = func(name string) (string, bool, error) {
			switch name {
			case "HYPERSCALE_EVENTS_ADDRESS":
				return l.URL, true, nil
			case "HYPERSCALE_EVENTS_TOKEN":
				return string(c.Self), true, nil
			}
			return "", false, nil
		}
	}
}

// B-15: a web hook is told each event of a job and its end, whatever becomes of another.
func TestHooksHearEverything(t *testing.T) {
	r := newRig(t, 2, quick)
	r.newChild("w1", 2)
	good, bad := newListener(t), newListener(t)
	bad.answer(func(string, string) int { return http.StatusForbidden })
	a := r.submit(r.client(), planOf("browse"), reportTo("events="+bad.URL, "events="+good.URL))
	if status, _ := r.ended(r.client(), a.Job); status.Phase != hyperscale.Completed {
		t.Errorf("it ends %+v", status)
	}
	r.told(a.Job, "events: failed after 1 attempt: "+bad.URL+"/ answers 403", "events-2: delivered")
	good.mu.Lock()
	for i := range good.took { // the second of its name
		good.took[i].ID = strings.Replace(good.took[i].ID, "/events-2/", "/events/", 1)
	}
	good.mu.Unlock()
	good.whole(t, r, a.Job, hyperscale.Completed)
}

// B-15: what a hook does not take from the owner after three attempts, each a little
// later, another node delivers; it is asked by its name and with its own login.
func TestAnotherNodePosts(t *testing.T) {
	l := newListener(t)
	l.answer(func(by, _ string) int { return map[bool]int{true: 204, false: 503}[by == "m2"] })
	r := newRig(t, 2, quick, tokens(l))
	r.newChild("w1", 2)
	a := r.submit(r.client(r.stations[0]), planOf("browse"), reportTo("events="+l.URL))
	r.ended(r.client(), a.Job)
	r.told(a.Job, "events: delivered")
	l.whole(t, r, a.Job, hyperscale.Completed)
	first := string(a.Job) + "/events/1"
	if got := strings.Join(l.asked[:4], " "); got != "m1 "+first+" m1 "+first+" m1 "+first+" m2 "+first {
		t.Errorf("asked was %s", got)
	}
}

// B-15: what nobody could deliver is left out, the next is told, and in the end that is
// said among the events of the job, which it does not change.
func TestWhatHooksDoNotTake(t *testing.T) {
	down, picky := newListener(t), newListener(t)
	down.answer(func(string, string) int { return 503 })
	picky.answer(func(_, id string) int { return map[bool]int{true: 400, false: 200}[strings.HasSuffix(id, "/2")] })
	r := newRig(t, 2, quick)
	r.newChild("w1", 2)
	a := r.submit(r.client(r.stations[0]), planOf("browse"), reportTo("events="+down.URL, "events="+picky.URL))
	status, events := r.ended(r.client(), a.Job)
	if status.Phase != hyperscale.Completed {
		t.Errorf("it ends %+v", status)
	}
	r.told(a.Job, "events: failed after 4 attempts: by way of m2: "+down.URL+"/ answers 503",
		fmt.Sprintf("events-2: has the result, but not 1 event of %d: %s/ answers 400", len(events), picky.URL))
	if all := picky.all(); len(all) != len(events) || all[len(all)-1].Type != "result" {
		t.Errorf("of %d events and the end it heard %+v", len(events), all)
	}
	down.mu.Lock()
	defer down.mu.Unlock()
	if want := 4 * (len(events) + 1); len(down.asked) != want {
		t.Errorf("the one that is down was asked %d times, want %d", len(down.asked), want)
	}
}

// B-16: who takes a job over goes on telling where the one before was: nothing is left
// out, and what comes again is the same under the same name.
func TestHooksOverTakeover(t *testing.T) {
	r := newRig(t, 3)
	w := r.newChild("w1", 2, longRun)
	l := newListener(t)
	a := r.submit(r.client(r.stations[0]), planOf("browse"), reportTo("events="+l.URL))
	r.wait(func() bool { return len(l.all()) > 1 }, "nothing is told")
	var kept uint64
	r.wait(func() bool {
		saved, err := own.Look(t.Context(), r.store, a.Job)
		var states keptReports
		if err == nil && len(saved.Head.Reporters) > 0 {
			err = json.Unmarshal(saved.Head.Reporters, &states)
		}
		kept = states.States["events"].Taken
		return err == nil && kept > 1
	}, "how far it is is not written down")
	r.stations[0].stop()
	before := len(l.all())
	r.owner(a.Job, r.stations[1:]...)
	w.finish()
	status, _ := r.ended(r.client(r.stations[1:]...), a.Job)
	if status.Phase != hyperscale.Completed {
		t.Errorf("it ends %+v", status)
	}
	r.told(a.Job, "events: delivered")
	l.whole(t, r, a.Job, hyperscale.Completed)
	if again := l.all()[before:]; again[0].Seq <= kept {
		t.Errorf("it begins again with %d, %d were written down as taken", again[0].Seq, kept)
	}
}

// B-16: a job that has ended keeps an owner while a hook waits for its end, over
// takeovers, too.
func TestHooksAfterTheEnd(t *testing.T) {
	r := newRig(t, 2)
	r.newChild("w1", 2)
	l := newListener(t)
	l.answer(func(string, string) int { return 503 })
	a := r.submit(r.client(r.stations[0]), planOf("browse"), reportTo("events="+l.URL))
	r.ended(r.client(), a.Job)
	r.stations[0].stop()
	r.wait(func() bool {
		saved, err := own.Look(t.Context(), r.store, a.Job)
		return err == nil && saved.Owner.Node == r.stations[1].id
	}, "nobody takes it over")
	l.answer(func(string, string) int { return 200 })
	r.told(a.Job, "events: ")
	if all := l.all(); len(all) == 0 || all[len(all)-1].Type != "result" || all[len(all)-1].Phase != string(hyperscale.Completed) {
		t.Errorf("it heard %+v", all)
	}
}

// B-15: of a job that was ended without a result a hook hears that, and why.
func TestHooksOfAJobWithoutResult(t *testing.T) {
	var culprit atomic.Value
	r := newRig(t, 1, quick, func(c *Config, _ *Deps) {
		c.trap = func(job hyperscale.JobID, ev owner.Event) {
			if _, begin := ev.(owner.Begin); begin {
				culprit.Store(job)
			}
			if job == culprit.Load() {
				panic("a fault of ours")
			}
		}
	})
	l, windows := newListener(t), newHook(t)
	a := r.submit(r.client(), planOf("browse"), reportTo("events="+l.URL, "webhook="+windows.URL))
	r.ended(r.client(), a.Job)
	r.told(a.Job, "events: delivered")
	all := l.all()
	last := all[len(all)-1]
	if last.Type != "result" || last.Phase != string(hyperscale.Failed) || !strings.Contains(last.Reason, "a fault of ours") || last.Summary != nil {
		t.Errorf("the end is told as %s", last.Text)
	}
	if before := all[len(all)-2]; before.Event.What != owner.JobEnded {
		t.Errorf("before the end it hears %s", before.Text)
	}
}

// A hook whose address can't be meant is refused with the submission, and nobody posts
// what is none for others.
func TestHooksThatAreRefused(t *testing.T) {
	r := newRig(t, 1)
	_, err := r.client().Submit(t.Context(), submissionOf(t, planOf("browse"), reportTo("events=ftp://h")))
	if rpc.KindOf(err) != rpc.Invalid || !strings.Contains(err.Error(), "its address begins with none of https://, http://") {
		t.Error(err)
	}
	peers := r.stations[0].Peers()
	post := link.Post{Job: "7", To: "webhook=http://127.0.0.1:1", ID: "7/webhook/1"}
	if failed, err := peers.Post(t.Context(), rpc.Caller{}, post); err != nil || !strings.Contains(failed, "sends nothing for others") {
		t.Errorf("%q, %v", failed, err)
	}
	post.To = "events=h"
	if _, err := peers.Post(t.Context(), rpc.Caller{}, post); rpc.KindOf(err) != rpc.Invalid {
		t.Error(err)
	}
}

// B-11: of the other nodes one that did not answer again and again is passed over, and
// the next is asked.
func TestHandingOnPassesBreakers(t *testing.T) {
	l := newListener(t)
	r := newRig(t, 3, tokens(l))
	from := r.stations[0]
	order := own.Rank("7", from.registry.others(from.id))
	for range 3 {
		_ = from.lines.forward(from.registry.parent(order[0]), func(*rpc.Conn) error { return rpc.Errorf(rpc.Unavailable, "nobody answers") })
	}
	post := link.Post{Job: "7", To: "events=" + l.URL, ID: "7/events/1", Body: []byte("{}")}
	by := talks{from.Tier}
	if err := by.handOn(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	from.lines.forget(order[0])
	if err := by.handOn(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	if got := l.all(); len(got) != 2 || got[0].By != string(order[1]) || got[1].By != string(order[0]) {
		t.Errorf("with %v in this order, it was posted %+v", order, got)
	}
}
