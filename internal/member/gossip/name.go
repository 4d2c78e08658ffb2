package gossip

import (
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/member"
)

// nameOf is the name under which a start of a node gossips.
func nameOf(id hyperscale.NodeID, boot hyperscale.Boot) string {
	return string(id) + "#" + strconv.FormatUint(uint64(boot), 10)
}

// readName takes such a name apart; false: it is not one.
func readName(name string) (hyperscale.NodeID, hyperscale.Boot, bool) {
	i := strings.LastIndexByte(name, '#')
	if i < 0 {
		return "", 0, false
	}
	id := hyperscale.NodeID(name[:i])
	boot, err := strconv.ParseUint(name[i+1:], 10, 64)
	if err != nil || member.CheckID(id) != nil || nameOf(id, hyperscale.Boot(boot)) != name {
		return "", 0, false
	}
	return id, hyperscale.Boot(boot), true
}

// farewell begins the message in which a member says that it leaves; its name
// follows. Memberlist itself does not tell leaving from death.
const farewell = "leaves 1 "

// readFarewell gives who leaves; false: the message is another.
func readFarewell(message []byte) (hyperscale.NodeID, hyperscale.Boot, bool) {
	name, is := strings.CutPrefix(string(message), farewell)
	if !is {
		return "", 0, false
	}
	return readName(name)
}
