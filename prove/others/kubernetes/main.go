// Command kubernetes is the part of a Kubernetes API server that says who a
// request is from: it takes an AuthenticationConfiguration, and answers a
// request with the user that the API server would see, or 401. The code that
// decides is the API server's own.
//
//	go run . --config authentication.yaml --listen localhost:6443
//
// It is a module of its own, so that Signet needs nothing of Kubernetes. It is
// for the test of docs/kubernetes.md, and guards nothing.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/pkg/apis/apiserver/validation"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/cel"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

func main() {
	config := flag.String("config", "", "`file` with the AuthenticationConfiguration")
	listen := flag.String("listen", "localhost:6443", "`address` to listen on")
	flag.Parse()
	if err := run(context.Background(), *config, *listen); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, config, listen string) error {
	raw, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	decide, err := authenticate(ctx, raw)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Printf("kubernetes listens on http://%s\n", l.Addr())
	return http.Serve(l, answer(bearertoken.New(decide)))
}

// authenticate reads the configuration as the API server does, and waits until
// it knows the issuer.
func authenticate(ctx context.Context, raw []byte) (authenticator.Token, error) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	object, err := runtime.Decode(codecs.UniversalDecoder(), raw)
	if err != nil {
		return nil, err
	}
	config, ok := object.(*apiserver.AuthenticationConfiguration)
	if !ok || len(config.JWT) != 1 {
		return nil, fmt.Errorf("%T is no AuthenticationConfiguration with one issuer", object)
	}
	compiler := cel.NewDefaultCompiler()
	if err := validation.ValidateAuthenticationConfiguration(compiler, config, nil).ToAggregate(); err != nil {
		return nil, err
	}
	decide, err := oidc.New(ctx, oidc.Options{JWTAuthenticator: config.JWT[0], Compiler: compiler,
		SupportedSigningAlgs: oidc.AllValidSigningAlgorithms()})
	if err != nil {
		return nil, err
	}
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return decide.HealthCheck() == nil, nil
	})
	return decide, err
}

func answer(decide authenticator.Request) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok, err := decide.AuthenticateRequest(r)
		if err != nil || !ok {
			http.Error(w, fmt.Sprint(err), http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"user": who.User.GetName(), "groups": who.User.GetGroups()})
	})
}
