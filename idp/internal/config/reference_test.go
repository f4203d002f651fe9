package config

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

func TestTheReferenceIsWhatTheCodeSays(t *testing.T) {
	const path = "../../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(path, []byte(reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != reference() {
		t.Errorf("%s differs from the table of settings; run this test with -update", path)
	}
}

// reference is docs/configuration.md: what the table says of every setting.
func reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	section := "none yet"
	all := slices.Concat(inSections(false), inSections(true))
	for _, s := range all {
		head, _, found := strings.Cut(s.Key, ".")
		if !found {
			head = "The whole"
		}
		if head != section {
			section = head
			fmt.Fprintf(&b, "\n## %s\n\n| setting | default | kind | what it is |\n|---|---|---|---|\n", head)
		}
		name := "`" + s.Key + "`"
		if s.Env != "" {
			name += " <br> `" + s.Env + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, byDefaultOf(s), s.Kind, s.Help)
	}
	for _, s := range all {
		if s.Items == nil {
			continue
		}
		fmt.Fprintf(&b, "\n## Each of %s\n\n| key | default | kind | what it is |\n|---|---|---|---|\n", s.Key)
		for _, item := range s.Items {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", item.Key, byDefaultOf(item), item.Kind, item.Help)
		}
	}
	return b.String()
}

func byDefaultOf(s Setting) string {
	if s.Default == "" {
		return "none"
	}
	return "`" + s.Default + "`"
}

// inSections lists the settings that are in a section of the file, or those
// that are not.
func inSections(want bool) []Setting {
	return slices.DeleteFunc(Settings(), func(s Setting) bool { return strings.Contains(s.Key, ".") != want })
}

const referenceHead = `# Configuration

Signet needs none. What is set comes from ` + "`config.yaml`" + ` in the folder it is started in, or
from the file named by ` + "`--config`" + `, and from the environment, which wins. ` + "`idp config check`" + `
says everything that is wrong at once, with its line, and changes nothing.

Durations have units: ` + "`90s`, `10m`, `12h`, `30d`, `1d12h`" + `. Sizes are bytes, or have a unit:
` + "`65536`, `64KiB`, `1MiB`" + `. In the environment a list is separated by commas, and audiences
and scopes are their names; in the file they may also be mappings, such as
` + "`{name: orders, alg: RS256, access_ttl: 5m}`" + `. Clients and trusted issuers are in the file only.
A name or key that is not in these tables is an error, so that a mistyped one is not passed over.

The master key itself is not a setting. It is looked for in the file ` + "`master_key_file`" + `, then
in the environment as ` + "`SIGNET_MASTER_KEY`" + `, then in ` + "`$CREDENTIALS_DIRECTORY/signet-master-key`" + `
(systemd), then in ` + "`master.key`" + ` in the state folder, where it is made at the first start. A
file that others may read is refused.

This page is made from the code; ` + "`go test ./idp/internal/config -update`" + ` writes it anew.
`
