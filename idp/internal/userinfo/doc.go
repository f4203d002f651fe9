// Package userinfo is the userinfo endpoint of OpenID Connect Core, section
// 5.3: the claims about the person for whom an access token was issued.
//
// It never says more than the token's scope and claims request allow.
package userinfo
