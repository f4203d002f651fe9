package signet_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// rule is a sentence about who may import whom. It holds for every package
// that who matches.
type rule struct {
	sentence string
	who      func(path string) bool
	never    func(imported string) bool
	deep     bool // also through other packages
}

var rules = []rule{
	{"the leaves import nothing of Signet", is("resource/token", "idp/internal/wire", "idp/internal/trouble", "internal/recent", "internal/single"), under("signet"), true},
	{"the verifier of proofs imports the leaf alone", is("resource/dpop"), except(within(""), "resource/token", "resource/dpop"), true},
	{"resource never imports the issuer, its keys or its store", within("resource"), under("signet/keys", "signet/data", "signet/idp"), true},
	{"resource never makes others compile bbolt or Echo", is("resource", "resource/token", "resource/dpop"), under("go.etcd.io/bbolt", "github.com/labstack/echo"), true},
	{"the gateway stands on what every resource server has", is("resource/gateway"), except(within(""), "resource"), false},
	{"no program is made of test kits", except(within(""), append(kits, "prove")...), under(append(signet(kits), "testing")...), true},
	{"data never imports keys, jwx or Echo", within("data"), under("signet/keys", "signet/idp", "github.com/lestrrat-go/jwx", "github.com/labstack/echo"), true},
	{"an engine knows nothing of records", within("data/kv"), only("signet/data"), true},
	{"bbolt stays behind its engine", except(within(""), "data/kv/bolt"), under("go.etcd.io/bbolt"), false},
	{"the tree in memory stays behind two engines", except(within(""), "data/kv/bolt", "data/kv/mem"), under("github.com/tidwall"), false},
	{"an address opens nothing", is("data/kv/address"), except(within(""), "data/kv/address"), true},
	{"only the command knows which engines there are", except(within(""), "idp", "data/kv/engines"), only("signet/data/kv/engines"), false},
	{"pgx stays behind its engine", except(within(""), "data/kv/postgres"), under("github.com/jackc"), false},
	{"keys never imports data", within("keys"), under("signet/data", "signet/idp"), true},
	{"an example is a stranger: it imports nothing of Signet", within("examples"), under("signet"), true},
	{"jwx stays behind the packages that read and write tokens",
		except(within(""), "keys", "idp/internal/jose", "resource", "resource/token", "resource/dpop"), under("github.com/lestrrat-go/jwx"), false},
	{"an endpoint never imports another endpoint, nor web", is(endpoints...), under(signet(append(endpoints, "idp/internal/web"))...), false},
	{"a service never imports an endpoint, nor web, nor Echo", is(services...),
		under(append(signet(append(endpoints, "idp/internal/web")), "github.com/labstack/echo")...), true},
	{"only resource/echoauth and the issuer's web side know Echo", except(within(""), append([]string{"resource/echoauth", "idp/internal/web", "bench/floor"}, endpoints...)...),
		under("github.com/labstack/echo"), false},
	{"porcupine stays behind the history of grants", except(within(""), "prove/history"), under("github.com/anishathalye/porcupine"), false},
	{"etcd's client, and the logger that it brings, stay behind its engine", except(within(""), "data/kv/etcd"),
		under("go.etcd.io/etcd", "go.uber.org/zap"), false},
	{"only resource/grpcauth and the engine on etcd know gRPC", except(within(""), "resource/grpcauth", "data/kv/etcd"), under("google.golang.org"), false},
	{"no resource server compiles gRPC or etcd's client that did not ask for it", except(within("resource"), "resource/grpcauth"),
		under("google.golang.org", "go.etcd.io"), true},
	{"what starts the engines of others knows nothing of Signet's", within("prove/engines"), under("signet/data", "signet/idp", "signet/keys"), true},
}

// kits are for tests, also for those of others.
var kits = []string{
	"data/kv/kvtest",
	"idp/internal/live/livetest",
	"idp/internal/request/requesttest",
	"resource/dpop/dpoptest",
	"resource/internal/issuertest",
	"resource/internal/vectors",
	"resource/resourcetest",
}

var endpoints = []string{
	"idp/internal/account",
	"idp/internal/authorize",
	"idp/internal/device",
	"idp/internal/interact",
	"idp/internal/introspect",
	"idp/internal/logout",
	"idp/internal/par",
	"idp/internal/registration",
	"idp/internal/token",
	"idp/internal/userinfo",
	"idp/internal/wellknown",
}

var services = []string{
	"idp/internal/bearer",
	"idp/internal/claims",
	"idp/internal/client",
	"idp/internal/client/metadata",
	"idp/internal/config",
	"idp/internal/control",
	"idp/internal/deliver",
	"idp/internal/devicecode",
	"idp/internal/dpop",
	"idp/internal/fetch",
	"idp/internal/grant",
	"idp/internal/hint",
	"idp/internal/jose",
	"idp/internal/live",
	"idp/internal/mint",
	"idp/internal/nodes",
	"idp/internal/pages",
	"idp/internal/request",
	"idp/internal/secret",
	"idp/internal/session",
	"idp/internal/signin",
	"idp/internal/signout",
	"idp/internal/status",
}

func TestTheImportRules(t *testing.T) {
	packages := list(t)
	for _, r := range rules {
		t.Run(r.sentence, func(t *testing.T) {
			for _, p := range packages {
				if !r.who(p.ImportPath) {
					continue
				}
				imports := p.Imports
				if r.deep {
					imports = p.Deps
				}
				for _, imported := range imports {
					if r.never(imported) {
						t.Errorf("%s imports %s", p.ImportPath, imported)
					}
				}
			}
		})
	}
}

// A rule whose packages have moved would hold for nothing.
func TestEveryImportRuleSpeaksOfAPackage(t *testing.T) {
	packages := list(t)
	for _, r := range rules {
		spoken := false
		for _, p := range packages {
			spoken = spoken || r.who(p.ImportPath)
		}
		if !spoken {
			t.Errorf("no package is held by: %s", r.sentence)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range list(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

type goPackage struct {
	ImportPath, Doc        string
	GoFiles, Imports, Deps []string
}

// list reads the packages of the module as the go command sees them, without
// their tests.
func list(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Doc,GoFiles,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func signet(paths []string) []string {
	var full []string
	for _, p := range paths {
		full = append(full, "signet/"+p)
	}
	return full
}

// is matches the packages of the module that are named.
func is(paths ...string) func(string) bool { return only(signet(paths)...) }

// within matches a folder of the module and all below it; "" is the module.
func within(path string) func(string) bool {
	return under(strings.TrimSuffix("signet/"+path, "/"))
}

// except matches what who matches, less the named folders and all below them.
func except(who func(string) bool, paths ...string) func(string) bool {
	not := under(signet(paths)...)
	return func(p string) bool { return who(p) && !not(p) }
}

func only(full ...string) func(string) bool {
	return func(p string) bool {
		for _, f := range full {
			if p == f {
				return true
			}
		}
		return false
	}
}

// under matches the named packages and all below them.
func under(full ...string) func(string) bool {
	return func(p string) bool {
		for _, f := range full {
			if p == f || strings.HasPrefix(p, f+"/") {
				return true
			}
		}
		return false
	}
}
