package main

import (
	"io"
)

// Report is all that came out.
type Report struct {
	Machine  string
	Of       string // who was measured
	Rows     []Line
	LeftOut  []Omission
	Sections []Part
}

// Omission is a row that makes no sense for who was measured.
type Omission struct {
	Row string `json:"row"`
	Why string `json:"why"`
}

// Part is a section under its name.
type Part struct {
	Name string
	Section
}

// Section is what was measured besides rows.
type Section interface {
	write(out io.Writer) error // for people
	figures() any              // for programs
	claims() []Claim
}

// claims are all that was promised of what was measured.
func (r Report) claims() (all []Claim) {
	for _, l := range r.Rows {
		all = append(all, l.Claims...)
	}
	for _, p := range r.Sections {
		all = append(all, p.claims()...)
	}
	return all
}
