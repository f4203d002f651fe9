// Package netns gives processes hosts of their own on one machine: network
// namespaces on a bridge, as Linux has them. What is cut there is cut as a cable
// is: nobody is told, no connection ends, and packets are gone.
//
// It is for tests of the engines that are run by hand, needs root and ip
// (iproute2), and removes what it made when the test ends. It knows nothing of
// what runs there.
package netns
