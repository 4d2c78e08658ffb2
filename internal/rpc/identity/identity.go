// Package identity says who somebody is: the names that certificates carry, who
// may call whom, and how certificates are made, kept and renewed without a
// restart.
//
// An identity is a URI in the certificate, never a host name, so that it holds
// behind NAT and wherever a node runs:
//
//	spiffe://<cluster>.<env>/gate/<id>
//	spiffe://<cluster>.<env>/dc/<dc>/manager/<id>
//	spiffe://<cluster>.<env>/dc/<dc>/worker/<id>
//	spiffe://<cluster>.<env>/client/<tenant>/<name>
package identity

import (
	"fmt"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"hyperscale"
)

// Role is what a node, or who asks it, is in a cluster.
type Role string

// The roles.
const (
	Client  Role = "client"
	Worker  Role = "worker"
	Manager Role = "manager"
	Gate    Role = "gate"
)

// ID names a node or a client of a cluster.
type ID struct {
	Cluster, Env string
	Role         Role
	DC           string            // of managers and workers
	Node         hyperscale.NodeID // of gates, managers and workers
	Tenant, Name string            // of clients
}

// Parse reads an identity and refuses one that no certificate of ours has.
func Parse(uri string) (ID, error) {
	name, err := spiffeid.FromString(uri)
	if err != nil {
		return ID{}, fmt.Errorf("reading the identity %q: %w", uri, err)
	}
	cluster, env, _ := strings.Cut(name.TrustDomain().Name(), ".")
	id := ID{Cluster: cluster, Env: env}
	parts := strings.Split(strings.TrimPrefix(name.Path(), "/"), "/")
	switch {
	case len(parts) == 2 && parts[0] == string(Gate):
		id.Role, id.Node = Gate, hyperscale.NodeID(parts[1])
	case len(parts) == 4 && parts[0] == "dc" && (parts[2] == string(Manager) || parts[2] == string(Worker)):
		id.DC, id.Role, id.Node = parts[1], Role(parts[2]), hyperscale.NodeID(parts[3])
	case len(parts) == 3 && parts[0] == string(Client):
		id.Role, id.Tenant, id.Name = Client, parts[1], parts[2]
	default:
		return ID{}, fmt.Errorf("reading the identity %q: it names no gate, manager, worker or client", uri)
	}
	if err := id.Check(); err != nil {
		return ID{}, fmt.Errorf("reading the identity %q: %w", uri, err)
	}
	return id, nil
}

// String is the identity as certificates carry it.
func (id ID) String() string {
	return "spiffe://" + id.Domain() + "/" + id.path()
}

// Domain is the name of the cluster and environment together: the SPIFFE trust
// domain.
func (id ID) Domain() string { return id.Cluster + "." + id.Env }

// Who is the identity for people, without the cluster: "worker w3 of fra".
func (id ID) Who() string {
	switch id.Role {
	case Manager, Worker:
		return fmt.Sprintf("%s %s of %s", id.Role, id.Node, id.DC)
	case Client:
		return fmt.Sprintf("client %s of %s", id.Name, id.Tenant)
	}
	return fmt.Sprintf("%s %s", id.Role, id.Node)
}

func (id ID) path() string {
	switch id.Role {
	case Manager, Worker:
		return "dc/" + id.DC + "/" + string(id.Role) + "/" + string(id.Node)
	case Client:
		return "client/" + id.Tenant + "/" + id.Name
	}
	return string(id.Role) + "/" + string(id.Node)
}

// Check reports what of the identity can't stand in a certificate.
func (id ID) Check() error {
	if err := checkLabel("cluster", id.Cluster); err != nil {
		return err
	}
	if err := checkLabel("environment", id.Env); err != nil {
		return err
	}
	switch id.Role {
	case Gate:
		return checkSegment("node", string(id.Node))
	case Manager, Worker:
		if err := checkSegment("datacenter", id.DC); err != nil {
			return err
		}
		return checkSegment("node", string(id.Node))
	case Client:
		if err := checkSegment("tenant", id.Tenant); err != nil {
			return err
		}
		return checkSegment("name", id.Name)
	}
	return fmt.Errorf("there is no role %q; there are client, worker, manager and gate", id.Role)
}

// CheckDatacenter reports what is wrong with the name of a datacenter.
func CheckDatacenter(name string) error { return checkSegment("datacenter", name) }

// longest is the most bytes of one part of an identity.
const longest = 63

// checkLabel holds the names of clusters and environments to what the trust
// domain takes and can be taken apart from.
func checkLabel(what, s string) error {
	for _, c := range s {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return fmt.Errorf("the %s name %q has %q; small letters, digits, - and _ may stand there", what, s, c)
		}
	}
	return checkLength(what, s)
}

func checkSegment(what, s string) error {
	if s != "" {
		if err := spiffeid.ValidatePathSegment(s); err != nil {
			return fmt.Errorf("the %s name %q: letters, digits, -, _ and . may stand there", what, s)
		}
	}
	return checkLength(what, s)
}

func checkLength(what, s string) error {
	if s == "" || len(s) > longest {
		return fmt.Errorf("the %s name %q has %d bytes; 1 to %d are wanted", what, s, len(s), longest)
	}
	return nil
}

// Domain gives the common name of a cluster and an environment, or says which of
// the two can't be one.
func Domain(cluster, env string) (string, error) {
	id := ID{Cluster: cluster, Env: env, Role: Gate, Node: "x"}
	return id.Domain(), id.Check()
}

// MayCall says whether from may open a connection to the node to, and if not,
// why. Both must be of the same cluster and environment.
//
//	client  → manager, gate
//	worker  → manager of its datacenter
//	manager → manager of its datacenter, gate
//	gate    → gate, manager
func MayCall(from, to ID) error {
	if from.Domain() != to.Domain() {
		return fmt.Errorf("%s is of %s, %s of %s", from.Who(), from.Domain(), to.Who(), to.Domain())
	}
	allowed := false
	switch from.Role {
	case Client:
		allowed = to.Role == Manager || to.Role == Gate
	case Worker:
		allowed = to.Role == Manager && from.DC == to.DC
	case Manager:
		allowed = to.Role == Manager && from.DC == to.DC || to.Role == Gate
	case Gate:
		allowed = to.Role == Gate || to.Role == Manager
	}
	if !allowed {
		return fmt.Errorf("%s may not call %s", from.Who(), to.Who())
	}
	return nil
}
