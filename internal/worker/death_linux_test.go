package worker

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/spec"
)

// engineOf is the process that a worker's process started and that has a
// connection; 0: there is none.
func engineOf(pid int) int {
	u := usage{cpu: map[int]time.Duration{}}
	u.children("/proc/" + strconv.Itoa(pid))
	for child := range u.cpu {
		files, _ := filepath.Glob("/proc/" + strconv.Itoa(child) + "/fd/*")
		for _, f := range files {
			if to, _ := os.Readlink(f); strings.HasPrefix(to, "socket:") {
				return child
			}
		}
	}
	return 0
}

// kill kills a process, if there is one.
func kill(pid int) error {
	if pid == 0 {
		return errors.New("there is no engine")
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// stateOf is the state of a process in /proc/PID/stat.
func stateOf(stat []byte) byte { return stat[bytes.LastIndexByte(stat, ')')+2] }

// An engine that is killed is replaced within half a second, in the same turn:
// every slot of the schedule is accounted for, and the target saw no more than was
// started or lost.
func TestEngineKilled(t *testing.T) {
	tg := newTarget(t)
	m := newManager(t, "m1", "")
	work(t, Config{Join: []string{m.address}})
	m.start(briefOf(t, tg.URL, spec.Run{Load: rate(400, 3*time.Second)}))
	m.until("a window", func() bool { return len(m.marks) > 0 })
	at := time.Now()
	if err := kill(engineOf(os.Getpid())); err != nil {
		t.Fatal(err)
	}
	// What is under way when it dies may still arrive; the new one comes later.
	back := tg.await(t, at.Add(10*time.Millisecond))
	took := back.Sub(at)
	t.Logf("running again after %v", took.Round(time.Millisecond))
	if took > 3*time.Second {
		t.Errorf("running again only after %v", took)
	}
	sel := m.over()
	hits := uint64(tg.hits.Load())
	if sel.Due != 1200 || sel.Slots.Started+sel.Missed != sel.Due || sel.Slots.Lost == 0 || sel.Missed == 0 {
		t.Errorf("%+v", sel.Slots)
	}
	if hits > sel.Slots.Started || hits+sel.Slots.Lost < sel.Slots.Started {
		t.Errorf("%d hits, %d started of which %d are lost", hits, sel.Slots.Started, sel.Slots.Lost)
	}
	t.Logf("%d due, %d started, %d lost, %d missed; the target saw %d", sel.Due, sel.Slots.Started, sel.Slots.Lost, sel.Missed, hits)
}

// Of loads of virtual users no iteration is begun twice when an engine is killed,
// and of a fixed number of them all are accounted for.
func TestEngineKilledOfUsers(t *testing.T) {
	for name, load := range map[string]hyperscale.Load{
		"iterations": {Kind: hyperscale.LoadIterations, VUs: 8, Iterations: 3000},
		"each":       {Kind: hyperscale.LoadEach, VUs: 8, Iterations: 375},
		"closed":     {Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 8, To: 8, Over: 5 * time.Second}}},
	} {
		t.Run(name, func(t *testing.T) {
			tg := newTarget(t)
			tg.slow = 5 * time.Millisecond // what was told ahead is not the whole
			m := newManager(t, "m1", "")
			work(t, Config{Join: []string{m.address}})
			m.start(briefOf(t, tg.URL, spec.Run{Load: load}))
			tg.asked(500)
			if err := kill(engineOf(os.Getpid())); err != nil {
				t.Fatal(err)
			}
			before := uint64(tg.hits.Load())
			sel := m.over()
			// What the dead engine was allowed ahead is lost: on a slow machine all.
			left := load.Kind == hyperscale.LoadClosed || before+8+sel.Slots.Lost < sel.Due
			if left && uint64(tg.hits.Load()) <= before+8 {
				t.Errorf("nothing was asked after the kill: %+v, before it %d", sel.Slots, before)
			}
			tg.paths.Range(func(path, n any) bool {
				if n := n.(*atomic.Int64).Load(); n != 1 {
					t.Errorf("%v was asked for %d times", path, n)
				}
				return true
			})
			hits := uint64(tg.hits.Load())
			if load.Kind != hyperscale.LoadClosed && (sel.Due != 3000 || hits > sel.Slots.Started) || sel.Slots.Missed > 0 {
				t.Errorf("%+v, hits %d", sel.Slots, hits)
			}
			t.Logf("%d due, %d started, %d lost; the target saw %d", sel.Due, sel.Slots.Started, sel.Slots.Lost, hits)
		})
	}
}

// Engines die and managers come and go, in any order: the schedule is accounted
// for to the last slot.
func TestStorm(t *testing.T) {
	tg := newTarget(t)
	m := newManager(t, "m1", "")
	work(t, Config{Join: []string{m.address}})
	m.start(briefOf(t, tg.URL, spec.Run{Load: rate(300, 5*time.Second), Warmup: 2 * time.Second}))
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for range 3 {
		tg.asked(100 + random.IntN(200))
		if random.IntN(2) == 0 {
			m = m.restart()
		}
		_ = kill(engineOf(os.Getpid())) // or it has ended by now
	}
	m = m.restart()
	sel := m.over()
	hits := uint64(tg.hits.Load())
	if sel.Due != 1500 || sel.Slots.Started+sel.Missed != sel.Due {
		t.Errorf("%+v", sel.Slots)
	}
	if hits > sel.Slots.Started || hits+sel.Slots.Lost < sel.Slots.Started {
		t.Errorf("%d hits, %d started of which %d are lost", hits, sel.Slots.Started, sel.Slots.Lost)
	}
	t.Logf("%d due, %d started, %d lost, %d missed; the target saw %d", sel.Due, sel.Slots.Started, sel.Slots.Lost, sel.Missed, hits)
}

// Killing a worker kills its engines: they hear that it is gone.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	m := newManager(t, "m1", "")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), asWorker+"="+m.address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.start(briefOf(t, tg.URL, spec.Run{Load: rate(200, time.Hour)}))
	tg.await(t, time.Now())
	pid := engineOf(cmd.Process.Pid)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	_ = cmd.Wait() // it was killed
	dir := "/proc/" + strconv.Itoa(pid)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil || stateOf(stat) == 'Z' {
			break
		}
		if time.Since(at) > 5*time.Second {
			t.Fatal("the engine lives on")
		}
		<-tick.C
	}
	t.Logf("the engine was gone after %v", time.Since(at).Round(time.Millisecond))
}
