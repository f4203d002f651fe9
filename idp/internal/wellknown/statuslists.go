package wellknown

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/status"
	"signet/idp/internal/wire"
)

// StatusLists answers /oauth2/status_lists and what is below it.
type StatusLists struct {
	lists *status.Service
	polls *Polls
}

var typeStatusList = []string{"application/statuslist+jwt"}

// NewStatusLists publishes the lists.
func NewStatusLists(lists *status.Service, polls *Polls) *StatusLists {
	return &StatusLists{lists: lists, polls: polls}
}

// List answers with a Status List Token (Token Status List, section 8.2). There
// is one form of it, whatever the client would accept, and it is not packed
// again: nearly all of it is packed bits.
func (s *StatusLists) List(c echo.Context) error {
	if c.QueryParams().Has("time") { // section 8.4: how it was at another time
		return &wire.Error{Status: http.StatusNotImplemented, Code: wire.CodeInvalidRequest, Description: "Status lists are given as they are now only."}
	}
	id, err := data.ParseStatusListID(c.Param("id"))
	if err != nil {
		return echo.ErrNotFound
	}
	return s.answer(c, typeStatusList, func(ctx context.Context) (status.Served, error) {
		return s.lists.List(ctx, id)
	})
}

// All answers with the URIs of all lists (Token Status List, section 9.3). A
// list is there long before the first token names it.
func (s *StatusLists) All(c echo.Context) error {
	return s.answer(c, typeJSON, s.lists.Aggregation)
}

func (s *StatusLists) answer(c echo.Context, contentType []string, read func(context.Context) (status.Served, error)) error {
	return s.polls.answer(c, func() (publication, error) {
		d, err := read(c.Request().Context())
		switch {
		case errors.Is(err, status.ErrUnknown):
			return publication{}, echo.ErrNotFound
		case err != nil:
			return publication{}, err
		}
		return publication{body: d.Body, contentType: contentType, etag: d.ETag, maxAge: d.MaxAge, changed: d.Changed(),
			lapsed: d.Lapsed, age: d.Age, left: d.Left}, nil
	})
}
