package rpc

import (
	"fmt"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc/identity"
)

// proofText is what a client signs that wants a load stopped. No other text that is
// signed begins like it.
func proofText(by identity.ID, job hyperscale.JobID, workflow string) []byte {
	return fmt.Appendf(nil, "hyperscale cancel 1\n%q\n%q\n%q\n", by, job, workflow)
}

// Prove is the proof that the owner of the certificates wants a job stopped, or one
// workflow of it. Without certificates it is but the word of who calls.
func Prove(certificates *identity.Source, self identity.ID, job hyperscale.JobID, workflow string) (*link.Proof, error) {
	p := &link.Proof{Job: job, Workflow: workflow, By: self.String()}
	if certificates == nil {
		return p, nil
	}
	var err error
	p.Chain, p.Signature, err = certificates.Sign(proofText(self, job, workflow))
	return p, err
}

// CheckProof tells which client of our cluster shows that it wants a load stopped.
// Without certificates nobody can prove who they are, and a word is enough; with
// them nothing but a signature is.
func CheckProof(certificates *identity.Source, self identity.ID, p *link.Proof) (identity.ID, error) {
	by, err := identity.Parse(p.By)
	if err != nil {
		return by, Errorf(Unauthenticated, "a cancel: %v", err)
	}
	if certificates != nil {
		signer, err := certificates.Verify(proofText(by, p.Job, p.Workflow), p.Chain, p.Signature)
		if err != nil {
			return by, Errorf(Unauthenticated, "a cancel of job %s: %v", p.Job, err)
		}
		if signer != by {
			return by, Errorf(Unauthenticated, "a cancel of job %s by %s is signed by %s", p.Job, by, signer)
		}
	}
	if by.Role != identity.Client || by.Domain() != self.Domain() {
		return by, Errorf(Unauthorized, "a cancel of job %s by %s, who is no client of this cluster", p.Job, by)
	}
	return by, nil
}
