package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// automation is the browser of the OpenID conformance suite: it does what
// testdata/conformance/suite.json says, by the suite's rules for that file.
type automation struct {
	b        *userAgent
	entries  []automated
	fields   url.Values // what was typed
	pictures []string   // the headings of the pages that a picture was taken of
}

type automated struct {
	Match string `json:"match"`
	Tasks []struct {
		Task     string  `json:"task"`
		Match    string  `json:"match"`
		Optional bool    `json:"optional"`
		Commands [][]any `json:"commands"`
	} `json:"tasks"`
}

// automated is a browser that nobody has used yet, for one module.
func (p *provider) automated(t *testing.T, module string) *automation {
	t.Helper()
	text, err := os.ReadFile("testdata/conformance/suite.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Browser  []automated `json:"browser"`
		Override map[string]struct {
			Browser []automated `json:"browser"`
		} `json:"override"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if other, found := file.Override[module]; found {
		file.Browser = other.Browser
	}
	return &automation{b: p.browser(t), entries: file.Browser}
}

// goTo opens a URL, does what the first entry for it says, and returns where
// that ended.
func (a *automation) goTo(target string) view {
	a.b.t.Helper()
	for _, entry := range a.entries {
		if !matches(entry.Match, target) {
			continue
		}
		v := a.follow(a.b.get(target))
		for _, task := range entry.Tasks {
			if !matches(cmp.Or(task.Match, "*"), v.url.String()) {
				if !task.Optional {
					a.b.t.Fatalf("%s: unexpected URL %v: %s", task.Task, v.url, v.body)
				}
				continue
			}
			a.fields = url.Values{}
			for _, command := range task.Commands {
				v = a.do(v, command)
			}
		}
		return v
	}
	a.b.t.Fatalf("nothing says what to do at %s", target)
	return view{}
}

// matches knows * only, as the suite does.
func matches(pattern, text string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(text)
}

func (a *automation) follow(v view) view {
	a.b.t.Helper()
	for range 10 {
		to := v.to()
		if to == nil {
			return v
		}
		v = a.b.get(to.String())
	}
	a.b.t.Fatal("the redirects go round in a circle")
	return v
}

var headingTag = regexp.MustCompile(`(?s)<h1>(.*?)</h1>`)

// do knows the commands that the file has: what it does not know fails.
func (a *automation) do(v view, command []any) view {
	a.b.t.Helper()
	switch what := fmt.Sprintf("%v %v %v", command[0], command[1], command[2]); what {
	case "text name email", "text name password":
		name := command[2].(string)
		if !regexp.MustCompile(`<input id="`+name+`" [^>]*>`).MatchString(v.body) || strings.Contains(v.body, " readonly") {
			a.b.t.Fatalf("%s cannot be typed into %s", name, v.body)
		}
		a.fields.Set(name, command[3].(string))
	case "click css button[value=go]":
		if !strings.Contains(v.body, `name="action" value="go"`) {
			if len(command) == 4 && command[3] == "optional" {
				return v
			}
			a.b.t.Fatalf("there is nothing to click on: %s", v.body)
		}
		f, _ := formOf(v)
		for name, values := range a.fields {
			f.values[name] = values
		}
		f.values.Set("action", "go")
		return a.follow(a.b.post(f.action.String(), f.values))
	case "wait xpath //h1", "wait xpath //main":
		heading := headingTag.FindStringSubmatch(v.body)
		if heading == nil || !regexp.MustCompile(command[4].(string)).MatchString(v.body) {
			a.b.t.Fatalf("the page has no %q: %s", command[4], v.body)
		}
		a.pictures = append(a.pictures, regexp.MustCompile("<.*?>").ReplaceAllString(heading[1], ""))
	case "wait id submission_complete":
		if !strings.Contains(v.body, `id="submission_complete"`) {
			a.b.t.Fatalf("it did not arrive: %v", v.url)
		}
	default:
		a.b.t.Fatalf("what is %q?", what)
	}
	return v
}
