//go:build unix

package wiretest

import (
	"os"

	"golang.org/x/sys/unix"

	"hyperscale/internal/session"
)

// noDescriptor uses up what the process may open.
func noDescriptor(b *bench) {
	s := b.serve(always(hello))
	b.wantAnswer(b.do(get(s.origin(), "/")), 200, 5)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	low := limit
	low.Cur = 256
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		b.Skip("the limit can't be lowered:", err)
	}
	var files []*os.File
	giveBack := func() {
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
		for _, f := range files {
			_ = f.Close()
		}
		files = nil
	}
	defer giveBack()
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		files = append(files, f)
	}
	r := get(s.origin(policy("per-request")), "/")
	x := b.do(r)
	b.wantFault(x, session.NoDescriptor)
	b.wantAnswer(b.do(get(s.origin(), "/")), 200, 5) // over the open connection
	giveBack()
	b.wantAnswer(b.do(r), 200, 5)
	s.want(2, 3)
}
