package pages

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

// render gives a page and its headers.
func render(t *testing.T, p *Pages, lang Lang, v View) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := p.Render(w, 200, lang, v); err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	return w
}

// elements parses a page and lists its elements in order.
func elements(t *testing.T, page []byte) []*html.Node {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var list []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			list = append(list, n)
		}
	}
	return list
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func content(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// inEveryLanguage renders every sample in every language.
func inEveryLanguage(t *testing.T, check func(t *testing.T, name string, list []*html.Node)) {
	p := newPages(t, Options{})
	for _, lang := range Languages() {
		for _, s := range samples() {
			t.Run(s.name+" in "+string(lang), func(t *testing.T) {
				check(t, s.name, elements(t, render(t, p, lang, s.view).Body.Bytes()))
			})
		}
	}
}

func TestEveryViewHasASample(t *testing.T) {
	sampled := map[string]bool{}
	for _, s := range samples() {
		sampled[reflect.TypeOf(s.view).Name()] = true
	}
	described := 0
	for _, f := range sources(t) {
		for _, d := range f.Decls {
			method, ok := d.(*ast.FuncDecl)
			if !ok || method.Name.Name != "describe" || method.Recv == nil {
				continue
			}
			described++
			if name := method.Recv.List[0].Type.(*ast.Ident).Name; !sampled[name] {
				t.Errorf("%s has no sample", name)
			}
		}
	}
	if described < 14 {
		t.Errorf("found only %d views", described)
	}
}

// sources parses the package's own files.
func sources(t *testing.T) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func TestNoPageHasAnythingInlineThatThePolicyWouldStop(t *testing.T) {
	inEveryLanguage(t, func(t *testing.T, _ string, list []*html.Node) {
		for _, n := range list {
			if n.Data == "style" || n.Data == "script" && (n.FirstChild != nil || !has(n, "src")) {
				t.Errorf("there is an inline %s", n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
				}
				if strings.Contains(a.Val, "ZgotmplZ") {
					t.Errorf("<%s %s> was refused by html/template", n.Data, a.Key)
				}
			}
		}
	})
}

func TestEveryPageCanBeHeardAndOperated(t *testing.T) {
	inEveryLanguage(t, func(t *testing.T, name string, list []*html.Node) {
		ids, labelled := map[string]bool{}, map[string]bool{}
		count := map[string]int{}
		focus, level := 0, 0
		for _, n := range list {
			count[n.Data]++
			if id := attribute(n, "id"); id != "" {
				if ids[id] {
					t.Errorf("the id %q is there twice", id)
				}
				ids[id] = true
			}
			if n.Data == "label" && content(n) != "" {
				labelled[attribute(n, "for")] = true
			}
			if has(n, "autofocus") {
				focus++
			}
			if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
				if next := int(n.Data[1] - '0'); next > level+1 {
					t.Errorf("a heading of level %d follows one of level %d", next, level)
				} else {
					level = next
				}
			}
		}
		if name != "check-session" && (count["h1"] != 1 || count["main"] != 1 || count["header"] != 1) {
			t.Errorf("there are %d h1, %d main and %d header", count["h1"], count["main"], count["header"])
		}
		if focus > 1 {
			t.Errorf("%d elements ask for the focus", focus)
		}
		for _, n := range list {
			checkElement(t, n, ids, labelled)
		}
	})
}

func checkElement(t *testing.T, n *html.Node, ids, labelled map[string]bool) {
	t.Helper()
	switch {
	case n.Data == "html" && attribute(n, "lang") == "":
		t.Error("the page does not say its language")
	case n.Data == "title" && content(n) == "":
		t.Error("the page has no title")
	case n.Data == "input" && attribute(n, "type") != "hidden":
		if !labelled[attribute(n, "id")] {
			t.Errorf("the input %q has no label", attribute(n, "name"))
		}
		if attribute(n, "autocomplete") == "" {
			t.Errorf("the input %q does not say what fills it in", attribute(n, "name"))
		}
	case (n.Data == "button" || n.Data == "a") && content(n) == "":
		t.Errorf("a %s says nothing", n.Data)
	case n.Data == "iframe" && attribute(n, "title") == "":
		t.Error("a frame has no title")
	case n.Data == "img" && attribute(n, "alt") == "":
		t.Error("a picture has no words")
	case n.Data == "form":
		checkForm(t, n)
	}
	for _, name := range []string{"aria-describedby", "aria-labelledby", "for", "data-reveal"} {
		for id := range strings.FieldsSeq(attribute(n, name)) {
			if !ids[id] {
				t.Errorf("<%s %s=%q> leads nowhere", n.Data, name, id)
			}
		}
	}
	if target, ok := strings.CutPrefix(attribute(n, "href"), "#"); ok && !ids[target] {
		t.Errorf("a link leads to #%s, which is not there", target)
	}
}

// checkForm: every form of ours proves where it comes from.
func checkForm(t *testing.T, form *html.Node) {
	t.Helper()
	if attribute(form, "method") != "post" {
		t.Error("a form is not posted")
	}
	csrf, request := false, false
	for n := range form.Descendants() {
		csrf = csrf || attribute(n, "name") == "csrf" && attribute(n, "value") == "csrf-value"
		request = request || attribute(n, "name") == "request"
	}
	action := attribute(form, "action")
	if ours := strings.HasPrefix(action, "/"); csrf != ours {
		t.Errorf("the form to %s: csrf is %v", action, csrf)
	}
	if request && !strings.HasPrefix(action, "/interact/") {
		t.Errorf("the form to %s has a request", action)
	}
}

func TestAPageWithProblemsSaysSoFirstAndEverywhere(t *testing.T) {
	p := newPages(t, Options{})
	list := elements(t, render(t, p, English, SignIn{Form: form(EmailMissing, WrongPassword), Email: "x"}).Body.Bytes())
	alerts, described := 0, ""
	for _, n := range list {
		if n.Data == "title" && content(n) != "Error: Sign in – Signet" {
			t.Errorf("the title is %q", content(n))
		}
		if attribute(n, "role") == "alert" {
			alerts++
			if !has(n, "autofocus") || attribute(n, "tabindex") != "-1" {
				t.Error("the alert cannot have the focus")
			}
		}
		if attribute(n, "id") == "email" {
			described = attribute(n, "aria-describedby")
			if attribute(n, "aria-invalid") != "true" {
				t.Error("the field is not said to be wrong")
			}
		}
	}
	if alerts != 1 || described != "email-problem" {
		t.Errorf("%d alerts, described by %q", alerts, described)
	}
}

func TestPasswordManagersKnowTheFields(t *testing.T) {
	p := newPages(t, Options{})
	for _, c := range []struct {
		view View
		want map[string]string
	}{
		{SignIn{Form: form()}, map[string]string{"email": "username", "password": "current-password"}},
		{SignUp{Form: form(), MinLength: 8}, map[string]string{"email": "username", "password": "new-password", "name": "name"}},
		{account(), map[string]string{"email": "username", "current_password": "current-password", "new_password": "new-password", "name": "name"}},
		{DeviceEntry{Form: ownForm()}, map[string]string{"user_code": "off"}},
	} {
		got := map[string]string{}
		for _, n := range elements(t, render(t, p, English, c.view).Body.Bytes()) {
			if n.Data != "input" || attribute(n, "type") == "hidden" {
				continue
			}
			got[attribute(n, "name")] = attribute(n, "autocomplete")
			if attribute(n, "spellcheck") != "false" || !has(n, "autocapitalize") {
				t.Errorf("%T: the browser may correct %q", c.view, attribute(n, "name"))
			}
			if attribute(n, "type") == "password" && has(n, "value") {
				t.Errorf("%T: a password is sent back", c.view)
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%T: %v, want %v", c.view, got, c.want)
		}
	}
}

// Enter in a field presses the first button of its form.
func TestEnterGoesOnAndDoesNotCancel(t *testing.T) {
	inEveryLanguage(t, func(t *testing.T, _ string, list []*html.Node) {
		for _, form := range list {
			if form.Data != "form" {
				continue
			}
			for n := range form.Descendants() {
				if n.Data == "button" && attribute(n, "type") != "button" {
					if attribute(n, "value") == ActionCancel {
						t.Error("the first button cancels")
					}
					break
				}
			}
		}
	})
}

func TestTheLanguagesHaveTheSameTexts(t *testing.T) {
	english, err := readLocale(English)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range Languages()[1:] {
		other, err := readLocale(lang)
		if err != nil {
			t.Fatal(err)
		}
		for key, message := range english.messages {
			translated, ok := other.messages[key]
			if !ok || strings.TrimSpace(translated) == "" {
				t.Errorf("%s has no %s", lang, key)
			}
			if a, b := places(message), places(translated); !slices.Equal(a, b) {
				t.Errorf("%s: English fills in %q, %s %q", key, a, lang, b)
			}
			if strings.Contains(placeholder.ReplaceAllString(translated, ""), "{") {
				t.Errorf("%s in %s has a brace that is no place", key, lang)
			}
		}
		for key := range other.messages {
			if _, ok := english.messages[key]; !ok {
				t.Errorf("%s has %s and English has not", lang, key)
			}
		}
	}
}

func places(message string) []string {
	found := placeholder.FindAllString(message, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// A text that nothing shows would be translated for nobody.
func TestEveryTextIsShownSomewhere(t *testing.T) {
	var code strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(raw)
		}
	}
	english, err := readLocale(English)
	if err != nil {
		t.Fatal(err)
	}
	computed := regexp.MustCompile(`^(month|scope|notice|error\.(request|expired|forgery|notfound|busy|server)|wait\.\w+|field)\.`)
	for key := range english.messages {
		if !computed.MatchString(key) && !strings.Contains(code.String(), `"`+key+`"`) {
			t.Errorf("nothing says %s", key)
		}
	}
}

var action = regexp.MustCompile(`\{\{(?s:.*?)\}\}`)

func TestNoTemplateHasWordsOfItsOwn(t *testing.T) {
	names, err := filepath.Glob("templates/*.html")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d templates, %v", len(names), err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		z := html.NewTokenizer(bytes.NewReader(action.ReplaceAll(raw, nil)))
		for z.Next() != html.ErrorToken {
			tok := z.Token()
			if tok.Type == html.TextToken && strings.ContainsFunc(tok.Data, unicode.IsLetter) {
				t.Errorf("%s says %q", name, strings.TrimSpace(tok.Data))
			}
			for _, a := range tok.Attr {
				if slices.Contains([]string{"alt", "title", "placeholder", "aria-label"}, a.Key) && strings.ContainsFunc(a.Val, unicode.IsLetter) {
					t.Errorf("%s says %q in %s", name, a.Val, a.Key)
				}
			}
		}
	}
}

func TestAMissingTextIsAnErrorAndNoPage(t *testing.T) {
	l := &locale{lang: English, messages: map[string]string{"a": "a {b}"}}
	if _, err := l.html(say("c")); err == nil {
		t.Error("a text that is not there is shown")
	}
	if _, err := l.html(say("a", "x", "y")); err == nil {
		t.Error("a place stays empty")
	}
	w := httptest.NewRecorder()
	if err := newPages(t, Options{}).Render(w, 200, English, Error{Failure: "unheard-of"}); err == nil || w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Errorf("%v, and %q was written", err, w.Body)
	}
}

func TestAnUnknownLanguageIsEnglish(t *testing.T) {
	if got := render(t, newPages(t, Options{}), "xx", SignedOut{}).Header().Get("Content-Language"); got != "en" {
		t.Errorf("got %s", got)
	}
}

func TestTheClientsAnswerIsPostedAsItIs(t *testing.T) {
	params := url.Values{"code": {"a b&c"}, "state": {`"><script>alert(1)</script>`, "two"}}
	list := elements(t, render(t, newPages(t, Options{}), English, FormPost{URL: "https://app.example.com/cb?x=1&y=2", Params: params}).Body.Bytes())
	got := url.Values{}
	for _, n := range list {
		if n.Data == "form" && attribute(n, "action") != "https://app.example.com/cb?x=1&y=2" {
			t.Errorf("the form goes to %s", attribute(n, "action"))
		}
		if n.Data == "input" {
			got.Add(attribute(n, "name"), attribute(n, "value"))
		}
	}
	if !reflect.DeepEqual(got, params) {
		t.Errorf("got %v", got)
	}
}
