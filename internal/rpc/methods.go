package rpc

import (
	"slices"
	"strings"

	"hyperscale/internal/rpc/identity"
)

// Priority says what is shed last when a node has too much to do.
type Priority int

// The priorities of calls, by the kind of message.
const (
	Critical Priority = iota // beats, windows, cancelling, ownership: never shed
	Work                     // submitting, adjusting, draining
	Progress                 // watching, results
	Queries                  // status, lists, members: shed first
)

// bucket names the rate limit that a call of a client counts against.
type bucket int

const (
	submits bucket = iota
	cancels
	queries
	buckets // how many there are
)

// method is what is to be known of one call before it is handled.
type method struct {
	priority Priority
	bucket   bucket
	standing bool // goes on until either side ends it
	callers  map[identity.Role][]identity.Role
}

// The callers of a method, by the role of the node that is called. Who may
// connect at all says identity.MayCall.
var (
	users = map[identity.Role][]identity.Role{
		identity.Manager: {identity.Client, identity.Manager, identity.Gate},
		identity.Gate:    {identity.Client, identity.Manager, identity.Gate},
	}
	children = map[identity.Role][]identity.Role{
		identity.Manager: {identity.Worker},
		identity.Gate:    {identity.Manager},
	}
	equals = map[identity.Role][]identity.Role{
		identity.Manager: {identity.Manager},
		identity.Gate:    {identity.Gate},
	}
)

// methods is the one table of all calls: who may make them, and how they are
// admitted.
var methods = map[string]method{
	"Jobs/Submit":     {priority: Work, bucket: submits, callers: users},
	"Jobs/Get":        {priority: Queries, bucket: queries, callers: users},
	"Jobs/List":       {priority: Queries, bucket: queries, callers: users},
	"Jobs/Watch":      {priority: Progress, bucket: queries, standing: true, callers: users},
	"Jobs/Cancel":     {priority: Critical, bucket: cancels, callers: users},
	"Jobs/Adjust":     {priority: Work, bucket: cancels, callers: users},
	"Jobs/Result":     {priority: Progress, bucket: queries, callers: users},
	"Cluster/Members": {priority: Queries, bucket: queries, callers: users},
	"Cluster/Drain":   {priority: Work, bucket: cancels, callers: users},
	"Link/Attach":     {priority: Critical, standing: true, callers: children},
	"Link/Deliver":    {priority: Critical, standing: true, callers: children},
	"Peers/Talk":      {priority: Critical, standing: true, callers: equals},
	"Peers/Forward":   {priority: Progress, standing: true, callers: equals},
	"Peers/Offer":     {priority: Critical, callers: equals},
	"Peers/Post":      {priority: Progress, callers: equals},
	"Peers/Invite":    {priority: Critical, callers: equals},
}

// shortName is the name in the table of what gRPC calls
// "/hyperscale.v1.Jobs/Submit".
func shortName(full string) string {
	return full[strings.LastIndex(full, ".")+1:]
}

// mayUse says whether a caller may make a call of a node, and if not, why.
func mayUse(name string, from, at identity.ID) error {
	if from.Domain() != at.Domain() {
		return Errorf(WrongCluster, "this node is of cluster %s, environment %s; the caller is of cluster %s, environment %s",
			at.Cluster, at.Env, from.Cluster, from.Env)
	}
	if err := identity.MayCall(from, at); err != nil {
		return Errorf(Unauthorized, "%v", err)
	}
	m, known := methods[name]
	if !known {
		return Errorf(Unsupported, "there is no call %s here", name)
	}
	if !slices.Contains(m.callers[at.Role], from.Role) {
		return Errorf(Unauthorized, "a %s may not call %s of a %s", from.Role, name, at.Role)
	}
	return nil
}
