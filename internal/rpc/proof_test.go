package rpc

import (
	"testing"

	"hyperscale/internal/link"
	"hyperscale/internal/rpc/identity"
)

// A client's cancel is obeyed for its signature, and for nothing else.
func TestForgedCancelsAreRefused(t *testing.T) {
	a := authority(t)
	ann, other := as(identity.Client), as(identity.Client)
	other.Name = "bob"
	worker := as(identity.Worker)
	at := certified(t, a, worker)
	sign := func(source *identity.Source, by identity.ID) *link.Proof {
		p, err := Prove(source, by, "7", "")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	hers := certified(t, a, ann)
	if by, err := CheckProof(at, worker, sign(hers, ann)); err != nil || by != ann {
		t.Fatalf("her own cancel: %v, %v", by, err)
	}
	for name, forge := range map[string]func(p *link.Proof) *link.Proof{
		"of another job":        func(p *link.Proof) *link.Proof { p.Job = "8"; return p },
		"of one workflow":       func(p *link.Proof) *link.Proof { p.Workflow = "browse"; return p },
		"in another's name":     func(p *link.Proof) *link.Proof { p.By = other.String(); return p },
		"signed in her name":    func(*link.Proof) *link.Proof { return sign(certified(t, a, other), ann) },
		"of other authorities":  func(*link.Proof) *link.Proof { return sign(certified(t, authority(t), ann), ann) },
		"of a worker":           func(*link.Proof) *link.Proof { return sign(at, worker) },
		"with a spoilt sign":    func(p *link.Proof) *link.Proof { p.Signature[9] ^= 1; return p },
		"without a certificate": func(p *link.Proof) *link.Proof { p.Chain = nil; return p },
		"without a signature":   func(p *link.Proof) *link.Proof { p.Signature = nil; return p },
		"that is but a word":    func(*link.Proof) *link.Proof { return sign(nil, ann) },
		"of nobody":             func(p *link.Proof) *link.Proof { p.By = ""; return p },
		"with no certificate":   func(p *link.Proof) *link.Proof { p.Chain = [][]byte{{1, 2, 3}}; return p },
	} {
		if by, err := CheckProof(at, worker, forge(sign(hers, ann))); err == nil {
			t.Errorf("a cancel %s is taken for that of %s", name, by)
		}
	}
}

// Where nobody has certificates a client's word is enough, if it is of this cluster.
func TestCancelsWithoutCertificates(t *testing.T) {
	ann, worker := as(identity.Client), as(identity.Worker)
	p, err := Prove(nil, ann, "7", "")
	if err != nil {
		t.Fatal(err)
	}
	if by, err := CheckProof(nil, worker, p); err != nil || by != ann {
		t.Errorf("%v, %v", by, err)
	}
	worker.Env = "elsewhere"
	if _, err := CheckProof(nil, worker, p); KindOf(err) != Unauthorized {
		t.Errorf("of another environment: %v", err)
	}
}
