package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"signet/data"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/config"
	"signet/idp/internal/wire"
)

// maxDocumentID bounds the client_id of a document, in bytes: every grant of
// the client holds it.
const maxDocumentID = 512

// ErrDocument says that a client metadata document cannot be used. It is an
// ErrUnknown, too.
var ErrDocument = fmt.Errorf("%w: its metadata document cannot be used", ErrUnknown)

// ErrUnreachable says that the document could not be read now. It is an
// ErrDocument, too.
var ErrUnreachable = fmt.Errorf("%w now", ErrDocument)

// errUnusable says that the document was read, and is wrong.
var errUnusable = fmt.Errorf("%w", ErrDocument)

// isDocument tells an id that is the URL of a metadata document from others.
func isDocument(id string) bool { return strings.HasPrefix(id, "https://") }

// documentURL checks the form of such an id
// (draft-ietf-oauth-client-id-metadata-document-02, section 3, as all
// sections here).
func documentURL(id string) (*url.URL, error) {
	bad := func(problem string) (*url.URL, error) {
		return nil, fmt.Errorf("%w: its client_id %s", ErrDocument, problem)
	}
	u, err := url.Parse(id)
	switch {
	case err != nil || len(id) > maxDocumentID || u.Opaque != "" || u.Hostname() == "":
		return bad("is not a URL of reasonable length")
	case u.User != nil:
		return bad("names a user")
	case strings.Contains(id, "#"):
		return bad("has a fragment")
	case u.Path == "" || u.Path == "/":
		return bad("has no path")
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." }):
		return bad("has dots for a segment of its path")
	case u.Host != strings.ToLower(u.Host) || u.String() != id:
		return bad("is not spelled plainly")
	}
	return u, nil
}

// document returns the client that the document at its id describes.
func (r *Registry) document(ctx context.Context, id string) (*Client, error) {
	if len(r.o.Config.ClientDocuments) == 0 || r.o.Documents == nil {
		return nil, ErrUnknown
	}
	u, err := documentURL(id)
	if err != nil {
		return nil, err
	}
	if !allowsHost(r.o.Config, u) {
		return nil, fmt.Errorf("%w: its host is not among client_documents", ErrDocument)
	}
	c, err := r.readDocument(ctx, id, false)
	if errors.Is(err, errUnusable) {
		// What cannot be used is not kept (section 5.2): its author mends it.
		c, err = r.readDocument(ctx, id, true)
	}
	return c, err
}

func (r *Registry) readDocument(ctx context.Context, id string, fresh bool) (*Client, error) {
	doc, err := r.o.Documents.Get(ctx, id, "application/json", fresh)
	if err != nil && ctx.Err() != nil {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return r.documents.of(id, doc.FetchedAt, func() (*Client, error) { return r.fromDocument(id, doc.Body) })
}

func allowsHost(c config.Config, u *url.URL) bool {
	return slices.Contains(c.ClientDocuments, "*") || slices.Contains(c.ClientDocuments, u.Host)
}

// fromDocument reads a document. What the client cannot have this way is left
// out, so that one document serves at many issuers; what would give it more
// than it can prove is refused (section 4).
func (r *Registry) fromDocument(id string, body []byte) (*Client, error) {
	m, others, err := metadata.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnusable, err)
	}
	var named string
	if json.Unmarshal(others["client_id"], &named) != nil || named != id {
		return nil, fmt.Errorf("%w: its client_id is not its own URL", errUnusable)
	}
	for _, secret := range []string{"client_secret", "client_secret_expires_at"} {
		if _, there := others[secret]; there {
			return nil, fmt.Errorf("%w: it holds a %s", errUnusable, secret)
		}
	}
	if m.AuthMethod == "" {
		m.AuthMethod = wire.AuthNone
	}
	if m.AuthMethod != wire.AuthNone && m.AuthMethod != wire.AuthPrivateKeyJWT {
		return nil, fmt.Errorf("%w: there is no secret that it could share with us", errUnusable)
	}
	keep(&m.GrantTypes, wire.GrantAuthorizationCode, wire.GrantRefreshToken, wire.GrantDeviceCode)
	keep(&m.ResponseTypes, "code")
	r.KeepScopes(&m)
	if err := r.rules.Complete(&m); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnusable, err)
	}
	c := &Client{Client: data.Client{ID: id, Metadata: m}, Source: Document}
	c.ready()
	return c, nil
}

func keep(list *[]string, supported ...string) {
	*list = slices.DeleteFunc(*list, func(v string) bool { return !slices.Contains(supported, v) })
}

// Host is the host that answers for a client that nobody registered, or "".
// The person is shown it: it is all that is known of such a client
// (draft-ietf-oauth-client-id-metadata-document).
func (c *Client) Host() string {
	u, err := url.Parse(c.ID)
	if c.Source != Document || err != nil {
		return ""
	}
	return u.Host
}

// Exclusive tells whether nobody but the client can get what is sent to the
// redirect URI. On a person's own machine any program can listen at a loopback
// address, take a scheme, and claim to be the client (RFC 8252, section 8.6).
func (c *Client) Exclusive(redirectURI string) bool {
	return strings.HasPrefix(redirectURI, "https://")
}
