package vectors

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

func encodings() [][]Vector {
	good := token(head(), body())
	h, rest, _ := strings.Cut(good, ".")
	p, s, _ := strings.Cut(rest, ".")
	bad := func(name, text string) Vector { return Vector{Name: name, Token: text} }
	// The lengths of the parts, modulo four, decide what can be put into them.
	loose := []Vector{bad("trailing bits of the signature that are not zero", h+"."+p+"."+bump(s))}
	for _, part := range []struct{ name, header, payload string }{
		{"header", padTo(head(), 1), body()}, {"payload", head(), padTo(body(), 1)},
	} {
		t := strings.Split(token(part.header, part.payload), ".")
		i := slices.Index([]string{"header", "payload"}, part.name)
		t[i] = bump(t[i])
		input := t[0] + "." + t[1]
		loose = append(loose, bad("trailing bits of the "+part.name+" that are not zero, under a signature over them", input+"."+b64(es256(esKey)(input))))
	}
	return [][]Vector{
		group("RFC 7515, section 7.1", "What the bad ones were made from.", OK,
			bad("a good token", good)),
		group("RFC 7515, section 7.1", "Three parts, and two dots between them.", "ErrMalformed",
			bad("nothing", ""),
			bad("a dot", "."),
			bad("two dots", ".."),
			bad("three dots", "..."),
			bad("one part", h),
			bad("two parts", h+"."+p),
			bad("two parts and a dot in front", "."+h+"."+p),
			bad("four parts", good+"."+s),
			bad("a dot at the end", good+"."),
			bad("a dot in front", "."+good),
			bad("no header", "."+p+"."+s),
			bad("five parts, as an encrypted token has them", good+"."+h+"."+p),
			bad("an encrypted token whose second part is empty", jwe),
			bad("commas in place of dots", strings.ReplaceAll(good, ".", ",")),
			bad("full-width dots", strings.ReplaceAll(good, ".", "\uff0e")),
			bad("two tokens", good+good),
			bad("two tokens and a comma", good+","+good),
			bad("two tokens and a space", good+" "+good)),
		group("RFC 7515, appendix F", "A payload that is sent elsewhere is no payload here.", "ErrClaims",
			bad("a detached payload", h+".."+s)),
		group("RFC 7515, section 2", "base64url has no padding.", "ErrMalformed",
			bad("a padded signature", good+"=="),
			bad("a padding of one", good+"="),
			bad("a padding of four", good+"===="),
			bad("a padded header", pad(h)+"."+p+"."+s),
			bad("a padded payload", h+"."+pad(p)+"."+s),
			bad("padding in percent encoding", good+"%3D%3D"),
			bad("padding under a signature over it", signed(pad(h)+"."+p))),
		group("RFC 7515, section 2; RFC 4648, section 5", "base64url has its own alphabet, and no white space.", "ErrMalformed",
			bad("the standard alphabet in the signature", h+"."+p+"."+standard(special(s))),
			bad("the standard alphabet in the payload", signed(h+"."+standard(special(b64(body(`x="???>>>"`)))))),
			bad("a space before", " "+good),
			bad("a space after", good+" "),
			bad("a space inside", good[:40]+" "+good[40:]),
			bad("a space before a dot", h+" ."+p+"."+s),
			bad("a tab inside", good[:40]+"\t"+good[40:]),
			bad("a tab at the end", good+"\t"),
			bad("a line break at the end", good+"\n"),
			bad("CR and LF at the end", good+"\r\n"),
			bad("a line break in front", "\n"+good),
			bad("a line break inside the header", h[:10]+"\n"+h[10:]+"."+p+"."+s),
			bad("a line break inside the payload", h+"."+p[:10]+"\r\n"+p[10:]+"."+s),
			bad("a line break inside the signature", h+"."+p+"."+s[:10]+"\n"+s[10:]),
			bad("a line break every 64 characters", fold(good)),
			bad("a line break under a signature over it", signed(h+"."+p[:10]+"\n"+p[10:])),
			bad("a NUL at the end", good+"\x00"),
			bad("a NUL inside", good[:40]+"\x00"+good[40:]),
			bad("a no-break space at the end", good+"\u00a0"),
			bad("a zero-width space inside", good[:40]+"\u200b"+good[40:]),
			bad("a byte order mark before the token", "\ufeff"+good),
			bad("a full-width letter", strings.Replace(good, "e", "\uff45", 1)),
			bad("a Cyrillic letter", strings.Replace(good, "e", "\u0435", 1)),
			bad("a dotless i", strings.Replace(good, "I", "\u0131", 1)),
			bad("an exclamation mark", good[:40]+"!"+good[41:])),
		group("RFC 4648, section 3.5", "The bits that are left over are zero, or one token has many texts.", "ErrMalformed", loose...),
		group("RFC 4648, section 4", "No byte has so few characters.", "ErrMalformed",
			bad("one character left over in the signature", h+"."+p+"."+s[:len(s)-1]),
			bad("a signature of one character", h+"."+p+".A"),
			bad("a payload of one character", h+".A."+s)),
		group("RFC 7515, section 7.2", "The JSON serialization is not for tokens: it has room for more than one signature, and for headers that none covers.", "ErrMalformed",
			bad("the flattened serialization", `{"protected":"`+h+`","payload":"`+p+`","signature":"`+s+`"}`),
			bad("the flattened serialization with an unprotected header", `{"protected":"`+h+`","header":{"kid":"es"},"payload":"`+p+`","signature":"`+s+`"}`),
			bad("the general serialization", `{"payload":"`+p+`","signatures":[{"protected":"`+h+`","signature":"`+s+`"}]}`),
			bad("the general serialization with two dots", `{"payload":"`+p+`.","signatures":[{"protected":"`+h+`.","signature":"`+s+`"}]}`),
			bad("the token as a JSON string", string(must(json.Marshal(good)))),
			bad("the token in an array", `["`+good+`"]`)),
		group("RFC 6750, section 2.1", "The token alone, and nothing of what carries it.", "ErrMalformed",
			bad("the scheme in front", "Bearer "+good),
			bad("the scheme with a plus", "Bearer+"+good),
			bad("the name of the parameter in front", "access_token="+good),
			bad("quotes around it", `"`+good+`"`),
			bad("angle brackets around it", "<"+good+">"),
			bad("a parameter behind it", good+";v=1"),
			bad("a query behind it", good+"?x=1"),
			bad("the dots in percent encoding", strings.ReplaceAll(good, ".", "%2E")),
			bad("all of it in percent encoding", percent(good)),
			bad("all of it in base64url", b64(good)),
			bad("all of it in base64", base64.StdEncoding.EncodeToString([]byte(good)))),
		group("RFC 8725, section 3.7", "A token has a bound: here 16 KiB.", "ErrMalformed",
			bad("a long signature", good+strings.Repeat("A", 16<<10)),
			bad("a long payload, rightly signed", token(head(), body(`x="`+strings.Repeat("x", 16<<10)+`"`))),
			bad("dots beyond the bound", strings.Repeat(".", 17<<10))),
	}
}

// jwe has the form of an encrypted token with a direct key (RFC 7516 section
// 7.1), and no content.
const jwe = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"

// signed is a text with the signature that our key makes over it as it stands.
func signed(input string) string { return input + "." + b64(es256(esKey)(input)) }

// padTo adds white space after JSON until so many characters are left over.
func padTo(text string, over int) string {
	for len(text)%3 != over {
		text += " "
	}
	return text
}

func pad(part string) string {
	if len(part)%4 == 0 {
		return part + "=="
	}
	return part + strings.Repeat("=", 4-len(part)%4)
}

// special puts characters of base64url alone at the end of a part.
func special(part string) string { return part[:len(part)-8] + "-_-_-_-w" }

func standard(part string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(part) }

func fold(s string) string {
	var lines []string
	for ; len(s) > 64; s = s[64:] {
		lines = append(lines, s[:64])
	}
	return strings.Join(append(lines, s), "\n")
}

func percent(s string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		out.WriteString("%" + string(digits[s[i]>>4]) + string(digits[s[i]&15]))
	}
	return out.String()
}
