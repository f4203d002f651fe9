package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const tick = 10 * time.Millisecond // of utime and stime; see proc(5)

// cpuOf is the processor time that a process has used; 0 is this one. It is 0
// where it cannot be found out.
func cpuOf(pid int) time.Duration {
	if pid == 0 {
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			return 0
		}
		return time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name, in brackets, may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * tick
}

// memoryOf is what a process has of the machine's memory.
func memoryOf(pid int) (m Memory) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m
	}
	for line := range bytes.Lines(status) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		var kilobytes int64
		if n, _ := fmt.Sscanf(string(value), "%d kB", &kilobytes); n != 1 {
			continue
		}
		switch string(name) {
		case "VmRSS":
			m.Resident = kilobytes << 10
		case "RssAnon":
			m.Anonymous = kilobytes << 10
		}
	}
	return m
}

const tmpfs = 0x01021994

// describe says on what the numbers were found.
func describe(dir string) string {
	text := fmt.Sprintf("%s, %d processors, %s", runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		text += ", load before the run " + string(bytes.Fields(load)[0])
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) == nil && int64(fs.Type) == tmpfs {
		text += "\nThe stores are in memory: a durable write costs nothing there. Name a folder on a disk with -dir."
	}
	return text
}

// writtenBy is how many bytes a process had the disk write, or 0 where nobody
// knows; see proc(5).
func writtenBy(pid int) (bytes int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if n, _ := fmt.Sscanf(line, "write_bytes: %d", &bytes); n == 1 {
			return bytes
		}
	}
	return 0
}
