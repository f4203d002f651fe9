package ledger

import "fmt"

// Once keeps what is known of a thing that works once: a pushed request, a
// device code, a client assertion, a proof. The zero Once was never used.
type Once struct {
	perhaps bool // a use had no answer
	surely  bool // a use was acknowledged, or refused as a second one
}

// Use enters a use with its reply, which is Yes, Invalid or Silence. The error
// says that the reply cannot be.
func (o *Once) Use(reply Reply) error {
	switch {
	case reply == Silence:
		o.perhaps = true
		return nil
	case reply == Yes && o.surely:
		return fmt.Errorf("it worked a second time")
	case reply == Invalid && !o.surely && !o.perhaps:
		return fmt.Errorf("it did not work the first time")
	case reply != Yes && reply != Invalid:
		return fmt.Errorf("the reply was %q", reply)
	}
	o.surely = true
	return nil
}

// Spent tells whether it surely works no more.
func (o *Once) Spent() bool { return o.surely }
