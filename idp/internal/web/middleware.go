package web

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"
)

// identify gives every request an id: where the process began, at random, and
// a count. It is never taken from the request, so a stranger writes nothing
// into the log.
func identify() echo.MiddlewareFunc {
	process := rand.Text()[:10]
	var count atomic.Uint64
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			id := process + "-" + strconv.FormatUint(count.Add(1), 36)
			c.Response().Header().Set(echo.HeaderXRequestID, id)
			return next(c)
		}
	}
}

// headers are those that every answer has, an error too. What may be cached
// says so itself.
func headers(https bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			h.Set(echo.HeaderCacheControl, "no-store")
			h.Set(echo.HeaderXContentTypeOptions, "nosniff")
			h.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
			h.Set(echo.HeaderReferrerPolicy, "no-referrer")
			if https {
				h.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000")
			}
			return next(c)
		}
	}
}

// recoverPanics makes a panic an error like any other, which the client sees
// as server_error and the log in full.
func recoverPanics() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				if r := recover(); r != nil {
					err = newPanic(r)
				}
			}()
			return next(c)
		}
	}
}

func limitBody(limit int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.Body != nil && r.Body != http.NoBody {
				r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
			}
			return next(c)
		}
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

// Serialize ends the answer with a new line, for those who read it in a
// terminal.
func (jsonSerializer) Serialize(c echo.Context, v any, _ string) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = c.Response().Write(append(body, '\n'))
	return err
}

func (jsonSerializer) Deserialize(echo.Context, any) error {
	return fmt.Errorf("web: bodies are read by wire.ReadJSON")
}
