// Package disk plays what a process did to the files of one folder, as strace
// saw it, and says what a power cut at any point may have left of them.
//
// What it assumes of a disk: after fsync or fdatasync returned, the bytes and
// the length that the file had when the call began stay. Of what came later
// anything may be there, in any order, cut anywhere between sectors of 512
// bytes; a sector is old or new as a whole. Of changes to names (create, link,
// rename, remove) that no fsync of the folder has covered, the first few are
// there, in their order, as journals keep it. A kill alone loses nothing and is
// not what this is about.
//
// It refuses a trace with a call that writes and that it does not know.
package disk
