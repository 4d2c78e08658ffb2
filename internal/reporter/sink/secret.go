package sink

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Secrets gives a secret by the name of its variable; false: there is none.
type Secrets func(variable string) (string, bool, error)

// Environment takes secrets from variables, looked up by env, or from the files that
// variables with _FILE after their name point at.
func Environment(env func(string) (string, bool)) Secrets {
	return func(variable string) (string, bool, error) {
		value, set := env(variable)
		path, inFile := env(variable + "_FILE")
		switch {
		case set && inFile:
			return "", false, fmt.Errorf("%s and %[1]s_FILE are both set; keep one", variable)
		case !inFile:
			return value, set, nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", false, fmt.Errorf("%s_FILE: %w", variable, err)
		}
		return strings.TrimRight(string(text), "\r\n"), true, nil
	}
}

// Bound gives the secrets of a kind for one address only: that which the variable
// HYPERSCALE_NAME_ADDRESS says they are for. Whoever may name an address is so not given
// what others keep there. A nil secret has none.
func Bound(secret Secrets, s Spec) Secrets {
	return func(variable string) (string, bool, error) {
		if secret == nil {
			return "", false, nil
		}
		address, has, err := secret("HYPERSCALE_" + strings.ToUpper(s.Kind.Name) + "_ADDRESS")
		if err != nil || !has || address != s.Address {
			return "", false, err
		}
		return secret(variable)
	}
}

// login is how a reporter says who it is.
type login struct {
	token          string // "": none
	user, password string // "": none
}

// loginOf looks for those of a kind.
func loginOf(secret Secrets, kind string) (c login, err error) {
	name := func(what string) string { return "HYPERSCALE_" + strings.ToUpper(kind) + "_" + what }
	var hasUser bool
	for _, want := range []struct {
		what string
		to   *string
	}{{"TOKEN", &c.token}, {"USER", &c.user}, {"PASSWORD", &c.password}} {
		value, has, err := secret(name(want.what))
		if err != nil {
			return c, err
		}
		*want.to = value
		hasUser = hasUser || has && want.what == "USER"
	}
	if c.token != "" && hasUser {
		return c, fmt.Errorf("%s and %s are both set; keep one", name("TOKEN"), name("USER"))
	}
	if strings.ContainsAny(c.token, "\r\n") {
		return c, errors.New(name("TOKEN") + " has more than one line")
	}
	return c, nil
}
