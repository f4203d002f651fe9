package etcd

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"signet/data/kv"
)

func TestAReadThatAMemberHadNoTimeForIsAnOutage(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"its own time was up", status.Error(codes.Unknown, "context deadline exceeded"), true},
		{"the caller's was", status.Error(codes.DeadlineExceeded, "context deadline exceeded"), true},
		{"it refuses", status.Error(codes.PermissionDenied, "etcdserver: permission denied"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := errors.Is(wrap(c.err), kv.ErrUnavailable); got != c.want {
				t.Errorf("an outage: %t", got)
			}
		})
	}
}
