package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"signet/idp/internal/control"
)

// jsonFlag adds --json to a command that prints data.
func jsonFlag(cmd *cobra.Command, asked *bool) {
	cmd.Flags().BoolVar(asked, "json", false, "print JSON, for programs")
}

// json prints a value for programs.
func (env *environment) json(v any) error {
	if err := json.MarshalWrite(env.out, v, jsontext.Multiline(true), json.Deterministic(true)); err != nil {
		return err
	}
	_, err := fmt.Fprintln(env.out)
	return err
}

// table prints rows with their columns aligned. The first row is the head.
func (env *environment) table(rows [][]string) error {
	w := tabwriter.NewWriter(env.out, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// when shows a time to people: the local time, and how far away it is.
func (env *environment) when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return local(t, env.now()) + " (" + relative(t, env.now()) + ")"
}

// local leaves the date out of a time of today.
func local(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format("2006-01-02 15:04")
}

func relative(t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d >= time.Second:
		return "in " + rough(d)
	case d > -time.Second:
		return "now"
	}
	return rough(-d) + " ago"
}

// rough is a duration in its largest unit, rounded to the nearest.
func rough(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%ds", (d+time.Second/2)/time.Second)
	case d < 90*time.Minute:
		return fmt.Sprintf("%dm", (d+time.Minute/2)/time.Minute)
	case d < 36*time.Hour:
		return fmt.Sprintf("%dh", (d+time.Hour/2)/time.Hour)
	}
	return fmt.Sprintf("%dd", (d+day/2)/day)
}

// message is an error in words for people.
func message(err error, now time.Time) string {
	var failure *control.Error
	if errors.As(err, &failure) && failure.Code == control.NotReady {
		return fmt.Sprintf("not yet: the next key is ready at %s (%s). Until then a verifier may hold a JWKS without it.\n"+
			"Nothing was changed. Wait until then, or rotate with --now if the present key must not sign any longer.",
			local(failure.ReadyAt, now), relative(failure.ReadyAt, now))
	}
	return strings.TrimSpace(err.Error())
}

// short is as much of a kid as tells keys apart; the commands accept it.
func short(kid string) string {
	const enough = 12
	if len(kid) <= enough {
		return kid
	}
	return kid[:enough]
}

// count names a number of things.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
