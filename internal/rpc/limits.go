package rpc

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The sizes that do not depend on configuration: both sides must agree on them.
const (
	MaxMessage   = 4 << 20  // bytes of one message on the wire
	MaxWhole     = 16 << 20 // bytes of what travels in pieces or chunks: a plan with its data, a brief, a result
	MaxChunk     = 1 << 20  // bytes of one piece or chunk
	MaxKey       = 256      // bytes of an idempotency key
	MaxName      = 1 << 10  // bytes of a name that a client gives, or of a tag
	MaxTags      = 64       // tags of one submission
	MaxReporters = 16       // of one submission
	MaxAddress   = 1 << 10  // bytes of a reporter

	MaxDatacenters = 64 // that a submission names
)

// wireLimit is gRPC's own limit, one step above ours, so that what is too large
// is refused in our words and not in its.
const wireLimit = MaxMessage + 64<<10

// overhead is what a message that carries MaxWhole bytes may have beside them.
const overhead = 64 << 10

// Limits is how much a server takes. Zero fields stand for the defaults.
type Limits struct {
	Connections   int           // at once, on one listener; 0: 10 000
	PerIdentity   int           // connections of one identity; 0: 64
	Handshakes    int           // TLS handshakes at once; 0: 64
	Calls         int           // calls that are shed by priority, at once; 0: 1 024
	Watches       int           // standing calls of watchers, at once; 0: 20 000
	Assembling    int64         // bytes of messages that are being put together; 0: 256 MiB
	Handshake     time.Duration // longest time for one; 0: 5 s
	Turnaway      time.Duration // how long a connection over the cap is kept to be told so; 0: 2 s
	Submit        Rate
	Cancel        Rate          // also adjust and drain
	Query         Rate          // watch, status, list, result, members
	RetryOverload time.Duration // told to those refused for want of room, spread by half; 0: 1 s
}

// Rate is so many calls in so much time of one client, who may also make them
// all at once. The zero value stands for the default.
type Rate struct {
	Calls int
	Per   time.Duration
}

// withDefaults fills in what was left at zero.
func (l Limits) withDefaults() Limits {
	orInt := func(n *int, or int) {
		if *n <= 0 {
			*n = or
		}
	}
	orRate := func(r *Rate, calls int) {
		orInt(&r.Calls, calls)
		r.Per = orTime(r.Per, 10*time.Second)
	}
	orInt(&l.Connections, 10_000)
	orInt(&l.PerIdentity, 64)
	orInt(&l.Handshakes, 64)
	orInt(&l.Calls, 1024)
	orInt(&l.Watches, 20_000)
	if l.Assembling <= 0 {
		l.Assembling = 256 << 20
	}
	l.Handshake = orTime(l.Handshake, 5*time.Second)
	l.Turnaway = orTime(l.Turnaway, 2*time.Second)
	l.RetryOverload = orTime(l.RetryOverload, time.Second)
	orRate(&l.Submit, 50)
	orRate(&l.Cancel, 20)
	orRate(&l.Query, 100)
	return l
}

// What to do about something too large.
const (
	remedyPlan    = "make the data sets smaller, or have the steps draw values instead of reading rows"
	remedyMessage = "send less at once"
)

// checkMessage holds a message to MaxMessage.
func checkMessage(m proto.Message) error {
	size := proto.Size(m)
	if size <= MaxMessage {
		return nil
	}
	return tooLarge(nameOf(m), largest(m), int64(size), MaxMessage, remedyMessage)
}

// checkWhole holds what travels in pieces to MaxWhole, and a little beside it.
func checkWhole(m proto.Message, size int) error {
	if size <= MaxWhole+overhead {
		return nil
	}
	return tooLarge(nameOf(m), largest(m), int64(size), MaxWhole+overhead, remedyPlan)
}

// nameOf is a message's name for people.
func nameOf(m proto.Message) string { return string(m.ProtoReflect().Descriptor().Name()) }

// largest is the path of the field that takes most room: of messages within,
// the field within that does.
func largest(m proto.Message) string {
	var path []string
	for m != nil {
		var most int
		var name string
		var inner proto.Message
		m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			size, within := roomOf(f, v)
			if size > most {
				most, name, inner = size, string(f.Name()), within
			}
			return true
		})
		if name != "" {
			path = append(path, name)
		}
		m = inner
	}
	return strings.Join(path, ".")
}

// roomOf is about how many bytes a field takes, and the message in it if there
// is one only.
func roomOf(f protoreflect.FieldDescriptor, v protoreflect.Value) (int, proto.Message) {
	one := func(v protoreflect.Value) int {
		switch f.Kind() {
		case protoreflect.BytesKind:
			return len(v.Bytes())
		case protoreflect.StringKind:
			return len(v.String())
		case protoreflect.MessageKind:
			return proto.Size(v.Message().Interface())
		}
		return 8
	}
	switch {
	case f.IsList():
		total := 0
		for i := range v.List().Len() {
			total += one(v.List().Get(i))
		}
		return total, nil
	case f.Kind() == protoreflect.MessageKind:
		return one(v), v.Message().Interface()
	}
	return one(v), nil
}
