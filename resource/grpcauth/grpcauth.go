package grpcauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"signet/resource"
)

// Rules say what each method wants. Methods have their full names, such as
// "/posts.Posts/Delete", for which generated code has constants.
type Rules struct {
	Open []string                        // for everybody; a token is not even looked at
	Need map[string]resource.Requirement // of the token, by method
	Else resource.Requirement            // of the token, for every other method
}

// Auth has the interceptors. It is used by many goroutines.
type Auth struct {
	guard resource.Guard
	open  map[string]bool
	need  map[string]resource.Requirement
	other resource.Requirement
}

// New returns interceptors that let pass what g does. The error is about the
// rules.
func New(g resource.Guard, rules Rules) (*Auth, error) {
	a := &Auth{guard: g, open: make(map[string]bool), need: make(map[string]resource.Requirement), other: rules.Else}
	for _, method := range rules.Open {
		if err := checkName(method); err != nil {
			return nil, err
		}
		a.open[method] = true
	}
	for method, need := range rules.Need {
		if err := checkName(method); err != nil {
			return nil, err
		}
		if a.open[method] {
			return nil, fmt.Errorf("grpcauth: %s is open, and cannot need anything", method)
		}
		a.need[method] = need
	}
	return a, nil
}

// checkName wants a slash, the service, a slash, the method.
func checkName(method string) error {
	rest, ok := strings.CutPrefix(method, "/")
	service, name, _ := strings.Cut(rest, "/")
	if !ok || service == "" || name == "" || strings.ContainsAny(name, "/*") {
		return fmt.Errorf("grpcauth: %q is no method; one looks like /package.Service/Method", method)
	}
	return nil
}

// Check returns an error when a rule names a method that is not among services,
// which are those of grpc.Server.GetServiceInfo. A rule with a misspelled name
// protects nothing.
func (a *Auth) Check(services map[string]grpc.ServiceInfo) error {
	served := make(map[string]bool)
	for service, info := range services {
		for _, m := range info.Methods {
			served["/"+service+"/"+m.Name] = true
		}
	}
	var missing []string
	for method := range a.open {
		if !served[method] {
			missing = append(missing, method)
		}
	}
	for method := range a.need {
		if !served[method] {
			missing = append(missing, method)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("grpcauth: there are rules for %s, and no such method is served", strings.Join(missing, ", "))
	}
	return nil
}

// rule finds what a method wants. A stream's name is what its client sent: one
// that wrote the same name otherwise must not find another rule.
func (a *Auth) rule(method string) (need resource.Requirement, open bool) {
	method = "/" + strings.TrimLeft(method, "/")
	if a.open[method] {
		return need, true
	}
	if need, ok := a.need[method]; ok {
		return need, false
	}
	return a.other, false
}

// Unary is a grpc.UnaryServerInterceptor.
func (a *Auth) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	need, open := a.rule(info.FullMethod)
	if open {
		return next(ctx, req)
	}
	ctx, err := a.guard.AdmitBearer(ctx, authorization(ctx), need)
	if err != nil {
		trailer, refused := a.refuse(err)
		_ = grpc.SetTrailer(ctx, trailer) // fails where there is no client to tell
		return nil, refused
	}
	return next(ctx, req)
}

func authorization(ctx context.Context) []string {
	return metadata.ValueFromIncomingContext(ctx, "authorization")
}

// refuse turns an error of the guard into one of gRPC, with the challenge.
func (a *Auth) refuse(err error) (metadata.MD, error) {
	r := a.guard.Refuse(err)
	code := codes.Internal
	switch r.Status {
	case http.StatusUnauthorized, http.StatusBadRequest:
		code = codes.Unauthenticated
	case http.StatusForbidden:
		code = codes.PermissionDenied
	case http.StatusServiceUnavailable:
		code = codes.Unavailable
	}
	if errors.Is(err, resource.ErrBound) {
		r.Description = "a token that is bound to a key cannot be used over gRPC"
	}
	var trailer metadata.MD
	for _, challenge := range r.Challenges {
		if strings.HasPrefix(challenge, "Bearer ") { // no other scheme is taken here
			trailer = metadata.Pairs("www-authenticate", challenge)
		}
	}
	return trailer, status.Error(code, r.Code+": "+r.Description)
}
