package etcdstore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"hyperscale/internal/store"
	"hyperscale/internal/testkit/ports"
)

// patient bounds what should happen soon, on machines that are busy too.
const patient = 90 * time.Second

// What the test binary does when it is started as another process.
const (
	asMember   = "HYPERSCALE_TEST_STORE_MEMBER"   // a Config: runs it
	asExternal = "HYPERSCALE_TEST_STORE_EXTERNAL" // an etcd with a client port
)

func TestMain(m *testing.M) {
	if text := os.Getenv(asMember); text != "" {
		os.Exit(runMember(text))
	}
	if text := os.Getenv(asExternal); text != "" {
		os.Exit(runExternal(text))
	}
	flag.Parse()
	// These tests wait more than they work.
	if err := flag.Set("test.parallel", "4"); err != nil {
		os.Exit(fail(err))
	}
	os.Exit(m.Run())
}

// readyWord is how another process tells the test that it is ready.
const readyWord = "ready"

func runMember(text string) int {
	var c Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return fail(err)
	}
	n, err := New(c, Deps{Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	go func() {
		<-n.Ready()
		fmt.Println(readyWord)
	}()
	if err := n.Run(ctx); err != nil {
		return fail(err)
	}
	return 0
}

// runExternal runs an etcd as others would: NAME DIR CLIENTURL PEERURL.
func runExternal(text string) int {
	words := strings.Fields(text)
	c := embed.NewConfig()
	c.Name, c.Dir = words[0], words[1]
	client, _ := url.Parse(words[2])
	peer, _ := url.Parse(words[3])
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	c.InitialCluster = c.Name + "=" + words[3]
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	server, err := embed.StartEtcd(c)
	if err != nil {
		return fail(err)
	}
	<-server.Server.ReadyNotify()
	fmt.Println(readyWord)
	_, _ = io.Copy(io.Discard, os.Stdin)
	server.Close()
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// spawn starts this binary as another process and waits until it is ready.
func spawn(t *testing.T, as, text string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), as+"="+text)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe() // its end ends the process
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	said, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || strings.TrimSpace(said) != readyWord {
		t.Fatalf("the other process said %q: %v", said, err)
	}
	return cmd
}

// configs describes the members of a new cluster.
func configs(t *testing.T, n int) []Config {
	t.Helper()
	initial := make(map[string]string)
	var all []Config
	for i := range n {
		name := fmt.Sprintf("m%d", i+1)
		initial[name] = "http://" + ports.One(t)
		all = append(all, Config{Name: name, Dir: t.TempDir(), Listen: initial[name], Initial: initial})
	}
	return all
}

// running is a node in this process.
type running struct {
	*Node
	cancel context.CancelFunc
	ended  chan error
}

// stop ends the node and gives what Run did; twice is fine.
func (r *running) stop() error {
	r.cancel()
	return r.wait()
}

func (r *running) wait() error {
	select {
	case err := <-r.ended:
		r.ended <- err
		return err
	case <-time.After(patient):
		return errors.New("the node does not end")
	}
}

func start(t *testing.T, c Config) *running {
	t.Helper()
	n, err := New(c, Deps{Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	return startNode(t, n)
}

func startNode(t *testing.T, n *Node) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{n, cancel, make(chan error, 1)}
	go func() { r.ended <- n.Run(ctx) }()
	t.Cleanup(func() { r.stop() })
	return r
}

// startAll starts members and waits until all are ready.
func startAll(t *testing.T, all []Config) []*running {
	t.Helper()
	var nodes []*running
	for _, c := range all {
		nodes = append(nodes, start(t, c))
	}
	for _, n := range nodes {
		n.mustBecome(t, Ready)
	}
	return nodes
}

// mustBecome waits for a state.
func (r *running) mustBecome(t *testing.T, want State) {
	t.Helper()
	r.until(t, string(want), func(h Health) bool { return h.State == want })
}

func (r *running) until(t *testing.T, what string, is func(Health) bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(patient)
	for !is(r.Health()) {
		select {
		case <-look.C:
		case err := <-r.ended:
			r.ended <- err
			t.Fatalf("%s ended before %q: %v", r.config.Name, what, err)
		case <-late:
			t.Fatalf("%s does not become %q: %+v", r.config.Name, what, r.Health())
		}
	}
}

// put writes, and tries again when the store does not answer.
func put(ctx context.Context, s store.Store, key, value string) (store.Revision, error) {
	for {
		done, err := s.Txn(ctx, store.Txn{Then: []store.Op{{Kind: store.Put, Key: key, Value: []byte(value)}}})
		if err == nil || !errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
			return done.Revision, err
		}
	}
}

func mustPut(t *testing.T, s store.Store, key, value string) store.Revision {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	r, err := put(ctx, s, key, value)
	if err != nil {
		t.Fatalf("putting %s: %v", key, err)
	}
	return r
}

func mustRead(t *testing.T, s store.Store, key, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	page, err := s.Range(ctx, store.Range{From: key, Until: key + "\x00"})
	for errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
		page, err = s.Range(ctx, store.Range{From: key, Until: key + "\x00"})
	}
	if err != nil || len(page.Entries) != 1 || string(page.Entries[0].Value) != want {
		t.Errorf("%s is %v, %v, want %q", key, page.Entries, err, want)
	}
}

// leading gives the member that leads, and the others.
func leading(t *testing.T, nodes []*running) (leader *running, others []*running) {
	t.Helper()
	nodes[0].until(t, "led", func(h Health) bool { return h.Led != "" })
	led := nodes[0].Health().Led
	for _, n := range nodes {
		if n.Health().ID == led {
			leader = n
			continue
		}
		others = append(others, n)
	}
	if leader == nil {
		t.Fatalf("nobody here leads, but %s", led)
	}
	return leader, others
}
