package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// An engine obeys its worker alone, whatever the environment says, and goes when
// that has gone.
func TestEngineGoes(t *testing.T) {
	for in, want := range map[string]int{"": 0, "no message": 1} {
		var out, errs bytes.Buffer
		w := World{Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errs, Env: []string{"HYPERSCALE_CONFIG=/nowhere", "HYPERSCALE_RATE=much"}}
		if got := Main(context.Background(), w, []string{"engine"}); got != want || out.Len() > 0 {
			t.Errorf("%q: exit %d, %q, %q", in, got, &out, &errs)
		}
	}
}
