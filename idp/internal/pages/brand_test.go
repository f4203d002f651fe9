package pages

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

func TestContrastIsThatOfWCAG(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#777777", "#ffffff", 4.48}, {"#0000ff", "#ffffff", 8.59}} {
		a, _ := parseColor(c.a)
		b, _ := parseColor(c.b)
		if got := contrast(a, b); math.Abs(got-c.want) > .01 {
			t.Errorf("%s on %s: %.2f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

// variables reads the custom properties of the two schemes of a style sheet.
func variables(t *testing.T, sheet string) (light, dark map[string]rgb) {
	t.Helper()
	light, dark = map[string]rgb{}, map[string]rgb{}
	block := regexp.MustCompile(`(@media \(prefers-color-scheme: ?dark\) ?\{\s*)?:root ?\{([^}]*)\}`)
	line := regexp.MustCompile(`(--[a-z-]+): ?(#[0-9a-f]{6})`)
	for _, b := range block.FindAllStringSubmatch(sheet, -1) {
		for _, v := range line.FindAllStringSubmatch(b[2], -1) {
			c, err := parseColor(v[2])
			if err != nil {
				t.Fatal(err)
			}
			if dark[v[1]] = c; b[1] == "" {
				light[v[1]] = c
			}
		}
	}
	return light, dark
}

// Every pair of colours that the style sheet puts on each other, whatever the
// operator's colour: WCAG 2.2, 1.4.3 and 1.4.11.
func TestEverythingCanBeReadWhateverTheBrandsColour(t *testing.T) {
	pairs := []struct {
		front, back string
		least       float64
	}{
		{"--text", "--ground", 4.5}, {"--text", "--card", 4.5}, {"--text", "--faint", 4.5}, {"--soft", "--ground", 4.5}, {"--soft", "--card", 4.5},
		{"--soft", "--faint", 4.5}, {"--bad", "--bad-tint", 4.5}, {"--bad", "--card", 4.5}, {"--good", "--good-tint", 4.5}, {"--warn", "--warn-tint", 4.5},
		{"--edge", "--card", 3}, {"--on-accent", "--accent", 4.5}, {"--on-accent", "--accent-strong", 4.5}, {"--accent-edge", "--card", 3},
		{"--link", "--card", 4.5}, {"--link", "--ground", 4.5}, {"--link", "--tint", 4.5},
	}
	colors := []string{"", "#000000", "#ffffff", "#ffff00", "#00ff00", "#0000ff", "#ff0000", "#ff6600", "#777777", "#0b1220", "#fafafa", "#757575"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		colors = append(colors, rgb{uint8(random.Uint32()), uint8(random.Uint32()), uint8(random.Uint32())}.String())
	}
	for _, color := range colors {
		p := newPages(t, Options{Brand: Brand{Color: color}})
		light, dark := variables(t, string(p.Assets()[0].Body))
		for scheme, v := range map[string]map[string]rgb{"light": light, "dark": dark} {
			for _, pair := range pairs {
				front, known := v[pair.front]
				back, there := v[pair.back]
				if !known || !there {
					t.Fatalf("%s: the style sheet has no %s or %s", scheme, pair.front, pair.back)
				}
				if got := contrast(front, back); got < pair.least {
					t.Errorf("%s, %s: %s %s on %s %s has %.2f", color, scheme, pair.front, front, pair.back, back, got)
				}
			}
		}
	}
}

func TestTheGroundsAreThoseOfTheStyleSheet(t *testing.T) {
	light, dark := variables(t, string(newPages(t, Options{}).Assets()[0].Body))
	if light["--card"] != lightGrounds[0] || light["--ground"] != lightGrounds[1] || dark["--card"] != darkGrounds[0] || dark["--ground"] != darkGrounds[1] {
		t.Errorf("light %v %v, dark %v %v", light["--card"], light["--ground"], dark["--card"], dark["--ground"])
	}
}

func TestAButtonHasTheBrandsOwnColour(t *testing.T) {
	for _, color := range []string{"#4257c9", "#f2c200", "#0b1220"} {
		light, dark := variables(t, string(newPages(t, Options{Brand: Brand{Color: color}}).Assets()[0].Body))
		if light["--accent"].String() != color || dark["--accent"].String() != color {
			t.Errorf("%s became %s and %s", color, light["--accent"], dark["--accent"])
		}
	}
}

func TestABrandThatCannotBeShownIsRefused(t *testing.T) {
	for name, b := range map[string]Brand{
		"a colour by name":  {Color: "red"},
		"a colour too long": {Color: "#12345678"},
		"no hex":            {Color: "#gggggg"},
		"a sign":            {Color: "#+12345"},
		"a style":           {Color: "#fff;}x"},
		"a logo of text":    {Logo: []byte("hello")},
		"a logo of HTML":    {Logo: []byte("<html><script>alert(1)</script>")},
		"a logo too large":  {Logo: append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, maxLogo)...)},
	} {
		if _, err := New(Options{Brand: b}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestALogoTakesThePlaceOfTheName(t *testing.T) {
	for want, logo := range map[string]string{
		"image/png": "\x89PNG\r\n\x1a\n....", "image/svg+xml": "\n<?xml version=\"1.0\"?><svg xmlns='http://www.w3.org/2000/svg'/>", "image/gif": "GIF89a...",
	} {
		p := newPages(t, Options{Brand: Brand{Name: "Acme & Sons", Logo: []byte(logo)}})
		last := p.Assets()[len(p.Assets())-1]
		if last.ContentType != want || string(last.Body) != logo {
			t.Errorf("the logo is served as %s", last.ContentType)
		}
		page := render(t, p, English, SignedOut{}).Body.String()
		if !strings.Contains(page, `src="`+last.Path+`" alt="Acme &amp; Sons"`) || strings.Contains(page, "brand-name") {
			t.Errorf("the page is %s", page)
		}
	}
	if page := render(t, newPages(t, Options{Brand: Brand{Name: "Acme & Sons"}}), English, SignedOut{}).Body.String(); !strings.Contains(page, ">Acme &amp; Sons</span>") {
		t.Errorf("the page is %s", page)
	}
}
