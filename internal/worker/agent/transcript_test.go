package agent

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// TestTranscripts plays the scripts in testdata. In each, blocks of input are
// followed by a line "----" and what came of it. The first block is the world.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			played := play(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(played), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if played != string(text) {
				t.Errorf("%s differs (go test -update shows how); it is now:\n%s", file, played)
			}
		})
	}
}

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
