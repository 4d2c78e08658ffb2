package rpc

import (
	"slices"
	"strconv"
	"strings"
)

// Protocol is the version that this program speaks. Programs of the same major
// number understand each other: fields are only ever added, and what a program
// does not know it leaves alone. The minor number is for people.
const Protocol = "1.0"

// Features are what a program can do beyond the first version of its major
// number. A feature is used when both sides name it.
func Features() []string { return []string{"relay"} }

// What each call carries about its caller, and the answer about the node.
const (
	identityHeader = "hyperscale-identity"
	bootHeader     = "hyperscale-boot"
	protocolHeader = "hyperscale-protocol"
	featuresHeader = "hyperscale-features"
)

// negotiate gives the features of both sides, or refuses another major version.
func negotiate(ours []string, protocol, theirs string) ([]string, error) {
	if protocol == "" {
		return nil, Errorf(WrongVersion, "the other side does not say which version of the protocol it speaks; this one speaks %s", Protocol)
	}
	want, err := major(Protocol)
	if err != nil {
		return nil, err
	}
	got, err := major(protocol)
	if err != nil {
		return nil, err
	}
	if got != want {
		older := "the other"
		if got > want {
			older = "this one"
		}
		return nil, Errorf(WrongVersion, "the other side speaks protocol %s, this one %s: bring %s to a release of the same major version", protocol, Protocol, older)
	}
	var both []string
	for _, f := range strings.Fields(theirs) {
		if slices.Contains(ours, f) && !slices.Contains(both, f) {
			both = append(both, f)
		}
	}
	slices.Sort(both)
	return both, nil
}

func major(protocol string) (int, error) {
	number, _, _ := strings.Cut(protocol, ".")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		return 0, Errorf(WrongVersion, "%q is no version of the protocol; this side speaks %s", protocol, Protocol)
	}
	return n, nil
}
