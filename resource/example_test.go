package resource_test

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"signet/resource"
	"signet/resource/token"
)

func Example() {
	v, err := resource.New("http://localhost:4000", "api",
		resource.WithResource("http://localhost:3000"))
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	mux := http.NewServeMux()
	mux.Handle(v.MetadataPath(), v.Metadata())
	mux.Handle("GET /hello", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := resource.FromContext(r.Context())
		fmt.Fprintln(w, "hello", t.Subject())
	})))
	mux.Handle("GET /admin", v.RequireRole("admin")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello, admin")
	})))
	log.Fatal(http.ListenAndServe("localhost:3000", mux))
}

func Example_dpop() {
	key := make([]byte, 32) // read it from where the server keeps its secrets
	v, err := resource.New("https://id.example", "api",
		resource.WithResource("https://api.example"),
		resource.WithDPoPRequired(),
		resource.WithDPoPNonces(key))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	http.Handle("GET /posts", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := resource.FromContext(r.Context())
		fmt.Fprintln(w, "the key of", t.Subject(), "is", t.JKT())
	})))
}

func ExampleVerifier_Middleware() {
	issuer, reachable := anIssuer("https://id.example")
	v, err := resource.New("https://id.example", "api", reachable)
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	hello := v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := resource.FromContext(r.Context())
		fmt.Fprint(w, "hello ", t.Subject())
	}))
	get(hello, issuer.Token())
	get(hello, "")
	get(hello, "what somebody made up")
	// Output:
	// 200 hello alice
	// 401 Bearer realm="api"
	// 400 Bearer realm="api", error="invalid_request", error_description="a token is presented once, in one Authorization header"
}

func ExampleVerifier_RequireScope() {
	issuer, reachable := anIssuer("https://id.example")
	v, err := resource.New("https://id.example", "api", reachable)
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	posts := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the posts") })
	get(v.RequireScope("posts")(posts), issuer.Token())
	get(v.RequireScope("posts", "posts.delete")(posts), issuer.Token())
	// Output:
	// 200 the posts
	// 403 Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope that is needed here", scope="posts posts.delete"
}

func ExampleVerifier_RequireRole() {
	issuer, reachable := anIssuer("https://id.example")
	v, err := resource.New("https://id.example", "api", reachable)
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	admin := v.RequireRole("admin")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello, admin")
	}))
	get(admin, issuer.Token(func(c *token.Claims) { c.Roles = []string{"author"} }))
	get(admin, issuer.Token(func(c *token.Claims) { c.Roles = []string{"author", "admin"} }))
	// Output:
	// 403 Bearer realm="api", error="insufficient_scope", error_description="the role admin is needed here"
	// 200 hello, admin
}

// A transfer wants a strong sign-in of the last five minutes. The challenge
// tells the client what to ask the authorization endpoint for.
func ExampleVerifier_Require() {
	issuer, reachable := anIssuer("https://id.example")
	v, err := resource.New("https://id.example", "api", reachable)
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	transfer := v.Require(resource.Requirement{
		Scopes: []string{"posts"},
		ACR:    []string{"gold"},
		MaxAge: 5 * time.Minute,
	})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "done") }))

	anHourAgo := token.At(time.Now().Add(-time.Hour))
	get(transfer, issuer.Token(func(c *token.Claims) { c.ACR, c.AuthTime = "gold", anHourAgo }))
	get(transfer, issuer.Token(func(c *token.Claims) { c.ACR, c.AuthTime = "gold", token.At(time.Now()) }))
	// Output:
	// 401 Bearer realm="api", error="insufficient_user_authentication", error_description="the person has to authenticate again, as is needed here", acr_values="gold", max_age="300"
	// 200 done
}

// Some handlers know only when they have read the request how much they need.
func ExampleVerifier_Check() {
	issuer, reachable := anIssuer("https://id.example")
	v, err := resource.New("https://id.example", "api", reachable)
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	pay := func(amount int) http.Handler {
		return v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, _ := resource.FromContext(r.Context())
			if amount > 100 {
				if err := v.Check(t, resource.Requirement{MaxAge: time.Minute}); err != nil {
					v.WriteError(w, err)
					return
				}
			}
			fmt.Fprint(w, "paid")
		}))
	}
	old := issuer.Token(func(c *token.Claims) { c.AuthTime -= 3600 })
	get(pay(20), old)
	get(pay(2000), old)
	// Output:
	// 200 paid
	// 401 Bearer realm="api", error="insufficient_user_authentication", error_description="the person has to authenticate again, as is needed here", max_age="60"
}

// Posts and files are one server behind two names.
func ExampleWithAudiences() {
	issuer, reachable := anIssuer("https://id.example")
	v, err := resource.New("https://id.example", "posts", reachable, resource.WithAudiences("files"))
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	ok := v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "welcome") }))
	for _, audience := range []string{"posts", "files", "mail"} {
		get(ok, issuer.Token(func(c *token.Claims) { c.Audience = []string{audience} }))
	}
	// Output:
	// 200 welcome
	// 200 welcome
	// 401 Bearer realm="posts", error="invalid_token", error_description="the token is for another audience"
}

func ExampleNewIssuers() {
	ours, reachOurs := anIssuer("https://id.example")
	theirs, reachTheirs := anIssuer("https://partner.example")
	staff, err := resource.New("https://id.example", "api", reachOurs)
	if err != nil {
		log.Fatal(err)
	}
	partners, err := resource.New("https://partner.example", "api", reachTheirs)
	if err != nil {
		log.Fatal(err)
	}
	is, err := resource.NewIssuers(staff, partners)
	if err != nil {
		log.Fatal(err)
	}
	defer is.Close()

	hello := is.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := resource.FromContext(r.Context())
		fmt.Fprint(w, "hello ", t.Subject(), " of ", t.Issuer()) // whose alice?
	}))
	get(hello, ours.Token())
	get(hello, theirs.Token())
	// One issuer's key signs in the name of the other.
	get(hello, theirs.Token(func(c *token.Claims) { c.Issuer = "https://id.example" }))
	// Output:
	// 200 hello alice of https://id.example
	// 200 hello alice of https://partner.example
	// 401 Bearer realm="api", error="invalid_token", error_description="the token's signature is wrong"
}
