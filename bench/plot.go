package main

import (
	"fmt"
	"html"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"signet/bench/internal/load"
)

// The picture: a panel a row, each with requests a second from left to right
// and latency from bottom to top, in powers of ten.
const (
	panelWide, panelHigh = 340.0, 230.0
	plotLeft, plotTop    = 64.0, 34.0 // of the panel
	plotWide, plotHigh   = 246.0, 150.0
	panelsAcross         = 3
	headHigh             = 64.0
)

// plotStyle is readable on white and on black.
const plotStyle = `
  svg { color-scheme: light dark; --paper: #fff; --ink: #212529; --faint: #dee2e6; --quiet: #495057; --ours: #364fc7; --bare: #a14a00 }
  @media (prefers-color-scheme: dark) { svg { --paper: #141517; --ink: #e9ecef; --faint: #373a40; --quiet: #ced4da; --ours: #91a7ff; --bare: #ffa94d } }
  .paper { fill: var(--paper) }
  text { font: 11px system-ui, sans-serif; fill: var(--quiet) }
  .title { font-size: 13px; font-weight: 600; fill: var(--ink) }
  .grid { stroke: var(--faint) }
  .curve { fill: none; stroke-width: 2 }
  .p99 { stroke-dasharray: 5 3 }
  .ours { stroke: var(--ours) } .bare { stroke: var(--bare) }
  circle.ours { fill: var(--ours) } circle.bare { fill: var(--bare) }
`

// plotTo draws latency under load into a file.
func (r Report) plotTo(file string) error {
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("-plot: %w", err)
	}
	if err := r.writePlot(out); err != nil {
		_ = out.Close()
		return fmt.Errorf("-plot: %w", err)
	}
	return out.Close()
}

func (r Report) writePlot(out io.Writer) error {
	panels := byRow(r.Rows)
	down := (len(panels) + panelsAcross - 1) / panelsAcross
	wide, high := panelWide*panelsAcross, headHigh+panelHigh*float64(down)
	p := &picture{}
	p.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="Latency under load">`, wide, high)
	p.add(`<style>%s</style>`, plotStyle)
	p.add(`<rect class="paper" width="%g" height="%g"/>`, wide, high)
	p.text(16, 22, "title", "start", "Latency by requests a second, as the connections grow")
	p.text(16, 40, "", "start", strings.SplitN(r.Machine, "\n", 2)[0])
	p.legend(16, 56, r.Of)
	for i, lines := range panels {
		p.add(`<g transform="translate(%g %g)">`, panelWide*float64(i%panelsAcross), headHigh+panelHigh*float64(i/panelsAcross))
		p.panel(lines)
		p.add(`</g>`)
	}
	p.add(`</svg>`)
	_, err := io.WriteString(out, p.String())
	return err
}

// byRow has the lines of each row together, in their order.
func byRow(lines []Line) (rows [][]Line) {
	for i, l := range lines {
		if i == 0 || lines[i-1].Row != l.Row {
			rows = append(rows, nil)
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], l)
	}
	return rows
}

// picture is SVG that grows.
type picture struct{ strings.Builder }

func (p *picture) add(format string, args ...any) {
	fmt.Fprintf(p, format+"\n", args...)
}

func (p *picture) text(x, y float64, class, anchor, said string) {
	p.add(`<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, html.EscapeString(said))
}

func (p *picture) legend(x, y float64, of string) {
	for _, c := range curves {
		who := of
		if c.class == "bare" {
			who = "floor"
		}
		p.add(`<path class="curve %s" d="M%g %gh24"/>`, c.classes(), x, y-4)
		p.text(x+30, y, "", "start", who+" "+c.name)
		x += 62 + 6.5*float64(len(who)+len(c.name))
	}
}

// curve is what is drawn of each row: a percentile of one side.
type curve struct {
	class, name string
	q           float64
	side        func(Line) load.Sample
}

var curves = []curve{
	{"ours", "median", 0.5, func(l Line) load.Sample { return l.Measured }},
	{"ours", "p99", 0.99, func(l Line) load.Sample { return l.Measured }},
	{"bare", "median", 0.5, func(l Line) load.Sample { return l.Floor }},
	{"bare", "p99", 0.99, func(l Line) load.Sample { return l.Floor }},
}

func (c curve) classes() string {
	if c.q > 0.5 {
		return c.class + " p99"
	}
	return c.class
}

// panel draws a row.
func (p *picture) panel(lines []Line) {
	most, least, slowest := 0.0, time.Hour, time.Microsecond
	for _, l := range lines {
		for _, c := range curves {
			if d, ok := c.side(l).Percentile(c.q); ok {
				most, least, slowest = max(most, c.side(l).Rate()), min(least, d), max(slowest, d)
			}
		}
	}
	p.text(plotLeft, 22, "title", "start", lines[0].Row)
	if most == 0 {
		return
	}
	low, high := math.Floor(math.Log10(float64(max(least, 1)))), math.Ceil(math.Log10(float64(slowest)))
	if high == low {
		high++
	}
	most = round(most)
	x := func(rate float64) float64 { return plotLeft + plotWide*rate/most }
	y := func(d time.Duration) float64 {
		return plotTop + plotHigh*(1-(math.Log10(float64(max(d, 1)))-low)/(high-low))
	}
	for power := low; power <= high; power++ {
		at := time.Duration(math.Pow(10, power))
		p.add(`<path class="grid" d="M%g %.1fh%g"/>`, plotLeft, y(at), plotWide)
		p.text(plotLeft-6, y(at)+4, "", "end", at.String())
	}
	for _, share := range []float64{0, 0.5, 1} {
		p.text(x(most*share), plotTop+plotHigh+16, "", "middle", fmt.Sprintf("%g", most*share))
	}
	for _, c := range curves {
		p.curve(c, lines, x, y)
	}
}

func (p *picture) curve(c curve, lines []Line, x func(float64) float64, y func(time.Duration) float64) {
	var path []string
	for _, l := range lines {
		s := c.side(l)
		d, ok := s.Percentile(c.q)
		if !ok {
			continue
		}
		path = append(path, fmt.Sprintf("%.1f %.1f", x(s.Rate()), y(d)))
		p.add(`<circle class="%s" cx="%.1f" cy="%.1f" r="3"><title>%d connections: %.0f/s, %s %s</title></circle>`,
			c.class, x(s.Rate()), y(d), l.Conns, s.Rate(), c.name, short(d))
	}
	if len(path) > 1 {
		p.add(`<path class="curve %s" d="M%s"/>`, c.classes(), strings.Join(path, "L"))
	}
}

// round goes up to the next number with one digit and zeros.
func round(n float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(n)))
	return math.Ceil(n/power) * power
}
