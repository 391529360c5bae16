package fs_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/blob/fs"
)

// disk is what a machine's disk may hold while calls are made on it, were the
// power lost. POSIX promises little: the content of a file is there once it was
// synced, and a name in a directory once the directory was. Until then each
// change of a directory is there or not, whatever happened to the others, and
// what was written is there, in part, as zeros, or not.
type disk struct {
	files   []*file
	folders map[string]*folder // by path
	live    map[string]int     // path to file, as processes see it
}

type file struct{ data, synced string }

type folder struct {
	synced  map[string]entry
	changes []change // since it was synced, in order
}

// entry is what a name is: a file by its number, or a folder.
type entry struct {
	file   int
	folder bool
}

type change struct {
	name    string
	entry   entry
	removed bool
}

// newDisk is a disk that holds one folder.
func newDisk(root string) *disk {
	return &disk{folders: map[string]*folder{root: {synced: map[string]entry{}}}, live: map[string]int{}}
}

// change notes that a call was made.
func (d *disk) change(c fs.Call) {
	switch c.Op {
	case "mkdir":
		d.folders[c.Name] = &folder{synced: map[string]entry{}}
		d.enter(c.Name, change{entry: entry{folder: true}})
	case "create":
		d.files = append(d.files, &file{})
		d.live[c.Name] = len(d.files) - 1
		d.enter(c.Name, change{entry: entry{file: d.live[c.Name]}})
	case "write":
		d.files[d.live[c.Name]].data += string(c.Body)
	case "sync":
		d.files[d.live[c.Name]].synced = d.files[d.live[c.Name]].data
	case "link", "rename":
		d.live[c.To] = d.live[c.Name]
		d.enter(c.To, change{entry: entry{file: d.live[c.Name]}})
		if c.Op == "rename" {
			d.remove(c.Name)
		}
	case "remove":
		d.remove(c.Name)
	case "syncdir":
		if f := d.folders[c.Name]; f != nil {
			f.synced = f.after(1<<len(f.changes) - 1)
			f.changes = nil
		}
	default:
		panic("unknown call " + c.Op)
	}
}

func (d *disk) enter(path string, c change) {
	c.name = filepath.Base(path)
	f := d.folders[filepath.Dir(path)]
	f.changes = append(f.changes, c)
}

func (d *disk) remove(path string) {
	delete(d.live, path)
	d.enter(path, change{removed: true})
}

// after gives the names in the folder once those changes of the set happened.
func (f *folder) after(set int) map[string]entry {
	names := maps.Clone(f.synced)
	for i, c := range f.changes {
		switch {
		case set&(1<<i) == 0:
		case c.removed:
			delete(names, c.name)
		default:
			names[c.name] = c.entry
		}
	}
	return names
}

// A wreck is what is found on a disk after the power was lost: the content of
// each file, and folders, whose paths end in a slash.
type wreck map[string]string

// key tells wrecks apart, but not by the names of temporary files, which are
// drawn.
func (w wreck) key() string {
	var all []string
	for path, content := range w {
		if folder, name := filepath.Split(path); strings.HasSuffix(folder, "/tmp/") && name != "" {
			path = folder + "*"
		}
		all = append(all, fmt.Sprintf("%q=%q", path, content))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// wrecks gives everything that may be found under root now. Of the folder of
// temporary files, which is never synced, only the extremes are tried: nothing
// there, everything that ever was, and what is.
func (d *disk) wrecks(root, temporary string, yield func(wreck)) {
	choices := []map[string]map[string]entry{{}} // folder to its names
	for _, path := range slices.Sorted(maps.Keys(d.folders)) {
		f := d.folders[path]
		var options []map[string]entry
		if path == temporary {
			options = f.extremes()
		} else {
			for set := range 1 << len(f.changes) {
				options = append(options, f.after(set))
			}
		}
		var more []map[string]map[string]entry
		for _, c := range choices {
			for _, o := range options {
				next := maps.Clone(c)
				next[path] = o
				more = append(more, next)
			}
		}
		choices = more
	}
	for _, folders := range choices {
		for _, contents := range d.contents() {
			w := wreck{}
			collect(w, folders, contents, root, root)
			yield(w)
		}
	}
}

func (f *folder) extremes() []map[string]entry {
	ever := map[string]entry{}
	for _, c := range f.changes {
		if !c.removed {
			ever[c.name] = c.entry
		}
	}
	return []map[string]entry{{}, ever, f.after(1<<len(f.changes) - 1)}
}

// contents gives what the files may hold, by number. Of what was written and not
// synced, at most one file at a time is in doubt with processes that take turns.
func (d *disk) contents() [][]string {
	all := [][]string{nil}
	for _, f := range d.files {
		options := []string{f.data}
		if f.data != f.synced {
			options = append(options, f.synced, f.data[:len(f.data)/2], strings.Repeat("\x00", len(f.data)))
		}
		var more [][]string
		for _, contents := range all {
			for _, o := range options {
				more = append(more, append(slices.Clip(contents), o))
			}
		}
		all = more
	}
	return all
}

// collect puts what is reachable from path into w, relative to root.
func collect(w wreck, folders map[string]map[string]entry, contents []string, root, path string) {
	for name, e := range folders[path] {
		relative := strings.TrimPrefix(filepath.Join(path, name), root+"/")
		if !e.folder {
			w[relative] = contents[e.file]
			continue
		}
		w[relative+"/"] = ""
		collect(w, folders, contents, root, filepath.Join(path, name))
	}
}
