package rpc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// errorSamples has one error of every kind, with all that the kind can say.
func errorSamples() []*Error {
	return []*Error{
		{Kind: Invalid, Text: "a bad call", Faults: []Fault{{"options.cores", "-1 is below zero"}, {"key", "it is empty"}}},
		{Kind: NotFound, Text: "there is no job 7"},
		{Kind: NotOwner, Text: "m2 owns the job", Owner: "m2", Address: "127.0.0.1:7400", Epoch: 4},
		{Kind: Fenced, Text: "epoch 3 is over", Epoch: 5},
		{Kind: Conflict, Text: "the workflow has not started"},
		{Kind: TooLarge, Text: "too much", Size: 17 << 20, Limit: 16 << 20, Field: "spec"},
		{Kind: Unavailable, Text: "takes no jobs", Undone: true},
		{Kind: Overloaded, Text: "no room", Retry: 1500 * time.Millisecond},
		{Kind: RateLimited, Text: "too often", Retry: 200 * time.Millisecond},
		{Kind: WrongCluster, Text: "not ours"},
		{Kind: WrongVersion, Text: "too old"},
		{Kind: Unauthenticated, Text: "who are you"},
		{Kind: Unauthorized, Text: "not you"},
		{Kind: Unavailable, Text: "retry with the same key"},
		{Kind: Unsupported, Text: "can't"},
		{Kind: Cancelled, Text: "given up"},
		{Kind: OutOfTime, Text: "too late"},
		{Kind: Internal, Text: "our fault"},
	}
}

func TestErrorsAreTheSameOnBothSides(t *testing.T) {
	seen := make(map[Kind]bool)
	for _, e := range errorSamples() {
		seen[e.Kind] = true
		back := fromStatus(toStatus(e))
		if !reflect.DeepEqual(back, error(e)) {
			t.Errorf("%s came back as %+v", e.Kind, back)
		}
		if !errors.Is(back, e.Kind) || KindOf(back) != e.Kind {
			t.Errorf("%v is not known as %s", back, e.Kind)
		}
	}
	for kind := range codeOf {
		if !seen[kind] {
			t.Errorf("no sample of kind %s", kind)
		}
	}
}

// detailsOf is the Error in err, or an empty one.
func detailsOf(err error) *Error {
	e := new(Error)
	if !errors.As(err, &e) {
		return new(Error)
	}
	return e
}

func TestErrorsOfOthers(t *testing.T) {
	tables := []struct {
		err  error
		want Kind
	}{
		{context.Canceled, Cancelled},
		{fmt.Errorf("waiting: %w", context.DeadlineExceeded), OutOfTime},
		{errors.New("disk on fire \xff"), Internal},
		{NotFound, NotFound},
		{fmt.Errorf("job 7: %w", NotFound), NotFound},
		{fmt.Errorf("asked by the peer: %w", &Error{Kind: NotOwner, Owner: "m3"}), NotOwner},
	}
	for _, tt := range tables {
		back := fromStatus(toStatus(tt.err))
		if KindOf(back) != tt.want {
			t.Errorf("%v became %v", tt.err, back)
		}
	}
	back := detailsOf(fromStatus(toStatus(tables[5].err)))
	if back.Owner != "m3" || back.Error() != "not owner: asked by the peer: " {
		t.Errorf("the words around an error or its fields were lost: %+v", back)
	}
	if fromStatus(nil) != nil || toStatus(nil) != nil {
		t.Error("no error became one")
	}
}

func TestErrorsWithoutDetails(t *testing.T) {
	for code := codes.Code(1); code <= 16; code++ {
		back := fromStatus(status.Error(code, "from something between"))
		if detailsOf(back).Kind == "" {
			t.Errorf("%s became %T", code, back)
		}
	}
	if got := KindOf(fromStatus(status.Error(codes.Unavailable, "gone"))); got != Unavailable {
		t.Errorf("unavailable became %s", got)
	}
}

func statusBytes(e *Error) ([]byte, bool) {
	s, _ := status.FromError(toStatus(e))
	b, err := proto.Marshal(s.Proto())
	return b, err == nil
}

func statusFrom(b []byte) (error, error) {
	var s spb.Status
	if err := proto.Unmarshal(b, &s); err != nil {
		return nil, err
	}
	return status.ErrorProto(&s), nil
}
