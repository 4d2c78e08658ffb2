package yamlfile

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Schema is a JSON Schema (draft 2020-12), or a part of one.
type Schema map[string]any

// Schemer makes the schemas of file types. Those of structs are kept under
// $defs, each once, so that types may contain themselves.
type Schemer struct{ defs map[string]any }

// JSONSchema is the schema of a file type, as indented JSON. Root is a value of
// the type; id names the schema.
func JSONSchema(root any, id, title string) []byte {
	s := &Schemer{defs: map[string]any{}}
	schema := Schema{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     id,
		"title":   title,
		"$ref":    s.Of(reflect.TypeOf(root))["$ref"],
		"$defs":   s.defs,
	}
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic("the schema can't be written as JSON: " + err.Error())
	}
	return append(text, '\n')
}

// Of is the schema of a type that can be decoded.
func (s *Schemer) Of(t reflect.Type) Schema {
	if to, custom := reflect.New(t).Interface().(Custom); custom {
		return to.DescribeYAML(s)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.Of(t.Elem())
	case reflect.Slice:
		return Schema{"type": "array", "items": s.Of(t.Elem())}
	case reflect.Struct:
		return s.object(t)
	}
	panic("a field of type " + t.String() + " has no schema")
}

// SchemaOf is the schema of a type that can be decoded.
func SchemaOf[T any](s *Schemer) Schema { return s.Of(reflect.TypeFor[T]()) }

// object is the schema of a struct: a reference to its definition.
func (s *Schemer) object(t reflect.Type) Schema {
	name := strings.TrimSuffix(t.Name(), "File")
	ref := Schema{"$ref": "#/$defs/" + name}
	if _, done := s.defs[name]; done {
		return ref
	}
	definition := Schema{"type": "object"}
	s.defs[name] = definition
	properties := Schema{}
	var required []string
	for _, f := range fieldsOf(t) {
		property := Schema{}
		for k, v := range s.Of(f.typ) {
			property[k] = v
		}
		if f.doc != "" {
			property["description"] = f.doc
		}
		properties[f.key] = property
		if f.required {
			required = append(required, f.key)
		}
	}
	definition["properties"] = properties
	definition["additionalProperties"] = false
	if required != nil {
		definition["required"] = required
	}
	if to, ok := reflect.New(t).Interface().(Ignorer); ok && to.IgnoresKey("x-") {
		definition["patternProperties"] = Schema{"^x-": true}
	}
	return ref
}

// DescribeYAML gives the schema of the scalar.
func (v *Value[T]) DescribeYAML(s *Schemer) Schema {
	switch to := any(&v.V).(type) {
	case Custom:
		return to.DescribeYAML(s)
	case *int64:
		return Schema{"type": "integer"}
	case *bool:
		return Schema{"type": "boolean"}
	}
	return Schema{"type": "string"}
}

// DescribeYAML gives the schema of the mapping.
func (m *Map[T]) DescribeYAML(s *Schemer) Schema {
	return Schema{"type": "object", "additionalProperties": s.Of(reflect.TypeFor[T]())}
}

// KeysOf lists the keys of a file type.
func KeysOf[T any]() []string {
	var all []string
	for _, f := range fieldsOf(reflect.TypeFor[T]()) {
		all = append(all, f.key)
	}
	return all
}
