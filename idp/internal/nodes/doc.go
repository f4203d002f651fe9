// Package nodes tells this node of the others on the same store: whether its
// clock is one of theirs, and whether all of them read what it could give out. It
// sets no clock, and it decides nothing about a token: a node whose clock is off
// is only taken out of the traffic, and what an older node cannot read is given
// out in the form of before.
package nodes
