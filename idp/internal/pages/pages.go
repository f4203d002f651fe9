package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Options say whose pages these are.
type Options struct {
	Brand Brand
	Base  string // the path of the issuer's URL, such as "/auth"; "" at the root
}

// Pages renders views. It is safe for concurrent use.
type Pages struct {
	brand  shownBrand
	assets []Asset
	links  map[string]string // the name of a static file -> its path
	sets   map[Lang]*template.Template
}

// New prepares every template in every language. It fails on a brand that
// cannot be shown.
func New(o Options) (*Pages, error) {
	brand, err := o.Brand.check()
	if err != nil {
		return nil, err
	}
	p := &Pages{brand: brand, links: map[string]string{}, sets: map[Lang]*template.Template{}}
	files, err := brand.files()
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		a := f.asset(strings.TrimSuffix(o.Base, "/"))
		p.assets, p.links[f.name] = append(p.assets, a), a.Path
	}
	for _, lang := range Languages() {
		l, err := readLocale(lang)
		if err != nil {
			return nil, err
		}
		set, err := template.New("").Funcs(l.funcs()).ParseFS(templateFiles, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
		p.sets[lang] = set
	}
	return p, nil
}

// Assets lists the static files, for the table of routes.
func (p *Pages) Assets() []Asset { return p.assets }

// frame is what the layout knows beside the view itself.
type frame struct {
	Lang  Lang
	Brand shownBrand
	Links map[string]string
	Title text
	Error bool // the title says so first, for those who hear it
	View  View
}

// Wrong is the word before the title of a page with problems.
func (frame) Wrong() text { return say("title.wrong") }

// Link gives the path of a static file.
func (f frame) Link(name string) (string, error) {
	path, ok := f.Links[name]
	if !ok {
		return "", fmt.Errorf("pages: there is no static file %q", name)
	}
	return path, nil
}

// Render writes a page with its headers. Nothing has been written when it
// returns an error of its own, rather than the connection's.
func (p *Pages) Render(w http.ResponseWriter, status int, lang Lang, v View) error {
	set, ok := p.sets[lang]
	if !ok {
		lang, set = English, p.sets[English]
	}
	if c, ok := v.(checked); ok {
		if err := c.check(); err != nil {
			return err
		}
	}
	var page bytes.Buffer
	d := v.describe()
	f := frame{Lang: lang, Brand: p.brand, Links: p.links, Title: d.title, Error: d.wrong, View: v}
	if err := set.ExecuteTemplate(&page, d.template+".html", f); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(lang))
	h.Set("Content-Security-Policy", d.policy.String())
	h.Set("Cache-Control", "no-store")
	// With no-referrer a browser would send "Origin: null" with our own forms
	// (Fetch, section 3.2), and the check of the origin could not pass.
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, err := page.WriteTo(w)
	return err
}
