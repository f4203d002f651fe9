package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	ui "signet/idp/internal/pages"
	"signet/idp/internal/wire"
)

// language is that of the answer to a person: what the client asked for, else
// what the browser does.
func language(c echo.Context) ui.Lang {
	return ui.Match(c.QueryParam("ui_locales"), c.Request().Header.Get("Accept-Language"))
}

// errorPage shows an error to a person. What the protocol says of it stands
// below, for the makers of the client.
func errorPage(p *ui.Pages) func(c echo.Context, e *wire.Error, requestID string) error {
	return func(c echo.Context, e *wire.Error, requestID string) error {
		return p.Render(c.Response(), e.Status, language(c), ui.Error{
			Failure: failure(e), Code: e.Code, Detail: e.Description, RequestID: requestID, RetryAfter: e.RetryAfter,
		})
	}
}

func failure(e *wire.Error) ui.Failure {
	switch {
	case e.Status == http.StatusForbidden:
		return ui.FailureForgery
	case e.Status == http.StatusNotFound, e.Status == http.StatusMethodNotAllowed:
		return ui.FailureNotFound
	case e.Status == http.StatusGone:
		return ui.FailureExpired
	case e.Status == http.StatusServiceUnavailable, e.Status == http.StatusTooManyRequests:
		return ui.FailureBusy
	case e.Status >= http.StatusInternalServerError:
		return ui.FailureServer
	}
	return ui.FailureRequest
}

// asset answers with a static file. Its path has the hash of what is in it, so
// it never changes.
func asset(a ui.Asset) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
		h.Set("ETag", a.ETag)
		if c.Request().Header.Get("If-None-Match") == a.ETag {
			return c.NoContent(http.StatusNotModified)
		}
		return c.Blob(http.StatusOK, a.ContentType, a.Body)
	}
}

// People shows the pages that an endpoint's answer may need.
type People struct {
	Pages *ui.Pages
}

// FormPost answers with a form that posts the values to the redirect URI
// (OAuth 2.0 Form Post Response Mode).
func (p People) FormPost(c echo.Context, redirectURI string, values url.Values) error {
	return p.Pages.Render(c.Response(), http.StatusOK, language(c), ui.FormPost{URL: redirectURI, Params: values})
}
