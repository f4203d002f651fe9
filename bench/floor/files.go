package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/labstack/echo/v4"
)

// files is what the bench puts beside the floor: an answer of whoever is
// measured, and their JWKS. Each is read once, when it is first needed.
type files struct {
	answer func() (answer, error)
	jwks   func() ([]byte, error)
}

type answer struct {
	media string // its Content-Type
	body  []byte
}

func newFiles(dir string) files {
	read := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) }
	return files{
		answer: sync.OnceValues(func() (answer, error) {
			media, err1 := read("media-type")
			body, err2 := read("answer")
			return answer{string(media), body}, errors.Join(err1, err2)
		}),
		jwks: sync.OnceValues(func() ([]byte, error) { return read("jwks.json") }),
	}
}

// same answers with the bytes that were answered by whoever is measured.
func (f files) same(c echo.Context) error {
	a, err := f.answer()
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, a.media, a.body)
}
