package show

import "charm.land/lipgloss/v2"

// A Paint gives text a colour. The painted text takes as many cells as before.
type Paint func(string) string

// Theme is what colours mean. Only the terminal's own sixteen are used, so that
// they suit its background.
type Theme struct {
	Good, Bad, Warn Paint // passed, failed, worth a look
	Strong          Paint // titles and the number that matters
	Faint           Paint // what may be passed over
	Accent          Paint // bars and lines
}

// NewTheme gives the theme with colours, or the one that changes nothing.
func NewTheme(colour bool) Theme {
	if !colour {
		plain := func(s string) string { return s }
		return Theme{Good: plain, Bad: plain, Warn: plain, Strong: plain, Faint: plain, Accent: plain}
	}
	return Theme{
		Good:   paint(lipgloss.NewStyle().Foreground(lipgloss.Green)),
		Bad:    paint(lipgloss.NewStyle().Foreground(lipgloss.Red)),
		Warn:   paint(lipgloss.NewStyle().Foreground(lipgloss.Yellow)),
		Strong: paint(lipgloss.NewStyle().Bold(true)),
		Faint:  paint(lipgloss.NewStyle().Faint(true)),
		Accent: paint(lipgloss.NewStyle().Foreground(lipgloss.Cyan)),
	}
}

func paint(s lipgloss.Style) Paint {
	return func(text string) string {
		if text == "" {
			return ""
		}
		return s.Inline(true).Render(text)
	}
}
