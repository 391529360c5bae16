package fs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/blob"
)

// List implements blob.Bucket. It reads the directories that can hold what is
// asked for, one at a time, and skips files that are not objects.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		w := walk{ctx: ctx, prefix: prefix, after: after, yield: yield}
		folder, dir := "", b.root
		err := cmp.Or(blob.CheckPrefix(prefix), blob.CheckPrefix(after))
		if slash := strings.LastIndexByte(prefix, '/'); err == nil && slash >= 0 {
			folder = prefix[:slash+1]
			dir, err = b.path(prefix[:slash])
		}
		if err == nil {
			_, err = os.Stat(b.temporary())
			err = kindOf(err)
		}
		if err == nil {
			err = w.folder(folder, dir)
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(blob.Info{}, fmt.Errorf("list %q: %w", prefix, err))
		}
	}
}

var errStop = errors.New("the consumer has enough")

// walk is one listing under way.
type walk struct {
	ctx           context.Context
	prefix, after string
	yield         func(blob.Info, error) bool
}

type child struct {
	key   string // a folder's ends in a slash: so its keys sort among its siblings
	entry os.DirEntry
}

// folder yields the objects under the key folder, whose files are in dir.
func (w *walk) folder(folder, dir string) error {
	entries, err := os.ReadDir(dir)
	if absent(err) {
		return nil
	}
	if err != nil {
		return kindOf(err)
	}
	for _, c := range w.children(folder, entries) {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if c.entry.IsDir() {
			err = w.folder(c.key, filepath.Join(dir, c.entry.Name()))
		} else {
			err = w.object(c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// children returns what of entries can hold keys asked for, in order.
func (w *walk) children(folder string, entries []os.DirEntry) []child {
	var found []child
	for _, entry := range entries {
		segment, ok := unescape(entry.Name())
		if !ok {
			continue
		}
		key := folder + segment
		if entry.IsDir() {
			key += "/"
			if w.holds(key) {
				found = append(found, child{key, entry})
			}
			continue
		}
		if entry.Type().IsRegular() && strings.HasPrefix(key, w.prefix) && key > w.after {
			found = append(found, child{key, entry})
		}
	}
	slices.SortFunc(found, func(x, y child) int { return strings.Compare(x.key, y.key) })
	return found
}

// holds reports whether a folder may hold keys asked for.
func (w *walk) holds(folder string) bool {
	if !strings.HasPrefix(folder, w.prefix) && !strings.HasPrefix(w.prefix, folder) {
		return false
	}
	return folder > w.after || strings.HasPrefix(w.after, folder)
}

func (w *walk) object(c child) error {
	info, err := c.entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return kindOf(err)
	}
	if !w.yield(blob.Info{Key: c.key, Size: info.Size()}, nil) {
		return errStop
	}
	return nil
}
