package rpc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"hyperscale/internal/testkit"

	"google.golang.org/protobuf/encoding/protowire"
)

// golden has one file for each kind of message, as the first program that knew
// it wrote it. A file is never written again: it is what older programs say.
const golden = "testdata/v1"

// What an older program says is understood as it was meant, and said again it is
// the same to the byte: so an older program understands what this one says.
func TestMessagesOfEarlierReleases(t *testing.T) {
	for _, e := range catalogue() {
		name := filepath.Join(golden, e.name+".bin")
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) && testkit.Update() {
			now, err := e.encode(e.sample)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, now, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		then, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("%v (a new kind of message? write its file with -update)", err)
		}
		value, err := e.decode(then)
		if err != nil {
			t.Errorf("%s of an earlier release: %v", e.name, err)
			continue
		}
		if where := differs(reflect.ValueOf(value), reflect.ValueOf(e.sample), e.name); where != "" {
			t.Errorf("%s is read otherwise than it was meant: %+v", where, value)
		}
		if again, err := e.encode(value); err != nil || !bytes.Equal(again, then) {
			t.Errorf("%s of an earlier release is said again otherwise: %v", e.name, err)
		}
	}
}

// differs names a field of then that is neither what it is now nor missing, as
// fields are that were added since.
func differs(then, now reflect.Value, name string) string {
	switch {
	case then.IsZero():
		return ""
	case then.Kind() == reflect.Struct && then.Type() != reflect.TypeFor[time.Time]():
		for i := range then.NumField() {
			if where := differs(then.Field(i), now.Field(i), name+"."+then.Type().Field(i).Name); where != "" {
				return where
			}
		}
		return ""
	case then.Kind() == reflect.Slice && then.Len() == now.Len():
		for i := range then.Len() {
			if where := differs(then.Index(i), now.Index(i), name); where != "" {
				return where
			}
		}
		return ""
	case then.Kind() == reflect.Pointer || then.Kind() == reflect.Interface:
		return differs(then.Elem(), now.Elem(), name)
	}
	if reflect.DeepEqual(then.Interface(), now.Interface()) {
		return ""
	}
	return name
}

// What a newer program adds does not disturb.
func TestUnknownFieldsDoNotDisturb(t *testing.T) {
	for _, e := range catalogue() {
		encoded, err := e.encode(e.sample)
		if err != nil {
			t.Fatal(err)
		}
		encoded = protowire.AppendTag(encoded, 1000, protowire.BytesType)
		encoded = protowire.AppendBytes(encoded, []byte("of tomorrow"))
		back, err := e.decode(encoded)
		if err != nil || !reflect.DeepEqual(back, e.sample) {
			t.Errorf("%s with an unknown field is read as %+v, %v", e.name, back, err)
		}
	}
}
