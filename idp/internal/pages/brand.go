package pages

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// Brand is how the operator appears on every page.
type Brand struct {
	Name  string // "Signet" when empty
	Logo  []byte // PNG, JPEG, GIF, WebP or SVG; none when empty. It is shown on white, in the dark too
	Color string // #rrggbb; where it is too pale or too dark to be read, a darker or lighter one is used
}

const (
	defaultName  = "Signet"
	defaultColor = "#4257c9"

	maxLogo = 512 << 10
)

// shownBrand is a brand that was checked.
type shownBrand struct {
	Name     string
	Logo     []byte
	LogoName string // of its static file; "" without one
	logoType string
	color    rgb
}

func (b Brand) check() (shownBrand, error) {
	s := shownBrand{Name: clean(b.Name), Logo: b.Logo}
	if s.Name == "" {
		s.Name = defaultName
	}
	if b.Color == "" {
		b.Color = defaultColor
	}
	var err error
	if s.color, err = parseColor(b.Color); err != nil || len(b.Logo) == 0 {
		return s, err
	}
	if len(b.Logo) > maxLogo {
		return s, fmt.Errorf("pages: the logo has %d bytes, more than the %d that a page should make people wait for", len(b.Logo), maxLogo)
	}
	s.logoType, s.LogoName, err = pictureType(b.Logo)
	return s, err
}

// pictureType looks at the bytes: a file's name may say anything.
func pictureType(picture []byte) (contentType, name string, err error) {
	switch t := http.DetectContentType(picture); t {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return t, "logo." + strings.TrimPrefix(t, "image/"), nil
	}
	head := picture[:min(len(picture), 1024)]
	if bytes.HasPrefix(bytes.TrimSpace(head), []byte("<")) && bytes.Contains(head, []byte("<svg")) {
		return "image/svg+xml", "logo.svg", nil
	}
	return "", "", fmt.Errorf("pages: the logo is no PNG, JPEG, GIF, WebP or SVG")
}

// IconName is the static file of the icon in the browser's tab.
func (b shownBrand) IconName() string {
	if b.LogoName != "" {
		return b.LogoName
	}
	return "icon.svg"
}

// Initial stands in the mark of a brand that has no logo.
func (b shownBrand) Initial() string { return initial(b.Name) }

// icon is the mark as a picture.
func (b shownBrand) icon() []byte {
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="` + b.color.String() +
		`"/><text x="16" y="22.5" text-anchor="middle" font-family="system-ui,sans-serif" font-size="18" font-weight="700" fill="` + b.color.onto().String() +
		`">` + html.EscapeString(b.Initial()) + `</text></svg>`)
}

// The grounds of style.css on which the brand's colour is used. A test holds
// them to the style sheet.
var (
	lightGrounds = []rgb{{0xff, 0xff, 0xff}, {0xf5, 0xf6, 0xf8}}
	darkGrounds  = []rgb{{0x1a, 0x1c, 0x22}, {0x10, 0x11, 0x15}}
)

// css sets the colours that follow from the brand's, for both schemes. A
// button has that colour itself, with an edge that can be seen on the card (WCAG
// 2.2, 1.4.11: 3:1); its text and every link can be read (1.4.3: 4.5:1).
func (b shownBrand) css() string {
	scheme := func(towards rgb, grounds []rgb) string {
		on := b.color.onto()
		tint := grounds[0].mix(b.color, .1)
		return fmt.Sprintf("--accent:%s;--accent-strong:%s;--accent-edge:%s;--on-accent:%s;--link:%s;--tint:%s",
			b.color, b.color.mix(opposite(on), .14), b.color.readable(towards, 3, grounds...), on,
			b.color.readable(towards, 4.6, append([]rgb{tint}, grounds...)...), tint)
	}
	return "\n:root{" + scheme(black, lightGrounds) + "}\n@media (prefers-color-scheme:dark){:root{" + scheme(white, darkGrounds) + "}}\n"
}

// opposite is where a button's colour moves when it is pressed: away from its
// text, so that the contrast grows.
func opposite(text rgb) rgb {
	if text == white {
		return black
	}
	return white
}
