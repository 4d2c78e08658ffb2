package process

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/engine"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
	"hyperscale/internal/spec"
	"hyperscale/internal/spec/pack"
)

// messages are one of each kind that an engine tells but windows.
var messages = map[kind]Message{
	tellPrepared: Prepared{"w: lowered"},
	tellRefused:  Refused{"why"},
	tellBeat:     Beat{time.Second, link.Reserve{Place: 5, Pass: 1}},
	tellAborted:  Aborted{"pay"},
	tellEnded:    Ended{link.Ending{Failed: true, Reason: "r", Exports: []hyperscale.Pair{{Name: "a", Value: "b"}}, NoRows: 2, Waived: 3, Stopped: 4}, true},
}

func TestMessagesComeBack(t *testing.T) {
	for k, m := range messages {
		frame := appendFrame(nil, k, pack.Append(nil, m))
		gotKind, body, err := readFrame(bytes.NewReader(frame))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readMessage(gotKind, body); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v became %+v, %v", m, got, err)
		}
	}
	s := Start{Number: 3, Begin: 1, At: 2, In: -3, Again: true, From: 4, Reserve: link.Reserve{Place: 1, Pass: 2}, Until: 5}
	if o, err := readOrder(sayStart, pack.Append(nil, s), time.Time{}); err != nil || o.start != s {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := readOrder(sayBeat, pack.Append(nil, beat{7}), time.Time{}); err != nil || o.until != 7 {
		t.Errorf("%+v, %v", o, err)
	}
	setup := Setup{Node: "w", Demo: "d", Autonomy: time.Second, Targets: []string{"a", "b"}}
	if got, brief, err := readBrief(appendBrief(setup, []byte("brief"))); err != nil || !reflect.DeepEqual(got, setup) || string(brief) != "brief" {
		t.Errorf("%+v, %q, %v", got, brief, err)
	}
}

func TestBadFrames(t *testing.T) {
	for name, b := range map[string]string{
		"cut short":                 "\x00\x00\x00\x05\x01\x01",
		"a message of 1 bytes":      "\x00\x00\x00\x01\x01\x01",
		"a message of 4294967295":   "\xff\xff\xff\xff\x01\x01",
		"a message of version 9, k": "\x00\x00\x00\x02\x09\x01",
		"unexpected EOF":            "\x00\x00",
	} {
		if _, _, err := readFrame(strings.NewReader(b)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := readFrame(strings.NewReader("")); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
}

// Neither side is hurt by what comes through its pipe.
func FuzzFrames(f *testing.F) {
	for k, m := range messages {
		f.Add(appendFrame(nil, k, pack.Append(nil, m)))
	}
	f.Add(appendFrame(nil, sayStart, pack.Append(nil, Start{Number: 1, Again: true})))
	f.Add(appendFrame(nil, sayBrief, appendBrief(Setup{Node: "w"}, []byte("brief"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, body, err := readFrame(bytes.NewReader(b))
		if err != nil {
			return
		}
		_, _ = readMessage(k, body)
		_, _ = readOrder(k, body, time.Time{})
		_, _, _ = readBrief(body)
	})
}

// A load is let go further before it gets to where it may, at any steady speed
// that a word of the agent each 100 ms can keep up with, and never so far that
// more than a few seconds of it would be lost.
func TestReserveRunsAhead(t *testing.T) {
	for _, speed := range []float64{1, 50, 1000, 30_000} { // iterations a second
		run := &spec.Run{Load: hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 1_000_000, VUs: 10}, Share: hyperscale.Whole}
		r := newReserve(0, run, engine.Reserve{}, false)
		granted, pending := r.asked.Place, r.asked.Place
		reach, waited := 0.0, 0
		for at := looking; at < time.Minute; at += looking {
			if at%(2*looking) == 0 {
				granted = pending
			}
			reach = min(reach+speed*looking.Seconds(), float64(granted), 1_000_000)
			if int64(reach) == granted && at > time.Second {
				waited++
			}
			if r.look(at, engine.Reserve{Place: int64(reach)}) {
				pending = r.asked.Place
			}
			places, _ := schedule.Ahead(run.Load, run.Share)
			if ahead := float64(r.asked.Place) - reach; ahead > float64(places)+3*speed {
				t.Fatalf("%v/s: %v places ahead", speed, ahead)
			}
		}
		if waited > 0 && reach < 1_000_000 {
			t.Errorf("%v/s: it waited %d times", speed, waited)
		}
	}
}

// The fastest load that a core makes is not held up as it begins, where what it asks
// for is granted as fast as an agent makes statements.
func TestReserveDoesNotHoldUpTheStart(t *testing.T) {
	const (
		speed = 90.0 // iterations in a millisecond
		apart = 20 * time.Millisecond
	)
	run := &spec.Run{Load: hyperscale.Load{Kind: hyperscale.LoadClosed, VUs: 64}, Share: hyperscale.Whole}
	r := newReserve(0, run, engine.Reserve{}, false)
	granted, grant := r.asked.Pass, apart // its first word was told as it began
	reach, waited := 0.0, time.Duration(0)
	look, wait := firstLook, firstLook
	for at := time.Millisecond; at < 3*time.Second; at += time.Millisecond {
		if at >= grant && granted != r.asked.Pass {
			granted, grant = r.asked.Pass, at+apart
		}
		reach += speed / float64(run.Load.VUs)
		if reach >= float64(granted) {
			reach = float64(granted)
			waited += time.Millisecond
		}
		if at == look {
			r.look(at, engine.Reserve{Pass: int64(reach)})
			wait = min(2*wait, looking)
			look += wait
		}
	}
	if waited > 0 {
		t.Errorf("it waited for %v", waited)
	}
}
