//go:build unix

// Command failover kills parts of a datacenter of real processes on loopback,
// again and again, and prints how long it took until all was well: the time
// budgets of failover. bench/failover.sh builds and runs it.
//
//	failover -program BIN -root DIR [-rounds 20] [-only NAME,…] [-keep]
//
// With -keep the figures go into doc/performance.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hyperscale/test/cluster"
)

// A kind is one sort of death, or of wish, whose time is taken.
type kind struct {
	name, what string
	budget     time.Duration // for the median
	round      func(*round) (time.Duration, error)
}

// kinds are all of them, in the order of the table.
func kinds() []kind {
	return []kind{
		{"start", "submit → first request, idle cluster", 300 * time.Millisecond, start},
		{"worker", "worker crash → its load is back", 1500 * time.Millisecond, worker},
		{"engine", "engine crash → running again", 500 * time.Millisecond, engine},
		{"owner", "owner crash → new owner acknowledges windows", 2 * time.Second, owner},
		{"leader", "the same, and it led the store", 3500 * time.Millisecond, leader},
		{"handover", "planned handover", 300 * time.Millisecond, handover},
	}
}

// longest is the most that all rounds of one kind may take.
const longest = 20 * time.Minute

func main() {
	program := flag.String("program", "", "the program to run")
	root := flag.String("root", ".", "top of the tree")
	rounds := flag.Int("rounds", 20, "rounds of each kind")
	only := flag.String("only", "", "names of kinds, by commas")
	keep := flag.Bool("keep", false, "keep the figures in doc/performance.md")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, *program, *root, *rounds, *only, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		stop()
		os.Exit(1)
	}
}

// bench takes the times of all kinds and writes them down.
func bench(ctx context.Context, program, root string, rounds int, only string, keep bool) error {
	load := loadAverage()
	var table [][]string
	for _, k := range kinds() {
		if only != "" && !slices.Contains(strings.Split(only, ","), k.name) {
			continue
		}
		times, failed, err := k.measure(ctx, program, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		row := k.row(times, failed)
		fmt.Println(strings.Join(row, " | "))
		table = append(table, row)
	}
	text := made(ctx, root, rounds, only, load) + tableOf(table)
	if !keep {
		fmt.Print("\n" + text)
		return nil
	}
	return keepIn(filepath.Join(root, "doc", "performance.md"), text)
}

// measure takes the time of one kind in a datacenter of its own.
func (k kind) measure(ctx context.Context, program string, rounds int) (times []time.Duration, failed int, err error) {
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	dir, err := os.MkdirTemp("", "hyperscale-failover-")
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary one
	target, err := cluster.NewTarget("127.0.0.1")
	if err != nil {
		return nil, 0, err
	}
	defer target.Close()
	d, err := cluster.New(cluster.Setup{Program: program, Dir: dir})
	if err != nil {
		return nil, 0, err
	}
	defer d.Close()
	for n := range rounds {
		if err := settle(ctx, d); err != nil {
			return times, failed, err
		}
		r := &round{Datacenter: d, ctx: ctx, target: target, name: fmt.Sprintf("%s-%d", k.name, n)}
		took, err := k.round(r)
		r.end()
		if err != nil {
			failed++
			fmt.Fprintf(os.Stderr, "%s, round %d: %v\n%s\n", k.name, n, err, d.Logs(8))
			continue
		}
		fmt.Fprintf(os.Stderr, "%s, round %d: %v\n", k.name, n, took.Round(time.Millisecond))
		times = append(times, took)
	}
	return times, failed, nil
}

// settle starts what does not run and waits until all is well.
func settle(ctx context.Context, d *cluster.Datacenter) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	return d.Start(ctx)
}

// row is a row of the table.
func (k kind) row(times []time.Duration, failed int) []string {
	if len(times) == 0 {
		return []string{k.what, "–", "–", "–", show(k.budget), "nothing measured", fmt.Sprint(failed)}
	}
	slices.Sort(times)
	median := times[(len(times)-1)/2]
	word := "reached"
	if median > k.budget {
		word = "missed"
	}
	return []string{k.what, show(times[0]), show(median), show(times[len(times)-1]), show(k.budget), word, fmt.Sprint(failed)}
}

// show is a time in seconds.
func show(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// anyMoment is a part of a second, so that deaths come at any moment of a window.
func anyMoment() time.Duration { return time.Duration(rand.Int64N(int64(time.Second))) }
