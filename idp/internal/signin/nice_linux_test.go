package signin

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestOnlyTheThreadsOfTheRoomStandBack(t *testing.T) {
	// The call returns 20 minus the nice value: getpriority(2).
	nice := func() int {
		p, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
		if err != nil {
			t.Fatal(err)
		}
		return 20 - p
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own := nice()
	r := newRoom(1, time.Second, time.Now)
	var inside int
	if err := r.do(t.Context(), tag{}, func() { inside = nice() }); err != nil {
		t.Fatal(err)
	}
	if inside < 10 || inside < own || nice() != own {
		t.Errorf("nice is %d inside, %d outside, and was %d", inside, nice(), own)
	}
}
