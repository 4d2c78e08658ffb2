package agent

import (
	"strings"
	"testing"

	"hyperscale/internal/testkit"
)

// TestTranscripts plays the scripts in testdata. In each, blocks of input are
// followed by a line "----" and what came of it. The first block is the world.
func TestTranscripts(t *testing.T) { testkit.Scripts(t, play) }

// play gives the script with its output made anew.
func play(t *testing.T, text string) string {
	s := newScript(t)
	var out []string
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		input, _, _ := strings.Cut(block, "\n----")
		out = append(out, input)
		lines := strings.Split(input, "\n")
		for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
			lines = lines[1:]
		}
		switch {
		case len(lines) == 0:
		case s.agent == nil:
			s.begin(lines)
		default:
			out[len(out)-1] += "\n----"
			for _, line := range lines {
				at, ev := s.event(line)
				for _, told := range s.step(at, ev) {
					out[len(out)-1] += "\n" + told
				}
			}
		}
	}
	return strings.Join(out, "\n\n") + "\n"
}
