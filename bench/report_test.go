package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"signet/bench/internal/load"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample has n latencies around one, in the time that conns need for them.
func sample(n, conns int, around time.Duration) load.Sample {
	s := load.Sample{Elapsed: time.Duration(n) * around / time.Duration(conns), CPU: time.Duration(n) * around / 3}
	for i := range n {
		s.Latencies = append(s.Latencies, around+time.Duration(i)*around/time.Duration(n))
	}
	return s
}

func line(row string, conns, n int, ours, bare time.Duration, promises ...promise) Line {
	l := Line{Row: row, What: "GET <it>", FloorDoes: "bare Echo", Conns: conns, Measured: sample(n, conns, ours), Floor: sample(n, conns, bare),
		Cost: Cost{Known: true, Allocs: 42.4, Commits: 0.25}}
	l.Ratio = load.SpreadOf(load.Ratios([]load.Sample{l.Measured}, []load.Sample{l.Floor}))
	l.Claims = promised(promises, l)
	return l
}

// sampleReport has something of all that a report can have.
func sampleReport() Report {
	failing := line("failing", 16, 20, 2*time.Millisecond, time.Millisecond, ofFloor(0.1))
	failing.Measured.Errors, failing.Measured.First, failing.Cost = 1, errors.New("refused"), Cost{}
	failing.Claims = promised([]promise{ofFloor(0.1)}, failing)
	return Report{
		Machine: "test/test, 2 processors", Of: "Signet",
		Rows: []Line{
			line("jwks", 1, 2000, 100*time.Microsecond, 90*time.Microsecond, ofFloor(0.85)),
			line("jwks", 16, 20000, 700*time.Microsecond, 500*time.Microsecond, ofFloor(0.85)),
			line("refresh-ES256", 64, 2000, 7*time.Millisecond, 5*time.Millisecond, onConns(64, commits(0.15)), onConns(1, commits(1)), rate(6000, "which peers reach")),
			failing,
		},
		LeftOut: []Omission{{"login", "for Signet only"}},
		Sections: []Part{
			{startName, &Starts{First: []time.Duration{300 * time.Millisecond}, Cold: []time.Duration{20 * time.Millisecond, 30 * time.Millisecond, 60 * time.Millisecond}, Bytes: 25_500_000}},
			{memoryName, &Memories{Tokens: 1000, Idle: Memory{24e6, 8e6}, First: Memory{50e6, 30e6}, Second: Memory{90e6, 70e6}}},
			{stormName, &Storm{Logins: sample(100, 2, 70*time.Millisecond), Requests: []Weather{{"GET the JWKS", sample(2000, 1, time.Millisecond), sample(2000, 1, 20*time.Millisecond)}}}},
			{revocationName, &Revocations{Ways: []Revoked{{"POST /logout", sample(100, 1, 40*time.Millisecond)}}, Good: sample(500, 8, time.Millisecond)}},
			{waitersName, &Waiters{Count: 10, Each: 21 << 10, AfterEach: 33 << 10, First: time.Millisecond, Last: time.Second, CPU: time.Second}},
			{enginesName, &Engines{
				Lines: []EngineLine{
					{onBolt, 1, turnsRow, 1, sample(2000, 1, time.Millisecond), EngineCost{Transactions: 1, Commits: 1, Written: 39_000}},
					{"etcd", 2, turnsRow, 64, sample(2000, 64, 8*time.Millisecond), EngineCost{Trips: 1.96, Transactions: 1, Conflicts: 0.96, Commits: 1.96}},
					{"etcd", 1, "login", 2, sample(20, 2, 70*time.Millisecond), EngineCost{Trips: 5, Transactions: 1, Commits: 1, Written: 2400, Kept: 1200}},
				},
				First: []FirstSight{{"etcd", 16, 3}}, Alone: []Alone{{"etcd", 0.4}},
				LeftOut: []Omission{{"PostgreSQL", "postgres is missing: apt-get install postgresql"}},
			}},
			{listName, &List{Tokens: 1 << 20, Revoked: 1000, Bytes: 5600, Read: time.Microsecond, Pack: time.Millisecond, Sign: time.Microsecond, Take: time.Millisecond, Ask: 27.4}},
		},
	}
}

func TestReportsLookAsTheyDid(t *testing.T) {
	r := sampleReport()
	for name, write := range map[string]func(io.Writer) error{"report.txt": r.writeTables, "report.json": r.writeJSON, "plot.svg": r.writePlot} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s (look at it, and run go test ./bench -update): %v\n%s", name, err, out.Bytes())
		}
	}
}

func TestAPictureIsXMLAndAReportIsJSON(t *testing.T) {
	for _, r := range []Report{sampleReport(), {}, {Of: `<&"`, Machine: "<", Rows: []Line{{Row: "<none>", Conns: 1}}}} {
		var picture, text bytes.Buffer
		if err := errors.Join(r.writePlot(&picture), r.writeJSON(&text)); err != nil {
			t.Fatal(err)
		}
		for in := xml.NewDecoder(&picture); ; {
			if _, err := in.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if !json.Valid(text.Bytes()) {
			t.Errorf("%s", text.Bytes())
		}
	}
}

func TestAPromiseIsHeldAgainstWhatWasMeasured(t *testing.T) {
	good := line("r", 64, 2000, time.Millisecond, time.Millisecond)
	with := func(change func(*Line)) Line {
		l := good
		change(&l)
		return l
	}
	for _, c := range []struct {
		what  string
		line  Line
		p     promise
		holds []bool // of the claims that are made
	}{
		{"a share of the floor that is reached", good, ofFloor(1), []bool{true}},
		{"one that is not", with(func(l *Line) { l.Ratio.Median = 0.69 }), ofFloor(0.70), []bool{false}},
		{"one that is reached beside errors", with(func(l *Line) { l.Measured.Errors = 1 }), ofFloor(0.5), []bool{false}},
		{"one that is reached by nobody", with(func(l *Line) { l.Measured.Latencies = nil }), ofFloor(0.5), []bool{false}},
		{"few commits", with(func(l *Line) { l.Cost.Commits = 0.152 }), commits(0.15), []bool{true}},
		{"many", with(func(l *Line) { l.Cost.Commits = 0.16 }), commits(0.15), []bool{false}},
		{"commits that nobody counted", with(func(l *Line) { l.Cost.Known = false }), commits(0.15), nil},
		{"another number of connections", good, onConns(1, ofFloor(1)), nil},
		{"as many as others", good, rate(64_000, "others"), []bool{false}},
		{"more than others", good, rate(63_000, "others"), []bool{true}},
		{"1.3 times the bare check", with(func(l *Line) { l.Measured = sample(2000, 1, 1300*time.Microsecond) }), promiseFirst, []bool{true}},
		{"1.4 times", with(func(l *Line) { l.Measured = sample(2000, 1, 1400*time.Microsecond) }), promiseFirst, []bool{false}},
		{"a token seen before that allocates", with(func(l *Line) { l.Measured, l.Cost.Allocs = sample(2000, 1, time.Microsecond), 3 }), promiseSeen, []bool{false}},
		{"one that does not", with(func(l *Line) { l.Measured, l.Cost.Allocs = sample(2000, 1, time.Microsecond), 0 }), promiseSeen, []bool{true}},
		{"one that is slow", with(func(l *Line) { l.Cost.Allocs = 0 }), promiseSeen, []bool{false}},
	} {
		var holds []bool
		for _, claim := range promised([]promise{c.p}, c.line) {
			holds = append(holds, claim.Holds)
		}
		if len(holds) != len(c.holds) || len(holds) == 1 && holds[0] != c.holds[0] {
			t.Errorf("%s: %v, want %v", c.what, holds, c.holds)
		}
	}
}
