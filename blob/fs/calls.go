package fs

import (
	"errors"
	"os"
)

// op is a system call that changes the file system.
type op string

const (
	opMkdir   op = "mkdir"
	opCreate  op = "create" // an empty file
	opWrite   op = "write"  // at the end of the file
	opSync    op = "sync"   // the content of a file
	opLink    op = "link"   // name, also as to
	opRename  op = "rename" // name to to
	opRemove  op = "remove" // a name
	opSyncDir op = "syncdir"
)

// call is one such call. The lock file, which holds nothing, has none.
type call struct {
	op   op
	name string
	to   string
	body []byte // of a write
}

// calls makes every system call of a store that changes the file system, in the
// one place where a test can record them, or let a process die between two.
type calls struct {
	around func(c *call, do func() error) error // nil but in tests
}

func (s calls) make(c *call, do func() error) error {
	if s.around == nil {
		return do()
	}
	return s.around(c, do)
}

func (s calls) mkdir(dir string) error {
	return s.make(&call{op: opMkdir, name: dir}, func() error { return os.Mkdir(dir, dirMode) })
}

// create makes an empty file in dir, under a name that nobody else has.
func (s calls) create(dir string) (f *os.File, err error) {
	c := &call{op: opCreate}
	err = s.make(c, func() error {
		if f, err = os.CreateTemp(dir, "put-"); err == nil {
			c.name = f.Name()
		}
		return err
	})
	return f, err
}

func (s calls) write(f *os.File, body []byte) (n int, err error) {
	err = s.make(&call{op: opWrite, name: f.Name(), body: body}, func() error {
		n, err = f.Write(body)
		return err
	})
	return n, err
}

func (s calls) sync(f *os.File) error {
	return s.make(&call{op: opSync, name: f.Name()}, f.Sync)
}

func (s calls) link(from, to string) error {
	return s.make(&call{op: opLink, name: from, to: to}, func() error { return os.Link(from, to) })
}

func (s calls) rename(from, to string) error {
	return s.make(&call{op: opRename, name: from, to: to}, func() error { return os.Rename(from, to) })
}

func (s calls) remove(name string) error {
	return s.make(&call{op: opRemove, name: name}, func() error { return os.Remove(name) })
}

// syncDir makes the names in dir durable.
func (s calls) syncDir(dir string) error {
	return s.make(&call{op: opSyncDir, name: dir}, func() error {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
