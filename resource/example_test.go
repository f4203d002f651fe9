package resource_test

import (
	"fmt"
	"log"
	"net/http"

	"signet/resource"
)

func Example() {
	v, err := resource.New("http://localhost:4000", "api",
		resource.WithResource("http://localhost:3000"))
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	mux := http.NewServeMux()
	mux.Handle("GET "+resource.MetadataPath, v.Metadata())
	mux.Handle("GET /hello", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := resource.FromContext(r.Context())
		fmt.Fprintln(w, "hello", t.Subject())
	})))
	mux.Handle("GET /admin", v.RequireRole("admin")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello, admin")
	})))
	log.Fatal(http.ListenAndServe("localhost:3000", mux))
}
