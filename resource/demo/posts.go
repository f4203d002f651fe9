package main

import (
	"container/list"
	"sync"
	"time"
)

// The bounds of what the demo keeps.
const (
	maxAuthors = 1000
	maxPosts   = 100  // of an author; the oldest goes
	maxText    = 2000 // bytes of a post
)

// post is something that somebody wrote.
type post struct {
	ID   int       `json:"id"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// board keeps the posts of a bounded number of authors: when there are more,
// the one who has not written for longest is forgotten.
type board struct {
	mu      sync.Mutex
	last    int                      // id given
	authors map[string]*list.Element // of recent
	recent  *list.List               // of *author, who wrote last in front
}

type author struct {
	name  string
	posts []post
}

func newBoard() *board {
	return &board{authors: make(map[string]*list.Element), recent: list.New()}
}

// of returns the posts of an author, the oldest first; never nil.
func (b *board) of(name string) []post {
	b.mu.Lock()
	defer b.mu.Unlock()
	posts := []post{}
	if e := b.authors[name]; e != nil {
		posts = append(posts, e.Value.(*author).posts...)
	}
	return posts
}

func (b *board) add(name, text string, at time.Time) post {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	p := post{ID: b.last, Text: text, At: at.UTC()}
	e := b.authors[name]
	if e == nil {
		if b.recent.Len() == maxAuthors {
			oldest := b.recent.Remove(b.recent.Back()).(*author)
			delete(b.authors, oldest.name)
		}
		e = b.recent.PushFront(&author{name: name})
		b.authors[name] = e
	}
	b.recent.MoveToFront(e)
	a := e.Value.(*author)
	if a.posts = append(a.posts, p); len(a.posts) > maxPosts {
		a.posts = append([]post(nil), a.posts[1:]...)
	}
	return p
}

// counts is for the admin's view.
func (b *board) counts() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := make(map[string]int, len(b.authors))
	for name, e := range b.authors {
		n[name] = len(e.Value.(*author).posts)
	}
	return n
}
