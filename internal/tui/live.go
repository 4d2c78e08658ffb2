package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	tea "charm.land/bubbletea/v2"

	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// Config is what the live view needs.
type Config struct {
	In        io.Reader // a terminal; nil: keys are not read
	Out       io.Writer // a terminal
	Env       []string
	Look      Look   // its size is the first; 0: asked of Out, which tells of every change
	Interrupt func() // q or Ctrl-C was pressed; called from the view's goroutine, must not block
}

// Live is a live view of one run on the whole of a terminal, which is given back
// as it was.
type Live struct {
	program *tea.Program
}

// NewLive makes a live view; it shows nothing before Run.
func NewLive(c Config) *Live {
	c.Look.Keys = c.In != nil
	options := []tea.ProgramOption{
		tea.WithOutput(c.Out), tea.WithInput(c.In), tea.WithEnvironment(c.Env),
		tea.WithoutSignalHandler(), tea.WithFPS(10), tea.WithWindowSize(c.Look.Width, c.Look.Height),
	}
	return &Live{tea.NewProgram(model{look: c.Look, interrupt: c.Interrupt}, options...)}
}

// Run shows the view until ctx ends. When it returns the terminal is as it was
// before.
func (l *Live) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, l.program.Quit)
	defer stop()
	if _, err := l.program.Run(); err != nil && !errors.Is(err, tea.ErrProgramKilled) {
		return fmt.Errorf("showing the live view: %w", err)
	}
	return nil
}

// Show draws the run as it stands now. It does nothing once Run has returned.
func (l *Live) Show(p stats.Progress) { l.program.Send(p) }

// Say shows words until others come: in the last line, or alone before the first
// progress.
func (l *Live) Say(text string) { l.program.Send(words(text)) }

// Warn shows a warning beside those of the run until it ends.
func (l *Live) Warn(text string) { l.program.Send(warning(text)) }

// words are what Say is given, warning what Warn is.
type (
	words   string
	warning string
)

// model is what the terminal program keeps: the newest progress and words.
type model struct {
	look      Look
	interrupt func()
	progress  stats.Progress
	words     string
	warnings  []string // beside those of the progress
	shown     bool
}

// Init asks for nothing.
func (m model) Init() tea.Cmd { return nil }

// Update takes the newest progress, the size of the terminal, or a key.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case stats.Progress:
		m.progress, m.shown = msg, true
	case words:
		m.words = string(msg)
	case warning:
		m.warnings = append(m.warnings, string(msg))
	case tea.WindowSizeMsg:
		m.look.Width, m.look.Height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		if key := msg.String(); key == "q" || key == "ctrl+c" {
			m.interrupt()
		}
	}
	return m, nil
}

// View draws the frame.
func (m model) View() tea.View {
	content := m.look.Theme.Warn(show.Clean(m.words)) // nothing has begun yet
	if m.shown {
		p := m.progress
		p.Warnings = slices.Concat(p.Warnings, m.warnings)
		if m.words != "" {
			p.Stopping = m.words
		}
		content = Frame(p, m.look)
	}
	v := tea.NewView(content)
	v.AltScreen = true
	return v
}
