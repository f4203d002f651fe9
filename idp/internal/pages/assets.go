package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
)

//go:embed static
var staticFiles embed.FS

// Asset is a static file. Its path holds a hash of its content, so that it may
// be cached for ever: Cache-Control: public, max-age=31536000, immutable.
type Asset struct {
	Path        string // from the root of the server
	ContentType string
	Body        []byte
	ETag        string // with its quotes
}

// file is a static file before it has a path.
type file struct {
	name, contentType string
	body              []byte
}

func (f file) asset(base string) Asset {
	sum := sha256.Sum256(f.body)
	hash := hex.EncodeToString(sum[:8])
	return Asset{Path: base + "/assets/" + hash + "/" + f.name, ContentType: f.contentType, Body: f.body, ETag: `"` + hash + `"`}
}

const (
	css        = "text/css; charset=utf-8"
	javaScript = "text/javascript; charset=utf-8"
)

// files are all static files, those of the brand among them.
func (b shownBrand) files() ([]file, error) {
	list := []file{
		{"style.css", css, nil}, {"script.js", javaScript, nil}, {"formpost.js", javaScript, nil},
		{"frontchannel.js", javaScript, nil}, {"checksession.js", javaScript, nil},
	}
	for i, f := range list {
		body, err := staticFiles.ReadFile("static/" + f.name)
		if err != nil {
			return nil, err
		}
		list[i].body = body
	}
	list[0].body = append(list[0].body, b.css()...)
	list = append(list, file{"icon.svg", "image/svg+xml", b.icon()})
	if b.LogoName != "" {
		list = append(list, file{b.LogoName, b.logoType, b.Logo})
	}
	return list, nil
}
