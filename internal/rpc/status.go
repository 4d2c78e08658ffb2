package rpc

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"hyperscale"
)

// domain stands in the details of every error, beside its reason.
const domain = "hyperscale"

// codeOf has the gRPC code of each kind, for callers that know no details.
var codeOf = map[Kind]codes.Code{
	Invalid:         codes.InvalidArgument,
	NotFound:        codes.NotFound,
	NotOwner:        codes.FailedPrecondition,
	Fenced:          codes.Aborted,
	Conflict:        codes.FailedPrecondition,
	TooLarge:        codes.InvalidArgument,
	Overloaded:      codes.ResourceExhausted,
	RateLimited:     codes.ResourceExhausted,
	WrongCluster:    codes.FailedPrecondition,
	WrongVersion:    codes.FailedPrecondition,
	Unauthenticated: codes.Unauthenticated,
	Unauthorized:    codes.PermissionDenied,
	Unavailable:     codes.Unavailable,
	Unsupported:     codes.Unimplemented,
	Cancelled:       codes.Canceled,
	OutOfTime:       codes.DeadlineExceeded,
	Internal:        codes.Internal,
}

// kindOf has the kind of each code that comes without details: from gRPC itself,
// or from something between.
var kindOf = map[codes.Code]Kind{
	codes.InvalidArgument:    Invalid,
	codes.NotFound:           NotFound,
	codes.FailedPrecondition: Conflict,
	codes.Aborted:            Unavailable,
	codes.ResourceExhausted:  Overloaded,
	codes.Unauthenticated:    Unauthenticated,
	codes.PermissionDenied:   Unauthorized,
	codes.Unavailable:        Unavailable,
	codes.Unimplemented:      Unsupported,
	codes.Canceled:           Cancelled,
	codes.DeadlineExceeded:   OutOfTime,
}

// toStatus is the one way from our errors to those of gRPC.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	e := asError(err)
	s := status.New(codeOf[e.Kind], e.Text)
	if s.Code() == codes.OK {
		s = status.New(codes.Internal, e.Error())
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: string(e.Kind), Domain: domain, Metadata: metadataOf(e)}}
	if e.Retry > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.Retry)})
	}
	if len(e.Faults) > 0 {
		bad := &errdetails.BadRequest{}
		for _, f := range e.Faults {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: valid(f.Field), Description: valid(f.Text)})
		}
		details = append(details, bad)
	}
	with, failed := s.WithDetails(details...)
	if failed != nil {
		return s.Err()
	}
	return with.Err()
}

// asError finds the Error in err, keeping the words that were put around it, or
// makes one.
func asError(err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Kind: KindOf(err), Text: valid(err.Error())}
	}
	whole := *e
	whole.Text = valid(strings.Replace(err.Error(), e.Error(), e.Text, 1))
	return &whole
}

// metadataOf holds the rest of an error's fields by name.
func metadataOf(e *Error) map[string]string {
	m := make(map[string]string)
	put := func(name, value string) {
		if value != "" && value != "0" {
			m[name] = valid(value)
		}
	}
	put("owner", string(e.Owner))
	put("address", e.Address)
	put("epoch", strconv.FormatUint(uint64(e.Epoch), 10))
	put("size", strconv.FormatInt(e.Size, 10))
	put("limit", strconv.FormatInt(e.Limit, 10))
	put("field", e.Field)
	if e.Undone {
		put("undone", "yes")
	}
	return m
}

// fromStatus is the way back. Errors that did not come over the wire stay as
// they are.
func fromStatus(err error) error {
	if err == nil {
		return nil
	}
	var ours *Error
	s, ok := status.FromError(err)
	if !ok || errors.As(err, &ours) {
		return err
	}
	e := &Error{Kind: Internal, Text: s.Message()}
	if kind, known := kindOf[s.Code()]; known {
		e.Kind = kind
	}
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.Domain == domain {
				e.fill(d)
			}
		case *errdetails.RetryInfo:
			e.Retry = max(d.RetryDelay.AsDuration(), 0)
		case *errdetails.BadRequest:
			for _, v := range d.FieldViolations {
				e.Faults = append(e.Faults, Fault{v.Field, v.Description})
			}
		}
	}
	return e
}

// fill takes what ErrorInfo holds. A kind that a newer node has made up stays
// with what its code says.
func (e *Error) fill(d *errdetails.ErrorInfo) {
	if _, known := codeOf[Kind(d.Reason)]; known {
		e.Kind = Kind(d.Reason)
	}
	number := func(name string) uint64 {
		n, err := strconv.ParseUint(d.Metadata[name], 10, 63)
		if err != nil {
			return 0
		}
		return n
	}
	e.Owner, e.Address = hyperscale.NodeID(d.Metadata["owner"]), d.Metadata["address"]
	e.Epoch = hyperscale.Epoch(number("epoch"))
	e.Undone = d.Metadata["undone"] != ""
	e.Size, e.Limit, e.Field = int64(number("size")), int64(number("limit")), d.Metadata["field"]
}

// withRetry puts a delay on a refusal, spread by up to half so that those who
// were refused together do not come back together.
func withRetry(e *Error, after time.Duration, spread float64) *Error {
	e.Retry = after + time.Duration(spread*float64(after)/2)
	return e
}
