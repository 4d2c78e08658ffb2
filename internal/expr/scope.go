package expr

import "time"

// A Ref is a resolved name: an index that the resolver chose and that its
// scopes understand. Its sign and order mean nothing here.
type Ref int32

// A Scope answers for names while something is evaluated. It belongs to one
// virtual user and is called by one goroutine at a time. No method may keep dst.
type Scope interface {
	// Append appends the text of ref's value to dst. When there is no value it
	// returns dst as it came and false.
	Append(dst []byte, ref Ref) (out []byte, ok bool)
	// Draw gives 64 uniform bits for a site. An evaluation asks at most once
	// for each of its sites. A scope in which a site is evaluated several times
	// (a repeated group) counts the evaluations itself if they should differ.
	Draw(site uint32) uint64
	// Now is the wall clock.
	Now() time.Time
	// VU is the number of the virtual user.
	VU() int64
	// Iteration is the number of the iteration, from 0.
	Iteration() int64
}

// A JSONScope is a Scope that also knows the JSON of its values. With it
// {{ json x }} and a json string that is exactly one template keep the type of
// a captured value; with a plain Scope they are JSON strings.
type JSONScope interface {
	Scope
	// AppendJSON appends ref's value as one JSON value: what was captured from
	// JSON as it stood there, any other text as a JSON string. When there is no
	// value it returns dst as it came and false.
	AppendJSON(dst []byte, ref Ref) (out []byte, ok bool)
}

// A Resolver gives meaning to the names of one workflow when a template or
// condition is bound.
type Resolver interface {
	// Resolve turns a name (id, users.name, env.X) into a Ref, or into constant
	// text when its value is known before the start. An unknown name is an
	// error that says so and what may have been meant; a known one without a
	// value is an error that wraps ErrUnset.
	Resolve(name string) (ref Ref, constant *string, err error)
	// Site allots the next draw site. Sites are allotted in the order of the
	// text, so the same plan always has the same ones.
	Site() uint32
}

// A NameRef is one use of a name in a text.
type NameRef struct {
	Name    string
	Offset  int  // byte offset of the name in the text
	Default bool // whether the use does without a value: it has a default, or is a condition's own name
}
