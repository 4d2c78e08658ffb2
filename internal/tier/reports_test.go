package tier

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"hyperscale"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
)

// hook is a web hook that keeps what it is told, by number.
type hook struct {
	*httptest.Server
	mu      sync.Mutex
	status  int               // that it answers with
	asked   int               // so often
	windows map[uint64]string // as it got them first
	slots   map[uint64]int
	changed []uint64 // windows that came again as something else
	results []string // phases
	missing int
}

func newHook(t *testing.T) *hook {
	h := &hook{status: 200, windows: map[uint64]string{}, slots: map[uint64]int{}}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	if h.status != 200 {
		w.WriteHeader(h.status)
		return
	}
	var body struct {
		Seq     uint64
		Windows []json.RawMessage
		Missing int `json:"windows_missing"`
		Summary *struct{ Phase string }
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for i, text := range body.Windows {
		var line struct{ Iterations struct{ Started int } }
		if err := json.Unmarshal(text, &line); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		seq := body.Seq + uint64(i)
		if before, has := h.windows[seq]; has && before != string(text) {
			h.changed = append(h.changed, seq)
		}
		h.windows[seq], h.slots[seq] = string(text), line.Iterations.Started
	}
	if body.Summary != nil {
		h.results, h.missing = append(h.results, body.Summary.Phase), body.Missing
	}
}

func (h *hook) set(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

func (h *hook) look(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	return true
}

// whole fails unless it has the result, and every slot once by number.
func (h *hook) whole(t *testing.T, phase hyperscale.Phase) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	started := 0
	for seq := uint64(1); seq <= uint64(len(h.windows)); seq++ {
		if _, has := h.windows[seq]; !has {
			t.Errorf("window %d is not among %d", seq, len(h.windows))
		}
		started += h.slots[seq]
	}
	if started != slots || len(h.changed) > 0 || h.missing > 0 || len(h.results) == 0 || h.results[0] != string(phase) {
		t.Errorf("%d slots in %d windows, %d missing, %v changed, results %v", started, len(h.windows), h.missing, h.changed, h.results)
	}
}

func reportTo(texts ...string) func(*rpc.Submission) {
	return func(s *rpc.Submission) { s.Reporters = texts }
}

// told waits until the history of a job has so many words about reporters, and nobody
// owns it any more.
func (r *rig) told(job hyperscale.JobID, want ...string) {
	r.t.Helper()
	var all own.Told
	r.wait(func() bool {
		var err error
		if all, err = own.Events(r.t.Context(), r.store, job, 0, 0); err != nil {
			r.t.Fatal(err)
		}
		saved, err := own.Look(r.t.Context(), r.store, job)
		return err == nil && saved.Owner.Node == "" && strings.Count(story(all.Events), " reporter ") >= len(want)
	}, "nobody says what became of the reporters, or the job keeps its owner")
	text := story(all.Events)
	for _, w := range want {
		if !strings.Contains(text, w) {
			r.t.Errorf("its history does not say %q:%s", w, text)
		}
	}
}

// B-34: each reporter gets all of a job and its result, apart from the others; one that
// fails changes nothing, and what became of each is an event.
func TestReporters(t *testing.T) {
	r := newRig(t, 2)
	r.newChild("w1", 2)
	good, bad := newHook(t), newHook(t)
	bad.set(http.StatusForbidden)
	p := planOf("browse")
	a := r.submit(r.client(), p, reportTo("webhook="+bad.URL, "webhook="+good.URL))
	status, _ := r.ended(r.client(), a.Job)
	if status.Phase != hyperscale.Completed {
		t.Errorf("it ends %+v", status)
	}
	r.told(a.Job, "webhook: failed after 1 attempt: "+bad.URL+"/ answers 403", "webhook-2: delivered")
	if _, events := r.ended(r.client(), a.Job); !has(events, "reporter") {
		t.Errorf("who watches afterwards hears%s", story(events))
	}
	good.whole(t, hyperscale.Completed)
	if bad.look(func() {}); bad.asked != 1 || len(good.results) != 1 {
		t.Errorf("the one that refuses was asked %d times; the other has results %v", bad.asked, good.results)
	}
}

// B-38: who takes a job over goes on with its reporters: no window is missing, and what
// comes again is the same.
func TestReportersOverTakeover(t *testing.T) {
	r := newRig(t, 3)
	w := r.newChild("w1", 2, longRun)
	h := newHook(t)
	p := planOf("browse")
	a := r.submit(r.client(r.stations[0]), p, reportTo("webhook="+h.URL))
	r.wait(func() bool { n := 0; h.look(func() { n = len(h.windows) }); return n > 0 }, "nothing is reported")
	h.set(http.StatusServiceUnavailable)
	n := 0
	h.look(func() { n = h.asked })
	r.wait(func() bool { now := 0; h.look(func() { now = h.asked }); return now > n }, "nothing more is reported")
	r.stations[0].stop()
	h.set(200)
	r.wait(func() bool {
		saved, err := own.Look(t.Context(), r.store, a.Job)
		return err == nil && saved.Owner.Node != "" && saved.Owner.Node != r.stations[0].id
	}, "nobody takes it over")
	w.finish()
	status, _ := r.ended(r.client(r.stations[1:]...), a.Job)
	if status.Phase != hyperscale.Completed {
		t.Errorf("it ends %+v", status)
	}
	r.told(a.Job, "webhook: delivered")
	h.whole(t, hyperscale.Completed)
}

// B-59: a job that has ended keeps an owner while a reporter waits, over takeovers, too;
// then it lets it go.
func TestReportersAfterTheEnd(t *testing.T) {
	r := newRig(t, 2)
	r.newChild("w1", 2)
	h := newHook(t)
	h.set(http.StatusServiceUnavailable)
	a := r.submit(r.client(r.stations[0]), planOf("browse"), reportTo("webhook="+h.URL))
	status, events := r.ended(r.client(), a.Job)
	if status.Phase != hyperscale.Completed || has(events, "reporter") {
		t.Errorf("it ends %+v%s", status, story(events))
	}
	saved, err := own.Look(t.Context(), r.store, a.Job)
	if err != nil || !saved.Head.Pending || saved.Owner.Node == "" {
		t.Fatalf("%+v, %v", saved.Head, err)
	}
	r.stations[0].stop()
	r.wait(func() bool {
		saved, err := own.Look(t.Context(), r.store, a.Job)
		return err == nil && saved.Owner.Node == r.stations[1].id
	}, "nobody takes it over")
	h.set(200)
	r.told(a.Job, "webhook: ")
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.results) == 0 || h.results[0] != string(hyperscale.Completed) {
		t.Errorf("results %v", h.results)
	}
}

// What can't be reported to is refused when it is submitted.
func TestReportersThatAreRefused(t *testing.T) {
	r := newRig(t, 1)
	for text, want := range map[string]string{"grafana=x": "no reporter is called", "webhook=http://u:p@h": "HYPERSCALE_WEBHOOK_PASSWORD", "json=/etc/passwd": "no reporter is called"} {
		_, err := r.client().Submit(t.Context(), submissionOf(t, planOf("browse"), reportTo(text)))
		if rpc.KindOf(err) != rpc.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
