package gossip

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// journal takes memberlist's lines into the log: its errors as warnings, its
// warnings as information, the rest for those who debug. Of a flood of lines it
// tells the first of each second and how many there were. What members say as long
// as they look for an earlier start of this one is told once a minute.
type journal struct {
	log *slog.Logger

	mu      sync.Mutex
	second  time.Time
	lines   int
	dropped int
	mistook time.Time // when it was last told that an earlier start is looked for
}

// mistaken begins what is said of a ping that was meant for another start.
const mistaken = "Got ping for unexpected node"

// loudest is the number of lines told in one second.
const loudest = 10

// Write takes one line.
func (j *journal) Write(line []byte) (int, error) {
	level, text := slog.LevelDebug, strings.TrimSpace(string(line))
	for mark, of := range map[string]slog.Level{"[ERR] ": slog.LevelWarn, "[WARN] ": slog.LevelInfo, "[INFO] ": slog.LevelDebug, "[DEBUG] ": slog.LevelDebug} {
		if rest, is := strings.CutPrefix(text, mark); is {
			level, text = of, rest
		}
	}
	if !j.log.Enabled(context.Background(), level) {
		return len(line), nil
	}
	text = strings.TrimPrefix(text, "memberlist: ")
	if strings.HasPrefix(text, mistaken) {
		if !j.mistake() {
			return len(line), nil
		}
		text = "others still look for an earlier start of this node, until they know it as gone"
	}
	if dropped, ok := j.admit(); ok {
		if dropped > 0 {
			j.log.Log(context.Background(), level, "gossip said more than was told", "lines", dropped)
		}
		j.log.Log(context.Background(), level, text, "from", "gossip")
	}
	return len(line), nil
}

// mistake reports whether it is told again that an earlier start is looked for.
func (j *journal) mistake() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	if now.Sub(j.mistook) < time.Minute {
		return false
	}
	j.mistook = now
	return true
}

// admit reports whether a line is told, and how many were not since the last.
func (j *journal) admit() (dropped int, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	if now.Sub(j.second) >= time.Second {
		j.second, j.lines = now, 0
	}
	if j.lines++; j.lines > loudest {
		j.dropped++
		return 0, false
	}
	dropped, j.dropped = j.dropped, 0
	return dropped, true
}
