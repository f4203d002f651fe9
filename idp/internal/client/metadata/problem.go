package metadata

import (
	"fmt"
	"strings"

	"signet/idp/internal/wire"
)

// Problem is one thing that is wrong. Its text never repeats a value.
type Problem struct {
	Member string // such as redirect_uris, or redirect_uris[1]
	Text   string // what would be right
}

func (p Problem) String() string { return p.Member + ": " + p.Text }

// Error is all that is wrong with the metadata of a client.
type Error []Problem

// maxTold is how many problems are told at once: one body can hold thousands,
// and all that is told is logged, too.
const maxTold = 20

func (e Error) Error() string {
	var all []string
	for _, p := range e[:min(len(e), maxTold)] {
		all = append(all, p.String())
	}
	if more := len(e) - len(all); more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, "; ")
}

// Wire is the error as a registration answers it (RFC 7591, section 3.2.2).
// The first problem decides the code.
func (e Error) Wire() *wire.Error {
	code := wire.CodeInvalidClientMetadata
	if strings.HasPrefix(e[0].Member, "redirect_uris") {
		code = wire.CodeInvalidRedirectURI
	}
	return wire.Refuse(code, e.Error())
}

// checker collects problems.
type checker struct {
	Rules
	problems Error
}

func (c *checker) bad(member, format string, args ...any) {
	c.problems = append(c.problems, Problem{member, fmt.Sprintf(format, args...)})
}

// want complains unless ok holds.
func (c *checker) want(ok bool, member, text string) {
	if !ok {
		c.bad(member, "%s", text)
	}
}
