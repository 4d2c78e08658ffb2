package etcdstore

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"hyperscale/internal/store"
)

// external is the source of a store in an etcd that is reached by sockets.
type external struct{ client *clientv3.Client }

func (e external) enter(context.Context) (visit, error) {
	if e.client.Ctx().Err() != nil {
		return visit{}, errGone
	}
	return visit{
		client: e.client, renew: e.renew, remote: true,
		life: e.client.Ctx(), reign: e.client.Ctx(), leave: func() {},
	}, nil
}

// renew asks once. The client's own way asks again and again, without a pause,
// when nobody answers.
func (e external) renew(ctx context.Context, id store.LeaseID) (int64, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the stream
	defer cancel()
	stream, err := pb.NewLeaseClient(e.client.ActiveConnection()).LeaseKeepAlive(ctx)
	if err != nil {
		return 0, err
	}
	if err := stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(id)}); err != nil {
		return 0, err
	}
	answer, err := stream.Recv()
	if err != nil {
		return 0, err
	}
	return answer.TTL, nil
}

// Scheme begins the name of an external etcd: etcd://a:2379,b:2379.
const Scheme = "etcd://"

// defaultPort is added to addresses that have none.
const defaultPort = "2379"

// Dial reaches the etcd at an address like etcd://a,b:2379,c, over TLS if that is
// given (nil: not). It does not wait for an answer. The caller closes the client
// when the store is no longer used.
func Dial(address string, secure *tls.Config, prefix string) (*Store, *clientv3.Client, error) {
	endpoints, err := parseEndpoints(address, secure != nil)
	if err != nil {
		return nil, nil, fmt.Errorf("external store %q: %w", address, err)
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   endpoints,
		TLS:         secure,
		DialTimeout: 2 * time.Second,
		// etcd cuts off who asks for signs of life more often than each 5 s.
		DialKeepAliveTime:    6 * time.Second,
		DialKeepAliveTimeout: 2 * time.Second,
		PermitWithoutStream:  true,
		Logger:               zap.NewNop(), // what fails is returned
	})
	if err != nil {
		return nil, nil, fmt.Errorf("external store %q: %w (%w)", address, store.ErrInvalid, err)
	}
	return Over(client, prefix), client, nil
}

// parseEndpoints gives the URLs that an external store's address means.
func parseEndpoints(address string, secure bool) ([]string, error) {
	list, found := strings.CutPrefix(address, Scheme)
	if !found || list == "" {
		return nil, fmt.Errorf("want %sHOST[:PORT],…: %w", Scheme, store.ErrInvalid)
	}
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	var endpoints []string
	for one := range strings.SplitSeq(strings.TrimSuffix(list, "/"), ",") {
		host, port, err := net.SplitHostPort(one)
		if err != nil {
			host, port = strings.Trim(one, "[]"), defaultPort
		}
		if host == "" || port == "" || strings.ContainsAny(host, "/@[]? ") {
			return nil, fmt.Errorf("%q is not HOST or HOST:PORT: %w", one, store.ErrInvalid)
		}
		endpoints = append(endpoints, scheme+net.JoinHostPort(host, port))
	}
	return endpoints, nil
}

// Size asks an external etcd how many bytes its data file has, and how many of them
// hold something: by the first of its members that answers.
func Size(ctx context.Context, client *clientv3.Client) (size, inUse int64, err error) {
	for _, endpoint := range client.Endpoints() {
		var status *clientv3.StatusResponse
		if status, err = client.Status(ctx, endpoint); err == nil {
			return status.DbSize, status.DbSizeInUse, nil
		}
	}
	return 0, 0, fmt.Errorf("asking the store for its size: %w", err)
}
