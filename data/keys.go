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
//	q                                Move: the store is being copied elsewhere, or was, or is not
//	                                 whole yet; such a store is never opened, and never copied with it
//	u/<user>                         User
//	e/<e-mail key>                   <user>, the one who has this e-mail
//	c/<31-cost, two digits><user>    "1": the user's password hash has this bcrypt cost; the
//	                                 highest cost comes first. An entry a user and no counter:
//	                                 nothing to drift, no key that every registration writes
//	i/<hash>                         Invitation, under the SHA-256 of its code
//	g/<grant>                        Grant
//	h/<user><grant>                  "1": the user gave the grant
//	a/<hash><grant>                  "1": the client holds the grant
//	f/<list>                         StatusList; <list> is 16 raw bytes
//	v/<list><index>                  "1": whatever carries this index (4 bytes big-endian) of the
//	                                 list is revoked
//	y/<list><hash><first>            Block of the client: the serials of the list from <first> (4
//	                                 bytes big-endian) on are in it
//	j/<id>                           Revocation, <id> is 26 characters
//	w                                how many revocations there were (8 bytes big-endian)
//	x/<second><kind><id>             an entry of the expiry index: look at <id> at <second> (Unix
//	                                 time, 8 bytes big-endian). kind g: a <grant>, value "1"
//	                                 kind i: an invitation's <hash>, value "1"
//	                                 kind u: what ended with the grants of <user>; value "1", and
//	                                 the <grant> up to which they are cleaned or, once all are,
//	                                 the <account><hash> up to which <user> is signed out
//	                                 kind s: a <kind><hash> of s/, value "1"
//	                                 kind l: a client's <hash>, value "1"
//	                                 kind f: a <list>, value "1"
//	                                 kind j: the <id> of a revocation, value "1"
//	l/<hash>                         Client, under the SHA-256 of its id
//	n/<hash>                         "1": this client registered itself, and was never used
//	k/<user><hash>                   Consent of the user to the client
//	s/<kind><hash>                   a record that ends by itself. kind c: Code
//	                                 kind r: Request   kind d: Device     kind u: UserCode
//	                                 kind b: Session   kind t: InitialToken
//	                                 kind m: a mark: this was seen, or is revoked
//	                                 kind n: Counters, under a <hash> of some of their names
//	b/<user><account><hash>          "1": the user is signed in to the Session, by that Account
//	o/<account>                      Ending of the account, 26 characters
//	d/<nanosecond><id>               Delivery, to be tried at <nanosecond> (Unix time, 8 bytes)
//	z/<name>                         a cell: bytes that belong to another package
//	p/<node>                         Node, 26 characters: an issuer that runs on this store
//	t                                the snapshot of the login counters, where no other node is
//
// An entry of x is written when its record is made, and not when the record
// lives longer: the sweeper that meets a living record moves the entry on.
const (
	metaKey      = "m"
	restoringKey = "r"
	moveKey      = "q"
	throttleKey  = "t"
	revokedKey   = "w"

	userPrefix        = "u/"
	emailPrefix       = "e/"
	costPrefix        = "c/"
	invitationPrefix  = "i/"
	grantPrefix       = "g/"
	holdsPrefix       = "h/"
	expiryPrefix      = "x/"
	cellPrefix        = "z/"
	clientPrefix      = "l/"
	unusedPrefix      = "n/"
	consentPrefix     = "k/"
	passingPrefix     = "s/"
	signedInPrefix    = "b/"
	endingPrefix      = "o/"
	deliveryPrefix    = "d/"
	clientHoldsPrefix = "a/"
	statusListPrefix  = "f/"
	statusBitPrefix   = "v/"
	blockPrefix       = "y/"
	revocationPrefix  = "j/"
	nodePrefix        = "p/"
)

// present is the value of a key that says all there is to say.
var present = []byte("1")

func userKey(id UserID) []byte                 { return append([]byte(userPrefix), id...) }
func emailKey(key string) []byte               { return append([]byte(emailPrefix), key...) }
func invitationKey(hash InvitationHash) []byte { return append([]byte(invitationPrefix), hash[:]...) }
func grantKey(id GrantID) []byte               { return append([]byte(grantPrefix), id[:]...) }
func cellKey(name string) []byte               { return append([]byte(cellPrefix), name...) }

func clientKey(id string) []byte {
	h := HashOf(id)
	return append([]byte(clientPrefix), h[:]...)
}

func unusedKey(h Hash) []byte { return append([]byte(unusedPrefix), h[:]...) }

// clientHoldsOf begins the keys of the grants that the client holds.
func clientHoldsOf(client string) []byte {
	h := HashOf(client)
	return append([]byte(clientHoldsPrefix), h[:]...)
}

func clientHoldsKey(client string, grant GrantID) []byte {
	return append(clientHoldsOf(client), grant[:]...)
}

func statusListKey(id StatusListID) []byte { return append([]byte(statusListPrefix), id[:]...) }

// statusBitsOf begins the keys of the bits that are set in the list.
func statusBitsOf(id StatusListID) []byte { return append([]byte(statusBitPrefix), id[:]...) }

func statusBitKey(id StatusListID, index uint32) []byte {
	return binary.BigEndian.AppendUint32(statusBitsOf(id), index)
}

// blocksOf begins the keys of the blocks of the list.
func blocksOf(id StatusListID) []byte { return append([]byte(blockPrefix), id[:]...) }

func clientBlocksOf(id StatusListID, client string) []byte {
	h := HashOf(client)
	return append(blocksOf(id), h[:]...)
}

func blockKey(id StatusListID, client string, first uint32) []byte {
	return binary.BigEndian.AppendUint32(clientBlocksOf(id, client), first)
}

func revocationKey(id string) []byte { return append([]byte(revocationPrefix), id...) }

func consentKey(user UserID, client string) []byte {
	h := HashOf(client)
	return append(append([]byte(consentPrefix), user...), h[:]...)
}

// The kinds of records that end by themselves.
const (
	codeKind         = 'c'
	requestKind      = 'r'
	deviceKind       = 'd'
	userCodeKind     = 'u'
	sessionKind      = 'b'
	initialTokenKind = 't'
	markKind         = 'm'
	countersKind     = 'n'
)

func passingKey(kind byte, h Hash) []byte {
	return append(append([]byte(passingPrefix), kind), h[:]...)
}

// signedInAs begins the keys of the sessions that have the account: one.
func signedInAs(user UserID, account string) []byte {
	return append(ofUser(signedInPrefix, user), account...)
}

func signedInKey(user UserID, account string, session Hash) []byte {
	return append(signedInAs(user, account), session[:]...)
}

func endingKey(account string) []byte { return append([]byte(endingPrefix), account...) }

// ofUser begins the keys of all that is kept by user. What is no user's id is
// nobody's: cut short, it would be many people's.
func ofUser(prefix string, id UserID) []byte {
	if len(id) != userIDLen {
		id = "\x00"
	}
	return append([]byte(prefix), id...)
}

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
	expiryClient     = 'l'
	expiryPassing    = 's'
	expiryStatusList = 'f'
	expiryRevocation = 'j'
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

// parseExpiryKey undoes expiryKey. ok is false for a key that it did not make. A
// kind that is not known may be of a later release.
func parseExpiryKey(key []byte) (second int64, kind byte, id []byte, ok bool) {
	rest := key[len(expiryPrefix):]
	if len(rest) < 9 {
		return 0, 0, nil, false
	}
	second, kind, id = int64(binary.BigEndian.Uint64(rest)), rest[8], rest[9:]
	want := map[byte]int{expiryGrant: len(GrantID{}), expiryInvitation: len(InvitationHash{}), expiryUser: userIDLen,
		expiryClient: len(Hash{}), expiryPassing: 1 + len(Hash{}), expiryStatusList: len(StatusListID{}), expiryRevocation: userIDLen}
	size, known := want[kind]
	return second, kind, id, second >= 0 && len(id) > 0 && (size == len(id) || !known)
}
