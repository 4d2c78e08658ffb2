package rpc

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

var update = flag.Bool("update", false, "write the golden messages anew: only when a kind was added")

// golden has one file for each kind of message, as the first release that knew
// it wrote it. The files are kept: they are what older programs say.
const golden = "testdata/v1"

// What an older program says is read to the same value; what this one says, an
// older one reads, which is shown by the bytes being its own.
func TestMessagesOfEarlierReleases(t *testing.T) {
	for _, e := range catalogue() {
		name := filepath.Join(golden, e.name+".bin")
		now, err := e.encode(e.sample)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.MkdirAll(golden, 0o755); err != nil {
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
		back, err := e.decode(then)
		if err != nil || !reflect.DeepEqual(back, e.sample) {
			t.Errorf("%s of an earlier release is read as\n%+v, %v\nmeant was\n%+v", e.name, back, err, e.sample)
		}
		if !reflect.DeepEqual(now, then) {
			t.Errorf("%s is written otherwise than by earlier releases", e.name)
		}
	}
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
