package data

import (
	"encoding/binary"
	"time"
)

// The store, key by key. <user> is a UserID, 26 characters; <grant> and <hash>
// are 16 and 32 raw bytes. Records are JSON objects that begin with "v", their
// version.
//
//	key                              value
//	m                                Meta: which store this is
//	r                                "1" while a restore is under way; such a store is never opened
//	u/<user>                         User
//	e/<e-mail key>                   <user>, the one who has this e-mail
//	c/<31-cost, two digits><user>    "1": the user's password hash has this bcrypt cost; the
//	                                 highest cost comes first. An entry a user and no counter:
//	                                 nothing to drift, no key that every registration writes
//	i/<hash>                         Invitation, under the SHA-256 of its code
//	g/<grant>                        Grant
//	h/<user><grant>                  "1": the user holds the grant
//	x/<second><kind><id>             an entry of the expiry index: look at <id> at <second> (Unix
//	                                 time, 8 bytes big-endian). kind g: a <grant>, value "1"
//	                                 kind i: an invitation's <hash>, value "1"
//	                                 kind u: the ended grants of <user>; value "1", and the
//	                                 <grant> up to which they are cleaned
//	z/<name>                         a cell: bytes that belong to another package
//	t                                the snapshot of the login counters
//
// An entry of x is written when its record is made, and not when the record
// lives longer: the sweeper that meets a living record moves the entry on.
const (
	metaKey      = "m"
	restoringKey = "r"
	throttleKey  = "t"

	userPrefix       = "u/"
	emailPrefix      = "e/"
	costPrefix       = "c/"
	invitationPrefix = "i/"
	grantPrefix      = "g/"
	holdsPrefix      = "h/"
	expiryPrefix     = "x/"
	cellPrefix       = "z/"
)

// present is the value of a key that says all there is to say.
var present = []byte("1")

func userKey(id UserID) []byte                 { return append([]byte(userPrefix), id...) }
func emailKey(key string) []byte               { return append([]byte(emailPrefix), key...) }
func invitationKey(hash InvitationHash) []byte { return append([]byte(invitationPrefix), hash[:]...) }
func grantKey(id GrantID) []byte               { return append([]byte(grantPrefix), id[:]...) }
func cellKey(name string) []byte               { return append([]byte(cellPrefix), name...) }

func costKey(cost int, id UserID) []byte {
	c := maxCost - cost
	return append(append([]byte(costPrefix), byte('0'+c/10), byte('0'+c%10)), id...)
}

func holdsKey(user UserID, grant GrantID) []byte {
	return append(append([]byte(holdsPrefix), user...), grant[:]...)
}

// What an entry of the expiry index is about.
const (
	expiryGrant      = 'g'
	expiryInvitation = 'i'
	expiryUser       = 'u'
)

// expiryKey rounds up to the second, so that an entry that is due belongs to a
// time that has come.
func expiryKey(at time.Time, kind byte, id []byte) []byte {
	second := at.Unix()
	if at.Nanosecond() > 0 {
		second++
	}
	key := binary.BigEndian.AppendUint64([]byte(expiryPrefix), uint64(max(second, 0)))
	return append(append(key, kind), id...)
}

// parseExpiryKey undoes expiryKey. ok is false for a key that it did not make.
func parseExpiryKey(key []byte) (second int64, kind byte, id []byte, ok bool) {
	rest := key[len(expiryPrefix):]
	if len(rest) < 9 {
		return 0, 0, nil, false
	}
	second, kind, id = int64(binary.BigEndian.Uint64(rest)), rest[8], rest[9:]
	want := map[byte]int{expiryGrant: len(GrantID{}), expiryInvitation: len(InvitationHash{}), expiryUser: userIDLen}
	return second, kind, id, second >= 0 && want[kind] == len(id) && len(id) > 0
}
