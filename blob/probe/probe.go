// Package probe finds out whether a store keeps the conditions that Cohort's
// safety rests on. Some servers ignore If-None-Match or If-Match, or let several
// writers win a race; on such a store two coordinators would overwrite each
// other's commits without noticing.
package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// ErrUnfit says that the store does not keep the contract of blob.Bucket.
var ErrUnfit = errors.New("Cohort cannot run on this store") //nolint:staticcheck // it begins with a name

// Check is one trial and what came of it.
type Check struct {
	Name   string `json:"name"`
	Expect string `json:"expect"`
	Found  string `json:"found"`
	OK     bool   `json:"ok"`
}

const (
	racers   = 16 // writers in each race
	creates  = 4  // races to create
	replaces = 2  // races to replace, which cost a store more
)

// Run tries b under keys of its own that begin with probe-<nonce>; nonce is a
// key segment that no other probe uses. It returns the checks in the order they
// were made, up to the first that failed. The error is ErrUnfit and names what
// the store ignored, or says that the store could not be asked. Nothing is left
// behind unless the store fails meanwhile or ctx ends.
func Run(ctx context.Context, b blob.Bucket, nonce string) (checks []Check, err error) {
	p := &prober{bucket: b, root: "probe-" + nonce}
	defer func() {
		if errors.Is(err, blob.ErrUnavailable) {
			return // Whoever waited for the store in vain has waited enough.
		}
		// Cleaning up is worth a moment even when ctx is what ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if failed := p.clean(ctx); failed != nil && err == nil {
			err = failed
		}
	}()
	for _, try := range []func(context.Context) (Check, error){p.createTwice, p.replaceStale, p.raceToCreate, p.raceToReplace, p.readWhileReplaced, p.listAfterPut, p.deleted} {
		check, err := try(ctx)
		if err != nil {
			return checks, fmt.Errorf("probe the store: %s: %w", check.Name, err)
		}
		checks = append(checks, check)
		if !check.OK {
			return checks, fmt.Errorf("%w: %s: expected that %s, but %s", ErrUnfit, check.Name, check.Expect, check.Found)
		}
	}
	return checks, nil
}

type prober struct {
	bucket blob.Bucket
	root   string
	used   []string // every key that may be there
}

func (p *prober) key(name string) string {
	key := p.root + "-" + name
	if !slices.Contains(p.used, key) {
		p.used = append(p.used, key)
	}
	return key
}

func (p *prober) clean(ctx context.Context) error {
	for _, key := range p.used {
		if err := p.bucket.Delete(ctx, key); err != nil {
			return fmt.Errorf("probe the store: remove what it left: %w", err)
		}
	}
	return nil
}

// told turns the outcome of a Put whose condition does not hold into a check.
func told(check Check, err, want error) (Check, error) {
	switch {
	case errors.Is(err, want):
		check.OK, check.Found = true, "it was refused"
		return check, nil
	case err == nil:
		check.Found = "the store ignored the condition and let it through"
		return check, nil
	default:
		return check, err
	}
}

func (p *prober) createTwice(ctx context.Context) (Check, error) {
	check := Check{Name: "create twice (If-None-Match)", Expect: "the second create of a key is refused"}
	key := p.key("create")
	if _, err := p.bucket.Put(ctx, key, []byte("first"), blob.IfAbsent()); err != nil {
		return check, err
	}
	_, err := p.bucket.Put(ctx, key, []byte("second"), blob.IfAbsent())
	check, err = told(check, err, blob.ErrExists)
	if err != nil || !check.OK {
		return check, err
	}
	return p.holds(ctx, check, key, "first")
}

func (p *prober) replaceStale(ctx context.Context) (Check, error) {
	check := Check{Name: "stale replace (If-Match)", Expect: "a replace of a version that is gone is refused"}
	key := p.key("replace")
	one, err := p.bucket.Put(ctx, key, []byte("one"), blob.IfAbsent())
	if err != nil {
		return check, err
	}
	if _, err := p.bucket.Put(ctx, key, []byte("two"), blob.IfMatch(one)); err != nil {
		if errors.Is(err, blob.ErrStale) {
			check.Found = "a replace of the current version was refused"
			return check, nil
		}
		return check, err
	}
	_, err = p.bucket.Put(ctx, key, []byte("three"), blob.IfMatch(one))
	check, err = told(check, err, blob.ErrStale)
	if err != nil || !check.OK {
		return check, err
	}
	return p.holds(ctx, check, key, "two")
}

// holds completes a check that passed so far: the content must be want.
func (p *prober) holds(ctx context.Context, check Check, key, want string) (Check, error) {
	object, err := p.bucket.Get(ctx, key)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return check, err
	}
	if string(object.Body) != want {
		check.OK, check.Found = false, fmt.Sprintf("the object holds %q where %q was stored", object.Body, want)
	}
	return check, nil
}

func (p *prober) raceToCreate(ctx context.Context) (Check, error) {
	return p.race(ctx, "create (If-None-Match)", creates, func(string) (blob.Condition, error) { return blob.IfAbsent(), nil }, blob.ErrExists)
}

func (p *prober) raceToReplace(ctx context.Context) (Check, error) {
	return p.race(ctx, "replace (If-Match)", replaces, func(key string) (blob.Condition, error) {
		version, err := p.put(ctx, key, "at first", blob.IfAbsent())
		return blob.IfMatch(version), err
	}, blob.ErrStale)
}

// race lets writers race under the condition that begin returns for each key.
// Whoever loses is told lost.
func (p *prober) race(ctx context.Context, to string, rounds int, begin func(key string) (blob.Condition, error), lost error) (Check, error) {
	check := Check{Name: "race to " + to, Expect: fmt.Sprintf("of %d writers at once exactly one wins", racers)}
	for round := range rounds {
		key := p.key(fmt.Sprintf("race-%s-%d", to[:strings.IndexByte(to, ' ')], round))
		cond, err := begin(key)
		if err != nil {
			return check, err
		}
		errs := p.start(ctx, key, cond)
		winners := 0
		for _, err := range errs {
			if err != nil && !errors.Is(err, lost) {
				return check, err
			}
			if err == nil {
				winners++
			}
		}
		if winners != 1 {
			check.Found = fmt.Sprintf("%d of them were told that they won", winners)
			return check, nil
		}
		lasting := Check{Name: check.Name, Expect: check.Expect, OK: true}
		winner := fmt.Sprintf("writer %d", slices.Index(errs, nil))
		if lasting, err := p.holds(ctx, lasting, key, winner); err != nil || !lasting.OK {
			return lasting, err
		}
	}
	check.OK, check.Found = true, fmt.Sprintf("one won, in each of %d races", rounds)
	return check, nil
}

// start lets the writers go at once and returns what each was told.
func (p *prober) start(ctx context.Context, key string, cond blob.Condition) []error {
	errs, begin := make([]error, racers), make(chan struct{})
	var done sync.WaitGroup
	for i := range racers {
		done.Go(func() {
			<-begin
			_, errs[i] = p.put(ctx, key, fmt.Sprintf("writer %d", i), cond)
		})
	}
	close(begin)
	done.Wait()
	return errs
}

// put puts through conflicts: that another write is under way says nothing
// about who wins.
func (p *prober) put(ctx context.Context, key, body string, cond blob.Condition) (version blob.Version, err error) {
	const attempts = 20
	for range attempts {
		if version, err = p.bucket.Put(ctx, key, []byte(body), cond); !errors.Is(err, blob.ErrConflict) {
			break
		}
	}
	return version, err
}

func (p *prober) listAfterPut(ctx context.Context) (Check, error) {
	check := Check{Name: "list after put", Expect: "a listing shows at once, in order, what was put"}
	var want []string
	for _, name := range []string{"list-a", "list-a.b", "list-b"} {
		want = append(want, p.key(name))
	}
	for _, i := range []int{2, 0, 1} {
		if _, err := p.bucket.Put(ctx, want[i], []byte("x"), blob.IfAbsent()); err != nil {
			return check, err
		}
	}
	return p.lists(ctx, check, want)
}

func (p *prober) deleted(ctx context.Context) (Check, error) {
	check := Check{Name: "list after delete", Expect: "a listing no longer shows what was deleted"}
	if err := p.bucket.Delete(ctx, p.key("list-a.b")); err != nil {
		return check, err
	}
	return p.lists(ctx, check, []string{p.key("list-a"), p.key("list-b")})
}

func (p *prober) lists(ctx context.Context, check Check, want []string) (Check, error) {
	var got, shown []string
	for info, err := range p.bucket.List(ctx, p.root+"-list-", "") {
		if err != nil {
			return check, err
		}
		got = append(got, info.Key)
		shown = append(shown, strings.TrimPrefix(info.Key, p.root+"-"))
	}
	check.OK, check.Found = slices.Equal(got, want), "it shows "+strings.Join(shown, ", ")
	return check, nil
}
