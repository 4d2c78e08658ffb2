package etcdstore

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/server/v3/lease"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hyperscale/internal/store"
)

// kinds are the words of etcd that mean a kind of ours. Whatever is not among
// them leaves open what happened: the store does not answer.
var kinds = []struct{ etcd, ours error }{
	{rpctypes.ErrCompacted, store.ErrCompacted},
	{rpctypes.ErrLeaseNotFound, store.ErrNoLease},
	{lease.ErrLeaseNotFound, store.ErrNoLease},
	{rpctypes.ErrNoSpace, store.ErrFull},
	{rpctypes.ErrRequestTooLarge, store.ErrTooLarge},
	{rpctypes.ErrTooManyOps, store.ErrTooLarge},
	{rpctypes.ErrFutureRev, store.ErrInvalid},
	{rpctypes.ErrDuplicateKey, store.ErrInvalid},
	{rpctypes.ErrEmptyKey, store.ErrInvalid},
	{rpctypes.ErrLeaseTTLTooLarge, store.ErrInvalid},
}

// kind tells what an error of etcd means to whoever asked within ctx.
func kind(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	for _, k := range kinds {
		if errors.Is(err, k.ours) {
			return err
		}
		if sameWord(err, k.etcd) {
			return fmt.Errorf("%w (%s)", k.ours, err.Error())
		}
	}
	if errors.Is(err, store.ErrUnavailable) {
		return err
	}
	// gRPC says so before it sends anything.
	if status.Code(err) == codes.ResourceExhausted && !sameWord(err, rpctypes.ErrTooManyRequests) {
		return fmt.Errorf("%w (%s)", store.ErrTooLarge, err.Error())
	}
	return fmt.Errorf("%w (%s)", store.ErrUnavailable, err.Error())
}

// sameWord compares what etcd says also where it comes as gRPC sent it.
func sameWord(err, word error) bool {
	return errors.Is(err, word) || errors.Is(rpctypes.Error(err), word)
}

func hasEnded(err error) bool { return sameWord(err, rpctypes.ErrLeaseNotFound) }

func isCompacted(err error) bool { return sameWord(err, rpctypes.ErrCompacted) }
