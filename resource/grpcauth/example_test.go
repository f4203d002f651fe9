package grpcauth_test

import (
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	pb "google.golang.org/grpc/health/grpc_health_v1"

	"signet/resource"
	"signet/resource/grpcauth"
)

func Example() {
	v, err := resource.New("https://id.example", "api")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	auth, err := grpcauth.New(v, grpcauth.Rules{
		// Only what is named here is open: Watch and List want a token.
		Open: []string{pb.Health_Check_FullMethodName},
		Need: map[string]resource.Requirement{
			pb.Health_List_FullMethodName: {Roles: []string{"operator"}, MaxAge: 10 * time.Minute},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := grpc.NewServer(grpc.UnaryInterceptor(auth.Unary), grpc.StreamInterceptor(auth.Stream))
	pb.RegisterHealthServer(srv, health.NewServer())
	fmt.Println(auth.Check(srv.GetServiceInfo()))
	// Output: <nil>
}

func ExampleAuth_Check() {
	auth, err := grpcauth.New(nil, grpcauth.Rules{Open: []string{"/grpc.health.v1.Health/Chek"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := grpc.NewServer()
	pb.RegisterHealthServer(srv, health.NewServer())
	fmt.Println(auth.Check(srv.GetServiceInfo()))
	// Output: grpcauth: there are rules for /grpc.health.v1.Health/Chek, and no such method is served
}
