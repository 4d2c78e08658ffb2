package sink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"hyperscale/internal/reporter"
)

// realPostgres runs PostgreSQL itself, with the databases given. Its administrator is
// admin, with the password below.
func realPostgres(t *testing.T) (address string) {
	t.Helper()
	server, initdb := need(t, "postgres", "postgresql"), need(t, "initdb", "postgresql")
	dir, err := os.MkdirTemp("", "hyperscale-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("admin's"), 0o644); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if out, err := notRoot(t, dir, initdb, "-D", data, "-U", "admin", "--auth=scram-sha-256", "--pwfile="+password, "--no-sync", "-E", "UTF8", "--locale=C").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p := take(t, 1)
	host, port, _ := strings.Cut(p.At(0), ":")
	cmd := notRoot(t, dir, server, "-D", data, "-h", host, "-p", port, "-k", "", "-c", "fsync=off")
	p.GiveUp()
	address = fmt.Sprintf("%s:%s/postgres", host, port)
	serve(t, cmd, func(ctx context.Context) error {
		db, err := pgx.Connect(ctx, "postgres://admin:admin's@"+address)
		if err != nil {
			return err
		}
		return db.Close(ctx)
	})
	return address
}

// notRoot is a command that runs as somebody whom PostgreSQL lets run it, who owns the
// folder.
func notRoot(t *testing.T, dir, program string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		return exec.Command(program, args...)
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		t.Skipf("PostgreSQL does not run as root, and there is no user postgres: %v", err)
	}
	if out, err := exec.Command("chown", who.Uid, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command("setpriv", append([]string{"--reuid=" + who.Uid, "--regid=" + who.Gid, "--clear-groups", "--", program}, args...)...)
	cmd.Dir = dir
	return cmd
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	db, err := pgx.Connect(within(t), "postgres://admin:admin's@"+address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	return db
}

// What PostgreSQL has afterwards is each window once, under names as they are.
func TestPostgres(t *testing.T) {
	address := realPostgres(t)
	db := connect(t, address)
	secret := secrets(map[string]string{"HYPERSCALE_POSTGRES_PASSWORD": "admin's"})
	job := sampleJob()
	r := open(t, "postgres=postgres://admin@"+address, job, secret)
	reportAll(t, r, job)

	var got string
	for _, tt := range []struct{ query, want string }{
		{`SELECT concat_ws(' ', count(*), sum(started), sum(ok), sum(failed), sum(bytes_in), sum(response_count), sum(response_sum_ms), min(response_min_ms), max(response_max_ms)) FROM hyperscale_steps WHERE NOT is_group`,
			"3 30 27 3 15000 30 165 1 10"},
		{`SELECT concat_ws(' ', sum((status->>'500')::int), sum((status->>'200')::int)) FROM hyperscale_steps`, "3 27"},
		{`SELECT concat_ws(' ', count(*), sum(due), sum(vu_s)) FROM hyperscale_workflows`, "3 30 7.5"},
		{`SELECT concat_ws(' ', phase, verdict, passed, exit_code, windows_missing, summary->>'exit_code', extract(epoch from ended - begun)) FROM hyperscale_jobs`,
			"COMPLETED VALID t 99 2 99 3.000000"},
		{`SELECT tags->>'team' FROM hyperscale_jobs`, "a,b c=d"},
		{`SELECT DISTINCT workflow FROM hyperscale_steps`, badWorkflow},
		{`SELECT DISTINCT step FROM hyperscale_steps WHERE NOT is_group`, badStep},
		{`SELECT DISTINCT k FROM hyperscale_steps, jsonb_object_keys(errors) k`, badError},
		// The percentile of the whole run, from the buckets: what doc/reporters.md shows.
		{`SELECT min(up_to)::text FROM (
			SELECT up_to, sum(n) OVER (ORDER BY up_to) seen, sum(n) OVER () total FROM (
				SELECT b.up_to, sum(b.n) n FROM hyperscale_steps, unnest(response_up_to_ms, response_in_bucket) b(up_to, n)
				WHERE job = '20261128-093000-abcdef' AND NOT is_group GROUP BY b.up_to) buckets) ranks
			WHERE seen >= 0.9 * total`, "9.043968"},
	} {
		if err := db.QueryRow(within(t), tt.query).Scan(&got); err != nil {
			t.Errorf("%s: %v", tt.query, err)
			continue
		}
		same(t, tt.query, got, tt.want)
	}
}

// A row that was there stays as it is, whoever delivers it again.
func TestPostgresKeepsWhatItHas(t *testing.T) {
	address := realPostgres(t)
	db := connect(t, address)
	secret := secrets(map[string]string{"HYPERSCALE_POSTGRES_PASSWORD": "admin's"})
	job := sampleJob()
	first := open(t, "postgres=postgres://admin@"+address, job, secret)
	if err := first.Windows(within(t), sampleWindows(2)); err != nil {
		t.Fatal(err)
	}
	// Its connection breaks, and it makes another.
	if _, err := db.Exec(within(t), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hyperscale'`); err != nil {
		t.Fatal(err)
	}
	if err := first.Windows(within(t), sampleWindows(3)); err == nil {
		t.Error("a broken connection was not noticed")
	}
	for _, r := range []reporter.Reporter{first, open(t, "postgres=postgres://admin@"+address, job, secret)} {
		if err := r.Windows(within(t), sampleWindows(3)); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := db.QueryRow(within(t), `SELECT sum(started) FROM hyperscale_steps WHERE NOT is_group`).Scan(&n); err != nil || n != 30 {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestPostgresRefuses(t *testing.T) {
	address := realPostgres(t)
	db := connect(t, address)
	if _, err := db.Exec(within(t), `CREATE ROLE weak LOGIN PASSWORD 'weak'; REVOKE CREATE ON SCHEMA public FROM PUBLIC`); err != nil {
		t.Fatal(err)
	}
	weak := secrets(map[string]string{"HYPERSCALE_POSTGRES_PASSWORD": "weak"})
	refused := func(what, text string, secret Secrets, want string) {
		t.Helper()
		r, err := tryOpen(t, text, sampleJob(), secret)
		if r != nil {
			_ = r.Close()
		}
		if !errors.Is(err, reporter.ErrRefused) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v; want %q", what, err, want)
		}
	}
	at := "postgres=postgres://weak@" + address
	refused("a wrong password", at, secrets(map[string]string{"HYPERSCALE_POSTGRES_PASSWORD": "x"}), "HYPERSCALE_POSTGRES_PASSWORD")
	refused("who may make no tables", at, weak, `GRANT CREATE ON SCHEMA public TO "weak"`)
	refused("no such database", "postgres=postgres://admin@"+strings.Replace(address, "/postgres", "/none", 1),
		secrets(map[string]string{"HYPERSCALE_POSTGRES_PASSWORD": "admin's"}), `database "none" does not exist`)
	if _, err := db.Exec(within(t), postgresTables); err != nil {
		t.Fatal(err)
	}
	refused("who may not write", at, weak, `GRANT SELECT, INSERT, UPDATE ON hyperscale_jobs, hyperscale_workflows, hyperscale_steps TO "weak"`)
	if _, err := db.Exec(within(t), `GRANT SELECT, INSERT, UPDATE ON hyperscale_jobs, hyperscale_workflows, hyperscale_steps TO weak`); err != nil {
		t.Fatal(err)
	}
	job := sampleJob()
	reportAll(t, open(t, at, job, weak), job)
}
