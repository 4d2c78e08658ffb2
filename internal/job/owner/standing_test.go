package owner

import (
	"strings"
	"testing"
)

// As long as the books of a lost holder are open the counts are not said to be all.
func TestUnknown(t *testing.T) {
	s := &script{t: t}
	for _, line := range []string{
		"plan open", "saved", "grant 1 w1 w2", "saved", "state w1 prepared", "state w2 prepared", "saved", "saved", "wait 2300ms",
	} {
		s.run(line)
	}
	if got := s.owner.Unknown(); got != "" {
		t.Errorf("nobody is lost, and it says %q", got)
	}
	s.run("lose w2 dead")
	if got := s.owner.Unknown(); !strings.HasSuffix(got, "on w2 since 2s") {
		t.Errorf("w2 is lost, and it says %q", got)
	}
}
