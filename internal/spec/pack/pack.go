// Package pack turns plain values (structs of numbers, texts, lists and
// pointers) into bytes and back. The same value always gives the same bytes, and
// of all bytes only these decode into it, so that a digest of the bytes is a
// digest of the value.
//
// Fields travel under their names, and those that are empty do not travel at
// all. So bytes of an older version decode as they were meant, with newer fields
// empty; bytes of a newer version are refused where they use what is not known
// here, in place of being half understood.
//
//	value   bool: 0 or 1 · int: zigzag varint · uint: varint · float: 8 bytes
//	        string, []byte: length, bytes · list: length, values · pointer: value
//	struct: (name, value) of each field that is not empty, in order; then 0
//	name    1, length, text when it is met first; afterwards its number from 2 on
package pack

import (
	"encoding/binary"
	"math"
	"reflect"

	"hyperscale/internal/spec/scan"
)

// Append appends the value, a struct, to b. A type that has anything but
// exported fields of the kinds above is a fault of the program and panics.
func Append(b []byte, v any) []byte {
	w := &writer{b: b, names: map[string]uint64{}}
	w.value(reflect.ValueOf(v))
	return w.b
}

// writer appends values.
type writer struct {
	b     []byte
	names map[string]uint64
}

// value appends v.
func (w *writer) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		w.uint(truth(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.b = binary.AppendVarint(w.b, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		w.uint(v.Uint())
	case reflect.Float64:
		w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v.Float()))
	case reflect.String:
		w.uint(uint64(v.Len()))
		w.b = append(w.b, v.String()...)
	case reflect.Slice:
		w.list(v)
	case reflect.Pointer:
		w.value(v.Elem())
	case reflect.Struct:
		w.fields(v)
	default:
		panic("pack: a value of type " + v.Type().String())
	}
}

// list appends a slice.
func (w *writer) list(v reflect.Value) {
	w.uint(uint64(v.Len()))
	if v.Type().Elem().Kind() == reflect.Uint8 {
		w.b = append(w.b, v.Bytes()...)
		return
	}
	for i := range v.Len() {
		w.value(v.Index(i))
	}
}

// fields appends the fields of a struct.
func (w *writer) fields(v reflect.Value) {
	for i := range v.NumField() {
		if f := v.Field(i); !empty(f) {
			w.name(v.Type().Field(i).Name)
			w.value(f)
		}
	}
	w.uint(0)
}

// name appends the name of a field.
func (w *writer) name(name string) {
	if n, known := w.names[name]; known {
		w.uint(n)
		return
	}
	w.names[name] = uint64(len(w.names)) + firstName
	w.uint(newName)
	w.uint(uint64(len(name)))
	w.b = append(w.b, name...)
}

func (w *writer) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

// What stands where a name is expected.
const (
	endOfFields = iota
	newName
	firstName // and from here on the names in the order in which they were met
)

// truth is a truth value as a number.
func truth(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

// empty reports whether a field does not travel. A pointer to something empty
// does: it is not nil.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() == 0
	case reflect.Struct:
		for i := range v.NumField() {
			if !empty(v.Field(i)) {
				return false
			}
		}
		return true
	}
	return v.IsZero()
}

// Decode reads what Append wrote, all of b, into the struct that to points to,
// which is empty. Bytes may come from anywhere: what is nothing that Append
// wrote is an error. Texts and lists take no more than memory bytes.
func Decode(b []byte, to any, memory int64) error {
	r := &reader{Reader: scan.New(b), memory: memory}
	r.value(reflect.ValueOf(to).Elem(), 0)
	return r.End()
}

// deepest is how deep structs may hold structs: more than any plan's steps.
const deepest = 256

// reader takes values from bytes.
type reader struct {
	scan.Reader
	memory int64 // that may still be made
	names  []string
}

// value takes a value into v, which is empty.
func (r *reader) value(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Bool:
		n := r.Uint()
		if n > 1 {
			r.Fail("truth value %d", n)
		}
		v.SetBool(n == 1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		r.int(v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := r.Uint()
		if v.OverflowUint(n) {
			r.Fail("%d is too large", n)
			return
		}
		v.SetUint(n)
	case reflect.Float64:
		if b := r.Take(8); b != nil {
			v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case reflect.String:
		v.SetString(string(r.bytes()))
	case reflect.Slice:
		r.list(v, depth)
	case reflect.Pointer:
		if r.spend(v.Type().Elem(), 1) {
			v.Set(reflect.New(v.Type().Elem()))
			r.value(v.Elem(), depth)
		}
	case reflect.Struct:
		r.fields(v, depth+1)
	default:
		panic("pack: a value of type " + v.Type().String())
	}
}

// int takes a signed number.
func (r *reader) int(v reflect.Value) {
	u := r.Uint()
	n := int64(u >> 1)
	if u&1 != 0 {
		n = ^n
	}
	if v.OverflowInt(n) {
		r.Fail("%d is too large", n)
		return
	}
	v.SetInt(n)
}

// list takes a slice.
func (r *reader) list(v reflect.Value, depth int) {
	elem := v.Type().Elem()
	if elem.Kind() == reflect.Uint8 {
		if b := r.bytes(); len(b) > 0 {
			v.SetBytes(append([]byte(nil), b...))
		}
		return
	}
	n := r.Uint()
	if n > uint64(len(r.Rest())) {
		r.Fail("list of %d, %d bytes are left", n, len(r.Rest()))
		return
	}
	if n == 0 || !r.spend(elem, int64(n)) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	for i := range int(n) {
		if r.Err() != nil {
			return
		}
		r.value(v.Index(i), depth)
	}
}

// fields takes the fields of a struct.
func (r *reader) fields(v reflect.Value, depth int) {
	if depth > deepest {
		r.Fail("more than %d levels", deepest)
		return
	}
	next := 0 // fields travel in order
	for {
		name, more := r.name()
		if !more {
			return
		}
		i := next
		for i < v.NumField() && v.Type().Field(i).Name != name {
			i++
		}
		if i == v.NumField() {
			r.Fail("%s has no field %q here: it comes from a newer version", v.Type().Name(), name)
			return
		}
		r.value(v.Field(i), depth)
		if r.Err() == nil && empty(v.Field(i)) {
			r.Fail("field %s is empty", name)
			return
		}
		next = i + 1
	}
}

// name takes the name of a field; false: there is none more.
func (r *reader) name() (string, bool) {
	switch n := r.Uint(); {
	case r.Err() != nil || n == endOfFields:
		return "", false
	case n == newName:
		name := string(r.bytes())
		for _, known := range r.names {
			if known == name {
				r.Fail("name %q twice", name)
			}
		}
		if len(name) > longestName || len(r.names) == mostNames {
			r.Fail("more names than there are")
		}
		r.names = append(r.names, name)
		return name, r.Err() == nil
	case n-firstName < uint64(len(r.names)):
		return r.names[n-firstName], true
	default:
		r.Fail("name number %d of %d", n, len(r.names))
		return "", false
	}
}

// Bounds of the names of fields.
const (
	longestName = 100
	mostNames   = 1000
)

// bytes takes a length and so many bytes.
func (r *reader) bytes() []byte {
	b := r.Bytes()
	if r.memory -= int64(len(b)); r.memory < 0 {
		r.Fail("it takes too much memory")
		return nil
	}
	return b
}

// spend takes the memory of n values off what may be made.
func (r *reader) spend(t reflect.Type, n int64) bool {
	size := max(int64(t.Size()), 1)
	if n > r.memory/size {
		r.Fail("it takes too much memory")
		return false
	}
	r.memory -= n * size
	return true
}
