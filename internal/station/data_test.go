package station

import (
	"os"
	"testing"
	"time"

	"hyperscale"
)

// The numbers of starts rise, also when the directory was wiped in between.
func TestNumbersOfStartsRise(t *testing.T) {
	t.Parallel()
	d := &data{dir: t.TempDir()}
	now := time.Now()
	last := hyperscale.Boot(0)
	for i := range 6 {
		if i == 3 {
			if err := os.Remove(d.path(bootFile)); err != nil {
				t.Fatal(err)
			}
		}
		boot, err := d.nextBoot(now.Add(time.Duration(i) * 10 * time.Millisecond))
		if err != nil || boot <= last {
			t.Errorf("start %d after %d: %v", boot, last, err)
		}
		last = boot
	}
}
