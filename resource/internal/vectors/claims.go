package vectors

import (
	"slices"
	"strings"
)

func claimSets() [][]Vector {
	return [][]Vector{goodClaims(), dates(), audiences(), issuers(), required(), bindings(), actors(), statuses(), payloadJSON()}
}

// says is a token whose claims were edited.
func says(name string, edits ...string) Vector { return saying(name, body(edits...)) }

// saying is a token whose payload was written by hand.
func saying(name, payload string) Vector { return Vector{Name: name, Token: token(head(), payload)} }

func goodClaims() []Vector {
	return slices.Concat(
		group("RFC 9068, section 2.2", "What the bad ones were made from.", OK,
			says("good claims")),
		group("RFC 7519, section 4.1.3", "aud is a string, or an array in which ours is one.", OK,
			says("aud as a string", `aud="api"`),
			says("aud with others", `aud=["files","api"]`)),
		group("RFC 7519, section 4", "Claims that are not understood are ignored.", OK,
			says("an unknown claim", `x={"a":[1.5e3,null,{"b":"\u00e9"}]}`),
			says("an actor", `act={"sub":"calendar"}`),
			says("names in another case beside the right ones in the claims", `EXP=1`, `Aud="files"`, `ISS="https://evil.example"`, `NBF=1900000000`, `Cnf={"jkt":"x"}`),
			says("an iss, an aud and an exp deep inside a claim", `x={"iss":"https://evil.example","aud":"files","exp":1}`),
			says("a sub that is not ASCII", `sub="\u00e9 \ud83d\ude00"`),
			says("a scope with a space at its end", `scope=" posts  openid "`),
			says("no scope", "-scope"),
			says("an empty scope", `scope=""`),
			says("four actors", "act="+chain(4))),
		group("RFC 7519, section 4.1.4", "A token lives until its exp, and an issuer's clock may be ahead by 30 seconds.", OK,
			says("exp in a second", "exp=1800000001"),
			says("iat ahead by the skew", "iat=1800000030"),
			says("nbf ahead by the skew", "nbf=1800000030"),
			says("nbf in the past", "nbf=1700000000"),
			says("nbf that is zero", "nbf=0"),
			says("auth_time that is zero", "auth_time=0"),
			says("dates with fractions", "exp=1800000200.5", "iat=1799999990.25", "nbf=1799999990.75", "auth_time=1799999000.5"),
			says("dates with fractions of zero", "exp=1800000200.0", "iat=1799999990.000"),
			says("dates with exponents", "exp=1.80000021e9", "iat=17999999900e-1", "nbf=1.7E+9"),
			says("exp in the year 9999", "exp=253402300799")),
		group("RFC 8259", "The same JSON may be spaced and escaped otherwise.", OK,
			saying("white space around the claims", " \n"+strings.ReplaceAll(body(), ",", " ,\t")+"\r\n"),
			says("an escaped value", `sub="\u0061lice"`),
			saying("an escaped name", strings.Replace(body(), `"sub"`, `"s\u0075b"`, 1))))
}

func dates() []Vector {
	var wrong []Vector
	for _, name := range []string{"exp", "iat", "nbf"} {
		for _, v := range []struct{ what, json string }{
			{"as a string", `"1800000200"`}, {"as null", "null"}, {"as true", "true"}, {"as a list", "[1800000200]"}, {"as an object", `{"$numberLong":"1800000200"}`},
			{"with an exponent beyond all time", "1e12"}, {"that is negative", "-1800000200"}, {"that is a negative fraction", "-1800000200.5"}, {"in the year 10000", "253402300800"}, {"beyond 63 bits", "9223372036854775808"}, {"beyond 64 bits", "18446744073709551616"},
			{"beyond a double", "1e309"}, {"with forty digits", strings.Repeat("9", 40)}, {"as a date", `"2027-01-15T08:00:00Z"`},
		} {
			wrong = append(wrong, says(name+" "+v.what, name+"="+v.json))
		}
	}
	for _, name := range []string{"exp", "iat"} {
		for _, v := range []struct{ what, json string }{
			{"that is zero", "0"}, {"that is minus zero", "-0"}, {"that is a fraction", "0.9"}, {"with a large negative exponent", "1e-400"},
		} {
			wrong = append(wrong, says(name+" "+v.what, name+"="+v.json))
		}
	}
	return slices.Concat(
		group("RFC 7519, section 2", "A date is a number of seconds, here a positive one to the year 9999, so that nothing overflows.", "ErrClaims", wrong...),
		group("RFC 7519, section 4.1.4", "On the second of its exp a token has ended.", "ErrExpired",
			says("exp now", "exp=1800000000"),
			says("exp a second ago, beside an EXP to come", "exp=1799999999", "EXP=1800000300", "Exp=1800000300"),
			says("exp a second ago", "exp=1799999999"),
			says("exp now and a fraction", "exp=1800000000.5"),
			says("exp long ago", "exp=1"),
			says("exp in milliseconds of 1970", "exp=1800000")),
		group("RFC 7519, section 4.1.5 and 4.1.6", "A token from the future was made by a clock that is wrong, or by nobody.", "ErrNotYet",
			says("iat ahead by more than the skew", "iat=1800000031"),
			says("nbf ahead by more than the skew", "nbf=1800000031"),
			says("iat in milliseconds", "iat=180000000000"),
			says("nbf in the year 9999", "nbf=253402300799"),
			says("nbf after exp", "nbf=1800000400")),
		group("RFC 9068, section 2.2", "A token without an end never ends.", "ErrClaims",
			says("no exp", "-exp"),
			says("no exp but an EXP", "-exp", "EXP=1800000300"),
			says("no exp but an exp with a NUL", "-exp", `exp\u0000=1800000300`),
			says("no exp but an expires_in", "-exp", "expires_in=300"),
			says("no iat", "-iat")))
}

func audiences() []Vector {
	return slices.Concat(
		group("RFC 7519, section 4.1.3; RFC 9068, section 4", "A token for another API is not for this one. Audiences are compared byte by byte.", "ErrAudience",
			says("another audience", `aud=["files"]`),
			says("another audience as a string", `aud="files"`),
			says("no audience", "-aud"),
			says("another audience beside ours in another case of the name", `aud=["files"]`, `AUD=["api"]`, `Aud="api"`),
			says("no audience but an azp", "-aud", `azp="api"`),
			says("an empty list of audiences", "aud=[]"),
			says("an empty audience", `aud=""`),
			says("an audience that is empty in its list", `aud=[""]`),
			says("the audience in another case", `aud=["API"]`),
			says("the audience with a space", `aud=["api "]`),
			says("the audience with a slash", `aud=["api/"]`),
			says("the audience as a part", `aud=["api2"]`),
			says("audiences in one string", `aud="files api"`),
			says("audiences with commas", `aud="api,files"`),
			says("an audience with a NUL", `aud="api\u0000"`),
			says("the audience in its array's text", `aud="[\"api\"]"`),
			says("an audience that is a wildcard", `aud="*"`),
			says("the audience in Cyrillic letters", `aud="\u0430pi"`)),
		group("RFC 7519, section 4.1.3", "aud is a string, or an array of strings.", "ErrClaims",
			says("aud with a number", `aud=["api",1]`),
			says("aud with null", `aud=["api",null]`),
			says("aud in a list in a list", `aud=[["api"]]`),
			says("aud as an object", `aud={"api":"api"}`),
			says("aud as null", "aud=null"),
			says("aud as a number", "aud=1"),
			says("aud as true", "aud=true")))
}

func issuers() []Vector {
	return slices.Concat(
		group("RFC 9068, section 4; RFC 8725, section 3.8", "The issuer is compared byte by byte, as its metadata writes it.", "ErrIssuer",
			says("another issuer", `iss="https://evil.example"`),
			says("no issuer", "-iss"),
			says("another issuer beside ours in another case of the name", `iss="https://evil.example"`, `ISS="https://id.example"`),
			Vector{Name: "the issuer in the header alone", Token: token(head(`iss="https://id.example"`), body("-iss"))},
			says("an empty issuer", `iss=""`),
			says("the issuer with a slash", `iss="https://id.example/"`),
			says("the issuer in another case", `iss="https://ID.example"`),
			says("the issuer's scheme in another case", `iss="HTTPS://id.example"`),
			says("the issuer on http", `iss="http://id.example"`),
			says("the issuer with its port", `iss="https://id.example:443"`),
			says("the issuer without its scheme", `iss="id.example"`),
			says("the issuer with a path", `iss="https://id.example/x"`),
			says("the issuer with a query", `iss="https://id.example?x"`),
			says("the issuer with a fragment", `iss="https://id.example#x"`),
			says("the issuer with a user", `iss="https://id.example@evil.example"`),
			says("the issuer as the begin of a name", `iss="https://id.example.evil.example"`),
			says("the issuer with a dot at the end", `iss="https://id.example."`),
			says("the issuer with a space", `iss="https://id.example "`),
			says("the issuer with a NUL", `iss="https://id.example\u0000"`),
			says("the issuer in percent encoding", `iss="https://%69d.example"`),
			says("the issuer in a Cyrillic letter", `iss="https://\u0456d.example"`)),
		group("RFC 7519, section 4.1.1", "iss is a string.", "ErrClaims",
			says("iss as a list", `iss=["https://id.example"]`),
			says("iss as null", "iss=null"),
			says("iss as a number", "iss=1"),
			says("iss as an object", `iss={"":"https://id.example"}`)))
}

func required() []Vector {
	var missing, typed []Vector
	for _, name := range []string{"sub", "client_id", "jti"} {
		missing = append(missing, says("no "+name, "-"+name),
			says("an empty "+name, name+`=""`))
		typed = append(typed, says(name+" as a number", name+"=1"), says(name+" as null", name+"=null"), says(name+" as a list", name+`=["x"]`))
	}
	for _, name := range []string{"scope", "sid", "acr"} {
		typed = append(typed, says(name+" as a list", name+`=["x"]`), says(name+" as null", name+"=null"), says(name+" as a number", name+"=1"))
	}
	for _, name := range []string{"roles", "amr"} {
		typed = append(typed, says(name+" as a string", name+`="admin"`), says(name+" with a number", name+`=["admin",1]`), says(name+" as null", name+"=null"), says(name+" as an object", name+`={"admin":true}`))
	}
	typed = append(typed, says("auth_time as a string", `auth_time="1799999990"`),
		says("auth_time that is negative", "auth_time=-1"))
	var illegible []Vector
	for _, name := range []string{"sub", "client_id", "jti", "scope", "sid", "acr"} {
		illegible = append(illegible, says(name+" with a NUL", name+`="admin\u0000x"`), says(name+" with a line break", name+`="x\r\nX-Roles: admin"`))
	}
	illegible = append(illegible, says("a scope with a tab", `scope="posts\tadmin"`), says("a sub with a DEL", `sub="alice\u007f"`), says("a sub that is a NUL", `sub="\u0000"`),
		says("a sub with a separator of lines", `sub="a\u2028b"`), says("a client_id with a separator of paragraphs", `client_id="a\u2029b"`), says("a sub with a line break of EBCDIC", `sub="a\u0085b"`),
		says("a role with a NUL", `roles=["admin\u0000x"]`), says("an amr with a line break", `amr=["pwd\n"]`),
		says("an actor with a NUL", `act={"sub":"a\u0000"}`), says("an actor of an actor with a line break", `act={"sub":"a","act":{"client_id":"b\n"}}`))
	return slices.Concat(
		group("RFC 9068, section 2.2", "An access token says whom it speaks for, whom it was given to, and which one it is.", "ErrClaims", missing...),
		group("RFC 8725, section 3.10", "A name ends up in headers, logs and queries, where a control character ends it or begins another.", "ErrClaims", illegible...),
		group("RFC 7519, section 4; RFC 9068, section 2.2", "A claim that is known has its own type; null is another.", "ErrClaims", typed...))
}

func bindings() []Vector {
	const jkt = `"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"`
	return slices.Concat(
		group("RFC 9449, section 7.2", "A token that is bound to a key is no bearer token.", "ErrBound",
			says("a cnf with a jkt", "cnf={"+jkt+"}")),
		group("RFC 7800, section 3.1; RFC 8705, section 3.1", "A binding that nobody here can check is not skipped: that would make a bearer token of it.", "ErrBinding",
			says("a cnf with a certificate", `cnf={"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}`),
			says("a cnf with a jwk", "cnf={\"jwk\":"+ecJWK(strange, "x")+"}"),
			says("a cnf with a kid", `cnf={"kid":"x"}`),
			says("a cnf with a jwe", `cnf={"jwe":"x"}`),
			says("a cnf with a jku", `cnf={"jku":"https://evil.example"}`),
			says("a cnf that is empty", "cnf={}"),
			says("a cnf with an empty jkt", `cnf={"jkt":""}`),
			says("a cnf with a jkt and more", "cnf={"+jkt+`,"x5t#S256":"AAAA"}`),
			says("a cnf with a jkt in another case", `cnf={"JKT":"x"}`)),
		group("RFC 7800, section 3", "cnf is an object, and jkt a string.", "ErrClaims",
			says("cnf as null", "cnf=null"),
			says("cnf as a string", `cnf="x"`),
			says("cnf as a list", "cnf=[]"),
			says("cnf with a jkt that is null", `cnf={"jkt":null}`),
			says("cnf with a jkt that is a list", `cnf={"jkt":["x"]}`),
			says("cnf with two jkt", "cnf={"+jkt+","+jkt+"}")))
}

func chain(n int) string {
	return strings.Repeat(`{"sub":"a","act":`, n-1) + `{"sub":"a"}` + strings.Repeat("}", n-1)
}

func actors() []Vector {
	return slices.Concat(
		group("RFC 8693, section 4.1", "A chain of actors has a bound: here four.", "ErrClaims",
			says("five actors", "act="+chain(5)),
			says("two hundred actors", "act="+chain(200))),
		group("RFC 8693, section 4.1", "act is an object, and so is the one inside it.", "ErrClaims",
			says("act as null", "act=null"),
			says("act as a string", `act="calendar"`),
			says("act as a list", `act=[{"sub":"calendar"}]`),
			says("act with a sub that is a number", `act={"sub":1}`),
			says("act with an act that is null", `act={"sub":"a","act":null}`),
			says("act with two subs", `act={"sub":"a","sub":"b"}`)))
}

func statuses() []Vector {
	list := func(name, ref string) Vector {
		return says(name, `status={"status_list":`+ref+"}")
	}
	const uri = `"uri":"https://id.example/lists/1"`
	return group("Token Status List, section 6", "A reference to a list that cannot be read is not skipped: the token could never be taken back.", "ErrClaims",
		says("status as null", "status=null"),
		says("status as a string", `status="valid"`),
		says("status as a number", "status=0"),
		list("a status_list that is null", "null"),
		list("a status_list that is a string", `"https://id.example/lists/1"`),
		list("a status_list that is empty", "{}"),
		list("a status_list without an idx", "{"+uri+"}"),
		list("a status_list without a uri", `{"idx":0}`),
		list("a status_list with an empty uri", `{"idx":0,"uri":""}`),
		list("a status_list with a uri that is null", `{"idx":0,"uri":null}`),
		list("a status_list with an idx as a string", `{"idx":"0",`+uri+"}"),
		list("a status_list with an idx that is null", `{"idx":null,`+uri+"}"),
		list("a status_list with an idx that is negative", `{"idx":-1,`+uri+"}"),
		list("a status_list with an idx that has a fraction", `{"idx":1.5,`+uri+"}"),
		list("a status_list with an idx that has an exponent", `{"idx":1e3,`+uri+"}"),
		list("a status_list with an idx of 33 bits", `{"idx":4294967296,`+uri+"}"),
		list("a status_list with an idx twice", `{"idx":1,"idx":2,`+uri+"}"),
		list("a status_list with a member nested too deep", `{"idx":1,`+uri+`,"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+"}"),
		saying("two status claims", strings.TrimSuffix(body(), "}")+`,"status":{"status_list":{"idx":1,`+uri+`}},"status":{}}`))
}

// payloadJSON is what is wrong with the payload as JSON.
func payloadJSON() []Vector {
	good := body()
	inside := strings.TrimSuffix(good, "}")
	return slices.Concat(
		group("RFC 7519, section 4", "Names are unique. Two readers that pick different ones see different tokens.", "ErrClaims",
			saying("sub twice", inside+`,"sub":"admin"}`),
			saying("sub twice and the same", inside+`,"sub":"alice"}`),
			saying("sub twice, once escaped", inside+`,"\u0073ub":"admin"}`),
			saying("exp twice", inside+`,"exp":1900000000}`),
			saying("aud twice", inside+`,"aud":["files"]}`),
			saying("iss twice", `{"iss":"https://evil.example",`+good[1:]),
			saying("an unknown claim twice", inside+`,"x":1,"x":2}`),
			saying("a name twice deep inside a claim", inside+`,"x":[{"a":1,"a":2}]}`)),
		group("RFC 7519, section 7.2", "The payload is one JSON object, and nothing else (RFC 8259).", "ErrClaims",
			saying("an empty payload", ""),
			saying("a payload that is an array", "["+good+"]"),
			saying("a payload that is a string", `"alice"`),
			saying("a payload that is null", "null"),
			saying("a payload that is a number", "1"),
			saying("a payload that is text", "hello"),
			saying("a payload that is a token", token(head(), good)),
			saying("a payload that is cut off", inside),
			saying("a payload and another", good+good),
			saying("a payload and a letter", good+"x"),
			saying("a payload and a NUL", good+"\x00"),
			saying("a byte order mark before the payload", "\ufeff"+good),
			saying("a comma at the end of the claims", inside+",}"),
			saying("a comment in the claims", inside+"/* */}"),
			saying("single quotes in the claims", strings.ReplaceAll(good, `"`, "'")),
			saying("a claim that is NaN", inside+`,"x":NaN}`),
			saying("a number with a leading zero", inside+`,"x":01}`),
			saying("exp with a leading zero", strings.Replace(good, "1800000300", "01800000300", 1)),
			saying("a line break in a string of the claims", inside+",\"x\":\"a\nb\"}")),
		group("RFC 8725, section 3.7; RFC 8259, section 8", "JSON is UTF-8, and a lone surrogate is no character.", "ErrClaims",
			saying("a sub that is not UTF-8", strings.Replace(good, "alice", "alic\xe9", 1)),
			saying("an overlong encoding in sub", strings.Replace(good, "alice", "\xc1\xa1lice", 1)),
			saying("a lone surrogate in sub", strings.Replace(good, "alice", `\ud800`, 1)),
			saying("a claim whose name is a lone surrogate", inside+`,"\udfff":1}`),
			saying("claims in UTF-16", utf16(good))),
		group("RFC 8725, section 3.7", "Nobody's claims are that deep, and a reader that follows them may run out of stack.", "ErrClaims",
			says("arrays nested too deep in a claim", "x="+strings.Repeat("[", 100)+strings.Repeat("]", 100)),
			says("objects nested too deep in a claim", "x="+strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100)),
			says("arrays nested as deep as a token is long in a claim", "x="+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)),
			says("a binding nested too deep", "cnf={\"x\":"+strings.Repeat("[", 100)+strings.Repeat("]", 100)+"}")))
}
