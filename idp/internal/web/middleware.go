package web

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"
)

// shared is the value of a header that is the same in every answer, so that no
// answer has to make it. Nobody changes one in place: Set puts another one in
// its stead, and Add copies it, since it has no room to grow.
func shared(value string) []string { return []string{value} }

// everyAnswer are the headers that every answer has, an error too. What may be
// cached says so itself.
var everyAnswer = []header{
	{"Cache-Control", shared("no-store")},
	{"X-Content-Type-Options", shared("nosniff")},
	{"Content-Security-Policy", shared("default-src 'none'; frame-ancestors 'none'")},
	{"Referrer-Policy", shared("no-referrer")},
}

type header struct {
	name  string // in its canonical form: it is not set by Set
	value []string
}

// dress gives every answer its headers and every request an id: where the
// process began, at random, and a count. It is never taken from the request, so
// a stranger writes nothing into the log.
func dress(next http.Handler, https bool) http.Handler {
	worn := slices.Clone(everyAnswer)
	if https {
		worn = append(worn, header{echo.HeaderStrictTransportSecurity, shared("max-age=31536000")})
	}
	process := rand.Text()[:10] + "-"
	var count atomic.Uint64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, one := range worn {
			h[one.name] = one.value
		}
		id := append(make([]byte, 0, 32), process...)
		h[requestID] = []string{string(strconv.AppendUint(id, count.Add(1), 36))}
		next.ServeHTTP(w, r)
	})
}

// requestID is the canonical form of echo.HeaderXRequestID.
const requestID = "X-Request-Id"

// recoverPanics makes a panic an error like any other, which the client sees
// as server_error and the log in full.
func recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = newPanic(r)
			}
		}()
		return next(c)
	}
}

func limitBody(next echo.HandlerFunc, limit int64) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
		}
		return next(c)
	}
}

// clientAddress believes X-Forwarded-For as far as it was written by trusted
// proxies, and nobody's where there are none.
func clientAddress(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(ipNet(p)))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// jsonSerializer writes answers. Nothing is read through it: wire.ReadJSON is
// the one reader.
type jsonSerializer struct{}

// drafts are where answers are written before they are sent, so that one that
// cannot be written is not sent by half.
var drafts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Serialize ends the answer with a new line, for those who read it in a
// terminal.
func (jsonSerializer) Serialize(c echo.Context, v any, _ string) error {
	draft := drafts.Get().(*bytes.Buffer)
	defer drafts.Put(draft)
	draft.Reset()
	if err := json.MarshalWrite(draft, v); err != nil {
		return err
	}
	draft.WriteByte('\n')
	_, err := c.Response().Write(draft.Bytes())
	return err
}

func (jsonSerializer) Deserialize(echo.Context, any) error {
	return fmt.Errorf("web: bodies are read by wire.ReadJSON")
}
