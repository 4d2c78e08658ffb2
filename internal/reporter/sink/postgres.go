package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"hyperscale/internal/report"
	"hyperscale/internal/reporter"
	"hyperscale/internal/stats"
)

// postgres writes a row for each step of each window, and one for the job. A row that
// is there already is left as it is.
type postgres struct {
	job *reporter.Job
	cfg *pgx.ConnConfig
	at  string // host:port/database, for messages
	db  *pgx.Conn
}

// postgresTables makes what is written to. The buckets of response times are kept, so
// that percentiles over any stretch, step or job can be taken from their sums.
const postgresTables = `
CREATE TABLE IF NOT EXISTS hyperscale_jobs (
	job text PRIMARY KEY, plan text NOT NULL, tags jsonb NOT NULL, begun timestamptz NOT NULL,
	ended timestamptz, phase text, verdict text, passed boolean, exit_code integer,
	windows_missing bigint, summary jsonb);
CREATE TABLE IF NOT EXISTS hyperscale_workflows (
	job text, seq bigint, workflow text, at timestamptz NOT NULL, from_s double precision NOT NULL, to_s double precision NOT NULL,
	due bigint NOT NULL, missed bigint NOT NULL, started bigint NOT NULL, completed bigint NOT NULL,
	failed bigint NOT NULL, interrupted bigint NOT NULL, lost bigint NOT NULL, vu_s double precision NOT NULL,
	PRIMARY KEY (job, seq, workflow));
CREATE TABLE IF NOT EXISTS hyperscale_steps (
	job text, seq bigint, workflow text, step text, is_group boolean NOT NULL,
	at timestamptz NOT NULL, from_s double precision NOT NULL, to_s double precision NOT NULL,
	started bigint NOT NULL, ok bigint NOT NULL, failed bigint NOT NULL, timed_out bigint NOT NULL,
	cancelled bigint NOT NULL, lost bigint NOT NULL, bytes_in bigint NOT NULL, bytes_out bigint NOT NULL,
	response_count bigint NOT NULL, response_sum_ms double precision NOT NULL, response_min_ms double precision,
	response_max_ms double precision, response_up_to_ms double precision[] NOT NULL, response_in_bucket bigint[] NOT NULL,
	status jsonb NOT NULL, errors jsonb NOT NULL,
	PRIMARY KEY (job, seq, workflow, step));`

// postgresNames are the tables.
var postgresNames = []string{"hyperscale_jobs", "hyperscale_workflows", "hyperscale_steps"}

func checkPostgres(address string) error {
	_, err := parsePostgres(address)
	return err
}

func parsePostgres(address string) (*pgx.ConnConfig, error) {
	if strings.Contains(address, "password=") {
		return nil, errors.New("its address holds a password, which others can see; set HYPERSCALE_POSTGRES_PASSWORD, or keep it in ~/.pgpass")
	}
	// A user in a URL is no secret, and usual.
	scheme, rest, _ := strings.Cut(address, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return nil, errors.New("its address is no URL of PostgreSQL; expected postgres=postgres://USER@HOST:5432/DATABASE")
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 && strings.Contains(rest[:at], ":") {
		return nil, errors.New("its address holds a password, which others can see; set HYPERSCALE_POSTGRES_PASSWORD, or keep it in ~/.pgpass")
	}
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("its address can't be read: %w", err)
	}
	return cfg, nil
}

func openPostgres(ctx context.Context, address string, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	cfg, err := parsePostgres(address)
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	c, err := loginOf(secret, "postgres")
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	if c.user != "" {
		cfg.User = c.user
	}
	if c.password != "" {
		cfg.Password = c.password
	}
	cfg.RuntimeParams["application_name"] = "hyperscale"
	cfg.DialFunc = (&net.Dialer{Control: allowed}).DialContext
	p := &postgres{job: job, cfg: cfg, at: fmt.Sprintf("%s:%d/%s", cfg.Host, cfg.Port, cfg.Database)}
	if err := p.connect(ctx); err != nil {
		return nil, err
	}
	if err := p.prepare(ctx); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

// connect makes the connection, if it is not there.
func (p *postgres) connect(ctx context.Context) error {
	if p.db != nil && !p.db.IsClosed() {
		return nil
	}
	db, err := pgx.ConnectConfig(ctx, p.cfg)
	if err != nil {
		return p.fault(err)
	}
	p.db = db
	return nil
}

// prepare makes the tables that are not there, and sees that they can be written to.
func (p *postgres) prepare(ctx context.Context) error {
	for _, name := range postgresNames {
		var may *bool
		if err := p.db.QueryRow(ctx, "SELECT has_table_privilege(to_regclass($1)::oid, 'INSERT, UPDATE, SELECT')", name).Scan(&may); err != nil {
			return p.fault(err)
		}
		switch {
		case may == nil:
			return p.create(ctx)
		case !*may:
			return reporter.Refused("%s: user %s may not write to table %s; its owner is to say: GRANT SELECT, INSERT, UPDATE ON %s TO %q",
				p.at, p.cfg.User, name, strings.Join(postgresNames, ", "), p.cfg.User)
		}
	}
	return nil
}

// create makes the tables, one process at a time: two that do it together would see
// each other half done.
func (p *postgres) create(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, p.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('hyperscale reporter tables'))"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, postgresTables)
		return err
	})
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == "42501" {
		return reporter.Refused("%s: user %s may not make the tables %s: %s; its owner is to say: GRANT CREATE ON SCHEMA public TO %q",
			p.at, p.cfg.User, strings.Join(postgresNames, ", "), said.Message, p.cfg.User)
	}
	return p.fault(err)
}

// fault says which database an error is of, and whether it is worth another attempt.
func (p *postgres) fault(err error) error {
	if err == nil {
		return nil
	}
	var said *pgconn.PgError
	switch {
	case errors.Is(err, errForbidden):
		return reporter.Refused("%s: %w", p.at, errForbidden)
	case !errors.As(err, &said):
		return fmt.Errorf("%s: %w", p.at, err)
	}
	text := fmt.Sprintf("%s: %s (SQLSTATE %s)", p.at, said.Message, said.Code)
	switch said.Code[:2] {
	case "28":
		text += "; set HYPERSCALE_POSTGRES_PASSWORD, or keep it in ~/.pgpass"
	case "08", "40", "53", "55", "57", "58", "25":
		return errors.New(text)
	}
	return reporter.Refused("%s", text)
}

// Windows implements [reporter.Reporter].
func (p *postgres) Windows(ctx context.Context, batch []reporter.Window) error {
	var b pgx.Batch
	p.queueJob(&b)
	for _, w := range batch {
		s := w.Slots
		b.Queue(`INSERT INTO hyperscale_workflows VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14) ON CONFLICT DO NOTHING`,
			p.job.ID, int64(w.Seq), pgText(w.ID.Workflow), p.job.At(w.To), w.From.Seconds(), w.To.Seconds(), int64(s.Due), int64(s.Missed), int64(s.Started),
			int64(s.Completed), int64(s.Failed), int64(s.Interrupted), int64(s.Lost), s.VUTime.Seconds())
		for i := range w.Steps {
			if w.Steps[i].Requests != (stats.Requests{}) {
				p.queueStep(&b, w, &w.Steps[i])
			}
		}
	}
	return p.send(ctx, &b)
}

// queueJob says that the job has begun.
func (p *postgres) queueJob(b *pgx.Batch) {
	tags := map[string]string{}
	for _, t := range p.job.Plan.Tags {
		tags[pgText(t.Name)] = pgText(t.Value)
	}
	b.Queue(`INSERT INTO hyperscale_jobs (job, plan, tags, begun) VALUES ($1,$2,$3,$4) ON CONFLICT DO NOTHING`,
		p.job.ID, pgText(p.job.Plan.Name), tags, p.job.At(0))
}

func (p *postgres) queueStep(b *pgx.Batch, w reporter.Window, s *stats.StepSums) {
	h := responses(s)
	upTo, in := []float64{}, []int64{}
	for bucket := range h.Buckets() {
		upTo, in = append(upTo, pgMillis(bucket.To)), append(in, int64(bucket.Count))
	}
	var least, most *float64
	if h.Count() > 0 {
		low, high := pgMillis(h.Min()), pgMillis(h.Max())
		least, most = &low, &high
	}
	status, failures := map[string]uint64{}, map[string]uint64{}
	for _, c := range s.Statuses {
		status[fmt.Sprint(c.Code)] = c.Count
	}
	for _, k := range s.Errors.List() {
		failures[pgText(k.Text)] += k.Count
	}
	b.Queue(`INSERT INTO hyperscale_steps VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24) ON CONFLICT DO NOTHING`,
		p.job.ID, int64(w.Seq), pgText(w.ID.Workflow), pgText(s.Name), s.Group, p.job.At(w.To), w.From.Seconds(), w.To.Seconds(),
		int64(s.Started), int64(s.OK), int64(s.Failed), int64(s.TimedOut), int64(s.Cancelled), int64(s.Lost), int64(s.BytesIn), int64(s.BytesOut),
		int64(h.Count()), pgMillis(h.Sum()), least, most, upTo, in, status, failures)
}

// pgMillis is a duration in milliseconds.
func pgMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// pgText is text as PostgreSQL can keep it: UTF-8, without zero bytes.
func pgText(text string) string { return strings.ReplaceAll(clean(text), "\x00", "�") }

// Result implements [reporter.Reporter].
func (p *postgres) Result(ctx context.Context, r *reporter.Result) error {
	s := r.Summary
	text, err := json.Marshal(s)
	if err != nil {
		return reporter.Refused("%w", err)
	}
	var b pgx.Batch
	p.queueJob(&b)
	ended := s.Ended()
	b.Queue(`UPDATE hyperscale_jobs SET ended=$2, phase=$3, verdict=$4, passed=$5, exit_code=$6, windows_missing=$7, summary=$8 WHERE job=$1`,
		p.job.ID, ended, s.Phase, verdictOf(s), s.Passed, s.ExitCode, int64(r.Missing), json.RawMessage(strings.ReplaceAll(string(text), `\u0000`, "�")))
	return p.send(ctx, &b)
}

// verdictOf is nil when nothing was asked of the generator.
func verdictOf(s *report.Summary) *string {
	if s.Verdict.State == "" {
		return nil
	}
	text := string(s.Verdict.State)
	return &text
}

// send carries a batch out, in one transaction.
func (p *postgres) send(ctx context.Context, b *pgx.Batch) error {
	if err := p.connect(ctx); err != nil {
		return err
	}
	return p.fault(pgx.BeginFunc(ctx, p.db, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() }))
}

// Close implements [reporter.Reporter].
func (p *postgres) Close() error {
	if p.db == nil {
		return nil
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	return p.db.Close(ctx)
}
