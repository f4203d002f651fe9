// Command bench measures Signet beside a floor, which does only what nobody
// could leave out, in the same run: both are asked in turns, with the same
// load, so a slow or busy machine slows both.
//
// It starts its own issuer on a fresh store, and ends it. It never measures an
// issuer in use. A new row is one small file: see Row.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"signet/bench/internal/seed"
)

// rows are what is measured, in the order of the table.
var rows = []Row{
	jwksRow, discoveryRow, statusListRow,
	credentialsES256Row, credentialsRS256Row, credentialsEdDSARow,
	refreshES256Row, refreshES256IDRow, refreshRS256Row, refreshRS256IDRow,
	loginRow, codeRow,
	introspectSeenRow, introspectFirstRow, userinfoSeenRow, userinfoFirstRow, revokeRow,
	verifyFirstRow, verifySeenRow,
}

// sections are what is measured of Signet besides.
var sections = []struct {
	name    string
	measure func(*bench, context.Context) (Section, error)
}{
	{startName, (*bench).starts},
	{memoryName, (*bench).memory},
	{stormName, (*bench).storm},
	{revocationName, (*bench).revocations},
	{waitersName, (*bench).waiters},
	{listName, (*bench).list},
	{scaleName, (*bench).scale},
	{enginesName, (*bench).engines},
}

type flags struct {
	rows    string
	conns   string
	seconds float64
	rounds  int
	revokes int
	tokens  int
	against string
	json    bool
	plot    string
	dir     string
	store   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == "seed" {
		end(seed.Command(ctx, os.Args[2:]))
		return
	}
	var f flags
	flag.StringVar(&f.rows, "rows", "", "which rows and sections, such as jwks,refresh,storm (all unless told otherwise)")
	flag.StringVar(&f.conns, "conns", "1,16,64", "how many connections at once")
	flag.Float64Var(&f.seconds, "seconds", 1.8, "how long each side of each row is asked at each number of connections; the storm takes four times that, twice")
	flag.IntVar(&f.rounds, "rounds", 3, "in how many turns")
	flag.IntVar(&f.revokes, "revocations", 1000, "how many tokens are revoked in the section revocation")
	flag.IntVar(&f.tokens, "tokens", 100_000, "how many tokens are signed in the section memory; what is promised speaks of 1000000")
	flag.StringVar(&f.against, "against", "", "measure this provider in place of Signet: a file that says its endpoints and credentials, or http://id:secret@host")
	flag.BoolVar(&f.json, "json", false, "print JSON in place of the tables")
	flag.StringVar(&f.plot, "plot", "", "draw latency under load into this file (SVG)")
	flag.StringVar(&f.dir, "dir", "", "where the stores are made; their disk is part of what is measured (a temporary folder unless told otherwise)")
	flag.StringVar(&f.store, "store", "", "a folder that `bench seed` made: the section scale measures it beside an empty store")
	flag.Parse()
	end(run(ctx, f, os.Stdout))
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags, out io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	conns, err := parseConns(f.conns)
	if err != nil {
		return err
	}
	wanted, err := parseRows(f.rows)
	if err != nil {
		return err
	}
	b, err := newBench(f, conns)
	if err != nil {
		return err
	}
	defer b.close()
	report := Report{Machine: describe(b.dir), Of: "Signet"}
	if b.against != nil {
		report.Of = b.against.Name
	}
	failed := b.measureAll(ctx, wanted, &report)
	write := report.writeTables
	if f.json {
		write = report.writeJSON
	}
	failed = errors.Join(failed, write(out))
	if f.plot != "" {
		failed = errors.Join(failed, report.plotTo(f.plot))
	}
	return failed
}

// measureAll goes on after a failure: the rest is worth knowing, too.
func (b *bench) measureAll(ctx context.Context, wanted func(string) bool, report *Report) (failed error) {
	for _, row := range rows {
		if !wanted(row.Name) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s\n", row.Name)
		lines, err := b.measure(ctx, row)
		report.Rows = append(report.Rows, lines...)
		var lacks errLacks
		if errors.As(err, &lacks) {
			report.LeftOut = append(report.LeftOut, Omission{row.Name, lacks.Error()})
		} else if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", row.Name, err))
		}
	}
	for _, s := range sections {
		if !wanted(s.name) || ctx.Err() != nil {
			continue
		}
		if b.against != nil {
			report.LeftOut = append(report.LeftOut, Omission{s.name, "for Signet only"})
			continue
		}
		if s.name == scaleName && b.f.store == "" {
			report.LeftOut = append(report.LeftOut, Omission{s.name, "there is no -store"})
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s\n", s.name)
		part, err := s.measure(b, ctx)
		if part != nil {
			report.Sections = append(report.Sections, Part{s.name, part})
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return errors.Join(failed, ctx.Err())
}

func (f flags) duration() time.Duration { return time.Duration(f.seconds * float64(time.Second)) }

// check says which number makes no sense.
func (f flags) check() error {
	switch {
	case f.seconds <= 0 || f.seconds > 3600:
		return fmt.Errorf("-seconds: %g is not between 0 and 3600", f.seconds)
	case f.rounds < 1 || f.rounds > 1000:
		return fmt.Errorf("-rounds: %d is not from 1 to 1000", f.rounds)
	case f.tokens < 2:
		return fmt.Errorf("-tokens: %d are too few", f.tokens)
	case f.revokes < 1:
		return fmt.Errorf("-revocations: %d are too few", f.revokes)
	}
	return nil
}

func parseConns(text string) (conns []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		var n int
		if _, err := fmt.Sscanf(part, "%d", &n); err != nil || n < 1 || n > 1024 {
			return nil, fmt.Errorf("-conns: %q is not a number of connections from 1 to 1024", part)
		}
		conns = append(conns, n)
	}
	return conns, nil
}

// parseRows reads names of rows and sections. The first word of one, such as
// refresh, stands for all that begin with it.
func parseRows(text string) (func(string) bool, error) {
	if text == "" {
		return func(string) bool { return true }, nil
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
	}
	for _, s := range sections {
		names = append(names, s.name)
	}
	wanted := strings.Split(text, ",")
	matches := func(wanted, name string) bool { return name == wanted || strings.HasPrefix(name, wanted+"-") }
	for _, w := range wanted {
		if !slices.ContainsFunc(names, func(name string) bool { return matches(w, name) }) {
			return nil, fmt.Errorf("-rows: there is no row %q; there are %s", w, strings.Join(names, ", "))
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return matches(w, name) })
	}, nil
}
