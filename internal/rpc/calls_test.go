package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc/identity"
)

func TestJobs(t *testing.T) {
	var got Submission
	var who Caller
	n := &node{submit: func(c Caller, s Submission) (Accepted, error) {
		who, got = c, s
		return Accepted{Job: "7", Owner: "m1", Address: "here", Epoch: 1, Again: true}, nil
	}}
	client, ctx := serve(t, n, Limits{}).call(t, identity.Client), soon(t)

	sent := Submission{
		Key: "k", Name: "shop", Spec: bytes.Repeat([]byte("plan"), MaxChunk), // four chunks
		Options: Options{Priority: link.PriorityHigh, Exclusive: true, Cores: 8, Deadline: time.Hour, Tags: []hyperscale.Pair{{Name: "a", Value: "b"}}},
	}
	accepted, err := client.Submit(ctx, sent)
	if want := (Accepted{"7", "m1", "here", 1, true}); err != nil || accepted != want {
		t.Fatalf("submit: %+v, %v", accepted, err)
	}
	if !reflect.DeepEqual(got, sent) {
		t.Errorf("submitted was\n%.200v\narrived\n%.200v", sent, got)
	}
	if who.ID != as(identity.Client) || who.Proved || who.Address == "" || !reflect.DeepEqual(who.Features, Features()) {
		t.Errorf("the caller is %+v", who)
	}

	if status, err := client.Get(ctx, "7"); err != nil || status.Phase != hyperscale.Running {
		t.Errorf("get: %+v, %v", status, err)
	}
	if list, err := client.List(ctx, Query{Active: true, Limit: 4}); err != nil || len(list) != 1 || list[0].Name != "true 4" {
		t.Errorf("list: %+v, %v", list, err)
	}
	if status, err := client.Cancel(ctx, Cancellation{Job: "7"}); err != nil || status != PendingCancelled {
		t.Errorf("cancel: %v, %v", status, err)
	}
	change := hyperscale.Adjustment{Workflow: "w", Do: hyperscale.AdjustVUs, VUs: 9}
	done, err := client.Adjust(ctx, "7", "k", change)
	if change.Number, change.At = 3, 5*time.Second; err != nil || done != change {
		t.Errorf("adjust: %+v, %v", done, err)
	}
	if _, err := client.Adjust(ctx, "7", "", change); KindOf(err) != Invalid {
		t.Errorf("adjusting without a key: %v", err)
	}
	var updates []Update
	err = client.Watch(ctx, "7", 41, func(u Update) error { updates = append(updates, u); return nil })
	if want := []Update{Snapshot{Status: Status{Job: "7"}}, Happened{hyperscale.Event{Seq: 42}}}; err != nil || !reflect.DeepEqual(updates, want) {
		t.Errorf("watch: %+v, %v", updates, err)
	}
}

func TestCluster(t *testing.T) {
	client, ctx := serve(t, &node{}, Limits{}).call(t, identity.Client), soon(t)
	if members, err := client.Members(ctx); err != nil || len(members) != 1 || !members[0].StoreLeader {
		t.Errorf("members: %+v, %v", members, err)
	}
	if err := client.Drain(ctx, "w9"); !errors.Is(err, NotFound) || !strings.Contains(err.Error(), "there is no node w9") {
		t.Errorf("drain: %v", err)
	}
}

func TestPeers(t *testing.T) {
	peer, ctx := serve(t, &node{}, Limits{}).call(t, identity.Manager).Peer(), soon(t)
	talk, err := peer.Talk(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range append(sayings(), relays()...) {
		if err := talk.Send(said); err != nil {
			t.Fatal(err)
		}
		if back, err := talk.Recv(); err != nil || !reflect.DeepEqual(back, said) {
			t.Errorf("said was %+v, heard %+v, %v", said, back, err)
		}
	}
	if err := talk.CloseSend(); err != nil {
		t.Error(err)
	}
	if _, err := talk.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the conversation ended with %v", err)
	}
	if members, err := peer.Invite(ctx, Invitation{Name: as(identity.Manager).Node, URL: "http://x:1"}); err != nil || len(members) != 2 || members[1].Value != "http://x:1" {
		t.Errorf("invited: %v, %v", members, err)
	}
	if _, err := peer.Invite(ctx, Invitation{Name: "m9", URL: "http://x:1"}); KindOf(err) != Unauthorized {
		t.Errorf("a manager lets another in: %v", err)
	}
	if taken, err := peer.Offer(ctx, link.Offer{Job: "7", Epoch: 3}); err != nil || taken.Epoch != 4 {
		t.Errorf("offer: %+v, %v", taken, err)
	}
	if said, err := peer.Post(ctx, link.Post{Job: "7", To: "events=http://h", ID: "7/events/1", Body: []byte("{}")}); err != nil || said != "7 events=http://h 7/events/1 {}" {
		t.Errorf("post: %q, %v", said, err)
	}
	err = peer.Forward(ctx, "7", func(u Update) error {
		if !reflect.DeepEqual(u, Live{[]byte("7")}) {
			t.Errorf("forwarded: %+v", u)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLinks(t *testing.T) {
	worker := serve(t, &node{}, Limits{}).call(t, identity.Worker)
	ctx, stop := context.WithCancel(soon(t))
	attach, err := worker.Attach(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(3) {
		if err := attach.Send(link.Statement{Node: "w1", Seq: seq}); err != nil {
			t.Fatal(err)
		}
		down, err := attach.Recv()
		if word, ok := down.(link.Word); err != nil || !ok || word.Seq != seq {
			t.Fatalf("beat %d: %+v, %v", seq, down, err)
		}
	}
	stop()
	if _, err := attach.Recv(); KindOf(err) != Cancelled {
		t.Errorf("after the caller gave up: %v", err)
	}
}

// What is too large for one message arrives whole, to the byte.
func TestLargeMessagesTravelInPieces(t *testing.T) {
	worker, ctx := serve(t, &node{}, Limits{}).call(t, identity.Worker), soon(t)
	deliver, err := worker.Deliver(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, MaxChunk - 1, MaxChunk, MaxChunk + 1, 5*MaxChunk + 7, MaxWhole} {
		if err := deliver.Send(link.Delivery{Window: make([]byte, size)}); err != nil {
			t.Fatal(err)
		}
		receipt, err := deliver.Recv()
		if err != nil || receipt.Seq != uint64(size) {
			t.Fatalf("of %d bytes arrived %d, %v", size, receipt.Seq, err)
		}
	}
	err = deliver.Send(link.Delivery{Window: make([]byte, MaxWhole+overhead)})
	if KindOf(err) != TooLarge {
		t.Errorf("one above the limit: %v", err)
	}
}

// A beat is not held up by an order of 16 MiB: it may overtake it.
func TestSmallMessagesOvertakeLargeOnes(t *testing.T) {
	brief := bytes.Repeat([]byte{1, 2, 3}, MaxWhole/3)
	n := &node{attach: func(ctx context.Context, _ Caller, s AttachStream) error {
		sent := make(chan error)
		go func() { sent <- s.Send(link.Order{Do: link.Prepare, Brief: brief}) }()
		for seq := range uint64(50) {
			if err := s.Send(link.Word{Seq: seq + 1}); err != nil {
				return errors.Join(err, <-sent)
			}
		}
		return <-sent
	}}
	attach, err := serve(t, n, Limits{}).call(t, identity.Worker).Attach(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	orders := 0
	for {
		down, err := attach.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch down := down.(type) {
		case link.Word:
			if down.Seq != last+1 {
				t.Fatalf("word %d came after %d", down.Seq, last)
			}
			last = down.Seq
		case link.Order:
			if orders++; !bytes.Equal(down.Brief, brief) {
				t.Error("the brief changed on its way")
			}
		}
	}
	if last != 50 || orders != 1 {
		t.Errorf("%d words and %d orders arrived", last, orders)
	}
}

func TestResults(t *testing.T) {
	for _, size := range []int{0, 1, MaxChunk, MaxChunk + 1, MaxWhole} {
		n := &node{result: make([]byte, size)}
		got, err := serve(t, n, Limits{}).call(t, identity.Client).Result(soon(t), "7")
		if err != nil || len(got) != size {
			t.Errorf("of %d bytes arrived %d, %v", size, len(got), err)
		}
	}
	n := &node{result: make([]byte, MaxWhole+1)}
	if _, err := serve(t, n, Limits{}).call(t, identity.Client).Result(soon(t), "7"); KindOf(err) != TooLarge {
		t.Errorf("a result above the limit: %v", err)
	}
}

// Standing calls end when the node leaves, also of handlers that only read; the
// others are answered.
func TestLeaving(t *testing.T) {
	r := serve(t, &node{}, Limits{})
	attach, err := r.call(t, identity.Worker).Attach(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := attach.Send(link.Statement{Seq: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := attach.Recv(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > leaveTime {
		t.Errorf("leaving took %s", took)
	}
	if _, err := attach.Recv(); KindOf(err) != Unavailable {
		t.Errorf("the child heard: %v", err)
	}
}
