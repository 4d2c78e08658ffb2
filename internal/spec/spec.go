package spec

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"hyperscale"
	"hyperscale/internal/session"
	"hyperscale/internal/spec/pack"
	"hyperscale/internal/spec/scan"
)

// MaxBytes is the most that a submission may have, and a brief.
const MaxBytes = 16 << 20

// DemoTarget is the target of plans for which a node brings one of its own: see
// package plan.
const DemoTarget = "demo"

// maxMemory bounds what the plan inside bytes may take in memory: lists of
// small things take more there than as bytes.
const maxMemory = 256 << 20

// The first byte of each kind of bytes is its format.
const (
	planFormat  = 1
	briefFormat = 1
)

// Rows are the data sets of a plan by their names.
type Rows = map[string]session.Rows

// Digest names bytes: their SHA-256 in hexadecimal.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Size is the error of a submission that is too large: it names the sizes of
// its parts.
type Size struct {
	Limit, Total int64      // bytes; Total may be less than the whole when More is set
	More         bool       // counting ended, for it was enough
	Parts        []Measured // the plan first, then its data sets
}

// Measured is one part of a submission, by its size.
type Measured struct {
	Name  string
	Bytes int64
}

// Error gives the sizes and what can be done.
func (s *Size) Error() string {
	var parts []string
	for _, p := range s.Parts {
		parts = append(parts, fmt.Sprintf("%s %s", p.Name, size(p.Bytes)))
	}
	more := ""
	if s.More {
		more = "more than "
	}
	if size(s.Total) == size(s.Limit) {
		more = "a little more than "
	}
	return fmt.Sprintf("the submission has %s%s, at most %s are taken (%s); give a data set fewer rows or columns, or divide the plan",
		more, size(s.Total), size(s.Limit), strings.Join(parts, ", "))
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// Encode gives the bytes of a submission: the plan, and the rows of all its data
// sets. The same plan and rows always give the same bytes. The error is that of
// reading the rows, or [Size].
func Encode(plan *hyperscale.Plan, rows Rows) ([]byte, error) {
	b := []byte{planFormat}
	b = appendPart(b, pack.Append(nil, plan))
	sizes := &Size{Limit: MaxBytes, Parts: []Measured{{"plan", int64(len(b))}}}
	for i := range plan.Data {
		d := &plan.Data[i]
		before := len(b)
		var err error
		if b, err = appendTable(b, d, rows[d.Name], everyRow); err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
		sizes.More = sizes.More || err != nil
		sizes.Parts = append(sizes.Parts, Measured{"data set " + d.Name, int64(len(b) - before)})
		if len(b) > MaxBytes {
			sizes.Total += int64(len(b) - before)
			b = b[:before] // counted; the others' sizes are of interest too
		}
	}
	sizes.Total += int64(len(b))
	if sizes.Total > MaxBytes || sizes.More {
		return nil, sizes
	}
	return b, nil
}

// appendPart appends bytes with their length before them.
func appendPart(b, part []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(part)))
	return append(b, part...)
}

// Decode reads a submission, all of b. The plan that it gives was checked as far
// as running it needs: what is no plan that a reader of plans could have made is
// an error.
func Decode(b []byte) (*hyperscale.Plan, Rows, error) {
	plan, rows, err := decode(b)
	if err != nil {
		return nil, nil, fmt.Errorf("read submission: %w", err)
	}
	return plan, rows, nil
}

func decode(b []byte) (*hyperscale.Plan, Rows, error) {
	c, err := begin(b, planFormat)
	if err != nil {
		return nil, nil, err
	}
	plan := new(hyperscale.Plan)
	if err := pack.Decode(c.Bytes(), plan, maxMemory); c.Err() == nil && err != nil {
		return nil, nil, err
	}
	if c.Err() == nil {
		if err := Check(plan); err != nil {
			return nil, nil, err
		}
	}
	rows := c.tables(plan)
	for _, t := range rows {
		if t.(*Table).numbers != nil {
			c.Fail("a data set without all of its rows")
		}
	}
	return plan, rows, c.End()
}

// cursor takes the parts of what a spec is made of from bytes.
type cursor struct{ scan.Reader }

// begin checks size and format of bytes.
func begin(b []byte, format byte) (*cursor, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("it has %s, at most %s are taken", size(int64(len(b))), size(MaxBytes))
	}
	if len(b) == 0 {
		return nil, errors.New("it is empty")
	}
	if b[0] != format {
		return nil, fmt.Errorf("its format is %d; %d is known here", b[0], format)
	}
	return &cursor{scan.New(b[1:])}, nil
}
