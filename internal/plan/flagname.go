package plan

import (
	"errors"
	"unicode/utf8"

	"hyperscale"
)

// flagLetters are the letters of the flags that have one, by the setting's name.
var flagLetters = map[string]string{
	"vus": "c", "iterations": "n", "duration": "d", "method": "m", "header": "H", "body": "b", "insecure": "k",
}

// flagName is the flag of a setting as messages and help call it.
func flagName(setting string) string {
	if letter := flagLetters[setting]; letter != "" {
		return "-" + letter + "/--" + setting
	}
	return "--" + setting
}

// longestShown is the most bytes of a setting's value that messages show.
const longestShown = 80

// flagText is the flag of a setting with its value, as messages begin with.
func flagText(setting, value string) string {
	if len(value) > longestShown {
		end := longestShown
		for !utf8.RuneStart(value[end]) {
			end--
		}
		value = value[:end] + "…"
	}
	if value == "" {
		value = `""`
	}
	return flagName(setting) + " " + value
}

// settingError is what is wrong with one setting: FLAG VALUE: what; expected ….
type settingError struct{ Fault }

// Error is the message, which begins with the flag.
func (e *settingError) Error() string { return e.Message() }

// wrongSetting is the error of a setting whose value can't be taken; nil stays nil.
func wrongSetting(setting, value string, err error) error {
	if err == nil {
		return nil
	}
	f := Fault{Outside: true, From: flagText(setting, value), What: err.Error()}
	if lexical, is := errors.AsType[*hyperscale.LexicalError](err); is {
		f.What, f.Expected, f.Meant = lexical.What, lexical.Expected, lexical.Meant
	}
	return &settingError{f}
}

// notThat is an error that says what a value is not, and what was expected.
func notThat(what, expected string) error {
	return &hyperscale.LexicalError{What: what, Expected: expected}
}
