package route

import (
	"fmt"
	"slices"

	"hyperscale"
)

// settle gives what was chosen its cores, and every row its reason.
func (ch *choosing) settle() Choice {
	for _, row := range ch.order {
		if !slices.Contains(ch.chosen, row) && row.Why == "" {
			row.Why = ch.passed(row)
		}
	}
	choice := Choice{Notes: ch.notes}
	for i, use := range ch.divide(ch.wish.Most) {
		row := ch.chosen[i]
		row.Use = use
		if row.Why == "" {
			row.Why = ch.reason(row)
		}
		choice.Chosen = append(choice.Chosen, Part{row.Name, use})
		if missed := row.misses(ch.config, ch.wish); missed != "" {
			row.Why += ", though " + missed
			choice.Notes = append(choice.Notes, Note{"slo not met", row.Name, "it runs in datacenter " + row.Name + " all the same: " + missed})
		}
	}
	choice.Table = ch.table()
	if wanted := ch.wanted(); wanted > len(ch.chosen) {
		choice.Notes = append(choice.Notes, Note{What: "fewer datacenters", Detail: fmt.Sprintf(
			"%s asked for, and it runs in %d%s", are(wanted, "datacenter"), len(ch.chosen), ch.reasons())})
	}
	return choice
}

// reason says why one was chosen.
func (ch *choosing) reason(row *Row) string {
	for _, other := range ch.order {
		if !slices.Contains(ch.chosen, other) && ch.before(row) && ch.compare(other, row) < 0 {
			return "chosen: it was before, and none is better by enough"
		}
	}
	return "chosen"
}

// passed says why one that could run the job was not chosen.
func (ch *choosing) passed(row *Row) string {
	if missed := row.misses(ch.config, ch.wish); missed != "" {
		return missed
	}
	if n := len(ch.chosen); !ch.wish.Replicate && ch.wanted() > n && n == ch.wish.Most {
		return fmt.Sprintf("the load has use for %s at most", hyperscale.Plural(n, "core"))
	}
	for _, other := range ch.chosen {
		switch first := ch.compare(row, other) < 0; {
		case first && ch.before(other):
			return fmt.Sprintf("not better by enough than %s, which was chosen before", other.Name)
		case first && other.Why == "":
			return fmt.Sprintf("with it the load would not have the %s that it needs", hyperscale.Plural(ch.wish.Least, "core"))
		}
	}
	return "others come first"
}

// before reports whether one was chosen before.
func (ch *choosing) before(row *Row) bool { return slices.Contains(ch.wish.Current, row.Name) }

func (ch *choosing) table() []Row {
	table := make([]Row, len(ch.rows))
	for i, row := range ch.rows {
		table[i] = *row
	}
	return table
}

// refuse says why the job can't run.
func (ch *choosing) refuse() Choice {
	for _, row := range ch.order {
		row.Why = "it has " + hyperscale.Plural(row.Cores, "core")
	}
	why := ""
	switch wanted := ch.wanted(); {
	case len(ch.rows) == 0:
		return Choice{Refused: "no datacenter is known"}
	case len(ch.order) == 0:
		why = "no datacenter can run it"
	case wanted > len(ch.order):
		why = fmt.Sprintf("%s asked for, and %d can run it", are(wanted, "datacenter"), len(ch.order))
	case !ch.wish.Replicate && wanted > ch.wish.Most:
		why = fmt.Sprintf("%s asked for, and the load has use for %s at most", are(wanted, "datacenter"), hyperscale.Plural(ch.wish.Most, "core"))
	default:
		why = fmt.Sprintf("it needs %s, and there are not so many", hyperscale.Plural(ch.wish.Least, "core"))
	}
	return Choice{Refused: why + ch.reasons(), Table: ch.table()}
}

// reasons are those of the datacenters that were not chosen and were asked for, after
// what they are reasons of; "": none.
func (ch *choosing) reasons() string {
	text := ""
	for _, row := range ch.rows {
		if row.Use > 0 || !row.Asked {
			continue
		}
		sep := "; "
		if text == "" {
			sep = ": "
		}
		text += sep + row.Name + ": " + row.Why
	}
	return text
}
