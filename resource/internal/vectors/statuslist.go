package vectors

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

const listURI = Issuer + "/lists/1"

// The bits of Token Status List, section 4.1: of 16 tokens, packed. The first
// is revoked, the second is not.
var packed = unhex("78dadbb918000217015d")

func statusLists() [][]Vector {
	return [][]Vector{goodLists(), revokedTokens(), noPlaces(), otherPlaces(), forgedLists(), otherLists(), malformedLists(), spoiledBits()}
}

// place is a good token whose status is at an index of a list.
func place(index, uri string) string {
	return token(head(), body(`status={"status_list":{"idx":`+index+`,"uri":"`+uri+`"}}`))
}

// answering is a token that is good by the list that was meant, and what the
// list's URL answers instead.
func answering(name, answer string) Vector {
	return Vector{Name: name, List: answer, Token: place("1", listURI)}
}

func listHead(edits ...string) string {
	return edit([]string{"alg", `"ES256"`, "kid", `"es"`, "typ", `"statuslist+jwt"`}, edits)
}

func listBody(edits ...string) string {
	return edit([]string{"iss", `"` + Issuer + `"`, "sub", `"` + listURI + `"`, "iat", "1799999990", "exp", "1800000300", "ttl", "60",
		"status_list", bitsOf(packed)}, edits)
}

func bitsOf(packed []byte) string { return `{"bits":1,"lst":` + quote(packed) + `}` }

// saysList is a list whose payload was edited, and listUnder one whose header
// was.
func saysList(name string, edits ...string) Vector {
	return answering(name, token(listHead(), listBody(edits...)))
}

func listUnder(name string, edits ...string) Vector {
	return answering(name, token(listHead(edits...), listBody()))
}

func goodLists() []Vector {
	return slices.Concat(
		group("Token Status List, section 5.1", "What the bad ones were made from.", OK,
			saysList("a good list")),
		group("Token Status List, section 5.1", "Neither iss, exp nor ttl has to be there, and what is not known is ignored.", OK,
			saysList("a list without iss", "-iss"),
			saysList("a list without exp", "-exp"),
			saysList("a list without ttl", "-ttl"),
			saysList("a list with an unknown claim", `x={"y":[1]}`),
			saysList("a list that names the other lists", `status_list={"bits":1,"lst":`+quote(packed)+`,"aggregation_uri":"https://id.example/lists"}`),
			saysList("a list that is ahead by the skew", "iat=1800000030"),
			saysList("a list with a fraction in its date", "iat=1799999990.5")),
		group("Token Status List, section 5.1; RFC 7515, section 4.1.9", "A typ is compared without regard to case.", OK,
			listUnder("a list with its whole media type", `typ="application/StatusList+JWT"`)),
		group("Token Status List, section 5.1", "Any key that the issuer publishes may sign a list.", OK,
			answering("a list by the key for EdDSA", compact(listHead(`alg="EdDSA"`, `kid="ed"`), listBody(), eddsa(edKey))),
			listUnder("a list without a kid, where one key is for its algorithm", "-kid")))
}

func revokedTokens() []Vector {
	var all []Vector
	list := token(listHead(), listBody())
	for _, index := range []string{"0", "3", "5", "15"} {
		all = append(all, Vector{Name: "the place " + index + ", which is marked", List: list, Token: place(index, listURI)})
	}
	all = append(all, Vector{Name: "a marked place in a list whose ttl is over", List: token(listHead(), listBody("ttl=1")), Token: place("0", listURI)})
	return group("Token Status List, section 8.3", "The bit is set: the token was taken back.", "ErrRevoked", all...)
}

func noPlaces() []Vector {
	var all []Vector
	for _, index := range []string{"16", "17", "1048576", "4294967295"} {
		all = append(all, Vector{Name: "the place " + index + ", which the list does not have", List: token(listHead(), listBody()), Token: place(index, listURI)})
	}
	return group("Token Status List, section 8.3", "A token without a place has no status, and nobody could take it back.", "ErrStatus", all...)
}

func otherPlaces() []Vector {
	var all []Vector
	for _, uri := range []string{
		"https://evil.example/lists/1", "https://id.example.evil.example/lists/1", "https://id.example@evil.example/lists/1", "http://id.example/lists/1",
		"https://id.example:8443/lists/1", "https://ID.example/lists/1", "//id.example/lists/1", "/lists/1", "file:///lists/1", listURI + "?x", listURI + "#x",
		"https://id.example/x/../lists/1", "https://id.example/lists/%31", "https://id.example//lists/1", listURI + "/", "https://id.example/",
	} {
		all = append(all, Vector{Name: fmt.Sprintf("a list at %q", uri), List: token(listHead(), listBody(`sub="`+uri+`"`)), Token: place("1", uri)})
	}
	return group("RFC 8725, section 3.10", "A list is fetched from below the issuer's own URL, written plainly, and from nowhere else.", "ErrStatus", all...)
}

func forgedLists() []Vector {
	good := token(listHead(), listBody())
	input := good[:strings.LastIndexByte(good, '.')]
	return slices.Concat(
		group("Token Status List, section 8.3", "A list that the issuer did not sign says nothing.", "ErrUnavailable",
			answering("a list by another key under our kid", compact(listHead(), listBody(), es256(strange))),
			answering("a list by a key that is not published", compact(listHead(`kid="x"`), listBody(), es256(strange))),
			answering("a list with a bit of its signature flipped", compact(listHead(), listBody(), change(es256(esKey), flip(-1)))),
			answering("a list without a signature", input+"."),
			answering("a list whose bits were changed", b64(listHead())+"."+b64(listBody("status_list="+bitsOf(unhex("78da63000000010001"))))+good[len(input):]),
			answering("a list under alg none", compact(listHead(`alg="none"`), listBody(), fixed(nil))),
			listUnder("a list under HS256", `alg="HS256"`),
			listUnder("a list under another algorithm than its key's", `alg="RS256"`)),
		group("RFC 8725, sections 3.10 and 3.11", "Its header is held to the same rules as a token's.", "ErrUnavailable",
			answering("a list with a jwk that fits", compact(listHead("jwk="+ecJWK(strange, "es")), listBody(), es256(strange))),
			listUnder("a list with a jku", `jku="https://id.example/jwks"`),
			listUnder("a list with a crit", `crit=["x"]`, "x=1"),
			listUnder("a list with b64", "b64=true"),
			listUnder("a list with a zip", `zip="DEF"`),
			listUnder("a list with an empty kid", `kid=""`),
			listUnder("a list that calls itself a JWT", `typ="JWT"`),
			listUnder("a list that calls itself an access token", `typ="at+jwt"`),
			listUnder("a list that does not say what it is", "-typ"),
			answering("an access token in place of a list", token(head(), body()))))
}

func otherLists() []Vector {
	return slices.Concat(
		group("Token Status List, section 8.3", "A list of this name and this issuer was asked for.", "ErrUnavailable",
			saysList("a list of another name", `sub="https://id.example/lists/2"`),
			saysList("a list without a name", "-sub"),
			saysList("a list whose name ends with a slash", `sub="`+listURI+`/"`),
			saysList("a list of another issuer", `iss="https://evil.example"`),
			saysList("a list of the issuer with a slash", `iss="https://id.example/"`)),
		group("Token Status List, sections 5.1 and 8.3", "A list is of a time, and that is now.", "ErrUnavailable",
			saysList("a list without iat", "-iat"),
			saysList("a list from the future", "iat=1800000031"),
			saysList("a list whose iat is zero", "iat=0"),
			saysList("a list whose iat is text", `iat="1799999990"`),
			saysList("a list that has expired", "exp=1800000000"),
			saysList("a list whose exp is zero", "exp=0"),
			saysList("a list whose exp is negative", "exp=-1")))
}

func malformedLists() []Vector {
	good := token(listHead(), listBody())
	inside := strings.TrimSuffix(listBody(), "}")
	written := func(name, payload string) Vector { return answering(name, token(listHead(), payload)) }
	return slices.Concat(
		group("Token Status List, section 5.1", "The strict compact form, as of a token.", "ErrUnavailable",
			answering("a list and a line break", good+"\n"),
			answering("a padded list", good+"=="),
			answering("a list in quotes", `"`+good+`"`),
			answering("two lists", good+good),
			answering("a list in the flattened serialization", `{"protected":"`+b64(listHead())+`","payload":"`+b64(listBody())+`","signature":"`+good[strings.LastIndexByte(good, '.')+1:]+`"}`),
			answering("the payload of a list alone", listBody()),
			answering("a page in place of a list", "<html>")),
		group("RFC 7519, section 4", "Names are unique, and a claim that is known has its own type.", "ErrUnavailable",
			written("a list with two bits of each name", inside+`,"status_list":`+bitsOf(packed)+"}"),
			written("a list with two dates", inside+`,"iat":1}`),
			written("a list that is cut off", inside),
			written("a list that is an array", "["+listBody()+"]"),
			saysList("a ttl that is text", `ttl="60"`),
			saysList("a ttl that is negative", "ttl=-60"),
			saysList("a list whose name is a number", "sub=1"),
			saysList("a list without bits", "-status_list"),
			saysList("bits that are null", "status_list=null"),
			saysList("bits that are text", "status_list="+quote(packed)),
			saysList("bits that are empty", "status_list={}")))
}

func spoiledBits() []Vector {
	bits := func(name, lst string) Vector { return saysList(name, `status_list={"bits":1,"lst":`+lst+`}`) }
	plain := packed[2:6] // without the head and the checksum of zlib
	gzip := slices.Concat(unhex("1f8b08000000000000ff"), plain, binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(unhex("b9a3"))), unhex("02000000"))
	size := func(name, n string) Vector {
		return saysList(name, `status_list={"bits":`+n+`,"lst":`+quote(packed)+`}`)
	}
	return slices.Concat(
		group("Token Status List, section 4.1", "Whole and unharmed zlib, in unpadded base64url.", "ErrUnavailable",
			bits("bits that are padded", `"`+b64(packed)+`=="`),
			bits("bits in the standard alphabet", `"+/+/"`),
			bits("bits with a line break", `"`+b64(packed)+`\n"`),
			bits("bits without lst", "null"),
			bits("an empty lst", `""`),
			bits("a list of no bits", quote(unhex("789c030000000001"))),
			bits("bits that are not packed", quote(unhex("b9a3"))),
			bits("bits packed without zlib around", quote(plain)),
			bits("bits packed with gzip", quote(gzip)),
			bits("bits without their checksum", quote(packed[:6])),
			bits("bits with another checksum", quote(flip(-1)(packed))),
			bits("bits and a byte more", quote(back(0)(packed))),
			bits("bits that are cut off", quote(cut(1)(packed)))),
		group("Token Status List, section 4.1", "Here a status has one bit.", "ErrUnavailable",
			size("statuses of two bits", "2"),
			size("statuses of no bits", "0"),
			size("statuses of three bits", "3"),
			size("a size that is text", `"1"`),
			size("a size with a fraction", "1.0"),
			saysList("bits without a size", `status_list={"lst":`+quote(packed)+`}`)))
}
