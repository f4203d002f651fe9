package main

import (
	"context"
	"fmt"
	"io"

	"signet/prove/issuer"
)

const memoryName = "memory"

// What is promised of Signet's memory, as RssAnon: what files in the page cache
// lend it is nobody else's loss.
const (
	mostIdle    = 25e6
	mostWorked  = 60e6
	mostGrowth  = 1.1 // from the first half of the tokens to the second
	growthNoise = 1e6
)

// Memory is what a process has of the machine's, in bytes.
type Memory struct {
	Resident  int64 `json:"rss"`
	Anonymous int64 `json:"rss_anon"`
}

func (m Memory) String() string {
	return fmt.Sprintf("%.1f MB (resident %.1f MB)", float64(m.Anonymous)/1e6, float64(m.Resident)/1e6)
}

// Memories is what an issuer has when it is idle and after many tokens.
type Memories struct {
	Tokens int    `json:"tokens"`
	Idle   Memory `json:"idle"`
	First  Memory `json:"most_first_half"`  // the most while it issues the first half of the tokens
	Second Memory `json:"most_second_half"` // and the second
}

// memory has an issuer sign many tokens, and looks at it again and again.
func (b *bench) memory(ctx context.Context) (Section, error) {
	stage, err := b.stage(ctx, "", issuer.Settings{})
	if err != nil {
		return nil, err
	}
	defer stage.end()
	if err := idle(ctx, stage.Signet); err != nil {
		return nil, err
	}
	out := &Memories{Idle: memoryOf(stage.Signet.PID())}
	mint, err := stage.ownMinter()
	if err != nil {
		return nil, err
	}
	for _, half := range []*Memory{&out.First, &out.Second} {
		for made := 0; made < b.f.tokens/2; {
			n := min(5000, b.f.tokens/2-made)
			if _, err := mint.many(ctx, n); err != nil {
				return nil, err
			}
			made, out.Tokens = made+n, out.Tokens+n
			now := memoryOf(stage.Signet.PID())
			*half = Memory{max(half.Resident, now.Resident), max(half.Anonymous, now.Anonymous)}
		}
	}
	return out, nil
}

func (m *Memories) write(out io.Writer) error {
	if m.Idle.Resident == 0 {
		_, err := fmt.Fprint(out, "\nMemory is measured on Linux only.\n")
		return err
	}
	_, err := fmt.Fprintf(out, "\nMemory, anonymous and in all: idle %s; the most over %d tokens by client_credentials (-tokens), first half %s, second half %s.\n",
		m.Idle, m.Tokens, m.First, m.Second)
	return err
}

func (m *Memories) figures() any { return m }

func (m *Memories) claims() []Claim {
	if m.Idle.Resident == 0 {
		return nil
	}
	worked := max(m.First.Anonymous, m.Second.Anonymous)
	return []Claim{
		{"memory idle", fmt.Sprintf("%.1f MB; promised: at most %.0f MB", float64(m.Idle.Anonymous)/1e6, mostIdle/1e6), m.Idle.Anonymous <= mostIdle},
		{fmt.Sprintf("memory after %d tokens", m.Tokens), fmt.Sprintf("%.1f MB; promised: at most %.0f MB", float64(worked)/1e6, mostWorked/1e6), worked <= mostWorked},
		{"memory, second half of the tokens by the first", fmt.Sprintf("%.2f; promised: no growth", float64(m.Second.Anonymous)/float64(m.First.Anonymous)),
			float64(m.Second.Anonymous) <= mostGrowth*float64(m.First.Anonymous)+growthNoise},
	}
}
