package worker

import (
	"testing"
	"time"
)

// What processes use is taken as a part of what may be used, and smoothed.
func TestMeter(t *testing.T) {
	m := meter{cpus: 2, limit: 1000}
	cpu := func(ms ...int) map[int]time.Duration {
		all := map[int]time.Duration{}
		for pid, n := range ms {
			if n > 0 {
				all[pid] = time.Duration(n) * time.Millisecond
			}
		}
		return all
	}
	if v := m.take(0, usage{cpu(5000), 500}); v.CPU != 0 || v.Memory != 0.5 {
		t.Errorf("at first %+v", v)
	}
	v := m.take(time.Second, usage{cpu(5500, 500), 500}) // half of two CPUs, by two processes
	if v.CPU < 0.149 || v.CPU > 0.151 {
		t.Errorf("%+v", v)
	}
	for i := range 30 {
		v = m.take(time.Duration(i+2)*time.Second, usage{cpu(5500, 500+1000*(i+1)), 500})
	}
	if v.CPU < 0.49 || v.CPU > 0.51 {
		t.Errorf("in the end %+v", v)
	}
	before := v.CPU
	if v = m.take(40*time.Second, usage{cpu(5500), 2000}); v.CPU >= before || v.Memory > 1 {
		t.Errorf("after one has gone: %+v", v)
	}
	if u := readUsage(); u.memory == 0 || len(u.cpu) == 0 {
		t.Errorf("this process uses %+v", u)
	}
}
