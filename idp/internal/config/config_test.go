package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/resource/token"
)

const projectFile = "../../../config.yaml"

func TestTheDefaultsAreValid(t *testing.T) {
	c, err := Load(filepath.Join(t.TempDir(), "config.yaml"), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.File != "" || c.Listen != "localhost:4000" || c.Issuer != "http://localhost:4000" || c.State != "var" {
		t.Errorf("the defaults are %+v", c)
	}
	if c.Tokens.RefreshTTL != 30*day || c.Limits.Body != 64<<10 || len(c.Audiences) != 1 || c.AccessTTL(c.Audiences[0]) != 10*time.Minute {
		t.Errorf("the defaults are %+v", c)
	}
	if c.Alg(c.Audiences[0]) != "ES256" || !c.PlainHTTP() {
		t.Errorf("the defaults are %+v", c)
	}
}

func TestAnExplicitFileMustBeThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if _, err := Load(path, true, nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file that was asked for gave %v", err)
	}
	if _, err := Load(t.TempDir(), false, nil); err == nil {
		t.Error("a folder was read as a file")
	}
}

func TestTheProjectsFileIsTheDefaultsButForTheDemosOrigin(t *testing.T) {
	c, err := Load(projectFile, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := defaults(t)
	want.File = projectFile
	want.Browser.Origins = []string{"http://localhost:3000"}
	c.places = nil
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the file gives\n%+v\nthe code\n%+v", c, want)
	}
}

func TestTheProjectsFileHasEverySettingWithAWordOfHelp(t *testing.T) {
	body, err := os.ReadFile(projectFile)
	if err != nil {
		t.Fatal(err)
	}
	var c Config
	l := newLoader(&c)
	l.readYAML("config.yaml", body)
	for _, s := range l.table {
		if l.from[s.key].where == "default" {
			t.Errorf("%s is not in the file", s.key)
		}
	}
	lines := strings.Split(string(body), "\n")
	for i, line := range lines {
		isSetting := strings.Contains(line, ":") && !strings.HasPrefix(line, "#") && !strings.HasSuffix(line, ":")
		explained := strings.Contains(line, " # ") || i > 0 && strings.HasPrefix(lines[i-1], "#")
		if isSetting && !explained {
			t.Errorf("line %d has no help: %s", i+1, line)
		}
	}
}

func TestEverySettingHasItsOwnNameInTheEnvironment(t *testing.T) {
	seen := map[string]bool{envMasterKey: true}
	for _, s := range Settings() {
		if s.Env == "" && s.Items != nil {
			continue // in the file only
		}
		if seen[s.Env] {
			t.Errorf("%s is there twice", s.Env)
		}
		seen[s.Env] = true
		if s.Help == "" || s.Kind == "" {
			t.Errorf("%s is not described", s.Key)
		}
		if _, err := Parse("", nil, []string{s.Env + "=" + s.Default}); err != nil {
			t.Errorf("the default of %s is refused from the environment: %v", s.Key, err)
		}
	}
}

func TestTheEnvironmentWinsOverTheFile(t *testing.T) {
	file := "listen: localhost:1\naudiences:\n- {name: api, alg: RS256}\n- name: orders\nkeys:\n  algs: [RS256]\n"
	c, err := Parse("c.yaml", []byte(file), []string{
		"SIGNET_LISTEN=:4001", "HOME=/", "SIGNET_AUDIENCES=blog, shop", "SIGNET_MASTER_KEY=unseen",
		"SIGNET_TOKENS_ACCESS_TTL=90s", "SIGNET_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.1",
		"SIGNET_INSECURE_ISSUER=true", "SIGNET_LIMITS_BODY=1MiB", "SIGNET_THROTTLE_FREE=7", "SIGNET_REGISTRATION=closed",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := defaults(t)
	want.File, want.Listen, want.Keys.Algs = "c.yaml", ":4001", []token.Alg{token.RS256}
	want.Audiences = []Audience{{Name: "blog"}, {Name: "shop"}}
	want.Tokens.AccessTTL, want.InsecureIssuer, want.Limits.Body = 90*time.Second, true, 1<<20
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")}
	want.Throttle.Free, want.Registration = 7, RegistrationClosed
	wantPlaces := []Place{{"keys.algs", "c.yaml:6"}}
	if got := c.SetUnder("keys."); !slices.Equal(got, wantPlaces) {
		t.Errorf("set at %v, want %v", got, wantPlaces)
	}
	c.places = nil
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got\n%+v\nwant\n%+v", c, want)
	}
}

func TestGoodFiles(t *testing.T) {
	for name, file := range map[string]string{
		"empty":                                  "",
		"comments only":                          "# nothing yet\n",
		"an explicit nothing":                    "---\n",
		"a section whose lines are out":          "tokens:\n  # access_ttl: 5m\nlisten: :1\n",
		"audiences as plain names":               "audiences: [api, orders]\n",
		"a size in bytes":                        "limits: {body: 65536}\n",
		"a zero without a unit":                  "tokens: {refresh_grace: 0}\n",
		"days and hours":                         "tokens: {refresh_ttl: 1d12h}\n",
		"an https issuer behind a proxy":         "issuer: https://id.example.com\n",
		"an issuer with a path":                  "issuer: https://example.com/id\n",
		"a loopback address":                     "issuer: http://127.0.0.1:4000\n",
		"an IPv6 loopback address":               "issuer: http://[::1]:4000\nlisten: '[::1]:4000'\n",
		"a name below localhost":                 "issuer: http://id.localhost:4000\n",
		"plain http on another host, on purpose": "issuer: http://id.lan\ninsecure_issuer: true\n",
		"another port of localhost":              "browser: {origins: ['http://localhost:3000', 'http://localhost:5173']}\n",
		"a neighbour under the same domain":      "issuer: https://id.example.co.uk\nbrowser: {origins: ['https://app.example.co.uk:8443']}\n",
		"the same address on another port":       "issuer: https://10.0.0.1\nbrowser: {origins: ['https://10.0.0.1:3000']}\n",
	} {
		if _, err := Parse("c.yaml", []byte(file), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDurationsAndSizes(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "30d": 30 * day, "1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute, "1.5s": 1500 * time.Millisecond,
	} {
		if got, err := parseDuration(in); err != nil || got != want {
			t.Errorf("%q is %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "d", "10", "-1s", "-1d", "1d-1h", "1d+1h", "1.5d", "01d", "1d2d", "106752d", "106751d24h", "9e9h", "1 h"} {
		if got, err := parseDuration(in); err == nil {
			t.Errorf("%q was read as %v", in, got)
		}
	}
	for in, want := range map[string]int{"0": 0, "65536": 65536, "64KiB": 64 << 10, "1MiB": 1 << 20, "2GiB": 2 << 30} {
		if got, err := parseSize(in); err != nil || got != want {
			t.Errorf("%q is %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "KiB", "-1", "1kb", "1.5MiB", "01", "9999999999999GiB", "1 KiB"} {
		if got, err := parseSize(in); err == nil {
			t.Errorf("%q was read as %v", in, got)
		}
	}
}

// defaults is the configuration without a file and an environment.
func defaults(t *testing.T) Config {
	t.Helper()
	c, err := Parse("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
