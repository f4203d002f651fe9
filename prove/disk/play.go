package disk

import (
	"fmt"
	"strconv"
	"strings"
)

// Player plays a trace onto a disk, event by event.
type Player struct {
	*Disk
	folder  string
	offsets map[string]int64    // by descriptor: where the next plain write goes
	running map[int]*openChange // writes under way, by thread
}

type openChange struct {
	file   *file
	change *change
}

// NewPlayer begins with an empty folder.
func NewPlayer(folder string) *Player {
	return &Player{Disk: New(), folder: folder, offsets: map[string]int64{}, running: map[int]*openChange{}}
}

// Play applies one event.
func (p *Player) Play(e Event) error {
	if err := p.play(e); err != nil {
		return fmt.Errorf("disk: %s: %w", e.name, err)
	}
	return nil
}

func (p *Player) play(e Event) error {
	paths, err := e.paths()
	if err != nil {
		return err
	}
	names := make([]string, len(paths))
	for i, full := range paths {
		if names[i], err = p.name(full); err != nil {
			return err
		}
	}
	switch e.name {
	case "write", "pwrite64", "ftruncate":
		return p.write(e, names[0])
	case "fsync", "fdatasync":
		if e.begin {
			if err := p.beginSync(e.thread, names[0]); err != nil {
				return err
			}
		}
		if e.end {
			p.endSync(e.thread, e.result == 0)
		}
		return nil
	}
	if !e.end || e.result < 0 {
		return nil
	}
	return p.naming(e, names)
}

// naming plays the calls that change names.
func (p *Player) naming(e Event, names []string) error {
	switch e.name {
	case "openat", "open":
		return p.open(e, names[0])
	case "linkat", "link":
		f, err := p.file(names[0])
		if err == nil {
			p.rename(naming{names[1]: f})
		}
		return err
	case "renameat", "renameat2", "rename":
		f, err := p.file(names[0])
		switch {
		case err == nil:
			p.rename(naming{names[0]: nil, names[1]: f})
		case p.names[names[1]] == nil:
			return nil // a socket or a folder: nothing of it outlives the power
		}
		return err
	case "unlinkat", "unlink":
		if p.names[names[0]] != nil {
			p.rename(naming{names[0]: nil})
		}
		return nil
	}
	return fmt.Errorf("this call is not known here")
}

// name is a path as seen from the folder; "" is the folder itself.
func (p *Player) name(full string) (string, error) {
	if full == p.folder {
		return "", nil
	}
	name, found := strings.CutPrefix(full, p.folder+"/")
	if !found {
		return "", fmt.Errorf("%s is not in %s", full, p.folder)
	}
	return name, nil
}

func (p *Player) open(e Event, name string) error {
	if name == "" {
		return nil
	}
	flags := e.args[len(e.args)-1]
	for _, arg := range e.args {
		if strings.HasPrefix(arg, "O_") {
			flags = arg
		}
	}
	p.offsets[strconv.FormatInt(e.result, 10)] = 0
	var f *file
	if strings.Contains(flags, "O_CREAT") {
		f = p.create(name)
	} else if f = p.names[name]; f == nil {
		return nil // a socket, a folder
	}
	if strings.Contains(flags, "O_APPEND") {
		return fmt.Errorf("O_APPEND is not known here")
	}
	if strings.Contains(flags, "O_TRUNC") {
		f.add(&change{truncate: true, finished: true})
	}
	return nil
}

// write plays a write from its beginning on, since a part of it may be there
// before it returns.
func (p *Player) write(e Event, name string) error {
	if e.begin {
		f, err := p.file(name)
		if err != nil {
			return err
		}
		c, err := p.changeOf(e)
		if err != nil {
			return err
		}
		f.add(c)
		p.running[e.thread] = &openChange{f, c}
	}
	if !e.end {
		return nil
	}
	run := p.running[e.thread]
	delete(p.running, e.thread)
	if run == nil {
		return fmt.Errorf("an end without a beginning")
	}
	if e.result < 0 {
		return nil // it stays unfinished: a part of it may be there
	}
	run.change.finished = true
	if e.name != "ftruncate" {
		run.change.data = run.change.data[:e.result]
	}
	if e.name == "write" {
		p.offsets[descriptor(e)] += e.result
	}
	return nil
}

func (p *Player) changeOf(e Event) (*change, error) {
	last := e.args[len(e.args)-1]
	if e.name == "ftruncate" {
		length, err := strconv.ParseInt(last, 10, 64)
		return &change{truncate: true, offset: length}, err
	}
	data, err := text(e.args[1])
	if err != nil {
		return nil, err
	}
	offset := p.offsets[descriptor(e)]
	if e.name == "pwrite64" {
		offset, err = strconv.ParseInt(last, 10, 64)
	}
	return &change{offset: offset, data: data}, err
}

func descriptor(e Event) string {
	number, _, _ := strings.Cut(e.args[0], "<")
	return number
}
