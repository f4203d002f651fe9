package grpcauth_test

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"signet/resource/internal/issuertest"
)

// send writes a call as HTTP/2 frames, with names as no client of gRPC would
// write them, and returns the grpc-status, or "" when the call was not even
// answered.
func (w world) send(t *testing.T, path string, fields ...string) string {
	t.Helper()
	conn, err := w.pipe.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	fields = append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "pipe",
		"content-type", "application/grpc", "te", "trailers"}, fields...)
	for i := 0; i < len(fields); i += 2 {
		if err := enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	fr := http2.NewFramer(conn, conn)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = conn.Write([]byte(http2.ClientPreface))
	if err := errors.Join(err, fr.WriteSettings(),
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}),
		fr.WriteData(1, true, make([]byte, 5))); err != nil { // one empty message
		return "" // the server hung up on the headers
	}
	for {
		frame, err := fr.ReadFrame()
		if err != nil {
			return "" // the server hung up
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range f.Fields {
				if field.Name == "grpc-status" {
					return field.Value
				}
			}
			if f.StreamEnded() {
				return ""
			}
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return ""
		}
	}
}

func TestNoSpellingOnTheWireOpensAMethod(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	w := newWorld(t, newVerifier(t, i), echo)
	good := "Bearer " + i.Token()
	for _, c := range []struct {
		name, path string
		fields     []string
		want       string // a status, or * for any but OK
	}{
		{"a call as it should be", list, []string{"authorization", good}, "0"},
		{"a path without its slash", list[1:], nil, "*"},
		{"a path with two slashes", "/" + list, nil, "*"},
		{"a path that is escaped", "/posts.Posts/%4cist", nil, "*"},
		{"a method that needs a role", drop, []string{"authorization", good}, "7"},
		{"the same without its slash", drop[1:], []string{"authorization", good}, "*"},
		{"the same with two slashes", "/" + drop, []string{"authorization", good}, "*"},
		{"a stream without its slash", chat[1:], nil, "*"},
		{"capitals", list, []string{"Authorization", good}, "*"},
		{"capitals beside it", list, []string{"authorization", "Bearer x", "Authorization", good}, "*"},
		{"two of one name", list, []string{"authorization", good, "authorization", good}, "16"},
		{"a space behind the name", list, []string{"authorization ", good}, "*"},
		{"one in the list of what is binary", list, []string{"authorization-bin", good}, "*"},
	} {
		if got := w.send(t, c.path, c.fields...); got != c.want && (c.want != "*" || got == "0") {
			t.Errorf("%s: got status %q, want %s", c.name, got, c.want)
		}
	}
}
