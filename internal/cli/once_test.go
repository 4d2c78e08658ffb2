package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answering is a target of both protocols.
func answering(t *testing.T) string {
	t.Helper()
	target := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	target.EnableHTTP2 = true
	target.StartTLS()
	t.Cleanup(target.Close)
	return target.URL
}

// What is shown of a request is what went out.
func TestPingShowsWhatItsProtocolCarries(t *testing.T) {
	url := answering(t)
	host := strings.TrimPrefix(url, "https://")
	for flag, want := range map[string]string{
		"--http2":    "> :method: GET\n> :scheme: https\n> :authority: " + host + "\n> :path: /json\n> user-agent: ",
		"--insecure": "> GET /json HTTP/1.1\n> Host: " + host + "\n",
	} {
		s := newTestWorld()
		code := s.run("ping", url+"/json", "-k", flag)
		if text := s.out.String(); code != 0 || !strings.Contains(text, want) || strings.Contains(text, "> :") != (flag == "--http2") {
			t.Errorf("%s: code %d, no\n%sin\n%s%s", flag, code, want, text, &s.err)
		}
	}
}

func TestPingIsHeadedByItsURL(t *testing.T) {
	s, url := newTestWorld(), answering(t)+"/json"
	if code := s.run("ping", url, "-k"); code != 0 || !strings.HasPrefix(s.out.String(), url+"\n> GET") {
		t.Errorf("code %d:\n%s", code, &s.out)
	}
}

func TestPingAsJSONHoldsTheAnswer(t *testing.T) {
	s := newTestWorld()
	code := s.run("ping", answering(t), "-k", "--json")
	var got struct {
		Schema string
		Answer struct {
			Status int
			Phases map[string]*float64 `json:"phases_ms"`
		}
	}
	if err := json.Unmarshal(s.out.Bytes(), &got); err != nil || code != 0 {
		t.Fatalf("code %d, %v in %s", code, err, &s.out)
	}
	first := got.Answer.Phases["first_byte"]
	if got.Schema == "" || got.Answer.Status != http.StatusTeapot || first == nil || *first <= 0 || got.Answer.Phases["connect"] == nil {
		t.Errorf("got %+v", got)
	}
}

// A dumb terminal can do lines and nothing else.
func TestADumbTerminalGetsLines(t *testing.T) {
	s := newTestWorld()
	s.Terminal.Err, s.Env = true, []string{"TERM=dumb"}
	code := s.run("run", answering(t), "-k", "-n", "1", "-c", "1")
	if text := s.err.String(); code != 0 || strings.Contains(text, "\x1b") || !strings.Contains(text, "main ended") {
		t.Errorf("code %d: %q", code, text)
	}
}

func TestLoggedDurationsHaveAUnit(t *testing.T) {
	s := newTestWorld()
	s.run("run", answering(t), "-k", "-n", "1", "-c", "1", "-v", "--log-format", "json")
	if text := s.err.String(); !strings.Contains(text, `"elapsed_s":0.`) {
		t.Errorf("got %s", text)
	}
}
