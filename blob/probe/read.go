package probe

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cohort-rl/cohort/blob"
)

const (
	replacements = 12
	readers      = 3
	mostReads    = 32 // of each
)

// readWhileReplaced looks for reads that give one content with the version of
// another: a replace of that version would overwrite what nobody has read.
func (p *prober) readWhileReplaced(ctx context.Context) (Check, error) {
	check := Check{Name: "read while replaced (ETag)", Expect: "each content comes with its own version"}
	key := p.key("read")
	content := func(i int) string { return fmt.Sprintf("content %d", i) }
	version, err := p.put(ctx, key, content(0), blob.IfAbsent())
	if err != nil {
		return check, err
	}
	contents := map[blob.Version]string{version: content(0)}
	seen, wait := p.readers(ctx, key)
	for i := 1; i <= replacements && err == nil; i++ {
		if version, err = p.put(ctx, key, content(i), blob.Always()); err == nil {
			contents[version] = content(i)
		}
	}
	failed := wait()
	if err := errors.Join(err, failed); err != nil {
		return check, err
	}
	for _, object := range *seen {
		if want := contents[object.Version]; want != string(object.Body) {
			check.Found = fmt.Sprintf("%q came with the version of %q", object.Body, want)
			return check, nil
		}
	}
	check.OK, check.Found = true, fmt.Sprintf("so it was, in %d reads", len(*seen))
	return check, nil
}

// readers read key again and again until wait is called, which says what went
// wrong; seen is then what they read.
func (p *prober) readers(ctx context.Context, key string) (seen *[]blob.Object, wait func() error) {
	ctx, stop := context.WithCancel(ctx)
	var mu sync.Mutex // guards the following
	var all []blob.Object
	var failed error
	var done sync.WaitGroup
	for range readers {
		done.Go(func() {
			for range mostReads {
				object, err := p.bucket.Get(ctx, key)
				mu.Lock()
				if err == nil {
					all = append(all, object)
				} else if ctx.Err() == nil {
					failed = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	return &all, func() error {
		stop()
		done.Wait()
		return failed
	}
}
