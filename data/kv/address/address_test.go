package address

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

func TestAnAddressIsReadAndShownWithoutItsSecrets(t *testing.T) {
	for _, c := range []struct {
		name, text string
		engine     Engine
		shown      string
		secret     bool
	}{
		{"a file", "bolt:var/signet.db", Bolt, "bolt:var/signet.db", false},
		{"a file from the root", "bolt:/var/lib/signet.db", Bolt, "bolt:/var/lib/signet.db", false},
		{"one member", "etcd://localhost:2379", Etcd, "etcd://localhost:2379/signet", false},
		{"members without ports", "etcd://a,[::1],b:2400/prod/?tls=true", Etcd, "etcd://a:2379,[::1]:2379,b:2400/prod", false},
		{"a database", "postgres://signet@db/signet", Postgres, "postgres://signet@db:5432/signet", false},
		{"the longer scheme", "postgresql://db:6432/signet", Postgres, "postgres://db:6432/signet", false},
		{"several hosts", "postgres://signet@a,b:5433/signet?target_session_attrs=read-write", Postgres, "postgres://signet@a:5432,b:5433/signet", false},
		{"a password", "postgres://signet:hunter2@db/signet", Postgres, "postgres://signet@db:5432/signet", true},
		{"an escaped password", "postgres://signet:hunter2%40%2F@db/signet", Postgres, "postgres://signet@db:5432/signet", true},
		{"a password as an option", "postgres://db/signet?user=s&password=hunter2", Postgres, "postgres://db:5432/signet", true},
		{"the password of a key", "postgres://db/signet?sslpassword=hunter2", Postgres, "postgres://db:5432/signet", true},
		{"a file of passwords", "postgres://signet@db/signet?passfile=/etc/pass", Postgres, "postgres://signet@db:5432/signet", false},
		{"a socket", "postgres:///signet?host=/run/postgresql", Postgres, "postgres:///signet", false},
		{"words", "postgres:host=db dbname=signet user = 'the user' password='hunter2 \\' x' sslmode=require", Postgres,
			"postgres:host=db dbname=signet user=the user", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if a.Engine() != c.engine || a.String() != c.shown || a.HasSecret() != c.secret || a.Shared() != (c.engine != Bolt) {
				t.Errorf("%s %s, secret %t", a.Engine(), a, a.HasSecret())
			}
			var log strings.Builder
			slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "address", a)
			text, _ := json.Marshal(map[string]any{"a": a})
			all := fmt.Sprintf("%v %+v %#v %s %q %x %d", a, a, a, a, a, a, a) + fmt.Sprint(struct{ A Address }{a}, &a) + log.String() + string(text)
			if strings.Contains(all, "hunter2") {
				t.Errorf("it tells its secret: %s", all)
			}
		})
	}
}

func TestWhatIsNoAddressIsRefusedAndNotQuoted(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                          "",
		"a path alone":                     "hunter2.db",
		"another engine":                   "mysql://hunter2",
		"no path":                          "bolt:",
		"a URL of a file":                  "bolt://hunter2/x",
		"etcd without hosts":               "etcd:///hunter2",
		"etcd with a password":             "etcd://u:hunter2@h/x",
		"etcd with a password behind":      "etcd://h/x?user=u&password=hunter2",
		"etcd with an unknown word":        "etcd://h/x?hunter2=1",
		"etcd with a user alone":           "etcd://h/x?user=hunter2",
		"etcd with a certificate alone":    "etcd://h/x?cert=hunter2",
		"a port that is none":              "etcd://h:hunter2",
		"a slash in a password":            "postgres://u:hunter2/x@h/d",
		"a slash behind digits":            "postgres://u:12/hunter2@h/d",
		"an at sign in a password":         "postgres://u:hun@ter2@h/d",
		"a question mark in a password":    "postgres://u:1?hunter2@h/d",
		"a hash in a password":             "postgres://u:1#hunter2@h/d",
		"a colon and a slash, and no host": "postgres://u:hunter2/d",
		"words without an end":             "postgres:host=h password='hunter2",
		"words that are none":              "postgres:hunter2",
		"words with a URL in them":         "postgres:dbname=postgres://u:hunter2@h/d",
		"a line break":                     "postgres://h/hunter2\n",
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Parse(text)
			if err == nil {
				t.Fatalf("it is %s", a)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2") {
				t.Errorf("it quotes: %v", err)
			}
		})
	}
}

func TestAClusterHasItsFiles(t *testing.T) {
	a, err := Parse("etcd://a:1,b/x/y?ca=ca.pem&cert=c.pem&key=k.pem&user=signet&password_file=p")
	if err != nil {
		t.Fatal(err)
	}
	want := Cluster{Endpoints: []string{"a:1", "b:2379"}, Prefix: "x/y/", TLS: true, CA: "ca.pem", Cert: "c.pem", Key: "k.pem", User: "signet", PasswordFile: "p"}
	if got := a.Cluster(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
