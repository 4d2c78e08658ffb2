package hyperscale_test

import (
	"math"
	"testing"

	"hyperscale"
)

func TestCounts(t *testing.T) {
	for got, want := range map[string]string{
		hyperscale.Count(0):                      "0",
		hyperscale.Count(999):                    "999",
		hyperscale.Count(1000):                   "1,000",
		hyperscale.Count(-100):                   "-100",
		hyperscale.Count(-1234567):               "-1,234,567",
		hyperscale.Count(int64(math.MinInt64)):   "-9,223,372,036,854,775,808",
		hyperscale.Count(uint64(math.MaxUint64)): "18,446,744,073,709,551,615",
		hyperscale.Plural(uint64(1), "slot"):     "1 slot",
		hyperscale.Plural(int64(2000), "slot"):   "2,000 slots",
		hyperscale.Plural(0, "slot"):             "0 slots",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
