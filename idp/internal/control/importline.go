package control

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/data"
	"signet/idp/internal/signin"
)

// imported is one line of an import.
type imported struct {
	ID            string   `json:"id"`
	Email         string   `json:"email"`
	EmailVerified bool     `json:"email_verified"`
	Disabled      bool     `json:"disabled"`
	Roles         []string `json:"roles"`
	PasswordHash  string   `json:"password_hash"`

	Profile data.Profile `json:"profile"`
}

// parseImport reads a line. A problem says what is wrong with it and what to
// do; it never quotes a hash.
func parseImport(text []byte) (u data.User, problem string) {
	var in imported
	if err := json.Unmarshal(text, &in, json.RejectUnknownMembers(true)); err != nil {
		return u, jsonProblem(err)
	}
	email, err := data.ParseEmail(in.Email)
	if err != nil {
		return u, "email: " + AsError(err).Message
	}
	if in.ID != "" {
		if _, err := data.ParseUserID(in.ID); err != nil {
			return u, "id: not one that Signet makes (26 characters of a-z and 2-7): drop it, and a new one is made"
		}
	}
	if in.PasswordHash == "" {
		return u, "password_hash is missing: give the bcrypt hash, or make this user with idp users invite"
	}
	if _, err := signin.ParseBcrypt(in.PasswordHash); err != nil {
		return u, fmt.Sprintf("password_hash: not a bcrypt hash of cost %d to %d ($2b$12$ and 53 characters): leave the line out, and make this user with idp users invite",
			signin.MinCost, signin.MaxCost)
	}
	if err := data.CheckRoles(in.Roles); err != nil {
		return u, "roles: " + AsError(err).Message
	}
	if err := in.Profile.Check(); err != nil {
		return u, "profile: " + AsError(err).Message
	}
	return data.User{
		ID: data.UserID(in.ID), Email: email.String(), EmailKey: email.Key(), EmailVerified: in.EmailVerified,
		Disabled: in.Disabled, Roles: in.Roles, PasswordHash: in.PasswordHash, Profile: in.Profile,
	}, ""
}

func jsonProblem(err error) string {
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		if at := string(semantic.JSONPointer); strings.HasPrefix(at, "/profile/") {
			return fmt.Sprintf("%s is not known: in a profile there are %s", at, strings.Join(data.ProfileNames(), ", "))
		}
		return fmt.Sprintf("%s is not known: there are email, password_hash, roles, email_verified, disabled, profile and id", semantic.JSONPointer)
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return fmt.Sprintf("%s is there twice", syntax.JSONPointer)
	case errors.As(err, &semantic):
		return fmt.Sprintf("%s is of the wrong type: roles is a list, profile an object, what is verified or disabled is true or false, the rest is text", semantic.JSONPointer)
	case errors.As(err, &syntax):
		return fmt.Sprintf("not a JSON object on one line (look at column %d)", syntax.ByteOffset+1)
	}
	return "not a JSON object on one line"
}
