package gossip

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/member"
	"hyperscale/internal/member/membertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// group runs members on loopback, at addresses that are settled before anybody
// starts.
type group struct {
	t         *testing.T
	addresses map[hyperscale.NodeID]string
	change    func(*Config) // nil: nothing
}

func newGroup(t *testing.T) *group {
	return &group{t: t, addresses: make(map[hyperscale.NodeID]string)}
}

// address is a member's: a port that was free when it was first asked for.
func (g *group) address(id hyperscale.NodeID) string {
	if g.addresses[id] == "" {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			g.t.Fatal(err)
		}
		g.addresses[id] = tcp.Addr().String()
		tcp.Close()
	}
	return g.addresses[id]
}

func (g *group) Start(id hyperscale.NodeID, boot hyperscale.Boot, meta []byte, peers []hyperscale.NodeID, heard member.Heard) (member.Members, func()) {
	config := Config{ID: id, Boot: boot, Meta: meta, Bind: g.address(id), Label: Datacenter("test", "dev", "east")}
	for _, peer := range peers {
		config.Join = append(config.Join, g.address(peer))
	}
	if g.change != nil {
		g.change(&config)
	}
	m, err := New(config, Deps{Heard: heard})
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	var once sync.Once
	kill := func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				g.t.Errorf("%s: %v", id, err)
			}
		})
	}
	g.t.Cleanup(kill)
	return m, kill
}

func (g *group) Until(limit time.Duration, ok func() bool) bool {
	end := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-end:
			return ok()
		case <-tick.C:
		}
	}
	return true
}

func ids(m member.Members) string {
	var all []string
	for _, x := range m.Alive() {
		all = append(all, fmt.Sprintf("%s#%d", x.ID, x.Boot))
	}
	return strings.Join(all, " ")
}

func TestGossip(t *testing.T) {
	t.Parallel()
	membertest.Run(t, func(t *testing.T) membertest.Group {
		t.Parallel()
		return newGroup(t)
	})
}

// A listener that blocks holds nobody up; what happened meanwhile it hears as
// what it came to.
func TestASlowListener(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	blocked := make(chan struct{})
	var mu sync.Mutex
	var told []string
	a, _ := g.Start("a", 1, nil, nil, func(e member.Event) {
		<-blocked
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprintf("%v %s#%d", e.Kind, e.ID, e.Boot))
	})
	b, _ := g.Start("b", 1, nil, []hyperscale.NodeID{"a"}, nil)
	_, kill := g.Start("c", 1, nil, []hyperscale.NodeID{"a"}, nil)
	if !g.Until(membertest.Soon, func() bool { return ids(a) == "a#1 b#1 c#1" && ids(b) == ids(a) }) {
		t.Fatalf("%s; %s", ids(a), ids(b))
	}
	kill()
	g.Start("c", 2, nil, []hyperscale.NodeID{"a"}, nil)
	if !g.Until(membertest.Soon, func() bool { return ids(a) == "a#1 b#1 c#2" && ids(b) == ids(a) }) {
		t.Fatalf("%s; %s", ids(a), ids(b))
	}
	// Longer than it takes to find one dead that does not answer.
	if g.Until(5*time.Second, func() bool { return ids(b) != "a#1 b#1 c#2" }) {
		t.Fatal(ids(b))
	}
	close(blocked)
	// What it heard of c is c#2 alone, or c#1 as well if that was on its way to it.
	want := [][]string{{"joined a#1", "joined b#1", "joined c#2"}, {"dead c#1", "joined a#1", "joined b#1", "joined c#1", "joined c#2"}}
	ok := g.Until(membertest.Soon, func() bool {
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(told)
		return slices.ContainsFunc(want, func(w []string) bool { return slices.Equal(told, w) })
	})
	if !ok {
		t.Errorf("told %q", told)
	}
}

// strangers checks that a and b, which run, do not find each other for a while.
func (g *group) strangers(a, b member.Members) {
	g.t.Helper()
	g.Until(membertest.Soon, func() bool { return ids(a) != "" && ids(b) != "" })
	g.Until(1500*time.Millisecond, func() bool { return ids(a) != "a#1" || ids(b) != "b#1" })
	if ids(a) != "a#1" || ids(b) != "b#1" {
		g.t.Fatalf("%s; %s", ids(a), ids(b))
	}
}

// Groups of different labels do not hear each other.
func TestLabels(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	a, _ := g.Start("a", 1, nil, []hyperscale.NodeID{"b"}, nil)
	g.change = func(c *Config) { c.Label = Datacenter("test", "prod", "east") }
	b, _ := g.Start("b", 1, nil, []hyperscale.NodeID{"a"}, nil)
	g.strangers(a, b)
}

// A peer may be configured by a name, which is looked up anew until it is there.
func TestNames(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	port := strings.TrimPrefix(g.address("b"), "127.0.0.1")
	g.change = func(c *Config) {
		if c.ID == "a" {
			c.Join = []string{"localhost" + port, "no-such-host.invalid:1"}
		}
	}
	a, _ := g.Start("a", 1, nil, nil, nil)
	g.Start("b", 1, nil, nil, nil)
	if !g.Until(membertest.Soon, func() bool { return ids(a) == "a#1 b#1" }) {
		t.Fatal(ids(a))
	}
	if got := a.Unheard(); !slices.Equal(got, []string{"no-such-host.invalid:1"}) {
		t.Errorf("unheard: %q", got)
	}
}

func writeKeys(t *testing.T, file string, keys ...string) {
	t.Helper()
	var list []string
	for _, key := range keys {
		list = append(list, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(key), 32)))
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// Members with a key in common hear each other, others do not; keys change while
// the members run.
func TestKeys(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	dir := t.TempDir()
	g.change = func(c *Config) { c.Keyring = filepath.Join(dir, string(c.ID)) }
	writeKeys(t, filepath.Join(dir, "a"), "1")
	writeKeys(t, filepath.Join(dir, "b"), "2")
	a, _ := g.Start("a", 1, nil, []hyperscale.NodeID{"b"}, nil)
	b, _ := g.Start("b", 1, nil, nil, nil)
	g.strangers(a, b)
	writeKeys(t, filepath.Join(dir, "b"), "2", "1")
	writeKeys(t, filepath.Join(dir, "a"), "1", "2")
	if !g.Until(membertest.Soon, func() bool { return ids(a) == "a#1 b#1" && ids(b) == ids(a) }) {
		t.Fatalf("with two in common: %s; %s", ids(a), ids(b))
	}
}

func TestRotate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	writeKeys(t, file, "1", "2")
	ring, err := Config{Keyring: file}.keyring()
	if err != nil {
		t.Fatal(err)
	}
	writeKeys(t, file, "3", "2")
	keys, err := ReadKeys(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := rotate(ring, keys); err != nil {
		t.Fatal(err)
	}
	if len(ring.GetKeys()) != 2 || ring.GetPrimaryKey()[0] != '3' {
		t.Errorf("%q", ring.GetKeys())
	}
}

func TestKeyFaults(t *testing.T) {
	for text, want := range map[string]string{
		``:               "no JSON list",
		`[]`:             "it has 0 keys",
		`["?"]`:          "key 1 is not in base64",
		`["AAAA"]`:       "key 1 has 3 bytes; expected 16, 24 or 32",
		`{"keys": "no"}`: "no JSON list",
	} {
		if _, err := parseKeys([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	m, err := New(Config{ID: "a", Bind: "127.0.0.1:0", Keyring: "no/such/file"}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "reading the gossip keys") {
		t.Errorf("%v", err)
	}
}

// What can't be right is said before anything is opened, all at once.
func TestConfigFaults(t *testing.T) {
	good := Config{ID: "a", Bind: "127.0.0.1:0"}
	tests := []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.ID = "" }, "a member needs a name"},
		{func(c *Config) { c.ID = hyperscale.NodeID(strings.Repeat("x", 129)) }, "129 bytes, and at most 128"},
		{func(c *Config) { c.Meta = make([]byte, 513) }, "513 bytes, and at most 512"},
		{func(c *Config) { c.Label = strings.Repeat("x", 256) }, "256 bytes, and at most 255"},
		{func(c *Config) { c.Packet = 1401 }, "packets of 1401 bytes may not arrive whole"},
		{func(c *Config) { c.Packet, c.Meta = 600, make([]byte, 500) }, "make packets of 695 bytes, and they have room for 600"},
		{func(c *Config) { c.Bind = "nowhere" }, `"nowhere" is no address; expected host:port`},
		{func(c *Config) { c.Advertise = "east:70000" }, "no number up to 65535"},
		{func(c *Config) { c.Advertise = "east:7000" }, "others need an IP address"},
		{func(c *Config) { c.Join = []string{"b:0"} }, `the peer "b:0" has no port`},
	}
	for _, test := range tests {
		config := good
		test.change(&config)
		if _, err := New(config, Deps{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, not %q", err, test.want)
		}
	}
	most := Config{
		ID: hyperscale.NodeID(strings.Repeat("x", member.MaxID)), Boot: 1<<64 - 1, Bind: "127.0.0.1:0",
		Label: strings.Repeat("x", 255), Meta: make([]byte, member.MaxMeta), Packet: MaxPacket,
	}
	if _, err := New(most, Deps{}); err != nil {
		t.Errorf("the most that is allowed: %v", err)
	}
}

// The most that is allowed of everything is still heard.
func TestTheMostIsHeard(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	file := filepath.Join(t.TempDir(), "keys")
	writeKeys(t, file, "1")
	long := hyperscale.NodeID(strings.Repeat("x", member.MaxID-1))
	g.change = func(c *Config) { c.Label, c.Keyring = strings.Repeat("l", 255), file }
	meta := bytes.Repeat([]byte("0123456789abcdef"), member.MaxMeta/16)
	a, _ := g.Start(long+"a", 1<<63, meta, nil, nil)
	b, _ := g.Start(long+"b", 1<<63, nil, []hyperscale.NodeID{long + "a"}, nil)
	if !g.Until(membertest.Soon, func() bool { return len(b.Alive()) == 2 && len(a.Alive()) == 2 }) {
		t.Fatal("they do not hear each other")
	}
	other := slices.Clone(meta)
	slices.Reverse(other)
	if err := a.Update(other); err != nil {
		t.Fatal(err)
	}
	if !g.Until(membertest.Soon, func() bool { return bytes.Equal(b.Alive()[0].Meta, other) }) {
		t.Error("an update was not heard")
	}
}

// Where all leave at once nobody is left to pass a farewell on, and nothing is wrong.
func TestAllLeaveAtOnce(t *testing.T) {
	g := newGroup(t)
	names := []hyperscale.NodeID{"a", "b", "c"}
	var all []member.Members
	for _, id := range names {
		m, _ := g.Start(id, 1, nil, names, nil)
		all = append(all, m)
	}
	if !g.Until(10*time.Second, func() bool {
		return ids(all[0]) == "a#1 b#1 c#1" && ids(all[1]) == ids(all[0]) && ids(all[2]) == ids(all[0])
	}) {
		t.Fatalf("they did not meet: %s", ids(all[0]))
	}
	errs := make(chan error, len(all))
	for _, m := range all {
		go func() { errs <- m.Leave(t.Context()) }()
	}
	for range all {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// Where nothing can be listened at, Run says so.
func TestNowhereToListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	m, err := New(Config{ID: "a", Bind: taken.Addr().String()}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listening at "+taken.Addr().String()) {
		t.Errorf("%v", err)
	}
	if m.Stall() != 0 || m.Leave(t.Context()) != nil {
		t.Error("what does not run has nothing to leave")
	}
}

// Errors are told as warnings, and a flood of them is cut short.
func TestJournal(t *testing.T) {
	var out bytes.Buffer
	j := &journal{log: slog.New(slog.NewTextHandler(&out, nil))}
	for range 1_000 {
		fmt.Fprintf(j, "[ERR] memberlist: it hurts\n")
	}
	fmt.Fprintf(j, "[DEBUG] memberlist: nobody asked\n")
	text := out.String()
	if n := strings.Count(text, "level=WARN msg=\"it hurts\""); n < loudest || n > 3*loudest || strings.Contains(text, "nobody") {
		t.Errorf("%d lines:\n%s", n, text)
	}
	for range 100 {
		fmt.Fprintf(j, "[WARN] memberlist: Got ping for unexpected node 'm1#7' from=127.0.0.1:1\n")
	}
	j.second = time.Time{}
	fmt.Fprintf(j, "[WARN] memberlist: Got ping for unexpected node 'm1#7' from=127.0.0.1:1\n")
	j.second, j.mistook = time.Time{}, time.Time{}
	fmt.Fprintf(j, "[WARN] memberlist: Got ping for unexpected node 'm1#7' from=127.0.0.1:1\n")
	if n := strings.Count(out.String(), "earlier start"); n != 1 || strings.Contains(out.String(), "unexpected") {
		t.Errorf("an earlier start is told of %d times:\n%s", n, out.String())
	}
	j.second = time.Time{}
	fmt.Fprintf(j, "[WARN] memberlist: it is over\n")
	if !strings.Contains(out.String(), "lines=9") || !strings.Contains(out.String(), "level=INFO msg=\"it is over\"") {
		t.Error(out.String())
	}
}

func TestNamesAreReadBack(t *testing.T) {
	for _, name := range []string{"", "a", "#1", "a#", "a#-1", "a#01", "a#18446744073709551616", strings.Repeat("x", 129) + "#1"} {
		if id, boot, ok := readName(name); ok {
			t.Errorf("%q is %s, %d", name, id, boot)
		}
	}
	if id, boot, ok := readName(nameOf("a#b", 7)); id != "a#b" || boot != 7 || !ok {
		t.Errorf("%s, %d, %v", id, boot, ok)
	}
}

// What comes from outside is read without harm, and what is read is written as
// it was.
func FuzzFarewell(f *testing.F) {
	f.Add([]byte(farewell + "a#1"))
	f.Add([]byte("leaves 2 a#1"))
	f.Fuzz(func(t *testing.T, message []byte) {
		if id, boot, ok := readFarewell(message); ok && farewell+nameOf(id, boot) != string(message) {
			t.Errorf("%q is %s#%d", message, id, boot)
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte(`["AAAAAAAAAAAAAAAAAAAAAA=="]`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseKeys(text)
		if (err == nil) != (len(keys) > 0) || len(keys) > mostKeys {
			t.Errorf("%d keys, %v", len(keys), err)
		}
	})
}
