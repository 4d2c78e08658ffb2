package rpc

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hyperscale"
	"hyperscale/internal/link"
	pb "hyperscale/internal/rpc/hyperscalev1"
)

// entry is one kind of value that travels, with a sample that has no field at
// its zero value.
type entry struct {
	name   string
	sample any
	encode func(any) ([]byte, error)
	decode func([]byte) (any, error)
}

// pair makes an entry of a value's two functions.
func pair[T any, P proto.Message](name string, sample T, fresh func() P, wire func(T) (P, error), read func(P) (T, error)) entry {
	return entry{
		name: name, sample: sample,
		encode: func(v any) ([]byte, error) {
			m, err := wire(v.(T))
			if err != nil {
				return nil, err
			}
			return proto.MarshalOptions{Deterministic: true}.Marshal(m)
		},
		decode: func(b []byte) (any, error) {
			m := fresh()
			if err := proto.Unmarshal(b, m); err != nil {
				return nil, err
			}
			return read(m)
		},
	}
}

func ofKind[T any, P proto.Message](name string, k kind[T, P], samples ...T) []entry {
	var all []entry
	for _, sample := range samples {
		name := fmt.Sprintf("%s-%s", name, reflect.TypeOf(sample).Name())
		all = append(all, pair(name, sample, k.fresh, k.wire, k.read))
	}
	return all
}

func sure[A, B any](f func(A) B) func(A) (B, error) {
	return func(a A) (B, error) { return f(a), nil }
}

// filled gives a value of type T with no field at zero. What stands in a field
// depends on its name only, so that a field which is added changes no other.
func filled[T any]() T {
	var v T
	fill(reflect.ValueOf(&v).Elem(), "")
	return v
}

func fill(v reflect.Value, name string) {
	hash := fnv.New32a()
	hash.Write([]byte(name))
	number := int64(hash.Sum32()%250 + 1)
	switch at := v.Addr().Interface().(type) {
	case *hyperscale.Share:
		*at = hyperscale.Share{Lo: 1, Hi: 3, Of: 8, From: hyperscale.JobTime(number), Turn: 4}
		return
	case *time.Time:
		*at = time.Unix(1_700_000_000, number).UTC()
		return
	case *link.Up:
		*at = filled[link.Statement]()
		return
	case *link.Down:
		*at = nil
		return
	case *hyperscale.AdjustKind:
		*at = hyperscale.AdjustPause
		return
	case *hyperscale.Spread:
		*at = hyperscale.SpreadSplit
		return
	case *hyperscale.OnLoss:
		*at = hyperscale.LossAbort
		return
	case *CancelStatus:
		*at = AlreadyCompleted
		return
	case *link.State, *link.Do, *link.Level, *link.Priority:
		v.SetInt(2)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), fmt.Sprintf("%s[%d]", name, i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.String:
		v.SetString(fmt.Sprintf("text%d", number))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(number) + 0.5)
	case reflect.Uint8:
		v.SetUint(uint64(number))
	case reflect.Uint64:
		v.SetUint(uint64(number))
	case reflect.Int, reflect.Int64:
		v.SetInt(number)
	default:
		panic("no sample for " + v.Type().String())
	}
}

// catalogue has every kind of value that travels.
func catalogue() []entry {
	header := filled[Submission]()
	header.Spec = nil
	all := []entry{
		pair("header", header, func() *pb.SubmitHeader { return new(pb.SubmitHeader) },
			func(s Submission) (*pb.SubmitHeader, error) {
				h := wireHeader(s)
				h.Size = 7
				return h, nil
			},
			func(h *pb.SubmitHeader) (Submission, error) { s, _, err := readHeader(h); return s, err }),
		pair("accepted", filled[Accepted](), func() *pb.SubmitResponse { return new(pb.SubmitResponse) }, sure(wireAccepted), sure(readAccepted)),
		pair("status", filled[Status](), func() *pb.JobStatus { return new(pb.JobStatus) }, sure(wireStatus), sure(readStatus)),
		pair("cancelled", filled[CancelStatus](), func() *pb.CancelResponse { return new(pb.CancelResponse) }, sure(wireCancelStatus), readCancelStatus),
		pair("adjustment", filled[hyperscale.Adjustment](), func() *pb.Adjustment { return new(pb.Adjustment) }, sure(wireAdjustment), readAdjustment),
		pair("invitation", filled[Invitation](), func() *pb.InviteRequest { return new(pb.InviteRequest) }, sure(wireInvitation), sure(readInvitation)),
		pair("member", filled[Member](), func() *pb.Member { return new(pb.Member) }, sure(wireMember), sure(readMember)),
	}
	all = append(all, ofKind("up", upKind(), []link.Up{filled[link.Statement](), filled[link.Fenced]()}...)...)
	all = append(all, ofKind("down", downKind(), []link.Down{filled[link.Word](), filled[link.Order]()}...)...)
	all = append(all, ofKind("up", deliveryKind(), filled[link.Delivery]())...)
	all = append(all, ofKind("down", receiptKind(), filled[link.Receipt]())...)
	all = append(all, ofKind("ask", talkRequestKind(), sayings()...)...)
	all = append(all, ofKind("answer", talkResponseKind(), sayings()...)...)
	for i, relay := range relays() {
		entry := ofKind("relay", talkRequestKind(), relay)[0]
		entry.name = fmt.Sprintf("relay%d", i)
		all = append(all, entry)
	}
	updates := []Update{filled[Happened](), filled[Live](), filled[Window](), filled[Snapshot]()}
	all = append(all, ofKind("watch", watchKind(), updates...)...)
	return append(all, ofKind("forward", forwardKind(), updates...)...)
}

func sayings() []link.Said {
	return []link.Said{
		filled[link.Hello](), filled[link.Wants](), filled[link.Grants](), filled[link.Hear](),
		filled[link.Heard](), filled[link.Offer](), filled[link.Taken](), filled[link.Relay](), filled[link.Capacity](),
	}
}

func relays() []link.Said {
	worker := filled[link.Holder]()
	return []link.Said{
		link.Relay{Worker: worker, Up: filled[link.Fenced]()},
		link.Relay{Worker: worker, Up: filled[link.Delivery]()},
		link.Relay{Worker: worker, Down: filled[link.Word]()},
		link.Relay{Worker: worker, Down: filled[link.Order]()},
		link.Relay{Worker: worker, Down: filled[link.Receipt]()},
	}
}

// A field that was added to a value and forgotten on the wire comes back empty.
func TestEveryFieldTravels(t *testing.T) {
	for _, e := range catalogue() {
		encoded, err := e.encode(e.sample)
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		back, err := e.decode(encoded)
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		if !reflect.DeepEqual(back, e.sample) {
			t.Errorf("%s came back as\n%+v\nsent was\n%+v", e.name, back, e.sample)
		}
	}
}

// The zero values travel too.
func TestEmptyValuesTravel(t *testing.T) {
	for _, e := range catalogue() {
		empty := reflect.Zero(reflect.TypeOf(e.sample)).Interface()
		switch empty.(type) {
		case Submission, hyperscale.Adjustment, CancelStatus, link.Relay:
			continue // refused when empty
		}
		encoded, err := e.encode(empty)
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		back, err := e.decode(encoded)
		if err != nil || !reflect.DeepEqual(back, empty) {
			t.Errorf("%s came back as %+v, %v", e.name, back, err)
		}
	}
}

func TestWhatIsNotSafeToUseIsRefused(t *testing.T) {
	share := func(lo, hi, of int64) *pb.Hold { return &pb.Hold{Share: &pb.Share{Lo: lo, Hi: hi, Of: of, Turn: 1}} }
	tables := []struct {
		name string
		read func() error
		want Kind
	}{
		{"a share of nothing", func() error { _, err := readHold(share(0, 0, 0)); return err }, Invalid},
		{"a share outside the whole", func() error { _, err := readHold(share(3, 9, 8)); return err }, Invalid},
		{"a delivery for no share", func() error { _, err := readDelivery(&pb.Delivery{Hold: share(2, 1, 8)}); return err }, Invalid},
		{"an order of a newer program", func() error { _, err := readOrder(&pb.Order{Do: 99}); return err }, Unsupported},
		{"an order that says nothing", func() error { _, err := readOrder(&pb.Order{}); return err }, Unsupported},
		{"a state of a newer program", func() error { _, err := readHeld(&pb.Held{State: 99}); return err }, Unsupported},
		{"an empty message up", func() error { _, err := readUp(&pb.AttachRequest{}); return err }, Unsupported},
		{"an empty message down", func() error { _, err := readDown(&pb.AttachResponse{}); return err }, Unsupported},
		{"an empty saying", func() error { _, err := readSaid(&pb.Saying{}); return err }, Unsupported},
		{"an empty relay", func() error { _, err := readRelay(&pb.Relay{}); return err }, Unsupported},
		{"an empty update", func() error { _, err := readUpdate(&pb.Update{}); return err }, Unsupported},
		{"an unknown adjustment", func() error { _, err := readAdjustment(&pb.Adjustment{Kind: 77}); return err }, Unsupported},
	}
	for _, tt := range tables {
		if err := tt.read(); KindOf(err) != tt.want {
			t.Errorf("%s: %v, want kind %s", tt.name, err, tt.want)
		}
	}
	if got := readLevel(99); got != link.Reject {
		t.Errorf("an unknown level is taken for %d, want the strictest", got)
	}
}
