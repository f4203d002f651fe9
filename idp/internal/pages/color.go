package pages

import (
	"fmt"
	"math"
	"strconv"
)

// rgb is a colour of sRGB.
type rgb struct{ r, g, b uint8 }

var (
	white = rgb{0xff, 0xff, 0xff}
	black = rgb{}
)

// parseColor reads #rgb and #rrggbb.
func parseColor(s string) (rgb, error) {
	if len(s) == 4 {
		s = string([]byte{s[0], s[1], s[1], s[2], s[2], s[3], s[3]})
	}
	if len(s) != 7 || s[0] != '#' {
		return rgb{}, fmt.Errorf("pages: the colour of the brand must be written as #rrggbb")
	}
	n, err := strconv.ParseUint(s[1:], 16, 24)
	if err != nil {
		return rgb{}, fmt.Errorf("pages: the colour of the brand must be written as #rrggbb")
	}
	return rgb{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// luminance is the relative luminance of WCAG 2.2.
func (c rgb) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b rgb) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// mix goes a part of the way from c to other; 0 is c itself.
func (c rgb) mix(other rgb, part float64) rgb {
	between := func(a, b uint8) uint8 {
		return uint8(math.Round(float64(a) + (float64(b)-float64(a))*part))
	}
	return rgb{between(c.r, other.r), between(c.g, other.g), between(c.b, other.b)}
}

// readable is c, moved towards black or white no further than it takes to
// have the contrast against every ground.
func (c rgb) readable(towards rgb, ratio float64, grounds ...rgb) rgb {
	for step := range 101 {
		moved := c.mix(towards, float64(step)/100)
		enough := true
		for _, g := range grounds {
			enough = enough && contrast(moved, g) >= ratio
		}
		if enough {
			return moved
		}
	}
	return towards
}

// onto is the colour of text on c: white where it can be read, else black.
// One of the two always has a contrast of 4.5 or more.
func (c rgb) onto() rgb {
	if contrast(c, white) >= 4.5 {
		return white
	}
	return black
}
