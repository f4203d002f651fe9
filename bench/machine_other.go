//go:build !linux

package main

import (
	"fmt"
	"runtime"
	"time"
)

func cpuOf(int) time.Duration { return 0 }

func memoryOf(int) Memory { return Memory{} }

func writtenBy(int) int64 { return 0 }

func describe(string) string {
	return fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}
