// Package nodes tells this node of the others on the same store, and whether its
// clock is one of theirs. It sets no clock, and nothing that is decided about a
// token asks it: a node that is off is only taken out of the traffic.
package nodes
