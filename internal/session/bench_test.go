package session

import (
	"runtime"
	"testing"
	"time"
	"unsafe"

	"hyperscale"
)

// hotPath gives a session of a plan with one get and a status check, and a
// function that runs one iteration of it.
func hotPath(t testing.TB) func() {
	p := compile(t, planOf(get("home", "/", checking(status(200, 200)))), Inputs{})
	s := &Session{}
	p.Init(s)
	return iterations(t, s, &Answer{Status: 200, BodySize: 5, End: time.Millisecond})
}

// iterations gives a function that runs one iteration in which every request is
// answered with a.
func iterations(t testing.TB, s *Session, a *Answer) func() {
	out := make([]Effect, 0, 8)
	it := &Iteration{}
	return func() {
		it.Pass++
		out = s.Step(0, Event{Kind: Begin, Iteration: it}, out[:0])
		for out[len(out)-1].Kind != Done {
			last := out[len(out)-1]
			if last.Kind == Wait {
				out = s.Step(last.At, Event{Kind: Woken, ID: last.ID}, out[:0])
				continue
			}
			if last.Kind != Send {
				t.Fatalf("an iteration stands still: %v", out)
			}
			out = s.Step(0, Event{Kind: Answered, ID: last.ID, Answer: a}, out[:0])
		}
	}
}

func BenchmarkHotPath(b *testing.B) {
	run := hotPath(b)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

// A get with a status check costs no allocation at all.
func TestHotPathAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(1000, hotPath(t)); n != 0 {
		t.Errorf("%v allocations for each iteration", n)
	}
}

// realisticPlan has templates, data, a JSON capture, checks, cookies and a pause.
func realisticPlan() *hyperscale.Plan {
	plan := planOf(
		get("home", "/", checking(status(200, 200))),
		get("list", "/products?page={{ rand 1 20 }}", capturing("id", hyperscale.CaptureJSON, "$.items[0].id"),
			capturing("name", hyperscale.CaptureJSON, "$.items[0].name")),
		pauseStep("pause", time.Second),
		post("order", "/cart", jsonText(`{"product": "{{ id }}", "user": "{{ users.name }}", "name": "{{ name }}"}`),
			headers("authorization", "Bearer {{ users.token }}"), checking(status(200, 201), bodyCheck(hyperscale.CheckContains, "ok"))),
		get("done", "/done/{{ id }}"),
	)
	plan.Data = []hyperscale.DataSet{{Name: "users", Pick: hyperscale.PickShared, Columns: []string{"name", "token"}, Rows: 2}}
	return plan
}

func realisticInputs() Inputs {
	return Inputs{Rows: map[string]Rows{"users": table{{"ann", "t1"}, {"bob", "t2"}}}}
}

func realisticAnswer() *Answer {
	return &Answer{
		Status: 200, End: time.Millisecond, SetsCookie: true,
		Head: []byte("Set-Cookie: sid=1234567890; Path=/; HttpOnly\r\nContent-Type: application/json\r\n"),
		Body: []byte(`{"state":"ok","items":[{"id":7712,"name":"shoes that are made for walking"},{"id":7713}]}`), BodySize: 93,
	}
}

// realistic gives a function that runs one iteration of that plan.
func realistic(t testing.TB) func() {
	p := compile(t, realisticPlan(), realisticInputs())
	s := &Session{}
	p.Init(s)
	return iterations(t, s, realisticAnswer())
}

func BenchmarkRealistic(b *testing.B) {
	run := realistic(b)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

// Once its rooms have their size an iteration with templates, captures, checks,
// data and cookies allocates nothing either.
func TestRealisticAllocatesNothing(t *testing.T) {
	run := realistic(t)
	for range 10 {
		run()
	}
	if n := testing.AllocsPerRun(1000, run); n != 0 {
		t.Errorf("%v allocations for each iteration", n)
	}
}

// TestMemory prints what a session holds in the middle of a realistic iteration,
// and fails far above it.
func TestMemory(t *testing.T) {
	const n = 1000
	p := compile(t, realisticPlan(), realisticInputs())
	sessions := make([]*Session, n)
	scratch := &Scratch{}
	before := heap()
	for i := range sessions {
		s := &Session{Scratch: scratch}
		p.Init(s)
		s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
		s.Step(0, Event{Kind: Answered, ID: 1, Answer: realisticAnswer()}, nil)
		s.Step(0, Event{Kind: Answered, ID: 2, Answer: realisticAnswer()}, nil)
		sessions[i] = s
	}
	each := (heap() - before) / n
	t.Logf("a session that pauses holds %d bytes, %d of them its own size", each, unsafe.Sizeof(Session{}))
	if len(sessions[0].flow.open) != 1 || each > 3<<10 {
		t.Errorf("%d bytes", each)
	}
	runtime.KeepAlive(sessions)
}

// heap is the size of what is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
