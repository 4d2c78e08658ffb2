package yamlfile

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/expr"
)

// Decoder decodes a tree into file types and collects the faults.
//
// A file type is a struct. Each field with a yaml tag is a key; an embedded
// struct adds its keys to those of the struct around it. A field is one of
//
//   - a [Custom] type, which decodes itself,
//   - a [Value], for what is written as one scalar,
//   - a [Map], whose keys the user chooses,
//   - a pointer to a struct, nil when the key is absent,
//   - a slice of any of these, nil when the key is absent.
//
// The tag yaml:"key,required" makes the absence of a key a fault.
type Decoder struct {
	Faults Faults

	shapes map[reflect.Type]*shape // of the file types met so far
}

// shape is what decoding needs to know of a file type.
type shape struct {
	fields []field
	byKey  map[string]int // index in fields
	keys   []string
	place  []int // index of the embedded Place; nil: none
}

// shape is that of a file type.
func (d *Decoder) shape(t reflect.Type) *shape {
	if s, ok := d.shapes[t]; ok {
		return s
	}
	s := &shape{fields: fieldsOf(t), byKey: map[string]int{}}
	for i, f := range s.fields {
		s.byKey[f.key] = i
		s.keys = append(s.keys, f.key)
	}
	for _, f := range reflect.VisibleFields(t) {
		if f.Type == placeType {
			s.place = f.Index
		}
	}
	if d.shapes == nil {
		d.shapes = map[reflect.Type]*shape{}
	}
	d.shapes[t] = s
	return s
}

// Custom is implemented by pointers to types that decode themselves.
type Custom interface {
	// DecodeYAML takes the value from a node that is not nothing.
	DecodeYAML(d *Decoder, n *Node)
	// DescribeYAML gives the schema of what it takes.
	DescribeYAML(s *Schemer) Schema
}

// Nullable is a Custom for which null is a value.
type Nullable interface {
	Custom
	TakesNull()
}

// Value is a scalar of a file with its place. V is text, int64, bool, or a type
// whose pointer is Custom.
type Value[T any] struct {
	V    T
	Set  bool  // the value was given, in the file or otherwise
	Node *Node // where; nil: not in the file
}

// Of is a value that does not come from a file.
func Of[T any](v T) Value[T] { return Value[T]{V: v, Set: true} }

// Pos is the place of the value; the zero Pos if it is not in the file.
func (v *Value[T]) Pos() Pos {
	if v.Node == nil {
		return Pos{}
	}
	return v.Node.Pos
}

// DecodeYAML takes the scalar.
func (v *Value[T]) DecodeYAML(d *Decoder, n *Node) {
	v.Node, v.Set = n, true
	switch to := any(&v.V).(type) {
	case Custom:
		to.DecodeYAML(d, n)
	case *string:
		*to = d.Text(n)
	case *int64:
		*to = d.Int(n)
	case *bool:
		*to = d.Bool(n)
	default:
		panic(fmt.Sprintf("a Value of %T can't be decoded", v.V))
	}
}

// Map is a mapping whose keys the user chooses, in the order of the file.
type Map[T any] []Pair[T]

// Pair is one entry of a Map.
type Pair[T any] struct {
	Key string
	Pos Pos // of the key
	V   T
}

// DecodeYAML takes the mapping.
func (m *Map[T]) DecodeYAML(d *Decoder, n *Node) {
	*m = Map[T]{}
	if !d.Want(n, Mapping) {
		return
	}
	for _, e := range n.Entries {
		p := Pair[T]{Key: e.Key, Pos: e.Pos}
		if d.entry(e, reflect.ValueOf(&p.V).Elem()) {
			*m = append(*m, p)
		}
	}
}

// Place is embedded in file types that want to know where they and their keys
// stand.
type Place struct{ Node *Node }

// Pos is where the mapping begins.
func (p *Place) Pos() Pos {
	if p.Node == nil {
		return Pos{}
	}
	return p.Node.Pos
}

// KeyPos is the place of a key, or that of the mapping.
func (p *Place) KeyPos(key string) Pos {
	if p.Node == nil {
		return Pos{}
	}
	return p.Node.KeyPos(key)
}

// Has reports whether the mapping has the key.
func (p *Place) Has(key string) bool {
	return p.Node != nil && p.Node.has(key)
}

// has reports whether a mapping has the key.
func (n *Node) has(key string) bool {
	return slices.ContainsFunc(n.Entries, func(e Entry) bool { return e.Key == key })
}

// Fault notes a fault.
func (d *Decoder) Fault(pos Pos, what, expected string) {
	d.Faults = append(d.Faults, Fault{Pos: pos, What: what, Expected: expected})
}

// Wrong notes the error of parsing a scalar at its place within the scalar. The
// errors of the packages hyperscale and expr keep their parts.
func (d *Decoder) Wrong(n *Node, err error) {
	if err == nil {
		return
	}
	f := Fault{What: err.Error()}
	if n != nil {
		f.Pos = n.Pos
	}
	if lexical, is := errors.AsType[*hyperscale.LexicalError](err); is {
		f.What, f.Expected, f.Meant = lexical.What, lexical.Expected, lexical.Meant
	}
	if syntax, is := errors.AsType[*expr.SyntaxError](err); is {
		f.What, f.Expected, f.Meant = syntax.What, syntax.Expected, syntax.Meant
		if n != nil {
			f.Pos = n.At(syntax.Offset)
		}
	}
	d.Faults = append(d.Faults, f)
}

// Want notes a fault unless the node is of the kind.
func (d *Decoder) Want(n *Node, kind Kind) bool {
	if n.Kind == kind {
		return true
	}
	d.Fault(n.Pos, "this is "+n.describe(), kind.String())
	return false
}

// describe is the node as messages say it.
func (n *Node) describe() string {
	if !n.IsScalar() || len(n.Text) > 40 {
		return n.Kind.String()
	}
	if n.Kind == Text {
		return "the text " + strconv.Quote(n.Text)
	}
	return n.Text
}

// Text takes text. Numbers and the like are none.
func (d *Decoder) Text(n *Node) string {
	if n.Kind == Text {
		return n.Text
	}
	f := Fault{Pos: n.Pos, What: "this is " + n.describe(), Expected: "text"}
	if n.IsScalar() {
		f.Meant = strconv.Quote(n.Text)
	}
	d.Faults = append(d.Faults, f)
	return ""
}

// AnyText takes any scalar as the text that was written.
func (d *Decoder) AnyText(n *Node) (string, bool) {
	if n.IsScalar() {
		return n.Text, true
	}
	d.Fault(n.Pos, "this is "+n.describe(), "text")
	return "", false
}

// Int takes a whole number.
func (d *Decoder) Int(n *Node) int64 {
	if n.Kind != Int {
		d.Fault(n.Pos, "this is "+n.describe(), "a whole number")
		return 0
	}
	text, base := strings.TrimPrefix(n.Text, "+"), 10
	switch {
	case strings.HasPrefix(text, "0x"):
		text, base = text[2:], 16
	case strings.HasPrefix(text, "0o"):
		text, base = text[2:], 8
	}
	v, err := strconv.ParseInt(text, base, 64)
	if err != nil {
		d.Fault(n.Pos, "the number "+n.Text+" is out of range", "a whole number")
	}
	return v
}

// Bool takes true or false.
func (d *Decoder) Bool(n *Node) bool {
	if n.Kind != Bool {
		d.Fault(n.Pos, "this is "+n.describe(), "true or false")
	}
	return strings.EqualFold(n.Text, "true")
}

// Decode takes a whole tree into the file type that v points to.
func (d *Decoder) Decode(n *Node, v any) { d.value(n, reflect.ValueOf(v).Elem()) }

// entry takes the value of a key. It reports whether there is one.
func (d *Decoder) entry(e Entry, v reflect.Value) bool {
	if e.Value.Kind != Null {
		return d.value(e.Value, v)
	}
	if to, nullable := v.Addr().Interface().(Nullable); nullable {
		to.DecodeYAML(d, e.Value)
		return true
	}
	if !e.Value.Implicit || !e.Value.Flow { // else the parser has said so
		d.Fault(e.Pos, fmt.Sprintf("%q has no value", e.Key), "")
	}
	return false
}

// value takes a node that is not nothing. It reports whether there is a value:
// what should be a mapping and is none leaves no half of one behind.
func (d *Decoder) value(n *Node, v reflect.Value) bool {
	if to, custom := v.Addr().Interface().(Custom); custom {
		to.DecodeYAML(d, n)
		return true
	}
	switch v.Kind() {
	case reflect.Pointer:
		to := reflect.New(v.Type().Elem())
		if d.value(n, to.Elem()) {
			v.Set(to)
		}
	case reflect.Struct:
		if !d.Want(n, Mapping) {
			return false
		}
		d.fields(n, v)
	case reflect.Slice:
		d.items(n, v)
	default:
		panic("a field of type " + v.Type().String() + " can't be decoded")
	}
	return true
}

// items takes a list.
func (d *Decoder) items(n *Node, v reflect.Value) {
	v.Set(reflect.MakeSlice(v.Type(), 0, len(n.Items)))
	if !d.Want(n, List) {
		return
	}
	for _, item := range n.Items {
		to := reflect.New(v.Type().Elem()).Elem()
		if item.Kind == Null {
			d.Fault(item.Pos, "this entry is empty", "")
			continue
		}
		if d.value(item, to) {
			v.Set(reflect.Append(v, to))
		}
	}
}

// field is a key of a file type.
type field struct {
	key      string
	doc      string
	required bool
	index    []int
	typ      reflect.Type
}

// fieldsOf lists the keys of a file type, those of embedded structs included.
func fieldsOf(t reflect.Type) []field {
	var all []field
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("yaml")
		if !ok {
			continue
		}
		key, option, _ := strings.Cut(tag, ",")
		all = append(all, field{key: key, doc: f.Tag.Get("doc"), required: option == "required", index: f.Index, typ: f.Type})
	}
	return all
}

var placeType = reflect.TypeFor[Place]()

// fields takes the entries of a mapping into a struct.
func (d *Decoder) fields(n *Node, v reflect.Value) {
	s := d.shape(v.Type())
	if s.place != nil {
		v.FieldByIndex(s.place).Set(reflect.ValueOf(Place{Node: n}))
	}
	for _, e := range n.Entries {
		i, ok := s.byKey[e.Key]
		if !ok {
			d.unknown(e, s.keys, v)
			continue
		}
		d.entry(e, v.FieldByIndex(s.fields[i].index))
	}
	var missing []string
	for _, f := range s.fields {
		if f.required && !n.has(f.key) {
			missing = append(missing, strconv.Quote(f.key))
		}
	}
	if missing != nil {
		d.Fault(n.Pos, "missing here: "+strings.Join(missing, ", "), "")
	}
}

// Ignorer is implemented by pointers to file types that let some keys pass.
type Ignorer interface {
	// IgnoresKey reports whether the key is to be passed over.
	IgnoresKey(key string) bool
}

// fewKeys is the most keys that a message lists.
const fewKeys = 12

// unknown notes a key that the struct has not.
func (d *Decoder) unknown(e Entry, keys []string, v reflect.Value) {
	if to, ok := v.Addr().Interface().(Ignorer); ok && to.IgnoresKey(e.Key) {
		return
	}
	f := Fault{Pos: e.Pos, What: fmt.Sprintf("unknown key %q", e.Key), Meant: expr.Nearest(e.Key, keys)}
	if len(keys) <= fewKeys {
		f.Expected = OneOf(keys)
	}
	d.Faults = append(d.Faults, f)
}

// OneOf lists words as messages do.
func OneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
