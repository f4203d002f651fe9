package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestGetBringsADocument(t *testing.T) {
	s, f := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("User-Agent") != "Signet" || r.Header.Get("Accept") != "application/json" ||
			r.Header.Get("Accept-Encoding") != "" || r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" || r.URL.RawQuery != "a=b" {
			t.Errorf("asked with %s %s %v", r.Method, r.URL, r.Header)
		}
		if r.ProtoMajor != 2 {
			t.Errorf("asked with %s", r.Proto)
		}
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Content-Type", "Application/JWK-Set+json; charset=utf-8")
		io.WriteString(w, `{"keys":[]}`)
	})
	for _, path := range []string{"/jwks?a=b", "/other?a=b"} {
		d, err := f.Get(t.Context(), s.URL+path, "application/json", false)
		if err != nil || string(d.Body) != `{"keys":[]}` || d.MediaType != "application/jwk-set+json" || d.FetchedAt.IsZero() {
			t.Errorf("%s: %+v, %v", path, d, err)
		}
	}
}

func TestPlainHTTPReachesOnlyWhatTheOperatorAllowed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	defer s.Close()
	f := New(Options{Allow: loopback, Logger: slog.New(slog.DiscardHandler)})
	if d, err := f.Get(t.Context(), s.URL, "*/*", false); err != nil || string(d.Body) != "ok" {
		t.Errorf("%q, %v", d.Body, err)
	}
	f = New(Options{Allow: loopback, Logger: slog.New(slog.DiscardHandler), Resolver: resolver("8.8.8.8")})
	for _, url := range []string{"http://client.example/", "http://client.example:443/", "https://client.example:8443/"} {
		if _, err := f.Get(t.Context(), url, "*/*", false); reasonOf(t, err) != Address {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// With no Allow the same server cannot be reached at all, whatever its name.
func TestANameThatLeadsInsideIsRefusedWhereTheConnectionIsMade(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1"} {
		f := New(Options{Logger: slog.New(slog.DiscardHandler), Resolver: resolver(address)})
		if err := f.Check("https://client.example/?q=secret"); err != nil {
			t.Errorf("Check: %v", err)
		}
		if _, err := f.Get(t.Context(), "https://client.example/?q=secret", "*/*", false); reasonOf(t, err) != Address {
			t.Errorf("Get by %s: %v", address, err)
		}
		if _, err := f.Post(t.Context(), "https://client.example/?q=secret", "text/plain", nil); reasonOf(t, err) != Address {
			t.Errorf("Post by %s: %v", address, err)
		}
	}
}

// DNS rebinding: whoever looked first saw a public address.
func TestANameThatChangesItsMindIsRefused(t *testing.T) {
	names := resolver("93.184.216.34", "127.0.0.1")
	f := New(Options{Logger: slog.New(slog.DiscardHandler), Resolver: names})
	first, err := names.LookupNetIP(t.Context(), "ip4", "client.example")
	if err != nil || len(first) != 1 || !isPublic(first[0]) {
		t.Fatalf("first %v, %v", first, err)
	}
	if _, err := f.Get(t.Context(), "https://client.example/", "*/*", false); reasonOf(t, err) != Address {
		t.Errorf("got %v", err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Bool
	s, f := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/target":
			followed.Store(true)
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		default:
			http.Redirect(w, r, "/target?secret", http.StatusTemporaryRedirect)
		}
	})
	for _, path := range []string{"/?secret", "/304"} {
		if _, err := f.Get(t.Context(), s.URL+path, "*/*", false); reasonOf(t, err) != Redirect {
			t.Errorf("Get %s: %v", path, err)
		}
	}
	if _, err := f.Post(t.Context(), s.URL, "text/plain", []byte("secret")); reasonOf(t, err) != Redirect {
		t.Errorf("Post: %v", err)
	}
	if followed.Load() {
		t.Error("it was followed")
	}
}

func TestOnlyASmallAnswerWithStatus200IsADocument(t *testing.T) {
	s, f := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/full":
			w.Write(make([]byte, maxBody))
		case "/large":
			w.Write(make([]byte, maxBody+1))
		case "/endless":
			for {
				if _, err := w.Write(bytes.Repeat([]byte("secret"), 1000)); err != nil {
					return
				}
			}
		case "/header":
			w.Header().Set("X", strings.Repeat("secret", maxHeader))
		case "/broken":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "secret")
		case "/500":
			http.Error(w, "secret", http.StatusInternalServerError)
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		}
	})
	for path, want := range map[string]Reason{"/large": Size, "/endless": Size, "/header": Network, "/broken": Network, "/500": Status, "/204": Status} {
		if d, err := f.Get(t.Context(), s.URL+path+"?q=secret", "*/*", false); reasonOf(t, err) != want || d.Body != nil {
			t.Errorf("%s: %d bytes, %v", path, len(d.Body), err)
		}
	}
	if d, err := f.Get(t.Context(), s.URL+"/full", "*/*", false); err != nil || len(d.Body) != maxBody {
		t.Errorf("a full answer: %d bytes, %v", len(d.Body), err)
	}
}

func TestASlowAnswerIsNotWaitedFor(t *testing.T) {
	s, f := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			io.WriteString(w, "secret")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done() // until the other side gives up
	})
	f.timeout = 100 * time.Millisecond
	for _, path := range []string{"/header", "/body"} {
		if _, err := f.Get(t.Context(), s.URL+path, "*/*", false); reasonOf(t, err) != Timeout {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := f.Post(t.Context(), s.URL, "*/*", nil); reasonOf(t, err) != Timeout {
		t.Errorf("Post: %v", err)
	}
}

func TestAServerMustProveItsNameWithAModernTLS(t *testing.T) {
	s, _ := server(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	f := New(Options{Allow: loopback, Logger: slog.New(slog.DiscardHandler)})
	if _, err := f.Get(t.Context(), s.URL, "*/*", false); reasonOf(t, err) != TLS {
		t.Errorf("an unknown authority: %v", err)
	}
	f = New(Options{Allow: loopback, Logger: slog.New(slog.DiscardHandler), RootCAs: trust(s), Resolver: resolver("127.0.0.1")})
	if _, err := f.Get(t.Context(), strings.Replace(s.URL, "127.0.0.1", "client.invalid", 1), "*/*", false); reasonOf(t, err) != TLS {
		t.Errorf("another name: %v", err)
	}
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	old.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	f = New(Options{Allow: loopback, Logger: slog.New(slog.DiscardHandler), RootCAs: trust(old)})
	if _, err := f.Get(t.Context(), old.URL, "*/*", false); reasonOf(t, err) != Network {
		t.Errorf("TLS 1.1: %v", err)
	}
}

func TestNothingGoesThroughAProxy(t *testing.T) {
	f := New(Options{})
	for scheme, client := range f.clients {
		transport := client.Transport.(*http.Transport)
		if transport.Proxy != nil || client.Jar != nil || !transport.DisableCompression || !transport.DisableKeepAlives {
			t.Errorf("%s: %+v", scheme, transport)
		}
	}
}

func TestPostSendsOnceAndTellsTheStatus(t *testing.T) {
	var asked atomic.Int32
	s, f := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || string(body) != "logout_token=x" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s %q %v", r.Method, body, r.Header)
		}
		if asked.Add(1); r.URL.Path == "/400" {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	for path, want := range map[string]int{"/": 200, "/400": 400} {
		for range 2 {
			status, err := f.Post(t.Context(), s.URL+path, "application/x-www-form-urlencoded", []byte("logout_token=x"))
			if err != nil || status != want {
				t.Errorf("%s: %d, %v", path, status, err)
			}
		}
	}
	if asked.Load() != 4 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestACallerThatLeavesHearsOfItsOwnContext(t *testing.T) {
	f := stubbed(Options{}, func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.timeout = 100 * time.Millisecond
	if _, err := f.Get(ctx, "https://client.example/", "*/*", false); !errors.Is(err, context.Canceled) || errors.Is(err, ErrRefused) {
		t.Errorf("Get: %v", err)
	}
	if _, err := f.Post(ctx, "https://client.example/", "*/*", nil); !errors.Is(err, context.Canceled) || errors.Is(err, ErrRefused) {
		t.Errorf("Post: %v", err)
	}
}

func TestTheLogNamesTheHostAndNothingElseOfTheURL(t *testing.T) {
	var log bytes.Buffer
	f := stubbed(Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(*http.Request) (*http.Response, error) {
		return response(404, "secret"), nil
	})
	_, err := f.Get(t.Context(), "https://client.example/secret?secret", "*/*", false)
	if reasonOf(t, err) != Status {
		t.Errorf("got %v", err)
	}
	if text := log.String(); strings.Contains(text, "secret") || !strings.Contains(text, "host=client.example") || !strings.Contains(text, "reason=status") {
		t.Errorf("logged %s", text)
	}
}
