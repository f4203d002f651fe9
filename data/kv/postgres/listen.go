package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// channel is where nodes tell each other the keys that changed.
const channel = "signet_pairs"

const (
	// proof is how long a notification to oneself may take.
	proof = time.Second
	// silence is after how long a connection that hears nothing is asked
	// whether it is still there.
	silence = 30 * time.Second
	// deafness is after how long it is tried again whether LISTEN works.
	deafness = time.Minute
	// retry is between two attempts to connect.
	retry = time.Second
)

// errDeaf says that LISTEN brings nothing here: a pooler gives the connection
// to somebody else after each transaction, or the server has no LISTEN. The
// poll finds all that changes.
var errDeaf = errors.New("postgres: LISTEN does not work here")

// Watch is described by optimistic.Backend. Beside what it hears it polls; see
// poll.go.
func (b *backend) Watch(ctx context.Context, changed func(keys []string)) {
	var both sync.WaitGroup
	b.changed.Store(&changed)
	if keys := b.news.untold(); len(keys) > 0 {
		changed(keys)
	}
	both.Go(func() { b.tellOthers(ctx) })
	both.Go(func() { b.poll(ctx, changed) })
	defer both.Wait()
	ear := b.ear
	for {
		wait := deafness
		if ear != nil {
			err := b.hear(ctx, ear, changed)
			if ctx.Err() != nil {
				return
			}
			b.o.Logger.Warn("the connection that listens to the store is lost", "store", b.name, "error", err)
			wait = 0
		}
		if ear = b.reconnect(ctx, wait); ear == nil {
			return
		}
		changed(nil)
	}
}

// reconnect listens again, as soon as that works, or returns nil when ctx ends.
func (b *backend) reconnect(ctx context.Context, wait time.Duration) *pgconn.PgConn {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		ear, err := b.listen(ctx)
		if err == nil {
			return ear
		}
		wait = retry
		if errors.Is(err, errDeaf) {
			wait = deafness
		}
	}
}

// listen opens a connection of its own and proves that it hears: it is told a
// random word from another one.
func (b *backend) listen(ctx context.Context) (ear *pgconn.PgConn, err error) {
	config := b.conn.Copy()
	prepare(config)
	heard := make(chan string, 1)
	word := rand.Text() // and no key: that has a name before it
	config.OnNotification = func(c *pgconn.PgConn, n *pgconn.Notification) {
		if n.Payload == word {
			heard <- word
			return
		}
		c.CustomData()[payloads] = append(told(c), n.Payload)
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	ear = conn.PgConn()
	defer func() {
		if err != nil {
			_ = conn.Close(ctx)
		}
	}()
	if _, err := alone(ctx, ear, statement{sql: `LISTEN ` + channel}); err != nil {
		if isAnswer(err) {
			return nil, errDeaf
		}
		return nil, err
	}
	if err := b.notify(ctx, []string{word}); err != nil {
		if isAnswer(err) {
			return nil, errDeaf
		}
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, proof)
	defer cancel()
	for len(heard) == 0 {
		if err := ear.WaitForNotification(waiting); err != nil {
			if ctx.Err() == nil && waiting.Err() != nil {
				return nil, errDeaf
			}
			return nil, err
		}
	}
	return ear, nil
}

// payloads is where a connection gathers what it was told. It is used by the
// goroutine that reads the connection.
const payloads = "signet.payloads"

func told(c *pgconn.PgConn) []string {
	t, _ := c.CustomData()[payloads].([]string)
	return t
}

// hear passes on what it is told until the connection or ctx ends.
func (b *backend) hear(ctx context.Context, ear *pgconn.PgConn, changed func(keys []string)) error {
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = ear.Close(closing)
	}()
	for {
		for _, payload := range told(ear) {
			if keys, news := b.unpack(payload); news {
				changed(keys)
			}
		}
		delete(ear.CustomData(), payloads)
		waiting, cancel := context.WithTimeout(ctx, silence)
		err := ear.WaitForNotification(waiting)
		quietly := waiting.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && quietly:
			asking, cancel := context.WithTimeout(ctx, proof)
			err = ear.Ping(asking)
			cancel()
		}
		if err != nil {
			return err
		}
	}
}
