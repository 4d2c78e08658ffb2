package etcdstore

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logRoom is how many lines of etcd wait for a log that is slow. What comes
// beyond is dropped and counted: etcd never waits for it.
const logRoom = 512

// zapLog brings what etcd logs to a slog logger, and takes the blow where etcd
// would end the process.
type zapLog struct {
	log     *slog.Logger
	lines   chan line
	dropped atomic.Int64
	last    atomic.Pointer[string] // the last warning or error
	removed atomic.Bool            // etcd learnt that its member was removed
	leaves  atomic.Bool            // the member is being ended: etcd complains of that, too
	died    chan string            // why etcd would have ended the process
}

type line struct {
	level   slog.Level
	message string
	attrs   []slog.Attr
}

func newZapLog(log *slog.Logger) *zapLog {
	return &zapLog{log: log, lines: make(chan line, logRoom), died: make(chan string, 1)}
}

// logger gives what etcd logs to.
func (z *zapLog) logger() *zap.Logger {
	return zap.New(core{z, nil}, zap.WithFatalHook(ending{z}), zap.WithPanicHook(ending{z}))
}

// run writes lines until ctx ends, then those that are left.
func (z *zapLog) run(ctx context.Context) {
	for {
		select {
		case l := <-z.lines:
			z.write(l)
		case <-ctx.Done():
			for len(z.lines) > 0 {
				z.write(<-z.lines)
			}
			return
		}
	}
}

func (z *zapLog) write(l line) {
	if n := z.dropped.Swap(0); n > 0 {
		z.log.Warn("the log was too slow for the store", "lines dropped", n)
	}
	z.log.LogAttrs(context.Background(), l.level, l.message, l.attrs...)
}

// lastWord is what etcd last complained of; "": of nothing.
func (z *zapLog) lastWord() string {
	if word := z.last.Load(); word != nil {
		return *word
	}
	return ""
}

// core implements zapcore.Core.
type core struct {
	*zapLog
	with []zapcore.Field
}

// matters are words of lines that those who run a node want to see: who is a
// member, a disk or a clock that is not well, alarms, and who was turned away.
var matters = []string{
	"added member", "removed member", "promote", "slow fdatasync", "slow disk", "took too long", "alarm", "clock difference", "rejected connection",
}

// worth is what a line of etcd is worth to us. It tells and warns of much that is
// as it should be or mends itself; what matters most a node says in its own words.
func (z *zapLog) worth(entry zapcore.Entry) slog.Level {
	known := strings.HasPrefix(entry.Message, "recovered") || strings.HasPrefix(entry.Message, "ignore") // of members: told before
	matter := !known && slices.ContainsFunc(matters, func(word string) bool { return strings.Contains(entry.Message, word) })
	switch {
	case entry.Level > zapcore.ErrorLevel:
		return slog.LevelError
	case z.leaves.Load():
		return slog.LevelDebug
	case entry.Level == zapcore.ErrorLevel, matter && entry.Level == zapcore.WarnLevel:
		return slog.LevelWarn
	case matter:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// Enabled implements zapcore.LevelEnabler.
func (c core) Enabled(l zapcore.Level) bool { return l >= zapcore.InfoLevel }

// With implements zapcore.Core.
func (c core) With(fields []zapcore.Field) zapcore.Core {
	return core{c.zapLog, slices.Concat(c.with, fields)}
}

// Check implements zapcore.Core.
func (c core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if entry.Level >= zapcore.WarnLevel || c.Enabled(entry.Level) && c.log.Enabled(context.Background(), c.worth(entry)) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write implements zapcore.Core. It never blocks.
func (c core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	fields = slices.Concat(c.with, fields)
	if entry.Level >= zapcore.WarnLevel {
		c.notice(entry.Message, fields)
	}
	worth := c.worth(entry)
	if !c.log.Enabled(context.Background(), worth) {
		return nil
	}
	select {
	case c.lines <- line{worth, "store: " + entry.Message, attrs(fields)}:
	default:
		c.dropped.Add(1)
	}
	return nil
}

// removedWord is how etcd says that its member was removed.
const removedWord = "permanently removed from the cluster"

// notice keeps what tells why a member ended.
func (c core) notice(message string, fields []zapcore.Field) {
	word := inWords(message, fields)
	if strings.Contains(word, removedWord) {
		c.removed.Store(true)
	}
	c.last.Store(&word)
}

// Sync implements zapcore.Core.
func (c core) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	values := encoded(fields)
	var all []slog.Attr
	for _, key := range slices.Sorted(maps.Keys(values)) {
		all = append(all, slog.Any(key, values[key]))
	}
	return all
}

func encoded(fields []zapcore.Field) map[string]any {
	encoder := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(encoder)
	}
	return encoder.Fields
}

// inWords is a message with its error, if it has one.
func inWords(message string, fields []zapcore.Field) string {
	if why, has := encoded(fields)["error"]; has {
		return fmt.Sprintf("%s: %v", message, why)
	}
	return message
}

// ending is what happens where etcd would end the process, or panic: the thread
// ends instead, and the node hears why.
type ending struct{ *zapLog }

// OnWrite implements zapcore.CheckWriteHook. It does not return.
func (e ending) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	select {
	case e.died <- inWords(entry.Message, fields):
	default: // the first one tells
	}
	runtime.Goexit()
}
